"""The start of a calibration: what it would take, its approval where it is dear, and its saving. The work is `judge_trials`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from evalbot.errors import BadRequest, Conflict, NotAllowed, UnknownName
from evalbot.grading.calibration import FEWEST, epoch_of
from evalbot.grading.trials import MOST_EXAMPLE, MOST_EXAMPLES, Calibration, CalibrationId, held_back
from evalbot.people import Action, Person, may
from evalbot.runs.budgets import Rate
from evalbot.runs.forecasts import (
    Forecast,
    Load,
    expected_cost,
    expected_precision,
    expected_seconds,
    needs_approval,
    text_tokens,
)
from evalbot.runs.outputs import RunId
from evalbot.store import calibrations
from evalbot.store.database import Transaction
from evalbot.suites.suites import Suite
from evalbot.workflows.calibrating import Evidence, Graded, load_evidence
from evalbot.workflows.forecasting import SAMPLED, check_money, judge_load, loads_together
from evalbot.workflows.looking_up import newest_suite
from evalbot.workflows.services import Services

log = logging.getLogger(__name__)

AT_ONCE = 16
"""So many verdicts are saved together: what a stop can lose."""

STILL_GOING = timedelta(minutes=30)
"""For so long an unfinished calibration keeps another one of the same judge from beginning."""

_PREVIEWED = RunId("calibration:preview")


@dataclass(frozen=True, slots=True)
class CalibrationRequest:
    """Whose judges are to be calibrated by whom; the card goes to `channel`. `budget` is what that may cost, in nanos;
    `approved` says that it was approved beforehand."""

    person: Person
    suite: str
    channel: str = ""
    budget: int | None = None
    approved: bool = False


@dataclass(frozen=True, slots=True)
class CalibrationPreview:
    """What a calibration would take; `forecast.items` counts the answers that people graded. `waits` tells that it would wait
    for an approver."""

    request: CalibrationRequest
    forecast: Forecast
    waits: bool


@dataclass(frozen=True, slots=True)
class _Plan:
    """A suite with what is known of those of its judges that can be calibrated."""

    suite: Suite
    evidence: tuple[Evidence, ...]


async def preview_calibration(services: Services, request: CalibrationRequest) -> CalibrationPreview:
    """Give what a calibration would take and save nothing; raises UserError as its start would."""
    if not may(request.person, Action.CALIBRATE_JUDGE):
        raise NotAllowed("Calibrating a judge needs the role runner.", "Ask an admin for the role.")
    plan = await services.store.read(lambda tx: _plan(tx, services, request))
    forecast = await _forecast(services, request, plan)
    return CalibrationPreview(request, forecast, needs_approval(services.limits, forecast.high, request.budget))


async def start_calibration(services: Services, request: CalibrationRequest) -> list[Calibration]:
    """Save that the judges of a suite are to be calibrated, one calibration each; `judge_trials` does the work.

    Those whose cost needs an approver are saved as waiting. Raises UserError where there is no judge, nothing that people
    graded, one that goes on already, or no money left.
    """
    preview = await preview_calibration(services, request)
    waiting = preview.waits and not request.approved

    async def save(tx: Transaction) -> list[Calibration]:
        plan = await _plan(tx, services, request)
        started = _planned(services, request, plan, waiting=waiting)
        for calibration in started:
            await calibrations.put_calibration(tx, calibration)
        return started

    return await services.store.write(save)


async def approve_calibration(services: Services, person: Person, calibration_id: CalibrationId) -> list[Calibration]:
    """Let calibrations begin that wait together; raises Conflict for everybody but the first who decides."""

    def begun(one: Calibration) -> Calibration:
        return replace(one, waiting=False, started_at=services.now())

    async def save(tx: Transaction) -> list[Calibration]:
        found = await _waiting(tx, services, person, calibration_id)
        for one in found:
            await _refuse_twin(tx, services, one.suite, one.epoch.key, but=found)
            await calibrations.put_calibration(tx, begun(one))
        return [begun(one) for one in found]

    approved = await services.store.write(save)
    log.info("calibration approved", extra={"action": "calibration_approved", "person": person.id})
    return approved


async def reject_calibration(services: Services, person: Person, calibration_id: CalibrationId) -> list[Calibration]:
    """End calibrations that wait together before anything is asked; raises Conflict for all but the first who decides."""

    async def save(tx: Transaction) -> list[Calibration]:
        found = await _waiting(tx, services, person, calibration_id)
        note = f"rejected by {person.name}"
        ended = [replace(one, finished_at=services.now(), note=note) for one in found]
        for one in ended:
            await calibrations.put_calibration(tx, one)
        return ended

    rejected = await services.store.write(save)
    log.info("calibration rejected", extra={"action": "calibration_rejected", "person": person.id})
    return rejected


async def _waiting(
    tx: Transaction, services: Services, person: Person, calibration_id: CalibrationId
) -> list[Calibration]:
    """Give the calibrations that wait together, of which one is named, to somebody who may decide on them."""
    if not may(person, Action.APPROVE_RUN):
        raise NotAllowed("Deciding on a calibration's cost needs the role approver.", "Ask an approver.")
    named = await calibrations.find_calibration(tx, calibration_id)
    if named is None or named.team != person.team:
        raise UnknownName("There is no such calibration.", "Ask for a new one.")
    if named.started_by == person.id:
        raise NotAllowed("A second person decides on what a calibration may cost.", "Ask another approver.")
    together = await calibrations.list_calibrations(tx, services.team, named.suite)
    found = [one for one in together if one.batch == named.batch and one.waiting and one.finished_at is None]
    if not found:
        raise Conflict("This calibration was decided on already.")
    return found


# --- what is planned -------------------------------------------------------------------------------


async def _plan(tx: Transaction, services: Services, request: CalibrationRequest) -> _Plan:
    """Find the judges that can be calibrated now; raises UserError where there is none."""
    suite = await newest_suite(tx, services.team, request.suite)
    found = await load_evidence(tx, suite, services.team)
    if not found:
        raise BadRequest(f"Suite {suite.name} has no judge that grades what people grade.", "Give it one.")
    found = [one for one in found if one.graded]
    if not found:
        raise BadRequest(
            f"People have graded no answer of {suite.name} yet that was drawn by chance.",
            "Put answers up with review, and grade them in the thread.",
        )
    for one in found:
        services.models.answerer(one.of.judge)
        await _refuse_twin(tx, services, suite.name, one.of.epoch)
    return _Plan(suite, tuple(found))


async def _refuse_twin(
    tx: Transaction, services: Services, suite: str, epoch: str, but: Sequence[Calibration] = ()
) -> None:
    """Raise Conflict while the same judge is being calibrated, or waits for that."""
    past = await calibrations.list_calibrations(tx, services.team, suite, [epoch])
    mine = {one.id for one in but}
    young = [one for one in past if one.id not in mine and services.now() - one.started_at < STILL_GOING]
    going = [one for one in young if one.finished_at is None]
    if any(not one.waiting for one in going):
        raise Conflict(f"The judge of {suite} is being calibrated already.", "Its card comes when it is done.")
    if going:
        raise Conflict(f"A calibration of the judge of {suite} waits for an approver.", "Its card has the buttons.")


def _planned(services: Services, request: CalibrationRequest, plan: _Plan, *, waiting: bool) -> list[Calibration]:
    """Give the calibrations of judges that begin now, together."""
    ids = [CalibrationId(services.new_id()) for _ in plan.evidence]
    return [
        Calibration(
            calibration_id,
            services.team,
            plan.suite.name,
            epoch_of(one.of.judge, one.of.rubric),
            request.person.id,
            request.channel,
            services.now(),
            batch=ids[0],
            budget=request.budget,
            waiting=waiting,
        )
        for calibration_id, one in zip(ids, plan.evidence, strict=True)
    ]


# --- what it takes ---------------------------------------------------------------------------------


async def _forecast(services: Services, request: CalibrationRequest, plan: _Plan) -> Forecast:
    """Reckon what calibrations take: at least the answers a judge never saw, at most those kept aside once more."""
    judges = list({one.of.judge.endpoint: one.of.judge for one in plan.evidence}.values())
    left = await check_money(services, request.person, _PREVIEWED, judges, request.budget)
    rates = await asyncio.to_thread(lambda: {one.endpoint: services.prices.rate(one) for one in judges})
    first = [load for one in plan.evidence for load in _loads(plan.suite, one, one.waiting, rates)]
    again = [_taught(load) for one in plan.evidence for load in _loads(plan.suite, one, _kept_aside(one), rates)]
    low, high = expected_cost(first), expected_cost([*first, *again])
    graded = sum(len(one.graded) for one in plan.evidence)
    return Forecast(
        items=graded,
        calls=sum(load.calls for load in (*first, *again)),
        seconds=expected_seconds((*first, *again), min(AT_ONCE, max(1, plan.suite.run.max_concurrency))),
        precision=expected_precision(graded),
        low=low[0] if low and high else None,
        high=high[1] if high else None,
        unknown=tuple(dict.fromkeys(load.label for load in (*first, *again) if load.rate is None)),
        left=left or None,
    )


def _kept_aside(one: Evidence) -> list[Graded]:
    """Give the answers that are judged once more with examples; none where they are too few to compare."""
    judged = {pair.output_id for pair in one.pairs} | {graded.outline.id for graded in one.waiting}
    found = [graded for graded in one.graded if held_back(graded.item.id) and graded.outline.id in judged]
    return found if len(found) >= FEWEST else []


def _loads(suite: Suite, one: Evidence, graded: Sequence[Graded], rates: dict[str, Rate | None]) -> list[Load]:
    """Give the calls for some answers, all reckoned from a few of them."""
    some = graded[:: max(1, len(graded) // SAMPLED)]
    found = [
        judge_load(one.of.judge, each.spec, suite, each.item, rates, text_tokens(each.outline.characters)[1])
        for each in some
    ]
    return [loads_together(found, len(graded) / len(some))] if some else []


def _taught(load: Load) -> Load:
    """Give calls with as many examples in their prompts as there may be."""
    more = text_tokens(2 * MOST_EXAMPLE * MOST_EXAMPLES)[1]
    return replace(load, input=(load.input[0], load.input[1] + more))
