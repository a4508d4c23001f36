"""Commands about runs: start, list, show, compare, report."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evalbot.commands.speaking import (
    FAILED,
    NOTHING,
    OUTSIDE,
    USAGE,
    HoldoutOption,
    JsonOption,
    RunArgument,
    complain,
    error_console,
    output_console,
    wait_for,
)

if TYPE_CHECKING:
    from evalbot.reports.contents import RunReport
    from evalbot.terminal.runs import RunOptions

app = typer.Typer()


@app.command()
def run(
    suite: Annotated[str, typer.Argument(help="Name of a suite of the project.")],
    target: Annotated[
        list[str] | None, typer.Option("--target", "-t", help="Label of a target, or provider:model. May come again.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", "-n", help="Ask only so many items.")] = None,
    repeat: Annotated[int | None, typer.Option("--repeat", help="Ask every item so many times.")] = None,
    concurrency: Annotated[int | None, typer.Option("--concurrency", help="Calls at the same time.")] = None,
    holdout: Annotated[bool, typer.Option("--holdout", help="Ask the holdout items too.")] = False,
    budget: Annotated[
        str | None, typer.Option("--budget", help="Stop when so many dollars are spent, and keep what is there.")
    ] = None,
    cache: Annotated[
        bool, typer.Option("--cache", help="Use answers again that were given to the very same question before.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Start also what costs more than may be started so.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what the run would take and how exactly it would measure.")
    ] = False,
    junit: Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML to this file.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page for the browser to this file.")] = None,
    github_summary: Annotated[
        bool, typer.Option("--github-summary", help="Add a job summary and annotations in GitHub Actions.")
    ] = False,
    fail_if: Annotated[
        list[str] | None,
        typer.Option("--fail-if", help="Exit with 100 when this holds: 'overall.lower < 0.80'. May come again."),
    ] = None,
    include_holdout: HoldoutOption = False,
    as_json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Run a suite without Slack. Example: evalbot run support-desk --target openai:gpt-4.1-mini --fail-if 'overall.lower < 0.8'"""
    from evalbot.reports.json import gate_data, summary_data
    from evalbot.runs.budgets import parse_dollars
    from evalbot.runs.runs import RunStatus
    from evalbot.terminal.printing import print_json
    from evalbot.terminal.report_files import Form, notes, plan_wanted, write_wanted
    from evalbot.terminal.runs import RunOptions, run_suite
    from evalbot.terminal.showing import print_gate
    from evalbot.terminal.summaries import print_run

    logging.basicConfig(level="ERROR", format="%(levelname)s %(name)s: %(message)s")
    most = parse_dollars(budget) if budget is not None else None
    options = RunOptions(suite, tuple(target or ()), limit, repeat, concurrency, holdout, most, yes, cache)
    if dry_run:
        show_preview(options, as_json)
        return
    files = {Form.JUNIT: junit, Form.HTML: html}
    wanted = plan_wanted(suite, options.targets, files, github_summary, fail_if or (), include_holdout, os.environ)
    ask = typer.confirm if sys.stdin.isatty() and sys.stderr.isatty() else None
    done = wait_for(run_suite(options, error_console(quiet), ask))
    wanted = wanted.gated_too(done.gate)
    report = wait_for(write_wanted(done.run, wanted)) if wanted else None
    gate = report.gate if report else None
    if as_json:
        print_json({**summary_data(done.run, done.summary), **({"gate": gate_data(gate)} if gate else {})})
    else:
        print_run(output_console(), done.run, done.summary)
        if gate:
            print_gate(output_console(), gate)
    for note in notes(report, wanted) if report else ():
        typer.echo(note, err=as_json)
    if done.run.status is RunStatus.FAILED:
        complain(f"Run {done.run.number} failed: {done.run.note}")
        raise typer.Exit(USAGE)
    if done.run.status is RunStatus.CANCELLED:
        complain(f"Run {done.run.number} stopped before its end. {done.run.note}")
        raise typer.Exit(USAGE)
    if done.summary.outputs and done.summary.errors == done.summary.outputs:
        reason = done.first_error.rstrip(".")
        complain(f"Every call failed: {reason}. Check the target, OPENAI_BASE_URL and OPENAI_API_KEY.")
        raise typer.Exit(OUTSIDE)
    if gate and gate.failed:
        raise typer.Exit(FAILED)


def show_preview(options: RunOptions, as_json: bool) -> None:
    """Print what a run would take."""
    from evalbot.reports.forecast_words import forecast_data, preview_line
    from evalbot.terminal.printing import print_json
    from evalbot.terminal.runs import preview_suite

    preview = wait_for(preview_suite(options))
    if as_json:
        print_json(forecast_data(preview.forecast))
    else:
        typer.echo(f"{preview.run.suite}: {preview_line(preview.forecast)}.")
        for name in preview.forecast.unknown:
            typer.echo(f"Nobody knows what {name} costs: give it a price in evalbot.toml.")


@app.command()
def regrade(
    run: RunArgument,
    as_json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Grade a run's stored answers again with what its suite says now; no target is asked. Example: evalbot regrade latest"""
    from evalbot.reports.json import summary_data
    from evalbot.terminal.printing import print_json
    from evalbot.terminal.runs import regrade_run
    from evalbot.terminal.summaries import print_run

    logging.basicConfig(level="ERROR", format="%(levelname)s %(name)s: %(message)s")
    done = wait_for(regrade_run(run, error_console(quiet)))
    if as_json:
        print_json(summary_data(done.run, done.summary))
    else:
        print_run(output_console(), done.run, done.summary)


@app.command()
def rerun(
    run: RunArgument,
    budget: Annotated[str | None, typer.Option("--budget", help="What the rest may cost, in dollars.")] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Start also what costs more than may be started so.")
    ] = False,
    as_json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Ask what an ended run has no answer to, in a new run with the rest. Example: evalbot rerun latest --budget 2.00"""
    from evalbot.reports.json import summary_data
    from evalbot.runs.budgets import parse_dollars
    from evalbot.runs.runs import RunStatus
    from evalbot.terminal.printing import print_json
    from evalbot.terminal.runs import rerun_run
    from evalbot.terminal.summaries import print_run

    logging.basicConfig(level="ERROR", format="%(levelname)s %(name)s: %(message)s")
    most = parse_dollars(budget) if budget is not None else None
    done = wait_for(rerun_run(run, most, error_console(quiet), yes))
    if as_json:
        print_json(summary_data(done.run, done.summary))
    else:
        print_run(output_console(), done.run, done.summary)
    if done.run.status is not RunStatus.DONE:
        complain(f"Run {done.run.number} stopped before its end. {done.run.note}")
        raise typer.Exit(USAGE)


@app.command(name="runs")
def list_runs(
    suite: Annotated[str | None, typer.Option("--suite", help="Only runs of this suite.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="At most so many, newest first.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """List the newest runs with their pass rates. Example: evalbot runs --suite support-desk"""
    from evalbot.terminal.printing import print_json
    from evalbot.terminal.showing import lines_data, print_lines
    from evalbot.terminal.stored_runs import RunLine, open_archive

    async def load() -> list[RunLine]:
        async with open_archive() as archive:
            return await archive.lines(suite, limit)

    lines = wait_for(load())
    if as_json:
        print_json(lines_data(lines))
    elif lines:
        print_lines(output_console(), lines)
    if not lines:
        complain("Nothing has been run yet. Start with evalbot run and the name of a suite.")
        raise typer.Exit(NOTHING)


@app.command()
def show(
    run: RunArgument,
    failures: Annotated[bool, typer.Option("--failures", help="Show the answers that failed, and why.")] = False,
    include_holdout: HoldoutOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a run says. Example: evalbot show latest --failures"""
    from evalbot.terminal.printing import print_json
    from evalbot.terminal.showing import print_failures, print_verdict, run_data
    from evalbot.terminal.summaries import print_run

    report = wait_for(_report_of(run, include_holdout))
    if as_json:
        print_json(run_data(report, failures))
        return
    print_verdict(output_console(), report)
    print_run(output_console(), report.run, report.summary)
    if failures:
        print_failures(output_console(), report)


async def _report_of(name: str, include_holdout: bool) -> RunReport:
    """Load the report of the run that was named."""
    from evalbot.terminal.stored_runs import open_archive

    async with open_archive() as archive:
        return await archive.report(await archive.find(name), include_holdout=include_holdout)


@app.command()
def compare(run_a: RunArgument, run_b: RunArgument, as_json: JsonOption = False) -> None:
    """Tell whether run B is better than run A, on the items both were asked. Example: evalbot compare 7 8"""
    from evalbot.reports.comparing import RunComparison, comparison_data
    from evalbot.terminal.printing import print_json
    from evalbot.terminal.showing import print_comparison
    from evalbot.terminal.stored_runs import open_archive

    async def load() -> RunComparison:
        async with open_archive() as archive:
            return await archive.compare(run_a, run_b)

    comparison = wait_for(load())
    if as_json:
        print_json(comparison_data(comparison))
    else:
        print_comparison(output_console(), comparison)


@app.command(name="report")
def write_run_report(
    run: RunArgument,
    to: Annotated[str, typer.Option("--to", help="html, junit, github, csv or json")] = "html",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write; without it standard output.")
    ] = None,
    include_holdout: HoldoutOption = False,
) -> None:
    """Write a run as a file. Example: evalbot report latest --to html -o report.html"""
    from evalbot.terminal.report_files import check_place, parse_form, write_report

    form = parse_form(to)
    if output:
        check_place(output)
    report = wait_for(_report_of(run, include_holdout))
    write_report(report, form, output)
    if output:
        error_console().print(f"Written to {output}.", markup=False, highlight=False, soft_wrap=True)
