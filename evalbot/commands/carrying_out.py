"""What `evalbot run` does: looks ahead, or carries a run out to its end and says what became of it."""

from __future__ import annotations

import os
import sys

import typer

from evalbot.commands.speaking import FAILED, OK, OUTSIDE, USAGE, complain, error_console, output_console, wait_for
from evalbot.reporting.gates import GateResult
from evalbot.reports.forecast_words import forecast_data, preview_line
from evalbot.reports.json import gate_data, summary_data
from evalbot.runs.requests import Preview
from evalbot.runs.runs import RunStatus
from evalbot.terminal.planned_files import Wishes, plan_wanted
from evalbot.terminal.printing import print_json
from evalbot.terminal.report_files import notes, write_wanted
from evalbot.terminal.runs import (
    AgainOptions,
    Confirm,
    DoneRun,
    RunOptions,
    preview_regrade,
    preview_suite,
    regrade_run,
    run_suite,
)
from evalbot.terminal.showing import print_gate
from evalbot.terminal.summaries import print_run


def preview(options: RunOptions, as_json: bool) -> None:
    """Print what a run would take."""
    _print_preview(wait_for(preview_suite(options)), as_json)


def preview_again(options: AgainOptions, as_json: bool) -> None:
    """Print what grading stored answers again would take."""
    _print_preview(wait_for(preview_regrade(options)), as_json)


def _print_preview(found: Preview, as_json: bool) -> None:
    """Print what is expected, and what nobody knows."""
    if as_json:
        print_json(forecast_data(found.forecast))
        return
    typer.echo(f"{found.run.suite}: {preview_line(found.forecast)}.")
    for name in found.forecast.unknown:
        typer.echo(f"Nobody knows what {name} costs: give it a price in evalbot.toml.")


def run_to_end(options: RunOptions, wishes: Wishes, as_json: bool, quiet: bool) -> int:
    """Carry a run out, print it, leave behind what was wished for, and give the exit code."""
    wanted = plan_wanted(options.suite, options.targets, wishes, os.environ)
    done = wait_for(run_suite(options, error_console(quiet), _ask()))
    wanted = wanted.gated_too(done.gate)
    report = wait_for(write_wanted(done.run, wanted)) if wanted else None
    gate = report.gate if report else None
    _print(done, gate, as_json)
    for note in notes(report, wanted) if report else ():
        typer.echo(note, err=as_json)
    return _exit_code(done, gate)


def regrade_to_end(options: AgainOptions, as_json: bool, quiet: bool) -> int:
    """Grade stored answers again, print the run of it, and give the exit code."""
    done = wait_for(regrade_run(options, error_console(quiet), _ask()))
    _print(done, None, as_json)
    return _exit_code(done, None)


def _ask() -> Confirm | None:
    """Give what asks a person at the terminal; None where nobody sits there."""
    return typer.confirm if sys.stdin.isatty() and sys.stderr.isatty() else None


def _print(done: DoneRun, gate: GateResult | None, as_json: bool) -> None:
    """Print a run that has ended, with its gate."""
    if as_json:
        print_json({**summary_data(done.run, done.summary), **({"gate": gate_data(gate)} if gate else {})})
        return
    print_run(output_console(), done.run, done.summary)
    if gate:
        print_gate(output_console(), gate)


def _exit_code(done: DoneRun, gate: GateResult | None) -> int:
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
