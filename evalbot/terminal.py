"""The terminal: progress on standard error, results on standard output."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from evalbot.reporting.estimates import Change, RunSummary, ScoreRow
from evalbot.runs.runs import Progress as RunProgress
from evalbot.runs.runs import Run
from evalbot.workflows.announcer import QuietAnnouncer


class TerminalAnnouncer(QuietAnnouncer):
    """Shows the progress of one run as a bar."""

    def __init__(self, console: Console) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[errors]} errors"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task: TaskID | None = None

    async def run_progressed(self, run: Run, progress: RunProgress, eta_s: float | None) -> None:
        """Move the bar: asking and judging count alike."""
        if self._task is None:
            self._bar.start()
            self._task = self._bar.add_task(f"Run {run.number}: {run.suite}", total=None, errors=0)
        done, size = progress.outputs + progress.judged, progress.size + progress.to_judge
        self._bar.update(self._task, completed=done, total=size, errors=progress.errors)

    async def run_finished(self, run: Run, summary: RunSummary) -> None:
        """Take the bar away."""
        self.close()

    def close(self) -> None:
        """Take the bar away, also when the run was interrupted."""
        if self._task is not None:
            self._bar.stop()


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
    """Print one JSON object on standard output."""
    Console(soft_wrap=True, highlight=False, markup=False, no_color=True).print(
        json.dumps(data, ensure_ascii=True), end="\n"
    )


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
    counts = {"errors": summary.errors, "ungraded": summary.ungraded}
    apart = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    cost = "cost unknown" if summary.cost_usd is None else f"${summary.cost_usd:.2f}"
    not_counted = f"; not counted: {apart}" if apart else ""
    return f"{summary.outputs} outputs of {summary.items} items{not_counted}; {cost}, {summary.duration_s:.1f} s"
