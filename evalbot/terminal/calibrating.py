"""Judges calibrated from the command line."""

from __future__ import annotations

import getpass
from dataclasses import dataclass, replace

from pydantic import JsonValue

from evalbot.app import Program, open_program, open_store
from evalbot.errors import NotAllowed
from evalbot.grading.trials import CalibrationReport
from evalbot.people import Person, PersonId, Role
from evalbot.reports.forecast_words import cost_words, forecast_data, time_words
from evalbot.reports.words import counted
from evalbot.settings import load_settings
from evalbot.terminal.runs import Confirm
from evalbot.workflows.judge_trials import carry_out
from evalbot.workflows.starting_calibrations import (
    CalibrationPreview,
    CalibrationRequest,
    preview_calibration,
    start_calibration,
)


@dataclass(frozen=True, slots=True)
class CalibrateOptions:
    """Which suite's judges are calibrated. `budget` is what that may cost, in billionths of a dollar; `approved` says that it
    was approved beforehand."""

    suite: str
    budget: int | None = None
    approved: bool = False


async def preview(options: CalibrateOptions) -> CalibrationPreview:
    """Give what calibrating the judges of a suite would take; nothing is asked and nothing is saved."""
    settings = load_settings()
    async with open_store(settings) as store, open_program(settings, store) as program:
        return await preview_calibration(program.services, _request(program, options))


async def calibrate_suite(options: CalibrateOptions, ask: Confirm | None = None) -> list[CalibrationReport]:
    """Calibrate the judges of a suite to the end and give what it brought.

    `ask` asks where the cost needs approval; without it, or refused, that is an error.
    """
    settings = load_settings()
    async with open_store(settings) as store, open_program(settings, store) as program:
        request = _request(program, options)
        found = await preview_calibration(program.services, request)
        if found.waits and not request.approved and not (ask and ask(_question(found))):
            raise NotAllowed(
                f"Calibrating the judge of {request.suite} costs so much that somebody must agree first.",
                "Add --yes, or a smaller --budget.",
            )
        started = await start_calibration(program.services, replace(request, approved=True))
        reports = [await carry_out(program.services, calibration.id) for calibration in started]
        return [report for report in reports if report is not None]


def _question(found: CalibrationPreview) -> str:
    """Ask whether a dear calibration may begin."""
    return f"It takes up to {counted(found.forecast.calls, 'call')}, {cost_words(found.forecast)}. Begin?"


def preview_line(found: CalibrationPreview) -> str:
    """Say in a line what a calibration would take."""
    forecast = found.forecast
    graded = f"{counted(forecast.items, 'answer')} graded by people"
    calls = f"up to {counted(forecast.calls, 'call')}"
    return f"{found.request.suite}: {graded}, {calls}, {cost_words(forecast)}, {time_words(forecast.seconds)}"


def preview_data(found: CalibrationPreview) -> dict[str, JsonValue]:
    """Give the same as plain data, in the words of a run's preview; how exact it will be is not said."""
    told = forecast_data(found.forecast)
    for name in ("half_width", "smallest_change", "reckoned_from_run"):
        told.pop(name)
    return {"suite": found.request.suite, **told, "needs_approval": found.waits}


def _request(program: Program, options: CalibrateOptions) -> CalibrationRequest:
    """Give what was asked for."""
    person = Person(PersonId("cli"), program.services.team, getpass.getuser(), Role.ADMIN)
    return CalibrationRequest(person, options.suite, budget=options.budget, approved=options.approved)
