"""Two runs side by side: which targets and items they share, and what may be said about the difference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from evalbot.reporting.comparisons import FALSE_SHARE, MARGIN, compare_scores
from evalbot.reporting.estimates import FEWEST, OVERALL, Change, Estimate
from evalbot.reporting.scores import OutputScore, item_values, passing, score_rows
from evalbot.reports.contents import StoredRun
from evalbot.reports.json import change_data, estimate_data
from evalbot.runs.runs import Run
from evalbot.stats.intervals import Measured, mean_of
from evalbot.stats.multiplicity import benjamini_hochberg
from evalbot.stats.pairs import difference_of
from evalbot.stats.quantiles import t_upper_tail, two_sided_z
from evalbot.stats.verdicts import decide
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
    """A run against another one; targets that have no counterpart are named apart. `open_items` may be named to anybody."""

    before: Run
    after: Run
    targets: tuple[TargetComparison, ...]
    unmatched_before: tuple[str, ...]
    unmatched_after: tuple[str, ...]
    open_items: frozenset[ItemId]


def compare_runs(before: StoredRun, after: StoredRun) -> RunComparison:
    """Compare two runs target by target: the same system, else the same label, else the only one of each."""
    pairs = match_targets(before.run.targets, after.run.targets)
    matched_before, matched_after = {old for old, _ in pairs}, {new for _, new in pairs}
    same, regraded = _same_items(before.suite, after.suite)
    hidden = {output.unit.item_id for one in (before, after) for output in one.outputs if output.id in one.in_review}
    return RunComparison(
        before.run,
        after.run,
        tuple(_compare_target(before, after, old, new, same, regraded) for old, new in pairs),
        tuple(one.label for one in before.run.targets if one.label not in matched_before),
        tuple(one.label for one in after.run.targets if one.label not in matched_after),
        frozenset(one.id for one in after.suite.items if one.split is not Split.HOLDOUT and one.id not in hidden),
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


def _same_items(before: Suite, after: Suite) -> tuple[frozenset[ItemId], frozenset[ItemId]]:
    """Give the items that ask the same in both suites, and those of them that are graded in another way."""
    old = {item.id: item for item in before.items}
    same, regraded = set(), set()
    for item in after.items:
        earlier = old.get(item.id)
        if earlier is None or any(getattr(earlier, part) != getattr(item, part) for part in _ASKED):
            continue
        same.add(item.id)
        graders = before.graders_of(earlier), after.graders_of(item)
        rubrics = [
            [suite.rubrics.get(one.rubric or "") for one in mine]
            for suite, mine in zip((before, after), graders, strict=True)
        ]
        if graders[0] != graders[1] or rubrics[0] != rubrics[1] or before.run.judge != after.run.judge:
            regraded.add(item.id)
    return frozenset(same), frozenset(regraded)


_ASKED = ("vars", "messages", "reference")


def _compare_target(
    before: StoredRun,
    after: StoredRun,
    old_label: str,
    new_label: str,
    same: frozenset[ItemId],
    regraded: frozenset[ItemId],
) -> TargetComparison:
    """Compare one target: on the items both were scored on, or, with too few of those, on all that each was scored on."""
    old, new = _scored(before, old_label), _scored(after, new_label)
    old_ids, new_ids = {score.item_id for score in old}, {score.item_id for score in new}
    shared = old_ids & new_ids & same
    overlap = Overlap(tuple(sorted(shared)), len(old_ids - shared), len(new_ids - shared), len(shared & regraded))
    against = f"run {before.run.number}" if old_label == new_label else f"run {before.run.number} ({old_label})"
    if len(shared) >= FEWEST:
        old, new = [s for s in old if s.item_id in shared], [s for s in new if s.item_id in shared]
        changes = compare_scores(old, new, _skills(after.suite), new_label, against)
        fell, rose = _moved(old, new)
        scores = _estimates(old, after.suite), _estimates(new, after.suite)
        return TargetComparison(old_label, new_label, Pairing.PAIRED, overlap, *scores, tuple(changes), fell, rose)
    scores = _estimates(old, before.suite), _estimates(new, after.suite)
    changes = list(_unpaired(_values(old, before.suite), _values(new, after.suite), new_label, against))
    pairing = Pairing.UNPAIRED if changes else Pairing.NONE
    return TargetComparison(old_label, new_label, pairing, overlap, *scores, tuple(changes))


def _scored(stored: StoredRun, label: str) -> list[OutputScore]:
    """Give the complete scores of a target."""
    return [score for score in stored.scores if score.target == label and score.complete]


def _skills(suite: Suite) -> dict[ItemId, str | None]:
    """Give the skill of each item."""
    return {item.id: item.skill for item in suite.items}


def _estimates(scores: Sequence[OutputScore], suite: Suite) -> dict[str, Estimate]:
    """Give the pass rate by skill, overall first."""
    rows = score_rows(scores, _skills(suite), frozenset())
    return {row.skill: row.estimate for row in rows if row.criterion == PASS_CRITERION}


def _moved(old: Iterable[OutputScore], new: Iterable[OutputScore]) -> tuple[tuple[ItemId, ...], tuple[ItemId, ...]]:
    """Give the items that fell and those that rose, the largest difference first."""
    before, after = item_values(old, passing), item_values(new, passing)
    moves = {item_id: after[item_id] - value for item_id, value in before.items() if item_id in after}
    ordered = sorted(moves, key=lambda one: (-abs(moves[one]), one))
    return tuple(one for one in ordered if moves[one] < 0), tuple(one for one in ordered if moves[one] > 0)


def _values(scores: Sequence[OutputScore], suite: Suite) -> dict[str, list[float]]:
    """Give the values of the items by skill, all of them first."""
    skills = _skills(suite)
    values = item_values(scores, passing)
    found = {OVERALL: list(values.values())}
    for item_id, value in values.items():
        skill = skills.get(item_id)
        if skill:
            found.setdefault(skill, []).append(value)
    return found


def _unpaired(
    old: Mapping[str, Sequence[float]], new: Mapping[str, Sequence[float]], target: str, against: str
) -> Iterator[Change]:
    """Compare pass rates over different items, overall and then by skill; the skills are tested as one family."""
    names = [name for name in new if len(new[name]) >= FEWEST and len(old.get(name, ())) >= FEWEST]
    if OVERALL not in names:
        return
    measured = {name: difference_of(mean_of(new[name]), mean_of(old[name])) for name in names}
    skills = sorted(name for name in names if name != OVERALL)
    adjusted = dict(zip(skills, benjamini_hochberg([_p(measured[name]) for name in skills]), strict=True))
    for name in (OVERALL, *skills):
        one = measured[name]
        chance = adjusted.get(name, 0.0) > FALSE_SHARE
        decision = decide(one, MARGIN, 1.0 if chance else _p(one))
        yield Change(target, against, name, one.value, one.lower, one.upper, one.n, decision.verdict, decision.needed)


def _p(measured: Measured) -> float:
    """Give the p-value of no difference that belongs to an interval, read off its end on the side of zero."""
    if measured.value == 0:
        return 1.0
    arm = measured.value - measured.lower if measured.value > 0 else measured.upper - measured.value
    se = arm / two_sided_z(measured.level)
    return 2 * t_upper_tail(abs(measured.value) / se, 1e9) if se else 0.0


def comparison_data(comparison: RunComparison) -> dict[str, Any]:
    """Give a comparison as plain data; items of the holdout and under review are counted, not named."""
    runs = {"before": comparison.before, "after": comparison.after}
    named = comparison.open_items
    return {
        **{
            name: {"run": run.number, "run_id": run.id, "suite": run.suite, "version": run.suite_version}
            for name, run in runs.items()
        },
        "targets": [_target_data(one, named) for one in comparison.targets],
        "unmatched": {"before": list(comparison.unmatched_before), "after": list(comparison.unmatched_after)},
    }


def _target_data(one: TargetComparison, named: frozenset[ItemId]) -> dict[str, Any]:
    """Give the comparison of a target as plain data."""
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
                "before": estimate_data(one.scores_before[skill]) if skill in one.scores_before else None,
                "after": estimate_data(estimate),
            }
            for skill, estimate in one.scores_after.items()
        },
        "changes": [change_data(change) for change in one.changes],
        **{name: {"count": len(ids), "items": [i for i in ids if i in named]} for name, ids in moved.items()},
    }
