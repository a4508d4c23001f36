"""What is stored of a run, put together into scores and the run's summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evalbot.errors import UnknownName
from evalbot.grading.consensus import find_consensus
from evalbot.grading.grades import Grade, GraderKind, Purpose
from evalbot.reporting.comparisons import compare_scores
from evalbot.reporting.estimates import Change, RunSummary
from evalbot.reporting.scores import OutputScore, judge_agreement, score_output, score_rows
from evalbot.runs.outputs import Output, OutputId
from evalbot.runs.runs import Run, RunStatus
from evalbot.store import grades, outputs, runs, suites
from evalbot.store.database import Transaction
from evalbot.suites.items import Item, ItemId
from evalbot.suites.suites import Suite
from evalbot.workflows.judging import judged_graders


@dataclass(frozen=True, slots=True)
class ScoredRun:
    """A run with its suite, outputs and grades, and the score of every graded output."""

    run: Run
    suite: Suite
    outputs: tuple[Output, ...]
    grades: dict[OutputId, list[Grade]]
    scores: tuple[OutputScore, ...]

    @property
    def skill_of(self) -> dict[ItemId, str | None]:
        """The skill of each item of the suite."""
        return {item.id: item.skill for item in self.suite.items}

    @property
    def human_outputs(self) -> frozenset[OutputId]:
        """The outputs that at least one person graded."""
        return frozenset(
            output_id
            for output_id, mine in self.grades.items()
            if any(grade.grader.kind is GraderKind.HUMAN and grade.counts for grade in mine)
        )


def wanted_graders(suite: Suite, item: Item) -> int:
    """Count the automatic grades an output of the item gets: its checks, and what there is a judge for."""
    return sum(spec.checked for spec in suite.graders_of(item)) + len(judged_graders(suite, item))


async def get_suite(tx: Transaction, run: Run) -> Suite:
    """Give the suite version of a run; raises UnknownName when it is gone."""
    suite = await suites.find_suite(tx, run.team, run.suite, run.suite_version)
    if suite is None:
        raise UnknownName(f"Suite {run.suite} version {run.suite_version} is not in this database.")
    return suite


async def load_scored_run(tx: Transaction, run: Run) -> ScoredRun:
    """Load everything a run has brought and score it."""
    suite = await get_suite(tx, run)
    items = {item.id: item for item in suite.items}
    found = await outputs.list_outputs(tx, run.id)
    by_output: dict[OutputId, list[Grade]] = {}
    for grade in await grades.list_grades(tx, run.id):
        by_output.setdefault(grade.output_id, []).append(grade)
    wanted = {item_id: wanted_graders(suite, item) for item_id, item in items.items()}
    scores = (score_output(one, by_output.get(one.id, ()), wanted.get(one.unit.item_id, 0)) for one in found)
    return ScoredRun(run, suite, tuple(found), by_output, tuple(score for score in scores if score))


async def summarise_run(tx: Transaction, run: Run) -> RunSummary:
    """Give the summary of a run, compared with what its asker named, else with its baseline target, else with the run before."""
    scored = await load_scored_run(tx, run)
    complete = [score for score in scored.scores if score.complete]
    errors = sum(not output.answered for output in scored.outputs)
    pairs = judged_pairs(scored)
    end = run.finished_at or max((output.at for output in scored.outputs), default=run.created_at)
    return RunSummary(
        rows=tuple(score_rows(scored.scores, scored.skill_of, scored.human_outputs)),
        changes=tuple(await _changes(tx, scored)),
        items=len(run.item_ids),
        outputs=len(scored.outputs),
        errors=errors,
        ungraded=len(scored.outputs) - errors - len(complete),
        judge=scored.suite.run.judge.label if scored.suite.run.judge else "",
        agreement=judge_agreement(pairs),
        human_outputs=len(scored.human_outputs),
        cost_usd=_cost(scored.outputs),
        duration_s=max(0.0, (end - run.created_at).total_seconds()),
    )


def judged_pairs(scored: ScoredRun) -> list[tuple[bool, bool]]:
    """Give (judge passed, people passed) for each output that both graded by the same rubric.

    Only outputs that were drawn by chance and graded blind count: those picked because something looked wrong would say
    more about the picking than about the judge.
    """
    pairs = []
    items = {item.id: item for item in scored.suite.items}
    for output in scored.outputs:
        mine = scored.grades.get(output.id, [])
        rubric = scored.suite.rubric_of(items[output.unit.item_id]) if output.unit.item_id in items else None
        judge = [
            g for g in mine if g.grader.kind is GraderKind.JUDGE and g.counts and rubric and g.criterion == rubric.name
        ]
        people = [g for g in mine if g.grader.kind is GraderKind.HUMAN and g.blind and g.purpose is Purpose.ESTIMATE]
        consensus = find_consensus(people, rubric) if rubric else None
        if judge and consensus and not consensus.tied:
            pairs.append((bool(judge[0].passed), consensus.passed))
    return pairs


async def _changes(tx: Transaction, scored: ScoredRun) -> list[Change]:
    """Compare each target with what the run names, else with the baseline target of the same run, else with its run before."""
    found: list[Change] = []
    run = scored.run
    labels = [target.label for target in run.targets]
    baseline = run.versus or scored.suite.baseline
    for target in run.targets:
        if baseline in labels:
            if target.label == baseline:
                continue
            before, against = _of(scored.scores, baseline), baseline
        else:
            earlier = await _earlier_run(tx, run, target.identity)
            if earlier is None:
                continue
            before = await _scores_of(tx, earlier, target.identity, target.label)
            against = f"run {earlier.number}"
        found += compare_scores(before, _of(scored.scores, target.label), scored.skill_of, target.label, against)
    return found


async def _scores_of(tx: Transaction, run: Run, identity: str, label: str) -> list[OutputScore]:
    """Give the scores of the same system in another run; by label, or the only target, where the identity changed."""
    scored = await load_scored_run(tx, run)
    named = [one.label for one in run.targets if one.identity == identity] or [
        one.label for one in run.targets if one.label == label
    ]
    if not named and len(run.targets) == 1:
        named = [run.targets[0].label]
    return _of(scored.scores, named[0]) if named else []


def _of(scores: Sequence[OutputScore], target: str) -> list[OutputScore]:
    """Give the scores of one target."""
    return [score for score in scores if score.target == target]


async def _earlier_run(tx: Transaction, run: Run, identity: str) -> Run | None:
    """Find the run that was named, else the newest earlier finished run of the same suite that asked the same system."""
    if run.versus.isdecimal():
        return await runs.find_run(tx, run.team, int(run.versus))
    for earlier in await runs.list_runs(tx, run.team, suite=run.suite, limit=20):
        asked = any(target.identity == identity for target in earlier.targets)
        if earlier.status is RunStatus.DONE and earlier.number < run.number and asked:
            return earlier
    return None


def _cost(found: Sequence[Output]) -> float | None:
    """Add up what the outputs cost; None as soon as one answer's cost is unknown."""
    costs = [output.usage.cost_usd for output in found if output.answered]
    return None if not costs or any(cost is None for cost in costs) else sum(cost or 0.0 for cost in costs)
