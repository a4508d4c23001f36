"""Commands about runs: start, list, show, compare, report."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evalbot.commands.speaking import (
    NOTHING,
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
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Start also what costs more than may be started so.")]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Only say what the run would take and how exactly it would measure.")
]
SummaryOption = Annotated[
    bool, typer.Option("--github-summary", help="Add a job summary and annotations in GitHub Actions.")
]
FailIfOption = Annotated[
    list[str] | None,
    typer.Option("--fail-if", help="Exit with 100 when this holds: 'overall.lower < 0.80'. May come again."),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]


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
    from evalbot.commands.carrying_out import preview, run_to_end
    from evalbot.runs.budgets import parse_dollars
    from evalbot.terminal.planned_files import Wishes
    from evalbot.terminal.report_files import Form
    from evalbot.terminal.runs import RunOptions

    logging.basicConfig(level="ERROR", format="%(levelname)s %(name)s: %(message)s")
    most = parse_dollars(budget) if budget is not None else None
    options = RunOptions(suite, tuple(target or ()), limit, repeat, concurrency, holdout, most, yes, cache)
    if dry_run:
        preview(options, as_json)
        return
    wishes = Wishes({Form.JUNIT: junit, Form.HTML: html}, github_summary, fail_if or (), include_holdout)
    raise typer.Exit(run_to_end(options, wishes, as_json, quiet))


@app.command()
def regrade(
    run: RunArgument,
    budget: Annotated[str | None, typer.Option("--budget", help="What the judges may cost, in dollars.")] = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Grade a run's stored answers again with what its suite says now; no target is asked. Example: evalbot regrade latest"""
    from evalbot.commands.carrying_out import preview_again, regrade_to_end
    from evalbot.runs.budgets import parse_dollars
    from evalbot.terminal.runs import AgainOptions

    logging.basicConfig(level="ERROR", format="%(levelname)s %(name)s: %(message)s")
    options = AgainOptions(run, parse_dollars(budget) if budget is not None else None, yes)
    if dry_run:
        preview_again(options, as_json)
        return
    raise typer.Exit(regrade_to_end(options, as_json, quiet))


@app.command()
def rerun(
    run: RunArgument,
    budget: Annotated[str | None, typer.Option("--budget", help="What the rest may cost, in dollars.")] = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
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
