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
    from evalbot.terminal.doctor import Finding
    from evalbot.terminal.files import CheckedProject, Import


def print_json(data: Mapping[str, Any]) -> None:
    """Print one JSON object on standard output; every character is ASCII, so nothing in it can be lost."""
    sys.stdout.write(json.dumps(data) + "\n")
    sys.stdout.flush()


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
    if done.mapping:
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
