"""The page that Prometheus reads: what this process counts, and in the bot what the database says of all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evalbot.asking.answerers import Line
from evalbot.metrics.exposition import write_metrics
from evalbot.metrics.process import ProcessFigures, call_metrics
from evalbot.metrics.stored import SharedFigures


@dataclass(frozen=True, slots=True)
class MetricsPage:
    """Writes the page. `lines` gives the lines in front of models; `shared` is the bot's alone, so that sums count it once."""

    process: ProcessFigures
    lines: Callable[[], Sequence[Line]]
    shared: SharedFigures | None = None

    async def write(self) -> str:
        """Give the text of the page."""
        shared = await self.shared.metrics() if self.shared else ()
        return write_metrics([*self.process.metrics(), *call_metrics(self.lines()), *shared])
