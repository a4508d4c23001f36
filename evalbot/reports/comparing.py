"""Two runs side by side: which targets and items they share, and what may be said about the difference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from evalbot.grading.calibration import JudgeStanding, Standing
from evalbot.reporting.comparisons import SameItems, Side, compare_sides, same_items
from evalbot.reporting.corrections import People, corrected_rows
from evalbot.reporting.degenerate import find_degenerate
from evalbot.reporting.estimates import FEWEST, JUDGE_ALONE, Change, Degenerate, Estimate
from evalbot.reporting.scores import OutputScore, item_values, passing, score_rows
from evalbot.reporting.unpaired import Apart, compare_apart
from evalbot.reports.contents import StoredRun
from evalbot.reports.json import change_data, degenerate_data, estimate_data, standing_data
from evalbot.runs.runs import Run
from evalbot.suites.graders import PASS_CRITERION
from evalbot.suites.items import ItemId, Split
from evalbot.suites.suites import Suite
from evalbot.suites.targets import Target


class Pairing(StrEnum):
    """How the items of two runs were put against each other."""

    PAIRED = "paired"
    UNPAIRED = "not paired: different items"
    NONE = "too few items to compare"


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many items two targets were both scored on, or only one of them; `regraded` of the shared ones by other graders.

    An item is shared when its id, what was asked and the reference are the same.
    """

    shared: tuple[ItemId, ...]
    only_before: int
    only_after: int
    regraded: int


@dataclass(frozen=True, slots=True)
class TargetComparison:
    """A target of the later run against one of the earlier run, on the items that are compared.

    `before` and `after` are labels. `fell` and `rose` are the shared items with a lower and a higher score than before, the
    largest difference first; they are empty where nothing is paired.
    """

    before: str
    after: str
    pairing: Pairing
    overlap: Overlap
    scores_before: Mapping[str, Estimate]
    scores_after: Mapping[str, Estimate]
    changes: tuple[Change, ...]
    fell: tuple[ItemId, ...] = ()
    rose: tuple[ItemId, ...] = ()


@dataclass(frozen=True, slots=True)
class RunComparison:
    """A run against another one; targets that have no counterpart are named apart. `open_items` may be named to anybody.

    `standing` is that of the later run's judge, None where nobody looked. `degenerate` are targets of either run that gave
    one answer to everything and are therefore not compared.
    """

    before: Run
    after: Run
    targets: tuple[TargetComparison, ...]
    unmatched_before: tuple[str, ...]
    unmatched_after: tuple[str, ...]
    open_items: frozenset[ItemId]
    standing: JudgeStanding | None = None
    degenerate: tuple[Degenerate, ...] = ()

    def doubts(self, number: Estimate | Change) -> bool:
        """Tell whether a number stands on a judge that is unverified."""
        unverified = self.standing is not None and self.standing.standing is Standing.UNVERIFIED
        return unverified and number.how in JUDGE_ALONE


def compare_runs(before: StoredRun, after: StoredRun) -> RunComparison:
    """Compare two runs target by target: the same system, else the same label, else the only one of each."""
    pairs = match_targets(before.run.targets, after.run.targets)
    matched_before, matched_after = {old for old, _ in pairs}, {new for _, new in pairs}
    same = same_items(before.suite, after.suite)
    hidden = {output.unit.item_id for one in (before, after) for output in one.outputs if output.id in one.in_review}
    return RunComparison(
        before.run,
        after.run,
        tuple(_compare_target(before, after, old, new, same) for old, new in pairs),
        tuple(one.label for one in before.run.targets if one.label not in matched_before),
        tuple(one.label for one in after.run.targets if one.label not in matched_after),
        frozenset(one.id for one in after.suite.items if one.split is not Split.HOLDOUT and one.id not in hidden),
        after.standing,
        _degenerate(before, after),
    )


def _degenerate(before: StoredRun, after: StoredRun) -> tuple[Degenerate, ...]:
    """Name the targets of either run that gave one answer to everything."""
    return tuple(
        {one.target: one for run in (before, after) for one in find_degenerate(run.outputs, run.suite)}.values()
    )


def match_targets(before: Sequence[Target], after: Sequence[Target]) -> list[tuple[str, str]]:
    """Give the labels of the targets that are put against each other, in the order of the later run."""
    left = list(before)
    found: dict[str, str] = {}
    for same in (_identity, _label):
        for target in after:
            match = next((one for one in left if target.label not in found and same(one) == same(target)), None)
            if match is not None:
                found[target.label] = match.label
                left.remove(match)
    alone = [target.label for target in after if target.label not in found]
    if len(left) == 1 and len(alone) == 1:
        found[alone[0]] = left[0].label
    return [(found[target.label], target.label) for target in after if target.label in found]


def _identity(target: Target) -> str:
    """Give what makes two targets the same system."""
    return target.identity


def _label(target: Target) -> str:
    """Give what people call a target."""
    return target.label


def _compare_target(
    before: StoredRun,
    after: StoredRun,
    old_label: str,
    new_label: str,
    same: SameItems,
) -> TargetComparison:
    """Compare one target: on the items both were scored on, or, with too few of those, on all that each was scored on."""
    old, new = _scored(before, old_label), _scored(after, new_label)
    old_ids, new_ids = {score.item_id for score in old}, {score.item_id for score in new}
    shared = old_ids & new_ids & same.ids
    overlap = Overlap(tuple(sorted(shared)), len(old_ids - shared), len(new_ids - shared), len(shared & same.regraded))
    against = f"run {before.run.number}" if old_label == new_label else f"run {before.run.number} ({old_label})"
    if len(shared) >= FEWEST:
        old, new = [s for s in old if s.item_id in shared], [s for s in new if s.item_id in shared]
        sides = Side(old, before.people), Side(new, after.people)
        changes = compare_sides(*sides, _skills(after.suite), new_label, against)
        fell, rose = _moved(old, new)
        scores = _estimates(old, after.suite, before.people), _estimates(new, after.suite, after.people)
        return TargetComparison(old_label, new_label, Pairing.PAIRED, overlap, *scores, tuple(changes), fell, rose)
    scores = _estimates(old, before.suite, before.people), _estimates(new, after.suite, after.people)
    apart = Apart(old, _skills(before.suite), before.people), Apart(new, _skills(after.suite), after.people)
    changes = compare_apart(*apart, new_label, against)
    pairing = Pairing.UNPAIRED if changes else Pairing.NONE
    return TargetComparison(old_label, new_label, pairing, overlap, *scores, tuple(changes))


def _scored(stored: StoredRun, label: str) -> list[OutputScore]:
    """Give the complete scores of a target; none of one that answers the same whatever is asked."""
    if any(one.target == label for one in find_degenerate(stored.outputs, stored.suite)):
        return []
    return [score for score in stored.scores if score.target == label and score.complete]


def _skills(suite: Suite) -> dict[ItemId, str | None]:
    """Give the skill of each item."""
    return {item.id: item.skill for item in suite.items}


def _estimates(scores: Sequence[OutputScore], suite: Suite, people: People) -> dict[str, Estimate]:
    """Give the pass rate by skill, overall first, corrected by people where they graded enough."""
    rows = corrected_rows(score_rows(scores, _skills(suite), frozenset()), scores, _skills(suite), people)
    return {row.skill: row.best for row in rows if row.criterion == PASS_CRITERION}


def _moved(old: Iterable[OutputScore], new: Iterable[OutputScore]) -> tuple[tuple[ItemId, ...], tuple[ItemId, ...]]:
    """Give the items that fell and those that rose, the largest difference first."""
    before, after = item_values(old, passing), item_values(new, passing)
    moves = {item_id: after[item_id] - value for item_id, value in before.items() if item_id in after}
    ordered = sorted(moves, key=lambda one: (-abs(moves[one]), one))
    return tuple(one for one in ordered if moves[one] < 0), tuple(one for one in ordered if moves[one] > 0)


def comparison_data(comparison: RunComparison) -> dict[str, Any]:
    """Give a comparison as plain data; items of the holdout and under review are counted, not named."""
    runs = {"before": comparison.before, "after": comparison.after}
    named = comparison.open_items
    return {
        **{
            name: {"run": run.number, "run_id": run.id, "suite": run.suite, "version": run.suite_version}
            for name, run in runs.items()
        },
        "targets": [_target_data(one, named, comparison.doubts) for one in comparison.targets],
        "unmatched": {"before": list(comparison.unmatched_before), "after": list(comparison.unmatched_after)},
        "degenerate": [degenerate_data(one) for one in comparison.degenerate],
        "judge": {"standing": standing_data(comparison.standing)},
    }


def _target_data(
    one: TargetComparison, named: frozenset[ItemId], doubts: Callable[[Estimate | Change], bool]
) -> dict[str, Any]:
    """Give the comparison of a target as plain data."""

    def score_data(estimate: Estimate | None) -> dict[str, Any] | None:
        return {**estimate_data(estimate), "verified": not doubts(estimate)} if estimate else None

    moved = {"fell": one.fell, "rose": one.rose}
    return {
        "before": one.before,
        "after": one.after,
        "pairing": one.pairing.value,
        "paired": one.pairing is Pairing.PAIRED,
        "shared_items": len(one.overlap.shared),
        "only_before": one.overlap.only_before,
        "only_after": one.overlap.only_after,
        "graded_differently": one.overlap.regraded,
        "scores": {
            skill: {
                "before": score_data(one.scores_before.get(skill)),
                "after": score_data(estimate),
            }
            for skill, estimate in one.scores_after.items()
        },
        "changes": [change_data(change, doubted=doubts(change)) for change in one.changes],
        **{name: {"count": len(ids), "items": [i for i in ids if i in named]} for name, ids in moved.items()},
    }
