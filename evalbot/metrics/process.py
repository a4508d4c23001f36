"""What is counted in the process itself: how fast Slack gets its answers, how late the event loop is, what the models are asked."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evalbot.asking.answerers import Line
from evalbot.metrics.exposition import Histogram, Metric, Sample

if TYPE_CHECKING:
    from evalbot.slack.guard import Body
    from evalbot.slack.receiving import Receive, Reply, Retry

ACK_BOUNDS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0)
LAG_BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
LAG_PAUSE_S = 0.5


@dataclass(frozen=True, slots=True)
class ProcessFigures:
    """The figures of one process, counted as things happen."""

    acks: Histogram = field(default_factory=lambda: Histogram(ACK_BOUNDS_S))
    lag: Histogram = field(default_factory=lambda: Histogram(LAG_BOUNDS_S))

    def timed(self, receive: Receive) -> Receive:
        """Count how long deliveries take to be answered."""

        async def receive_timed(body: Body, retry: Retry) -> Reply:
            begun = asyncio.get_running_loop().time()
            try:
                return await receive(body, retry)
            finally:
                self.acks.observe(asyncio.get_running_loop().time() - begun)

        return receive_timed

    async def watch_loop(self) -> None:
        """Count for ever how late the event loop wakes up who wanted to sleep a moment."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_PAUSE_S
            await asyncio.sleep(LAG_PAUSE_S)
            self.lag.observe(max(0.0, loop.time() - due))

    def metrics(self) -> Iterator[Metric]:
        """Give the figures."""
        yield self.acks.metric("evalbot_ack_seconds", "How long Slack waited for the acknowledgement of a delivery.")
        yield self.lag.metric("evalbot_event_loop_lag_seconds", "How late the event loop was.")


def call_metrics(lines: Iterable[Line]) -> Iterator[Metric]:
    """Give the figures of the calls to models; targets of one provider and model are counted together."""
    ended: Counter[tuple[str, str]] = Counter()
    begun, in_flight, in_line, width = (Counter[str]() for _ in range(4))
    waited_s: dict[str, float] = {}
    for line in lines:
        label, tally = line.label, line.throttle.tally
        begun[label] += tally.begun
        in_flight[label] += line.throttle.busy
        in_line[label] += line.throttle.in_line
        width[label] += line.throttle.width
        waited_s[label] = waited_s.get(label, 0.0) + tally.waited_s
        for how, count in tally.ended.items():
            ended[label, how] += count
    yield _by_target("evalbot_calls_total", "Calls begun, each attempt counted.", "counter", begun)
    how_ended = [Sample(count, {"target": target, "result": how}) for (target, how), count in sorted(ended.items())]
    yield Metric("evalbot_calls_ended_total", "Calls ended, by answered or the kind of failure.", "counter", how_ended)
    yield _by_target(
        "evalbot_call_wait_seconds_total", "Seconds that calls waited for their turn.", "counter", waited_s
    )
    yield _by_target("evalbot_calls_in_flight", "Calls that are open now.", "gauge", in_flight)
    yield _by_target("evalbot_calls_waiting", "Calls that wait for their turn now.", "gauge", in_line)
    yield _by_target("evalbot_calls_allowed", "Calls that may be open at once now.", "gauge", width)


def _by_target(name: str, help: str, kind: str, values: dict[str, float] | Counter[str]) -> Metric:
    return Metric(name, help, kind, [Sample(value, {"target": target}) for target, value in sorted(values.items())])
