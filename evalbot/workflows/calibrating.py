"""How far the judge of a suite may be believed: its grades beside those of people, in its present epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evalbot.grading.calibration import (
    NO_JUDGE,
    DoubleGrade,
    JudgeStanding,
    Standing,
    asks_alike,
    decide_standing,
    epoch_of,
)
from evalbot.grading.grades import Grade
from evalbot.grading.judge_bias import family_of
from evalbot.grading.judging import judge_grader
from evalbot.grading.pairwise import swayed_by_place
from evalbot.grading.trials import TrialVerdict
from evalbot.people import TeamId
from evalbot.runs.outputs import OutputId, RunId
from evalbot.runs.runs import Run
from evalbot.store import calibrations, grades, runs, suites
from evalbot.store.calibrations import OutputOutline
from evalbot.store.transaction import Transaction
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import Item
from evalbot.suites.judges import judged_graders
from evalbot.suites.rubrics import Rubric
from evalbot.suites.suites import Suite
from evalbot.suites.targets import Target


@dataclass(frozen=True, slots=True)
class JudgeOf:
    """A judge as a suite uses it for the rubric that people grade by, with the key of its epoch."""

    judge: Target
    rubric: Rubric
    criterion: str
    epoch: str


@dataclass(frozen=True, slots=True)
class Graded:
    """An output that people graded blind and by chance: where it is, their steps, and the grader that judges such items now."""

    outline: OutputOutline
    run: Run
    item: Item
    spec: GraderSpec
    people: tuple[int, ...]
    chance: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for or against one judge: the outputs that people graded, and those of them that it graded, too."""

    of: JudgeOf
    graded: tuple[Graded, ...] = ()
    pairs: tuple[DoubleGrade, ...] = ()

    @property
    def waiting(self) -> list[Graded]:
        """The outputs that people graded and this judge has not; none that it would have to compare with another target's."""
        there = {pair.output_id for pair in self.pairs}
        return [one for one in self.graded if one.outline.id not in there and not one.spec.against]


_UNTRUST = (Standing.UNVERIFIED, Standing.UNMEASURED, Standing.TRUSTED)


async def find_standing(tx: Transaction, suite: Suite, team: TeamId) -> JudgeStanding:
    """Give where the judge of a suite stands; of several judges or rubrics the one that may be believed least."""
    found = [decide_standing(one.pairs, one.of.rubric) for one in await load_evidence(tx, suite, team)]
    return weakest(found)


def weakest(found: Sequence[JudgeStanding]) -> JudgeStanding:
    """Give the standing that may be believed least; a suite without a judge has none."""
    return min(found, key=lambda one: (_UNTRUST.index(one.standing), one.lower or 0.0), default=NO_JUDGE)


async def find_standing_of(tx: Transaction, run: Run) -> JudgeStanding:
    """Give where the judge of a run's suite stands, without holding all of its items."""
    graded = await grades.graded_items_of_suite(tx, run.team, run.suite)
    part = await suites.find_part(tx, run.team, run.suite, run.suite_version, graded)
    return NO_JUDGE if part is None else await find_standing(tx, part, run.team)


async def load_evidence(tx: Transaction, suite: Suite, team: TeamId) -> list[Evidence]:
    """Give what is stored about each judge of a suite version, by rubric; only grades of its present epoch count."""
    now = JudgesOf(suite)
    judges = now.all()
    if not judges:
        return []
    then = {suite.version: now}
    graded = await _graded_outputs(tx, team, now, then)
    said = await _verdicts(tx, team, now, then, [one for group in graded.values() for one in group])
    return [_evidence(one, graded.get(key, []), said.get(key, {})) for key, one in judges.items()]


class JudgesOf:
    """The judges of a suite version that grade by what people grade by, too; each epoch is worked out once."""

    def __init__(self, suite: Suite) -> None:
        self.suite = suite
        self.items = {item.id: item for item in suite.items}
        self._known: dict[tuple[int, int, str], JudgeOf] = {}

    def of(self, item: Item) -> JudgeOf | None:
        """Give the judge that grades an item by the rubric that people grade it by."""
        spec, rubric = self.spec(item), self.suite.rubric_of(item)
        judge = (spec.target or self.suite.run.judge) if spec else None
        if spec is None or judge is None or rubric is None:
            return None
        key = (id(judge), id(rubric), spec.criterion)
        if key not in self._known:
            self._known[key] = JudgeOf(judge, rubric, spec.criterion, epoch_of(judge, rubric).key)
        return self._known[key]

    def spec(self, item: Item) -> GraderSpec | None:
        """Give the grader of an item that asks a judge what people are asked."""
        rubric = self.suite.rubric_of(item)
        found = (spec for spec in judged_graders(self.suite, item) if rubric and spec.rubric == rubric.name)
        return next(found, None)

    def all(self) -> dict[str, JudgeOf]:
        """Give every judge by the key of its epoch."""
        found = (self.of(item) for item in self.suite.items)
        return {one.epoch: one for one in found if one is not None}


async def _graded_outputs(
    tx: Transaction, team: TeamId, now: JudgesOf, then: dict[int, JudgesOf]
) -> dict[str, list[Graded]]:
    """Give the outputs of all runs of a suite that people graded blind and by chance, by the epoch that such items are in now.

    People's grades stay good as long as the rubric asks the same.
    """
    steps = await _steps_of_people(tx, now.suite, team)
    chances = await calibrations.drawn_chances(tx, sorted({output_id for output_id, _ in steps}))
    outlines = await calibrations.outline_outputs(tx, sorted(chances))
    there = {run_id: await runs.get_run(tx, run_id) for run_id in sorted({one.run_id for one in outlines})}
    found: dict[str, list[Graded]] = {}
    for outline in outlines:
        run = there[outline.run_id]
        before = await _judges_then(tx, team, run, then)
        item = before.items.get(outline.unit.item_id) if before else None
        rubric = before.suite.rubric_of(item) if before and item else None
        if before is None or item is None or rubric is None:
            continue
        people, of, spec = steps.get((outline.id, rubric.name)), *_judge_now(now, before, item, rubric)
        if of is not None and spec is not None and people and asks_alike(of.rubric, rubric):
            found.setdefault(of.epoch, []).append(Graded(outline, run, item, spec, tuple(people), chances[outline.id]))
    return found


async def _judges_then(tx: Transaction, team: TeamId, run: Run, known: dict[int, JudgesOf]) -> JudgesOf | None:
    """Give the judges of the suite version of a run, None where it is gone."""
    if run.suite_version not in known:
        graded = await grades.graded_items_of_suite(tx, team, run.suite)
        suite = await suites.find_part(tx, team, run.suite, run.suite_version, graded)
        if suite is None:
            return None
        known[run.suite_version] = JudgesOf(suite)
    return known[run.suite_version]


def _judge_now(now: JudgesOf, before: JudgesOf, item: Item, rubric: Rubric) -> tuple[JudgeOf | None, GraderSpec | None]:
    """Give who judges an item now, and by which grader; for an item that is gone, who judges by its rubric."""
    there = now.items.get(item.id)
    if there is not None:
        return now.of(there), now.spec(there)
    same = next((one for one in now.all().values() if one.rubric.name == rubric.name), None)
    return same, before.spec(item)


async def _steps_of_people(tx: Transaction, suite: Suite, team: TeamId) -> dict[tuple[OutputId, str], list[int]]:
    """Give the steps that people chose blind, by output and criterion."""
    steps: dict[tuple[OutputId, str], list[int]] = {}
    for grade in await grades.human_grades_of_suite(tx, team, suite.name):
        if grade.blind and grade.counts and grade.level is not None:
            steps.setdefault((grade.output_id, grade.criterion), []).append(grade.level)
    return steps


async def _verdicts(
    tx: Transaction, team: TeamId, now: JudgesOf, then: dict[int, JudgesOf], graded: Sequence[Graded]
) -> dict[str, dict[OutputId, TrialVerdict]]:
    """Give what each judge said in its present epoch, in calibrations and, which goes before, in runs."""
    said: dict[str, dict[OutputId, TrialVerdict]] = {epoch: {} for epoch in now.all()}
    for calibration in reversed(await calibrations.list_calibrations(tx, team, now.suite.name, sorted(said))):
        mine = said[calibration.epoch.key]
        mine.update({one.output_id: one for one in calibration.verdicts if one.level is not None})
    by_id = {one.outline.id: one for one in graded}
    for grade in await grades.judge_grades_of(tx, sorted(by_id)):
        one = by_id[grade.output_id]
        before = await _judges_then(tx, team, one.run, then)
        of = before.of(one.item) if before else None
        if of is not None and of.epoch in said and _is_of(grade, of):
            said[of.epoch][grade.output_id] = verdict_of(grade, one.spec)
    return said


def _is_of(grade: Grade, of: JudgeOf) -> bool:
    """Tell whether a grade is a readable one of a judge by its rubric."""
    asked = grade.grader == judge_grader(of.rubric, of.judge) and grade.criterion == of.criterion
    return asked and grade.level is not None


def verdict_of(grade: Grade, spec: GraderSpec) -> TrialVerdict:
    """Give what a judge said in a grade."""
    swayed = swayed_by_place(grade) if spec.type is GraderType.PAIRWISE else None
    return TrialVerdict(grade.output_id, grade.level, grade.error, swayed)


def _evidence(of: JudgeOf, graded: Sequence[Graded], said: Mapping[OutputId, TrialVerdict]) -> Evidence:
    """Put the grades of judge and people side by side."""
    weights = _weights(graded)
    there = [one for one in graded if one.outline.id in said]
    pairs = tuple(pair_up(one, said[one.outline.id], weights[one.outline.id]) for one in there)
    return Evidence(of, tuple(graded), pairs)


def _weights(graded: Sequence[Graded]) -> dict[OutputId, float]:
    """Give each output the weight that makes up for its chance beside the others of its run, 1 on average.

    Runs are not weighed against each other: one that drew few of many answers would drown all others.
    """
    by_run: dict[RunId, list[Graded]] = {}
    for one in graded:
        by_run.setdefault(one.run.id, []).append(one)
    usual = {run_id: sum(1 / one.chance for one in group) / len(group) for run_id, group in by_run.items()}
    return {one.outline.id: 1 / one.chance / usual[one.run.id] for one in graded}


def pair_up(graded: Graded, verdict: TrialVerdict, weight: float = 1.0) -> DoubleGrade:
    """Put a readable verdict beside the grades of people."""
    assert verdict.level is not None
    outline = graded.outline
    target = next((one for one in graded.run.targets if one.label == outline.unit.target), None)
    return DoubleGrade(
        outline.id,
        outline.unit.item_id,
        verdict.level,
        graded.people,
        weight,
        family_of(target) if target else outline.unit.target,
        outline.characters,
        verdict.swayed,
    )
