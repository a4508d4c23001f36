"""Which outputs of a run go to people, each with the chance with which it was drawn.

Chances hold for the run as a whole. A later draw takes from all that no draw has taken yet, whatever else people have seen
of it, and every chance becomes 1 minus the product of the chances to be missed. An output that came before people for a
reason and is drawn later counts from then on as drawn.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evalbot.runs.outputs import OutputId
from evalbot.stats.active import UNIFORM_PART, draw, inclusion_probabilities, residual_sds
from evalbot.suites.suites import Strategy


@dataclass(frozen=True, slots=True)
class Pickable:
    """An output that may be drawn; the flags say what makes it worth a look.

    `doubt` is how far people are expected to differ from its judge's grade (see `learn_doubts`); only the proportions matter.
    `chance` is the chance with which earlier draws could have taken it, `seen` tells that it is before people for a reason.
    """

    output_id: OutputId
    failed: bool = False
    disputed: bool = False
    new_item: bool = False
    skill: str = ""
    doubt: float = 1.0
    chance: float = 0.0
    seen: bool = False


@dataclass(frozen=True, slots=True)
class Picked:
    """An output with the chance to be drawn in this draw or an earlier one; 0 when it was picked for a reason instead."""

    output_id: OutputId
    probability: float


@dataclass(frozen=True, slots=True)
class Choice:
    """What a draw brought: outputs that are new to people, and those before them already whose chance is another one now."""

    picked: tuple[Picked, ...]
    recounted: tuple[Picked, ...] = ()


def choose_outputs(
    pool: Sequence[Pickable], n: int, strategy: Strategy, seed: int, drawn: Sequence[Pickable] = ()
) -> Choice:
    """Choose up to n outputs that are new to people.

    `pool` is all that no draw has taken, `drawn` what earlier draws took. MIX draws the larger half by chance (their grades
    may enter estimates), mostly where the judge is in doubt, and takes the rest by interest. RANDOM draws all by equal chance.
    Where all that is left is taken nothing is chosen: every output has the chance 1, whatever the strategy.
    """
    rng = random.Random(seed)
    new = [one for one in pool if not one.seen]
    n = min(n, len(new))
    if n == 0:
        return Choice(())
    chances = _chances(pool, len(pool) if n == len(new) else _drawn_number(n, strategy), strategy)
    hit = _drawn_places(chances, rng)
    picked = [_picked(pool[place], chances[place]) for place in sorted(hit)]
    fresh = [one for one, place in zip(picked, sorted(hit), strict=True) if not pool[place].seen]
    promoted = [one for one, place in zip(picked, sorted(hit), strict=True) if pool[place].seen]
    rest = [one for place, one in enumerate(pool) if place not in hit and not one.seen]
    rng.shuffle(rest)
    rest.sort(key=lambda one: _interest(one, strategy), reverse=True)
    chosen = [*fresh, *(Picked(one.output_id, 0.0) for one in rest[: n - len(fresh)])]
    rng.shuffle(chosen)
    return Choice(tuple(chosen), (*promoted, *_raised(pool, chances, drawn)))


def _drawn_number(n: int, strategy: Strategy) -> int:
    """Give how many of n outputs are drawn by chance."""
    return {Strategy.RANDOM: n, Strategy.MIX: (n + 1) // 2}.get(strategy, 0)


def _chances(pool: Sequence[Pickable], n: int, strategy: Strategy) -> list[float]:
    """Give the chance of each output in a draw of n."""
    if n in (0, len(pool)) or strategy is not Strategy.MIX:
        return [n / len(pool)] * len(pool)
    return [float(one) for one in inclusion_probabilities([one.doubt for one in pool], n)]


def _drawn_places(chances: Sequence[float], rng: random.Random) -> set[int]:
    """Draw places with these chances, their number fixed."""
    n = round(sum(chances))
    if max(chances) - min(chances) < 1e-12:
        return set(rng.sample(range(len(chances)), n))
    return {int(place) for place in draw(chances, np.random.default_rng(rng.getrandbits(64)))}


def _picked(one: Pickable, chance: float) -> Picked:
    """Give a drawn output with its chance in this draw and all before."""
    return Picked(one.output_id, 1.0 - (1.0 - one.chance) * (1.0 - chance))


def _raised(pool: Sequence[Pickable], chances: Sequence[float], drawn: Sequence[Pickable]) -> list[Picked]:
    """Give the outputs that were drawn earlier with their chance now: a like one of the pool says what this draw adds."""
    n, total = sum(chances), sum(one.doubt for one in pool)
    if n == 0:
        return []
    like = {one.doubt: chance for one, chance in zip(pool, chances, strict=True)}
    found = []
    for one in drawn:
        share = one.doubt / total if total else 1.0 / len(pool)
        chance = min(1.0, n * ((1.0 - UNIFORM_PART) * share + UNIFORM_PART / len(pool)))
        if max(chances) - min(chances) < 1e-12:
            chance = chances[0]
        found.append(_picked(one, like.get(one.doubt, chance)))
    return found


def _interest(one: Pickable, strategy: Strategy) -> tuple[bool, ...]:
    """Rank an output for a strategy: the first true flag that the strategy asks for decides."""
    order: Mapping[Strategy, tuple[bool, ...]] = {
        Strategy.FAIL: (one.failed, one.disputed, one.new_item),
        Strategy.DISAGREE: (one.disputed, one.failed, one.new_item),
        Strategy.NEW: (one.new_item, one.disputed, one.failed),
    }
    return order.get(strategy, (one.disputed, one.new_item, one.failed))


# --- where the judge is in doubt -------------------------------------------------------------------

FEWEST_KNOWN = 10
"""With fewer outputs graded by judge and people nothing is known of where they differ."""


@dataclass(frozen=True, slots=True)
class Known:
    """An output that both graded: the judge's score and people's, in [0, 1]."""

    judge: float
    people: float


def learn_doubts(known: Sequence[Known]) -> dict[float, float]:
    """Give how far people spread around their mean at each score of the judge; empty while too little is known.

    Scores of which little is known lean on the overall spread; one that is missing has `usual_doubt`.
    """
    if len(known) < FEWEST_KNOWN:
        return {}
    levels = sorted({one.judge for one in known})
    groups = [levels.index(one.judge) for one in known]
    people = np.array([one.people for one in known])
    means = np.bincount(groups, weights=people) / np.bincount(groups)
    sds = residual_sds(people - means[groups], groups, len(levels))
    return {level: float(sd) for level, sd in zip(levels, sds, strict=True)}


def usual_doubt(doubts: Mapping[float, float]) -> float:
    """Give the doubt of a judge's score that nobody has graded yet: the largest known one."""
    return max(doubts.values(), default=1.0)
