"""The progress of a run as a bar on standard error."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from evalbot.reporting.estimates import RunSummary
from evalbot.runs.runs import Progress as RunProgress
from evalbot.runs.runs import Run
from evalbot.workflows.announcer import QuietAnnouncer


class TerminalAnnouncer(QuietAnnouncer):
    """Shows the progress of one run as a bar, on a terminal only."""

    def __init__(self, console: Console) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[errors]} errors"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
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
