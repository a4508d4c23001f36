"""What is read from the database when figures are asked for: runs, their outputs, the outbox and the queue, of all processes."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from evalbot.errors import EvalbotError
from evalbot.metrics.exposition import Metric, Sample
from evalbot.runs.runs import RunStatus
from evalbot.store import posts, standing
from evalbot.store.database import Store, Transaction

if TYPE_CHECKING:
    from evalbot.engines.job_queue import Depth

KEPT_S = 10.0
"""How old the figures may be: they are counted once however many ask."""

RECENT = timedelta(hours=24)


@dataclass(slots=True)
class SharedFigures:
    """The figures of a database. `depth` reads the queue, where there is one."""

    store: Store
    now: Callable[[], datetime]
    depth: Callable[[], Awaitable[Sequence[Depth]]] | None = None
    _kept: list[Metric] = field(default_factory=list)
    _read_at: float = float("-inf")

    async def metrics(self) -> Sequence[Metric]:
        """Give the figures; without the database only that it is away."""
        if time.monotonic() - self._read_at >= KEPT_S:
            try:
                self._kept = [*await self.store.read(self._read), *await self._read_queue(), _up(1)]
            except EvalbotError:
                return [_up(0)]
            self._read_at = time.monotonic()
        return self._kept

    async def _read(self, tx: Transaction) -> list[Metric]:
        """Count what our tables hold."""
        found = await standing.count_runs(tx)
        states = [Sample(found.get(status, 0), {"state": status}) for status in RunStatus]
        sums = await standing.count_recent_outputs(tx, self.now() - RECENT)
        return [
            Metric("evalbot_runs", "Runs by state.", "gauge", states),
            *_output_metrics(sums),
            Metric("evalbot_outbox_length", "Posts not visible yet.", "gauge", [Sample(await posts.unposted(tx))]),
        ]

    async def _read_queue(self) -> list[Metric]:
        """Count what waits in the queue."""
        found = await self.depth() if self.depth else ()
        jobs = [Sample(one.jobs, {"queue": one.queue, "state": one.state}) for one in found]
        ages = [Sample(one.oldest_s, {"queue": one.queue, "state": one.state}) for one in found]
        return [
            Metric("evalbot_queue_jobs", "Jobs of the queue by state.", "gauge", jobs),
            Metric("evalbot_queue_oldest_seconds", "Age of the oldest job in a state.", "gauge", ages),
        ]


def _output_metrics(sums: Sequence[standing.OutputSums]) -> Iterator[Metric]:
    """Give the figures of outputs."""
    of = "of runs started in the last 24 hours"
    counts = [Sample(one.outputs, {"result": one.failure or "answered"}) for one in sums]
    tokens = [
        Sample(sum(one.input_tokens for one in sums), {"direction": "input"}),
        Sample(sum(one.output_tokens for one in sums), {"direction": "output"}),
    ]
    yield Metric("evalbot_recent_outputs", f"Outputs {of}, by answered or the kind of error.", "gauge", counts)
    yield Metric("evalbot_recent_tokens", f"Tokens of outputs {of}.", "gauge", tokens)
    cost = [Sample(sum(one.cost_usd for one in sums))]
    yield Metric("evalbot_recent_cost_usd", f"Known cost of outputs {of}, in US dollars.", "gauge", cost)


def _up(value: int) -> Metric:
    return Metric("evalbot_database_up", "Whether the database answered.", "gauge", [Sample(value)])
