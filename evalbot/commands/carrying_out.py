"""What the commands that carry out a run have in common: they look ahead, ask, print the run and give its exit code."""

from __future__ import annotations

import sys

import typer

from evalbot.commands.consoles import output_console
from evalbot.commands.speaking import FAILED, OK, OUTSIDE, USAGE, complain
from evalbot.reporting.gates import GateResult
from evalbot.reports.forecast_words import forecast_data, preview_line
from evalbot.reports.json import gate_data, summary_data
from evalbot.runs.requests import Preview
from evalbot.runs.runs import RunStatus
from evalbot.terminal.printing import print_json
from evalbot.terminal.runs import Confirm, DoneRun
from evalbot.terminal.showing import print_gate
from evalbot.terminal.summaries import print_run


def print_preview(found: Preview, as_json: bool) -> None:
    """Print what is expected, and what nobody knows."""
    if as_json:
        print_json(forecast_data(found.forecast))
        return
    typer.echo(f"{found.run.suite}: {preview_line(found.forecast)}.")
    for name in found.forecast.unknown:
        typer.echo(f"Nobody knows what {name} costs: give it a price in evalbot.toml.")


def confirm_here() -> Confirm | None:
    """Give what asks a person at the terminal; None where nobody sits there."""
    return typer.confirm if sys.stdin.isatty() and sys.stderr.isatty() else None


def print_done(done: DoneRun, gate: GateResult | None, as_json: bool) -> None:
    """Print a run that has ended, with its gate."""
    if as_json:
        print_json({**summary_data(done.run, done.summary), **({"gate": gate_data(gate)} if gate else {})})
        return
    print_run(output_console(), done.run, done.summary)
    if gate:
        print_gate(output_console(), gate)


def exit_code(done: DoneRun, gate: GateResult | None) -> int:
    """Say what went wrong, if anything, and give the exit code for it."""
    run, summary = done.run, done.summary
    if run.status is RunStatus.FAILED:
        complain(f"Run {run.number} failed: {run.note}")
        return USAGE
    if run.status is RunStatus.CANCELLED:
        complain(f"Run {run.number} stopped before its end. {run.note}")
        return USAGE
    if summary.outputs and summary.errors == summary.outputs:
        reason = done.first_error.rstrip(".")
        complain(f"Every call failed: {reason}. Check the target, OPENAI_BASE_URL and OPENAI_API_KEY.")
        return OUTSIDE
    return FAILED if gate and gate.failed else OK
