"""What a run says, printed: its estimates as a table, its changes, and what to know beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rich.console import Console
from rich.table import Table
from rich.text import Text

from evalbot.reporting.estimates import OVERALL, Change, RunSummary, ScoreRow
from evalbot.reporting.telling import UNVERIFIED, change_basis, degenerate_words, version_words
from evalbot.reports.words import notes_words, spent_words
from evalbot.runs.runs import Run


def print_run(console: Console, run: Run, summary: RunSummary) -> None:
    """Print a run's estimates as a table, with its changes and what was left out."""
    console.print(Text(f"Run {run.number}: {run.suite} version {run.suite_version}, {run.status}", style="bold"))
    corrected = any(row.corrected for row in summary.rows)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("Target", "Skill", "Criterion"):
        table.add_column(name)
    for name in ("Score", "95 % interval", "n", *(["Corrected by people", "graded"] if corrected else [])):
        table.add_column(name, justify="right")
    for row in summary.rows:
        table.add_row(*_row_cells(row, summary), *(_corrected_cells(row) if corrected else ()))
    console.print(table if summary.rows else "Nothing could be scored.")
    for change in (*summary.changes, *summary.other_changes):
        console.print(Text(_change_line(change, summary)), soft_wrap=True)
    for text in _notes(run, summary):
        console.print(Text(text), soft_wrap=True)
    console.print(Text(_closing_line(summary)))


def _row_cells(row: ScoreRow, summary: RunSummary) -> list[Text | str]:
    """Give the cells of what checks and judge say."""
    e = row.estimate
    doubt = f" {UNVERIFIED}" if summary.doubts(e) and not e.too_few else ""
    score = "too few" if e.too_few else f"{e.score:.1%}{doubt}"
    names = (Text(row.target), Text(row.skill), Text(row.criterion))
    return [*names, score, f"{e.lower:.1%} to {e.upper:.1%}", str(e.n)]


def _corrected_cells(row: ScoreRow) -> tuple[str, str]:
    """Give the cells of what people's grades make of it."""
    if row.corrected is None:
        return "–", ""
    e = row.corrected.estimate
    return f"{e.score:.1%} ({e.lower:.1%} to {e.upper:.1%})", f"{e.human_n} of {row.corrected.outputs}"


def _change_line(change: Change, summary: RunSummary) -> str:
    """Say one change with its interval, verdict and basis."""
    ends = f"{100 * change.lower:+.1f} to {100 * change.upper:+.1f}"
    points = f"{100 * change.difference:+.1f} points ({ends}, n {change.n})"
    alone = "" if change.judge_alone is None else f"{100 * change.judge_alone:+.1f}"
    parts = [points, change.verdict.value + (f", needs about {change.needed} items" if change.needed else "")]
    parts += [change_basis(change, alone), UNVERIFIED if summary.doubts(change) else ""]
    parts += [version_words(change)] if change.skill == OVERALL else []
    what = f"{change.target} against {change.against} on {change.skill}"
    return f"{what}: {', '.join(part for part in parts if part)}"


def _notes(run: Run, summary: RunSummary) -> Iterator[str]:
    """Give what a reader should know beside the numbers, a line for each target and one for the judge."""
    for one in summary.degenerate:
        yield f"{one.target} {degenerate_words(one)}."
    for target in run.targets:
        notes = notes_words(replace(summary, changes=(), other_changes=()), target.label)
        if notes:
            yield f"{target.label}: {'; '.join(notes)}."
    if summary.unverified and summary.standing:
        yield f"The judge is {UNVERIFIED}: {summary.standing.reason} Its numbers stand in no headline."


def _closing_line(summary: RunSummary) -> str:
    """Say how much there was, what was not counted, what it cost and how long it took."""
    counts = {"failed calls": summary.errors, "ungraded": summary.ungraded}
    apart = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
    not_counted = f"; not counted: {apart}" if apart else ""
    return f"{summary.outputs} outputs of {summary.items} items{not_counted}; {spent_words(summary)}, {summary.duration_s:.1f} s"
