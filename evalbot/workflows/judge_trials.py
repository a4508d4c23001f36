"""A judge put to the stored outputs that people graded, and measured again with examples from its disagreements."""

from __future__ import annotations

import asyncio
import logging
import statistics
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from evalbot.errors import BadRequest, EvalbotError
from evalbot.grading.calibration import FEWEST, DoubleGrade
from evalbot.grading.grades import GraderKind
from evalbot.grading.reviews import ReviewStatus
from evalbot.grading.trials import (
    MOST_EXAMPLE,
    MOST_EXAMPLES,
    Calibration,
    CalibrationId,
    CalibrationReport,
    JudgeReport,
    TrialVerdict,
    measure_gain,
    split_pairs,
    worst_first,
)
from evalbot.library.written_form import examples_text
from evalbot.people import PersonId, TeamId
from evalbot.runs.budgets import list_accounts
from evalbot.runs.outputs import OutputId, RunId
from evalbot.store import calibrations, grades, outputs, reviews, suites
from evalbot.store.database import Transaction
from evalbot.suites.items import Split
from evalbot.suites.pairing import prompt_of
from evalbot.suites.rubrics import Rubric, RubricExample
from evalbot.suites.suites import Suite
from evalbot.workflows.calibrating import Evidence, Graded, load_evidence, pair_up, verdict_of
from evalbot.workflows.delivering import first_time
from evalbot.workflows.judge_reports import load_report_of
from evalbot.workflows.judging import judge_again
from evalbot.workflows.services import Services
from evalbot.workflows.spending import MeteredAnswerers, Purse
from evalbot.workflows.starting_calibrations import AT_ONCE

log = logging.getLogger(__name__)


async def carry_out(services: Services, calibration_id: CalibrationId) -> CalibrationReport | None:
    """Do the work of a calibration and tell what it brought; None when its judge is no longer the suite's.

    Safe to call again: verdicts that are saved are not asked for again. A failure from outside ends it with a note.
    """
    try:
        async with _metered(services, calibration_id) as metered:
            report = await _calibrate(metered, calibration_id)
    except EvalbotError as error:
        await _end(services, calibration_id, str(error))
        report = await load_report(services, calibration_id)
    if report is not None:
        await services.announcer.judge_calibrated(report)
        log.info("judge calibrated", extra={"action": "judge_calibrated", "suite": report.calibration.suite})
    return report


@asynccontextmanager
async def _metered(services: Services, calibration_id: CalibrationId) -> AsyncIterator[Services]:
    """Give services whose calls are paid from the budgets of the workspace and of who began the calibration."""
    found = await services.store.read(lambda tx: calibrations.find_calibration(tx, calibration_id))
    person, most = (found.started_by, found.budget) if found else (PersonId(""), None)
    together = RunId(f"calibration:{(found.batch if found else '') or calibration_id}")
    accounts = list_accounts(services.limits, together, person, services.now(), most)
    purse = Purse(services.store, services.team, accounts)
    try:
        yield replace(services, models=MeteredAnswerers(services.models, purse, services.prices))
    finally:
        await purse.close()


async def go_on(services: Services) -> int:
    """Go on in the background with the calibrations that a stop left unfinished; gives how many there are.

    Of several programs that start together on one database one goes on with each.
    """
    waiting = await services.store.read(lambda tx: calibrations.unfinished_calibrations(tx, services.team))
    begun = [one for one in waiting if not one.waiting]
    mine = [one for one in begun if await first_time(services, _take_over(one, services.now()))]
    for calibration in mine:
        services.spawn(carry_out_quietly(services, calibration.id))
    return len(mine)


def _take_over(calibration: Calibration, at: datetime) -> str:
    """Name the taking over of a calibration at the point where it was left; an hour later somebody may try again."""
    return f"calibration:{calibration.id}:{len(calibration.verdicts)}:{len(calibration.retold)}:{at:%Y-%m-%dT%H}"


async def carry_out_quietly(services: Services, *ids: CalibrationId) -> None:
    """Do the work of calibrations one after the other, in the background."""
    for one in ids:
        await carry_out(services, one)


async def load_report(services: Services, calibration_id: CalibrationId) -> CalibrationReport | None:
    """Give what a calibration brought so far; None when its judge is no longer the suite's."""
    trial = await services.store.read(lambda tx: _load_trial(tx, services.team, calibration_id))
    return None if trial is None else trial.report()


@dataclass(frozen=True, slots=True)
class _Trial:
    """A calibration with what it works on: the suite as it is now and the evidence about its judge."""

    calibration: Calibration
    suite: Suite
    evidence: Evidence
    judge: JudgeReport

    @property
    def rubric(self) -> Rubric:
        """The rubric of judge and people."""
        return self.evidence.of.rubric

    def after(self) -> list[DoubleGrade]:
        """Give the held-back outputs with what the judge said of them with the examples in its prompt."""
        graded = {one.outline.id: one for one in self.evidence.graded}
        readable = [one for one in self.calibration.retold if one.level is not None and one.output_id in graded]
        return [pair_up(graded[one.output_id], one) for one in readable]

    def report(self) -> CalibrationReport:
        """Put together what the calibration brought."""
        parts = split_pairs(self.evidence.pairs)
        done = self.calibration
        return CalibrationReport(
            done,
            self.judge,
            len(parts.practice),
            len(parts.held_back),
            measure_gain(parts.held_back, self.after(), self.rubric),
            examples_text(done.examples) if done.examples else "",
            sum(one.level is None for one in (*done.verdicts, *done.retold)),
        )


async def _load_trial(tx: Transaction, team: TeamId, calibration_id: CalibrationId) -> _Trial | None:
    """Load a calibration; None when its judge is no longer the suite's."""
    calibration = await calibrations.find_calibration(tx, calibration_id)
    suite = await suites.find_suite(tx, team, calibration.suite) if calibration else None
    if calibration is None or suite is None:
        return None
    for one in await load_evidence(tx, suite, team):
        if one.of.epoch == calibration.epoch.key:
            return _Trial(calibration, suite, one, await load_report_of(tx, team, suite, one))
    return None


async def _calibrate(services: Services, calibration_id: CalibrationId) -> CalibrationReport | None:
    """Judge what the judge has not graded, choose examples, and judge the held-back part with them."""
    trial = await services.store.read(lambda tx: _load_trial(tx, services.team, calibration_id))
    if trial is None:
        await _end(services, calibration_id, "The judge or its rubric has changed meanwhile.")
        return None
    await _judge_all(services, trial, trial.evidence.waiting, with_examples=())
    judged = await _reload(services, trial)
    if not judged.calibration.examples:
        found = await services.store.read(lambda tx: _suggest(tx, judged))
        await _change(services, calibration_id, examples=found)
    taught = await _reload(services, judged)
    if taught.calibration.examples:
        await _judge_all(services, taught, _held_back(taught), taught.calibration.examples)
    await _end(services, calibration_id, "")
    return await load_report(services, calibration_id)


async def _reload(services: Services, trial: _Trial) -> _Trial:
    """Load a calibration again after a step of it."""
    found = await services.store.read(lambda tx: _load_trial(tx, services.team, trial.calibration.id))
    if found is None:
        raise BadRequest("The judge or its rubric has changed meanwhile.", "Calibrate the new one.")
    return found


def _held_back(trial: _Trial) -> list[Graded]:
    """Give the held-back outputs that are still to be judged with the examples; none where they are too few to compare."""
    held_back = {pair.output_id for pair in split_pairs(trial.evidence.pairs).held_back}
    done = {one.output_id for one in trial.calibration.retold}
    if len(held_back) < FEWEST:
        return []
    return [one for one in trial.evidence.graded if one.outline.id in held_back - done]


async def _judge_all(
    services: Services, trial: _Trial, waiting: Sequence[Graded], with_examples: Sequence[RubricExample]
) -> None:
    """Put outputs before the judge, some at a time, and save the verdicts."""
    rubric = replace(trial.rubric, examples=(*trial.rubric.examples, *with_examples))
    suite = replace(trial.suite, rubrics={**trial.suite.rubrics, rubric.name: rubric})
    size = min(AT_ONCE, max(1, suite.run.max_concurrency))
    for start in range(0, len(waiting), size):
        some = waiting[start : start + size]
        told = await asyncio.gather(*(_verdict(services, suite, one) for one in some), return_exceptions=True)
        found = [one for one in told if isinstance(one, TrialVerdict)]
        await _add_verdicts(services, trial.calibration.id, found, retold=bool(with_examples))
        for one in told:
            if isinstance(one, BaseException):
                raise one


async def _verdict(services: Services, suite: Suite, graded: Graded) -> TrialVerdict:
    """Ask the judge about one stored output."""
    run, unit = graded.run, graded.outline.unit

    async def load(tx: Transaction) -> Suite | None:
        return await suites.find_suite(tx, services.team, suite.name, run.suite_version)

    output = await services.store.read(lambda tx: outputs.get_output(tx, graded.outline.id))
    then = await services.store.read(load) or suite
    target = next(target for target in run.targets if target.label == unit.target)
    prompt = prompt_of(target, then.prompts)
    grade = await judge_again(services, suite, graded.item, output, graded.spec, prompt)
    return verdict_of(grade, graded.spec)


async def _add_verdicts(
    services: Services, calibration_id: CalibrationId, found: Sequence[TrialVerdict], *, retold: bool
) -> None:
    """Save more verdicts of a calibration."""

    async def save(tx: Transaction) -> None:
        there = await calibrations.find_calibration(tx, calibration_id)
        if there is None:
            return
        old = {one.output_id: one for one in (there.retold if retold else there.verdicts)}
        new = tuple((old | {one.output_id: one for one in found}).values())
        await calibrations.put_calibration(tx, replace(there, retold=new) if retold else replace(there, verdicts=new))

    await services.store.write(save)


async def _change(services: Services, calibration_id: CalibrationId, *, examples: tuple[RubricExample, ...]) -> None:
    """Save the examples of a calibration."""

    async def save(tx: Transaction) -> None:
        there = await calibrations.find_calibration(tx, calibration_id)
        if there is not None:
            await calibrations.put_calibration(tx, replace(there, examples=examples))

    await services.store.write(save)


async def _end(services: Services, calibration_id: CalibrationId, note: str) -> None:
    """Save that a calibration is over."""

    async def save(tx: Transaction) -> None:
        there = await calibrations.find_calibration(tx, calibration_id)
        if there is not None:
            await calibrations.put_calibration(tx, replace(there, finished_at=services.now(), note=note))

    await services.store.write(save)


async def _suggest(tx: Transaction, trial: _Trial) -> tuple[RubricExample, ...]:
    """Choose examples from the clearest disagreements of the practice part.

    Items that are kept back give none: an example is read by all who read the rubric. Nor do answers that people are just
    grading, who would not be blind any more, and those too long to be read.
    """
    graded = {one.outline.id: one for one in trial.evidence.graded}
    kept_back = {item.id for item in trial.suite.items if item.split is Split.HOLDOUT}
    found: list[RubricExample] = []
    for pair in worst_first(split_pairs(trial.evidence.pairs).practice, trial.rubric):
        one = graded[pair.output_id]
        if one.item.split is Split.HOLDOUT or one.item.id in kept_back or await _before_people(tx, pair.output_id):
            continue
        if len(found) == MOST_EXAMPLES:
            break
        output = await outputs.get_output(tx, pair.output_id)
        asked, answered = _line(one.item.question), _line(output.text or "")
        if asked and answered and max(len(asked), len(answered)) <= MOST_EXAMPLE:
            level = statistics.median_low(pair.people)
            found.append(RubricExample(asked, answered, level, await _why(tx, pair.output_id, trial, level)))
    return tuple(found)


async def _before_people(tx: Transaction, output_id: OutputId) -> bool:
    """Tell whether an output waits for grades where people see it."""
    review = await reviews.find_review_of_output(tx, output_id)
    if review is None or review.status is not ReviewStatus.OPEN:
        return False
    return bool((await reviews.get_round(tx, review.round_id)).channel)


async def _why(tx: Transaction, output_id: OutputId, trial: _Trial, level: int) -> str:
    """Give the first reason that a person wrote for a verdict on that side; empty where nobody wrote one."""
    for grade in await grades.grades_of_output(tx, output_id):
        if grade.grader.kind is not GraderKind.HUMAN or grade.criterion != trial.rubric.name or grade.level is None:
            continue
        if grade.reason.strip() and trial.rubric.passes(grade.level) == trial.rubric.passes(level):
            return _line(grade.reason)[:MOST_EXAMPLE]
    return ""


def _line(text: str) -> str:
    """Give a text on one line: an example stands in the middle of a judge's instructions and must not look like them."""
    return " ".join(text.split())
