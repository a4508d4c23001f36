"""What `evalbot judge --calibrate` does; it brings the whole program, which who only looks does not need."""

from __future__ import annotations

import typer

from evalbot.commands.carrying_out import confirm_here
from evalbot.commands.consoles import output_console
from evalbot.commands.speaking import wait_for
from evalbot.runs.budgets import parse_dollars
from evalbot.terminal.calibrating import CalibrateOptions, calibrate_suite, preview, preview_data, preview_line
from evalbot.terminal.judges import calibration_data, print_calibration
from evalbot.terminal.printing import print_json


def calibrate_here(suite: str, budget: str | None, *, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Put a suite's judge to the answers that people graded and print what it brought, or only what it would take."""
    options = CalibrateOptions(suite, parse_dollars(budget) if budget is not None else None, yes)
    if dry_run:
        _print_preview(options, as_json)
        return
    done = wait_for(calibrate_suite(options, confirm_here()))
    if as_json:
        print_json({"calibrations": [calibration_data(report) for report in done]})
        return
    for report in done:
        print_calibration(output_console(), report)


def _print_preview(options: CalibrateOptions, as_json: bool) -> None:
    """Print what a calibration would take."""
    found = wait_for(preview(options))
    if as_json:
        print_json(preview_data(found))
    else:
        typer.echo(f"{preview_line(found)}.")
