"""What a run is expected to take before it is started: calls, money, minutes, and how small a change it could show."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from evalbot.runs.budgets import Bound, Limits, Rate, Scope, worst_case
from evalbot.stats.power import expected_half_width, smallest_change

BYTES_PER_TOKEN = (5.0, 2.5)
"""How many bytes a token of ordinary text has, from many to few: few bytes make many tokens."""

USUAL_ANSWER = (60, 600)
"""Tokens of an answer where no earlier run tells."""

USUAL_VERDICT = (40, 250)
"""Tokens of a judge's verdict."""

USUAL_ANSWER_S = 3.0
USUAL_VERDICT_S = 2.0
CAUTIOUS_SD = 0.5
"""The spread of item scores where no earlier run tells: no spread of scores between 0 and 1 is larger."""

CAUTIOUS_CHANGE_SD = 0.5
"""The spread of differences between two runs where no earlier ones tell: as if one item in four changed its verdict."""

FEWEST_ITEMS = 10
"""From fewer items no spread is read off."""

AROUND = (0.8, 1.25)
"""How far from an earlier run's cost another one may well come out."""


@dataclass(frozen=True, slots=True)
class Load:
    """Calls of one kind: how many, their tokens in and out from few to many, how long one takes, and what a token costs."""

    label: str
    calls: int
    input: tuple[float, float]
    output: tuple[float, float]
    latency_s: float
    rate: Rate | None


@dataclass(frozen=True, slots=True)
class Usual:
    """What the answers of a target took in an earlier run, on average; None where the provider did not say."""

    latency_s: float
    input_tokens: float | None
    output_tokens: float | None


@dataclass(frozen=True, slots=True)
class Precision:
    """How exactly a run will measure, in [0, 1]: the half width of its interval, the smallest change it shows four times in five.

    `from_run` is the number of the earlier run that tells, None where cautious figures stand in.
    """

    half_width: float
    smallest_change: float
    from_run: int | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run is expected to take. `low` and `high` are its cost in nanos, None where a price in `unknown` is not known.

    `left` is what the budgets that apply still have. `cost_from` is the number of the earlier run the cost is reckoned from.
    """

    items: int
    calls: int
    seconds: float
    precision: Precision
    low: int | None = None
    high: int | None = None
    unknown: tuple[str, ...] = ()
    left: Mapping[Scope, int] | None = None
    cost_from: int | None = None

    @property
    def least_left(self) -> int | None:
        """What the budget that is nearest to its end still has, None without any."""
        return min(self.left.values(), default=None) if self.left else None

    @property
    def may_stop_early(self) -> bool:
        """Tell whether a budget may be used up before the run is complete."""
        least = self.least_left
        return least is not None and self.high is not None and self.high > least


def text_tokens(size: float) -> tuple[float, float]:
    """Give about how many tokens a text of so many bytes has, from few to many."""
    return size / BYTES_PER_TOKEN[0], size / BYTES_PER_TOKEN[1]


def expected_cost(loads: Sequence[Load]) -> tuple[int, int] | None:
    """Give what calls cost in nanos, from low to high; None when one of them has no price."""
    low = high = 0
    for load in loads:
        if load.rate is None:
            return None
        low += load.calls * _cost(load.rate, load.input[0], load.output[0])
        high += load.calls * _cost(load.rate, load.input[1], load.output[1])
    return low, high


def _cost(rate: Rate, put: float, got: float) -> int:
    return worst_case(rate, Bound(math.ceil(put), math.ceil(got)))


def scaled_cost(total: int, outputs: int, size: int) -> tuple[int, int]:
    """Give what a run of some size costs, from low to high, by what an earlier one cost altogether."""
    each = total / max(outputs, 1)
    return math.floor(each * size * AROUND[0]), math.ceil(each * size * AROUND[1])


def expected_seconds(loads: Sequence[Load], concurrency: int) -> float:
    """Give how long calls take with so many at once."""
    return sum(load.calls * load.latency_s for load in loads) / max(concurrency, 1)


def expected_precision(
    items: int,
    scores: Mapping[str, float] | None = None,
    before: Mapping[str, float] | None = None,
    from_run: int | None = None,
) -> Precision:
    """Give how exactly so many items measure, by the item scores of an earlier run and of the one before it, if any."""
    told = scores is not None and len(scores) >= FEWEST_ITEMS
    sd = _spread(list(scores.values()), CAUTIOUS_SD) if scores and told else CAUTIOUS_SD
    change_sd = CAUTIOUS_CHANGE_SD
    if scores and before and told:
        shared = [score - before[item] for item, score in scores.items() if item in before]
        if len(shared) >= FEWEST_ITEMS:
            change_sd = _spread(shared, CAUTIOUS_CHANGE_SD)
    n = max(items, 1)
    return Precision(
        min(1.0, expected_half_width(sd, n)), min(1.0, smallest_change(change_sd, n)), from_run if told else None
    )


def _spread(values: Sequence[float], cautious: float) -> float:
    """Give the spread of values; where all were equal, that of one more that is not, as no run shows that none can be."""
    if stdev(values) > 0:
        return stdev(values)
    one_more = [*values, fmean(values) + (1.0 if fmean(values) < cautious else -1.0)]
    return stdev(one_more)


def needs_approval(limits: Limits, high: int | None, most: int | None) -> bool:
    """Tell whether a run waits for an approver: it may cost more than the workspace lets everybody start.

    A budget of its own holds its cost down; without one, a cost that nobody knows needs approval as well.
    """
    if limits.approval_above is None:
        return False
    caps = [cap for cap in (high, most, limits.run) if cap is not None]
    return not caps or min(caps) > limits.approval_above
