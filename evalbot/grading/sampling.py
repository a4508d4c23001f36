"""Which outputs of a run go to people, each with the chance with which it was drawn."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from evalbot.runs.outputs import OutputId


class Strategy(StrEnum):
    """How outputs are chosen: by chance, failures first, by the judge's doubts, or half and half."""

    RANDOM = "random"
    FAIL = "fail"
    DISAGREE = "disagree"
    NEW = "new"
    MIX = "mix"


@dataclass(frozen=True, slots=True)
class Pickable:
    """An output that may be reviewed; the flags say what makes it worth a look."""

    output_id: OutputId
    failed: bool = False
    disputed: bool = False
    new_item: bool = False
    skill: str = ""


@dataclass(frozen=True, slots=True)
class Picked:
    """A chosen output; `probability` is the chance of the draw, 0 when it was picked for a reason instead of by chance."""

    output_id: OutputId
    probability: float


def choose_outputs(pool: Sequence[Pickable], n: int, strategy: Strategy, seed: int) -> list[Picked]:
    """Choose up to n outputs. MIX draws the larger half by chance (their grades may enter estimates) and the rest by interest.

    Where the whole pool is taken nothing is chosen: every output has the chance 1, whatever the strategy.
    """
    rng = random.Random(seed)
    n = min(n, len(pool))
    by_chance = {Strategy.RANDOM: n, Strategy.MIX: (n + 1) // 2}.get(strategy, 0) if n < len(pool) else n
    drawn = rng.sample(range(len(pool)), by_chance)
    picked = [Picked(pool[place].output_id, by_chance / len(pool)) for place in drawn]
    left = set(range(len(pool))) - set(drawn)
    rest = [pool[place] for place in sorted(left)]
    rng.shuffle(rest)
    rest.sort(key=lambda one: _interest(one, strategy), reverse=True)
    picked += [Picked(one.output_id, 0.0) for one in rest[: n - by_chance]]
    rng.shuffle(picked)
    return picked


def _interest(one: Pickable, strategy: Strategy) -> tuple[bool, ...]:
    """Rank an output for a strategy: the first true flag that the strategy asks for decides."""
    order: Mapping[Strategy, tuple[bool, ...]] = {
        Strategy.FAIL: (one.failed, one.disputed, one.new_item),
        Strategy.DISAGREE: (one.disputed, one.failed, one.new_item),
        Strategy.NEW: (one.new_item, one.disputed, one.failed),
    }
    return order.get(strategy, (one.disputed, one.new_item, one.failed))
