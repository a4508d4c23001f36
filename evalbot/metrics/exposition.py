"""The text form of figures, version 0.0.4 of Prometheus: one line for each value, with what it means above it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

LONGEST_LABEL = 100


@dataclass(frozen=True, slots=True)
class Sample:
    """One value with its labels; `suffix` is what a histogram's lines have behind their name."""

    value: float
    labels: Mapping[str, str] = field(default_factory=dict)
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure: `kind` is counter, gauge or histogram."""

    name: str
    help: str
    kind: str
    samples: Sequence[Sample]


class Histogram:
    """Counts how often values were at most as large as each bound."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(sorted(bounds))
        self._counts = [0] * (len(self.bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self.bounds, value)] += 1
        self._sum += value

    def metric(self, name: str, help: str) -> Metric:
        """Give the figure."""
        labels = [*(f"{bound:g}" for bound in self.bounds), "+Inf"]
        totals = accumulate(self._counts)
        samples = [Sample(total, {"le": le}, "_bucket") for le, total in zip(labels, totals, strict=True)]
        return Metric(
            name, help, "histogram", [*samples, Sample(self._sum, {}, "_sum"), Sample(sum(self._counts), {}, "_count")]
        )


def write_metrics(metrics: Iterable[Metric]) -> str:
    """Write figures; those without values are left out."""
    lines: list[str] = []
    for metric in metrics:
        if metric.samples:
            lines += [f"# HELP {metric.name} {_escaped(metric.help)}", f"# TYPE {metric.name} {metric.kind}"]
            lines += [_line(metric.name, sample) for sample in metric.samples]
    return "".join(f"{line}\n" for line in lines)


def _line(name: str, sample: Sample) -> str:
    """Write one value."""
    labels = ",".join(
        f'{key}="{_escaped(value[:LONGEST_LABEL]).replace(chr(34), chr(92) + chr(34))}"'
        for key, value in sample.labels.items()
    )
    return f"{name}{sample.suffix}{f'{{{labels}}}' if labels else ''} {sample.value:.12g}"


def _escaped(text: str) -> str:
    """Write a text so that it stays on its line."""
    return text.replace("\\", "\\\\").replace("\n", "\\n")
