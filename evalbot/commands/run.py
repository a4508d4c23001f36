"""The command that runs a suite."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from evalbot.commands.carrying_out import confirm_here, exit_code, print_done, print_preview
from evalbot.commands.consoles import error_console
from evalbot.commands.speaking import (
    DryRunOption,
    HoldoutOption,
    JsonOption,
    QuietOption,
    YesOption,
    log_errors,
    wait_for,
)
from evalbot.runs.budgets import parse_dollars
from evalbot.terminal.planned_files import Wishes, plan_wanted
from evalbot.terminal.report_files import Form, notes, write_wanted
from evalbot.terminal.runs import RunOptions, preview_suite, run_suite

app = typer.Typer()

TargetsOption = Annotated[
    list[str] | None, typer.Option("--target", "-t", help="Label of a target, or provider:model. May come again.")
]
BudgetOption = Annotated[
    str | None, typer.Option("--budget", help="Stop when so many dollars are spent, and keep what is there.")
]
CacheOption = Annotated[
    bool, typer.Option("--cache", help="Use answers again that were given to the very same question before.")
]
SummaryOption = Annotated[
    bool, typer.Option("--github-summary", help="Add a job summary and annotations in GitHub Actions.")
]
FailIfOption = Annotated[
    list[str] | None,
    typer.Option("--fail-if", help="Exit with 100 when this holds: 'overall.lower < 0.80'. May come again."),
]


@app.command()
def run(
    suite: Annotated[str, typer.Argument(help="Name of a suite of the project.")],
    target: TargetsOption = None,
    limit: Annotated[int | None, typer.Option("--limit", "-n", help="Ask only so many items.")] = None,
    repeat: Annotated[int | None, typer.Option("--repeat", help="Ask every item so many times.")] = None,
    concurrency: Annotated[int | None, typer.Option("--concurrency", help="Calls at the same time.")] = None,
    holdout: Annotated[bool, typer.Option("--holdout", help="Ask the holdout items too.")] = False,
    budget: BudgetOption = None,
    cache: CacheOption = False,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    junit: Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML to this file.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page for the browser to this file.")] = None,
    github_summary: SummaryOption = False,
    fail_if: FailIfOption = None,
    include_holdout: HoldoutOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run a suite without Slack. Example: evalbot run support-desk --target openai:gpt-4.1-mini --fail-if 'overall.lower < 0.8'"""
    log_errors()
    most = parse_dollars(budget) if budget is not None else None
    options = RunOptions(suite, tuple(target or ()), limit, repeat, concurrency, holdout, most, yes, cache)
    if dry_run:
        print_preview(wait_for(preview_suite(options)), as_json)
        return
    wishes = Wishes({Form.JUNIT: junit, Form.HTML: html}, github_summary, fail_if or (), include_holdout)
    raise typer.Exit(_run_to_end(options, wishes, as_json, quiet))


def _run_to_end(options: RunOptions, wishes: Wishes, as_json: bool, quiet: bool) -> int:
    """Carry a run out, print it, leave behind what was wished for, and give the exit code."""
    wanted = plan_wanted(options.suite, options.targets, wishes, os.environ)
    done = wait_for(run_suite(options, error_console(quiet), confirm_here()))
    wanted = wanted.gated_too(done.gate)
    report = wait_for(write_wanted(done.run, wanted)) if wanted else None
    gate = report.gate if report else None
    print_done(done, gate, as_json)
    for note in notes(report, wanted) if report else ():
        typer.echo(note, err=as_json)
    return exit_code(done, gate)
