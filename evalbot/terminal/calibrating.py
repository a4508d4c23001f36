"""Judges calibrated from the command line."""

from __future__ import annotations

import getpass

from evalbot.app import open_program, open_store
from evalbot.grading.trials import CalibrationReport
from evalbot.people import Person, PersonId, Role
from evalbot.settings import load_settings
from evalbot.workflows.judge_trials import carry_out, start_calibration


async def calibrate(suite: str) -> list[CalibrationReport]:
    """Calibrate the judges of a suite to the end and give what it brought."""
    settings = load_settings()
    async with open_store(settings) as store, open_program(settings, store) as program:
        person = Person(PersonId("cli"), program.services.team, getpass.getuser(), Role.ADMIN)
        started = await start_calibration(program.services, person, suite)
        found = [await carry_out(program.services, calibration.id) for calibration in started]
        return [report for report in found if report is not None]
