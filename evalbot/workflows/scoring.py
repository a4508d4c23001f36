"""What is stored of a run, put together into scores and the run's summary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from evalbot.errors import UnknownName
from evalbot.grading.calibration import JudgeStanding
from evalbot.grading.consensus import find_consensus, label_output
from evalbot.grading.grades import Grade, GraderKind
from evalbot.reporting.comparisons import Side, compare_sides, same_items
from evalbot.reporting.corrections import NOBODY, Drawn, People, corrected_rows, people_rows
from evalbot.reporting.degenerate import find_degenerate
from evalbot.reporting.estimates import Change, Degenerate, Response, RunSummary, ScoreRow
from evalbot.reporting.scores import OutputScore, completed_rows, judge_agreement, score_output, score_rows
from evalbot.runs.outputs import Output, OutputId, RunId
from evalbot.runs.runs import Run, RunStatus
from evalbot.store import budgets, grades, outputs, reviews, runs, suites
from evalbot.store.database import Transaction
from evalbot.suites.items import Item, ItemId, Split
from evalbot.suites.suites import Suite
from evalbot.suites.targets import Target
from evalbot.workflows.calibrating import find_standing
from evalbot.workflows.judging import judge_targets, judged_graders


@dataclass(frozen=True, slots=True)
class ScoredRun:
    """A run with its suite, outputs and grades, the score of every graded output, and what people were asked.

    `people` holds the outputs that were drawn by chance with what people said of them, graded blind.
    """

    run: Run
    suite: Suite
    outputs: tuple[Output, ...]
    grades: dict[OutputId, list[Grade]]
    scores: tuple[OutputScore, ...]
    people: People = NOBODY
    waiting: frozenset[OutputId] = frozenset()
    """Drawn outputs that were never put before anybody, as their round has no channel."""
    degenerate: tuple[Degenerate, ...] = ()
    """The targets that gave one and the same answer to everything."""

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

    @property
    def counted(self) -> tuple[OutputScore, ...]:
        """The scores of the targets that are scored: not those of degenerate ones."""
        degenerate = {one.target for one in self.degenerate}
        return tuple(score for score in self.scores if score.target not in degenerate)

    def side(self, label: str) -> Side:
        """Give one target for a comparison."""
        return Side([score for score in self.counted if score.target == label], self.people)


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
    scored = ScoredRun(run, suite, tuple(found), by_output, tuple(score for score in scores if score))
    return await _with_people(tx, replace(scored, degenerate=find_degenerate(found, suite)))


async def _with_people(tx: Transaction, scored: ScoredRun) -> ScoredRun:
    """Add which outputs were drawn for people, with what chance, and what they said."""
    rubrics = {item.id: scored.suite.rubric_of(item) for item in scored.suite.items if item.split is not Split.HOLDOUT}
    item_of = {output.id: output.unit.item_id for output in scored.outputs}
    drawn, waiting = dict[OutputId, Drawn](), set[OutputId]()
    for opened in await reviews.rounds_of_run(tx, scored.run.id):
        for review in await reviews.list_reviews(tx, opened.id):
            rubric = rubrics.get(item_of.get(review.output_id, ItemId("")))
            if review.probability <= 0 or rubric is None:
                continue
            label = label_output(blind_grades(scored.grades.get(review.output_id, ()), rubric.name))
            drawn[review.output_id] = Drawn(review.probability, label)
            if not opened.channel and label is None:
                waiting.add(review.output_id)
    criteria = {item_id: rubric.name for item_id, rubric in rubrics.items() if rubric is not None}
    return replace(scored, people=People(criteria, drawn), waiting=frozenset(waiting))


def blind_grades(found: Iterable[Grade], criterion: str) -> list[Grade]:
    """Give people's grades by a rubric that they gave without seeing what others said."""
    return [g for g in found if g.grader.kind is GraderKind.HUMAN and g.blind and g.criterion == criterion]


async def summarise_run(tx: Transaction, run: Run) -> RunSummary:
    """Give the summary of a run, compared with its baseline target and with the run before, or what its asker named."""
    scored = await load_scored_run(tx, run)
    standing = await find_standing(tx, scored.suite, run.team) if judge_targets(scored.suite) else None
    baseline, earlier = _against_baseline(scored), await _against_earlier(tx, scored)
    first, second = (earlier, baseline) if run.versus.isdecimal() else (baseline, earlier)
    summary = summarise(scored, first or second, second if first else (), standing)
    spent = await budgets.spent(
        tx, run.team, run.id
    )  # judges and embeddings among it; earlier versions did not count it
    return summary if spent is None else replace(summary, cost_usd=spent.usd)


def summarise(
    scored: ScoredRun, changes: Sequence[Change], others: Sequence[Change], standing: JudgeStanding | None
) -> RunSummary:
    """Put the summary of a scored run together; `others` are the changes against the second thing it is compared with."""
    run = scored.run
    complete = [score for score in scored.scores if score.complete]
    errors = [(output.unit.target, output.unit.item_id) for output in scored.outputs if not output.answered]
    end = run.finished_at or max((output.at for output in scored.outputs), default=run.created_at)
    asked = [output_id for output_id in scored.people.drawn if output_id not in scored.waiting]
    graded = sum(scored.people.drawn[one].label is not None for one in asked)
    return RunSummary(
        rows=tuple(_rows(scored, errors)),
        changes=tuple(changes),
        items=len(run.item_ids),
        outputs=len(scored.outputs),
        errors=len(errors),
        ungraded=len(scored.outputs) - len(errors) - len(complete),
        judge=scored.suite.run.judge.label if scored.suite.run.judge else "",
        agreement=judge_agreement(judged_pairs(scored)),
        human_outputs=len(scored.human_outputs),
        cost_usd=_cost(scored.outputs),
        duration_s=max(0.0, (end - run.created_at).total_seconds()),
        other_changes=tuple(others),
        standing=standing,
        response=Response(len(asked), graded) if asked else None,
        degenerate=scored.degenerate,
        reviewable=any(scored.suite.rubric_of(item) for item in scored.suite.items),
    )


def _rows(scored: ScoredRun, errors: Sequence[tuple[str, ItemId]]) -> list[ScoreRow]:
    """Give the estimates of a run, with all that belongs to them."""
    skill_of, counted = scored.skill_of, scored.counted
    rows = completed_rows(score_rows(counted, skill_of, scored.human_outputs), counted, errors, skill_of)
    degenerate = {one.target for one in scored.degenerate}
    answered = [output for output in scored.outputs if output.unit.target not in degenerate]
    by_people = people_rows(answered, counted, skill_of, scored.people)
    return [*corrected_rows(rows, counted, skill_of, scored.people), *by_people]


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
        people = blind_grades(mine, rubric.name) if rubric and output.id in scored.people.drawn else []
        consensus = find_consensus(people, rubric) if rubric else None
        if judge and consensus and not consensus.tied:
            pairs.append((bool(judge[0].passed), consensus.passed))
    return pairs


def _against_baseline(scored: ScoredRun) -> list[Change]:
    """Compare the targets with the baseline that was asked in the same run; empty without one."""
    labels = [target.label for target in scored.run.targets]
    baseline = scored.run.versus if scored.run.versus in labels else scored.suite.baseline
    if baseline not in labels:
        return []
    found: list[Change] = []
    for label in labels:
        if label != baseline:
            found += compare_sides(scored.side(baseline), scored.side(label), scored.skill_of, label, baseline)
    return found


async def _against_earlier(tx: Transaction, scored: ScoredRun) -> list[Change]:
    """Compare each target with the run that was named, else with the newest earlier one that asked the same system."""
    found: list[Change] = []
    loaded: dict[RunId, ScoredRun] = {}
    for target in scored.run.targets:
        earlier = await _earlier_run(tx, scored.run, target.identity)
        if earlier is None:
            continue
        if earlier.id not in loaded:
            loaded[earlier.id] = await load_scored_run(tx, earlier)
        found += _against_run(loaded[earlier.id], scored, target)
    return found


def _against_run(earlier: ScoredRun, scored: ScoredRun, target: Target) -> list[Change]:
    """Compare a target with another run on the items that ask the same in both."""
    before, after = _side_of(earlier, target), scored.side(target.label)
    other = earlier.run.suite_version if earlier.run.suite_version != scored.run.suite_version else None
    regraded = 0
    if other is not None:
        same = same_items(earlier.suite, scored.suite)
        before = replace(before, scores=[score for score in before.scores if score.item_id in same.ids])
        asked = {score.item_id for score in before.scores} & {score.item_id for score in after.scores}
        regraded = len(asked & same.regraded)
    changes = compare_sides(before, after, scored.skill_of, target.label, f"run {earlier.run.number}")
    return [replace(change, other_version=other, regraded=regraded) for change in changes]


def _side_of(earlier: ScoredRun, target: Target) -> Side:
    """Give the same system in another run; by label, or the only target, where the identity changed."""
    targets = earlier.run.targets
    named = [one.label for one in targets if one.identity == target.identity]
    named = named or [one.label for one in targets if one.label == target.label]
    if not named and len(targets) == 1:
        named = [targets[0].label]
    return earlier.side(named[0]) if named else Side(())


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
