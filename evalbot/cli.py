"""The command line: parse, call, print. What a command needs is imported when it is called, so that help is quick."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from evalbot import __version__
from evalbot.errors import BadRequest, EvalbotError, OutsideError

if TYPE_CHECKING:
    from rich.console import Console

    from evalbot.reports.contents import RunReport

T = TypeVar("T")

OK, INTERNAL, USAGE, NOTHING, OUTSIDE, FAILED, INTERRUPTED = 0, 1, 2, 3, 4, 100, 130
"""Exit codes: done; a bug; wrong usage or file; nothing to do; provider or Slack failed; gate failed; interrupted."""

OF_THE_MACHINE = frozenset({errno.EACCES, errno.EDQUOT, errno.EIO, errno.ENOSPC, errno.EPERM, errno.EROFS})
"""What the machine refuses to anybody: no place, no permission, a broken disk."""

app = typer.Typer(
    help="Evals in Slack: ask, grade, learn, tell, with honest numbers.",
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
database = typer.Typer(help="Look after the database.")
app.add_typer(database, name="db")

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
HoldoutOption = Annotated[bool, typer.Option("--include-holdout", help="Show the holdout's answers too.")]
RunArgument = Annotated[str, typer.Argument(help="Number of a run, or latest.")]
PortOption = Annotated[int, typer.Option(min=0, max=65535, help="Port of the page; 0 takes a free one.")]


def main() -> None:
    """Run the command line; every failure is one sentence and an exit code."""
    try:
        code = app(prog_name="evalbot", standalone_mode=False)
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        code = _explain(error)
    if code == INTERRUPTED:
        _complain("Interrupted.")
    sys.exit(code if isinstance(code, int) else OK)


def _explain(error: BaseException) -> int:
    """Say in one sentence what went wrong and give the exit code for it."""
    match error:
        case typer.Abort() | KeyboardInterrupt():
            return INTERRUPTED
        case typer.TyperException():
            _complain(_usage(error))
            return USAGE
        case EvalbotError():
            _complain(str(error))
            return OUTSIDE if isinstance(error, OutsideError) else USAGE
        case BrokenPipeError() | SystemExit(__context__=BrokenPipeError()):
            # Whoever read the output has gone; rich and typer tell so by SystemExit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return OK
        case OSError(errno=number) if number in OF_THE_MACHINE:
            _complain(f"{error.filename or 'The output'} cannot be written ({error.strerror}).")
            return INTERNAL
    logging.getLogger(__name__).error("evalbot met a bug", exc_info=error)
    _complain("That is a bug in evalbot, not your mistake. Please report it with the lines above.")
    return INTERNAL


def _usage(error: typer.TyperException) -> str:
    """Give the sentence for words that were not understood, with where to read more."""
    said = error.format_message().rstrip()
    context = getattr(error, "ctx", None)
    asked = context.command_path if context else "evalbot"
    return f"{said}{'' if said.endswith(('.', '?', '!')) else '.'} See {asked} --help."


def _complain(text: str) -> None:
    """Write one sentence to standard error."""
    sys.stderr.write(f"evalbot: {text}\n")


def _await(work: Coroutine[Any, Any, T]) -> T:
    """Do asynchronous work."""
    return asyncio.run(work)


def _console(quiet: bool = False) -> Console:
    """Give the console on standard error."""
    from rich.console import Console

    return Console(stderr=True, quiet=quiet)


def _logging(level: str) -> None:
    """Send logs to standard error."""
    logging.basicConfig(level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")


@app.callback(invoke_without_command=True)
def entry(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """Evals in Slack: ask, grade, learn, tell, with honest numbers."""
    if version:
        typer.echo(f"evalbot {__version__}")
        raise typer.Exit(OK)
    _want_command(context)


@database.callback(invoke_without_command=True)
def enter_database(context: typer.Context) -> None:
    """Look after the database."""
    _want_command(context)


def _want_command(context: typer.Context) -> None:
    """Show the commands to who named none."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(USAGE)


@app.command(name="version")
def print_version() -> None:
    """Print the version. Example: evalbot version"""
    typer.echo(f"evalbot {__version__}")


@app.command()
def demo(
    script: Annotated[
        bool, typer.Option("--script", help="No browser: pretend people do the whole story, printed step by step.")
    ] = False,
    port: PortOption = 0,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = True,
) -> None:
    """Try everything on this machine, without keys or Slack. Example: evalbot demo"""
    from evalbot.demo.script import play_script
    from evalbot.demo.show import show_demo

    logging.basicConfig(level="ERROR", format="%(levelname)s %(name)s: %(message)s")
    if script:
        if not _await(play_script(_stdout(), port)):
            raise typer.Exit(INTERNAL)
        return
    _await(show_demo(_stdout(), port, open_page))


def _stdout() -> Console:
    """Give the console on standard output."""
    from rich.console import Console

    return Console()


@app.command()
def serve() -> None:
    """Be the bot of a real Slack workspace. Example: SLACK_BOT_TOKEN=xoxb-... SLACK_APP_TOKEN=xapp-... evalbot serve"""
    from evalbot.serving import Bot
    from evalbot.serving import serve as serve_bot
    from evalbot.settings import load_settings

    settings = load_settings()
    _logging(settings.log_level)

    def ready(bot: Bot) -> None:
        where = f"listening on {bot.url}" if bot.url else "connected by Socket Mode"
        for problem in bot.program.project.problems:
            _complain(str(problem))
        _console().print(f"evalbot is {where}; {len(bot.program.project.suites)} suites.", highlight=False)

    _await(serve_bot(settings, ready))


@app.command()
def manifest(
    url: Annotated[
        str, typer.Option("--url", help="Public https address of the bot; without it the app uses Socket Mode.")
    ] = "",
) -> None:
    """Print the manifest to make the Slack app from. Example: evalbot manifest --url https://evalbot.example.com"""
    from evalbot.settings import load_settings
    from evalbot.slack.manifest import build_manifest, read_request_url, write_manifest

    made = build_manifest(load_settings().command, read_request_url(url) if url else "")
    typer.echo(write_manifest(made), nl=False)


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
    from evalbot.runs.runs import RunStatus
    from evalbot.terminal.printing import print_json, print_run
    from evalbot.terminal.report_files import Form, notes, plan_wanted, write_wanted
    from evalbot.terminal.runs import RunOptions, run_suite
    from evalbot.terminal.showing import print_gate

    logging.basicConfig(level="ERROR", format="%(levelname)s %(name)s: %(message)s")
    options = RunOptions(suite, tuple(target or ()), limit, repeat, concurrency, holdout)
    files = {Form.JUNIT: junit, Form.HTML: html}
    wanted = plan_wanted(suite, options.targets, files, github_summary, fail_if or (), include_holdout, os.environ)
    done = _await(run_suite(options, _console(quiet)))
    report = _await(write_wanted(done.run, wanted)) if wanted else None
    gate = report.gate if report else None
    if as_json:
        print_json({**summary_data(done.run, done.summary), **({"gate": gate_data(gate)} if gate else {})})
    else:
        print_run(_stdout(), done.run, done.summary)
        if gate:
            print_gate(_stdout(), gate)
    for note in notes(report, wanted) if report else ():
        typer.echo(note, err=as_json)
    if done.run.status is RunStatus.FAILED:
        _complain(f"Run {done.run.number} failed: {done.run.note}")
        raise typer.Exit(USAGE)
    if done.summary.outputs and done.summary.errors == done.summary.outputs:
        reason = done.first_error.rstrip(".")
        _complain(f"Every call failed: {reason}. Check the target, OPENAI_BASE_URL and OPENAI_API_KEY.")
        raise typer.Exit(OUTSIDE)
    if gate and gate.failed:
        raise typer.Exit(FAILED)


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

    lines = _await(load())
    if as_json:
        print_json(lines_data(lines))
    elif lines:
        print_lines(_stdout(), lines)
    if not lines:
        _complain("Nothing has been run yet. Start with evalbot run and the name of a suite.")
        raise typer.Exit(NOTHING)


@app.command()
def show(
    run: RunArgument,
    failures: Annotated[bool, typer.Option("--failures", help="Show the answers that failed, and why.")] = False,
    include_holdout: HoldoutOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a run says. Example: evalbot show latest --failures"""
    from evalbot.terminal.printing import print_json, print_run
    from evalbot.terminal.showing import print_failures, print_verdict, run_data

    report = _await(_report_of(run, include_holdout))
    if as_json:
        print_json(run_data(report, failures))
        return
    print_verdict(_stdout(), report)
    print_run(_stdout(), report.run, report.summary)
    if failures:
        print_failures(_stdout(), report)


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

    comparison = _await(load())
    if as_json:
        print_json(comparison_data(comparison))
    else:
        print_comparison(_stdout(), comparison)


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
    report = _await(_report_of(run, include_holdout))
    write_report(report, form, output)
    if output:
        _console().print(f"Written to {output}.", markup=False, highlight=False, soft_wrap=True)


@app.command(name="import")
def import_file(
    file: Annotated[Path, typer.Argument(help="A JSONL or CSV file.")],
    suite: Annotated[str, typer.Option("--suite", help="Name of the suite that takes the items.")],
    mapping: Annotated[
        str, typer.Option("--map", help="Columns to fields: question=vars.question,answer=reference")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be imported.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a suite of a data file. Example: evalbot import qa.jsonl --map question=vars.question,answer=reference --suite qa"""
    from evalbot.terminal.files import import_items
    from evalbot.terminal.printing import print_import

    done = import_items(file, suite, mapping, dry_run)
    print_import(_stdout(), done, as_json)
    if not done.report.items:
        _complain(f"Nothing of {file.name} could be imported. Check --map against its columns.")
        raise typer.Exit(NOTHING)


@app.command()
def lint(
    folder: Annotated[
        Path | None, typer.Argument(help="The project folder; without it the one that evalbot would use.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check every suite, rubric and prompt file of a project. Example: evalbot lint ."""
    from evalbot.terminal.files import check_project
    from evalbot.terminal.printing import print_lint

    checked = check_project(folder)
    print_lint(_stdout(), checked, as_json)
    if checked.project.problems:
        raise typer.Exit(USAGE)
    if not checked.project.suites:
        raise typer.Exit(NOTHING)


@app.command()
def schema(kind: Annotated[str, typer.Argument(help="suite, rubric, prompt or items")]) -> None:
    """Print the JSON Schema of a file format, for editors. Example: evalbot schema suite > schemas/suite.schema.json"""
    from evalbot.library.schemas import json_schema
    from evalbot.terminal.printing import print_json

    print_json(json_schema(kind))


@app.command()
def analyze(
    grades: Annotated[
        Path, typer.Argument(help="CSV with the columns output,grader,value and perhaps criterion,scale.")
    ],
    gold: Annotated[Path | None, typer.Option("--gold", help="CSV of right labels: output,value.")] = None,
    judge: Annotated[Path | None, typer.Option("--judge", help="CSV of a judge's verdicts: output,value.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what grades of any data are worth. Example: evalbot analyze grades.csv --judge judge.csv"""
    from evalbot.terminal.analyze import analysis_report, analyze_files, print_analysis
    from evalbot.terminal.printing import print_json

    done = analyze_files(grades, gold, judge)
    if not done.grades:
        _complain(f"There are no grades in {grades.name}. Fill in its column value.")
        raise typer.Exit(NOTHING)
    if as_json:
        print_json(analysis_report(done.analysis))
    else:
        print_analysis(_stdout(), done)


@app.command()
def doctor(as_json: JsonOption = False) -> None:
    """Check tokens, scopes, database, project and models. Example: evalbot doctor"""
    from evalbot.settings import load_settings
    from evalbot.terminal.doctor import examine
    from evalbot.terminal.printing import print_checks

    findings = _await(examine(load_settings()))
    print_checks(_stdout(), findings, as_json)
    if any(finding.state == "wrong" for finding in findings):
        raise typer.Exit(USAGE)


@database.command(name="upgrade")
def upgrade_database() -> None:
    """Bring the database to this version's schema; done at every start too. Example: evalbot db upgrade"""
    from evalbot.app import open_store
    from evalbot.settings import load_settings

    async def upgrade() -> None:
        async with open_store(load_settings()):
            """Opening it is what brings it up to date."""

    _await(upgrade())
    typer.echo("The database is up to date.")


@app.command()
def playground(
    port: PortOption = 0,
    no_rate_limits: Annotated[
        bool, typer.Option("--no-rate-limits", help="Let the app call as often as it likes.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run only the simulated Slack, for any Bolt app, and print the environment to use. Example: evalbot playground --port 8080"""
    from evalbot.playground.server import serve as serve_playground
    from evalbot.terminal.printing import print_environment

    try:
        _await(
            serve_playground(port, not no_rate_limits, lambda ready: print_environment(ready.environment(), as_json))
        )
    except OSError as error:
        raise BadRequest(f"Port {port} cannot be used: {error.strerror}.", "Choose another one with --port.") from None


if __name__ == "__main__":
    main()
