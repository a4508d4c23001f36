"""Results printed: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:  # for their types alone: lint needs neither numbers nor Slack, and is quick without them
    from evalbot.reporting.estimates import Change, RunSummary, ScoreRow
    from evalbot.runs.runs import Run
    from evalbot.terminal.doctor import Finding
    from evalbot.terminal.files import CheckedProject, Import


def run_report(run: Run, summary: RunSummary) -> dict[str, Any]:
    """Give a run as plain data for JSON."""
    return {
        "run_id": run.id,
        "run": run.number,
        "suite": run.suite,
        "version": run.suite_version,
        "status": run.status.value,
        "counts": {
            "items": summary.items,
            "outputs": summary.outputs,
            "errors": summary.errors,
            "ungraded": summary.ungraded,
        },
        "estimates": [_row_report(row) for row in summary.rows],
        "changes": [_change_report(change) for change in summary.changes],
        "cost_usd": summary.cost_usd,
        "duration_s": round(summary.duration_s, 3),
    }


def _row_report(row: ScoreRow) -> dict[str, Any]:
    """Give an estimate as plain data; scores are shares in [0, 1]."""
    estimate = row.estimate
    return {
        "target": row.target,
        "skill": row.skill,
        "criterion": row.criterion,
        "score": estimate.score,
        "lower": estimate.lower,
        "upper": estimate.upper,
        "n": estimate.n,
        "human_n": estimate.human_n,
        "graded_by": estimate.how.value,
        "interval": estimate.method,
    }


def _change_report(change: Change) -> dict[str, Any]:
    """Give a change as plain data; differences are shares in [-1, 1]."""
    return {
        "target": change.target,
        "against": change.against,
        "skill": change.skill,
        "difference": change.difference,
        "lower": change.lower,
        "upper": change.upper,
        "n": change.n,
        "verdict": change.verdict.value,
        "needed": change.needed,
    }


def print_json(data: Mapping[str, Any]) -> None:
    """Print one JSON object on standard output; every character is ASCII, so nothing in it can be lost."""
    sys.stdout.write(json.dumps(data) + "\n")
    sys.stdout.flush()


def print_run(console: Console, run: Run, summary: RunSummary) -> None:
    """Print a run's estimates as a table, with its changes and what was left out."""
    console.print(Text(f"Run {run.number}: {run.suite} version {run.suite_version}, {run.status}", style="bold"))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, side in (
        ("Target", "left"),
        ("Skill", "left"),
        ("Criterion", "left"),
        ("Score", "right"),
        ("95 % interval", "right"),
    ):
        table.add_column(name, justify="right" if side == "right" else "left")
    table.add_column("n", justify="right")
    for row in summary.rows:
        e = row.estimate
        score = "too few" if e.too_few else f"{e.score:.1%}"
        table.add_row(
            Text(row.target), Text(row.skill), Text(row.criterion), score, f"{e.lower:.1%} to {e.upper:.1%}", str(e.n)
        )
    console.print(table if summary.rows else "Nothing could be scored.")
    for change in summary.changes:
        ends = f"{100 * change.lower:+.1f} to {100 * change.upper:+.1f}"
        needed = f", needs about {change.needed} items" if change.needed else ""
        what = f"{change.target} against {change.against} on {change.skill}"
        points = f"{100 * change.difference:+.1f} points ({ends}, n {change.n})"
        console.print(Text(f"{what}: {points}, {change.verdict.value}{needed}"))
    console.print(Text(_closing_line(summary)))


def _closing_line(summary: RunSummary) -> str:
    """Say how much there was, what was not counted, what it cost and how long it took."""
    counts = {"failed calls": summary.errors, "ungraded": summary.ungraded}
    apart = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
    cost = "cost unknown" if summary.cost_usd is None else f"${summary.cost_usd:.2f}"
    not_counted = f"; not counted: {apart}" if apart else ""
    return f"{summary.outputs} outputs of {summary.items} items{not_counted}; {cost}, {summary.duration_s:.1f} s"


def print_import(console: Console, done: Import, as_json: bool) -> None:
    """Print what an import gave: the mapping, how many items, and every row that was left out."""
    if as_json:
        skipped = [{"line": one.line, "reason": one.reason} for one in done.report.skipped]
        counts = {"rows": done.rows, "items": len(done.report.items), "new": done.new, "skipped": skipped}
        print_json({"suite": done.suite, "file": str(done.written or ""), "mapping": dict(done.mapping), **counts})
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Column")
    table.add_column("Field")
    for column, name in done.mapping.items():
        table.add_row(Text(column), Text(name))
    console.print(table)
    for one in done.report.skipped[:20]:
        console.print(Text(f"line {one.line} left out: {one.reason}"))
    if len(done.report.skipped) > 20:
        console.print(f"{len(done.report.skipped) - 20} more rows left out.")
    console.print(
        Text(f"{done.rows} rows, {len(done.report.items)} items, {done.new} of them new. {done.graded}".strip()),
        soft_wrap=True,
    )
    if done.written:
        console.print(
            Text(f"Written to {done.written}. Run it: evalbot run {done.suite} --target openai:MODEL"), soft_wrap=True
        )


def print_lint(console: Console, checked: CheckedProject, as_json: bool) -> None:
    """Print what a project holds and what is wrong with it."""
    project = checked.project
    if as_json:
        suites = {suite.name: len(suite.items) for suite in project.suites.values()}
        problems = [{"message": one.message, "hint": one.hint} for one in project.problems]
        print_json(
            {"folder": str(checked.folder), "suites": suites, "rubrics": sorted(project.rubrics), "problems": problems}
        )
        return
    for suite in project.suites.values():
        held = sum(item.split == "holdout" for item in suite.items)
        console.print(
            Text(f"ok  {suite.name}: {len(suite.items)} items, {held} of them holdout, {len(suite.skills)} skills")
        )
    console.print(Text(f"ok  rubrics: {', '.join(sorted(project.rubrics)) or 'none'}"))
    for problem in project.problems:
        console.print(Text(f"wrong  {problem}", style="red"), soft_wrap=True)
    if not project.suites and not project.problems:
        console.print(Text(f"There is no suite in {checked.folder}. Put one into its folder suites."), soft_wrap=True)


def print_checks(console: Console, findings: Sequence[Finding], as_json: bool) -> None:
    """Print what the doctor found, one line each."""
    if as_json:
        print_json({"checks": [{"name": one.name, "state": one.state, "text": one.text} for one in findings]})
        return
    for one in findings:
        console.print(
            Text(f"{one.state:7} {one.name}: {one.text}", style="red" if one.state == "wrong" else ""), soft_wrap=True
        )


def print_environment(environment: Mapping[str, Any], as_json: bool) -> None:
    """Print a playground's environment as shell exports, or as one line of JSON."""
    if as_json:
        sys.stdout.write(json.dumps(environment) + "\n")
    else:
        names = {"SLACK_API_URL": "api_url", "SLACK_BOT_TOKEN": "bot_token", "SLACK_APP_TOKEN": "app_token"}
        names["SLACK_SIGNING_SECRET"] = "signing_secret"
        lines = [f"export {name}={environment[key]}" for name, key in names.items()]
        lines.append(f"# A simulated Slack workspace. Its page: {environment['page_url']} (Ctrl+C ends it)")
        sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
