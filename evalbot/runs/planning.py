"""What is still to be asked of a run; resuming is planning again."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from evalbot.runs.outputs import OutputId, Unit
from evalbot.runs.runs import Run
from evalbot.suites.items import Item, ItemId

SHARD_UNITS = 500
"""How many units a shard of a large run has; the last one of a run may have fewer."""

FEWEST_UNITS = 50
PARTS = 4
"""A smaller run is cut into so many shards, so that several workers share it, but into none of fewer units than these."""


def plan_units(run: Run) -> Iterator[Unit]:
    """Give every unit of a run: repeat by repeat, item by item, the targets side by side."""
    return _units_between(run, 0, run.size)


def shard_units(run: Run) -> int:
    """Give how many units each shard of a run has. One that asks one thing at a time is cut as late as possible."""
    wanted = run.size if run.concurrency == 1 else -(-run.size // PARTS)
    return min(SHARD_UNITS, max(FEWEST_UNITS, wanted))


def shard_count(run: Run) -> int:
    """Give how many shards a run has: consecutive parts of its plan, counted from 0."""
    return -(-run.size // shard_units(run))


def plan_shard(run: Run, k: int) -> Iterator[Unit]:
    """Give the units of one shard in the plan's order; a shard that the run does not have holds none."""
    units = shard_units(run)
    return _units_between(run, k * units, min(run.size, (k + 1) * units))


def _units_between(run: Run, start: int, end: int) -> Iterator[Unit]:
    """Give the units from one place of the plan up to another, without walking what comes before."""
    labels, items = [target.label for target in run.targets], run.item_ids
    for place in range(start, end):
        row, target = divmod(place, len(labels))
        repeat, item = divmod(row, len(items))
        yield Unit(labels[target], items[item], repeat)


def missing_units(run: Run, done: Collection[Unit]) -> list[Unit]:
    """Give the units of a run that have no output yet, in order."""
    there = done if isinstance(done, set) else set(done)
    return [unit for unit in plan_units(run) if unit not in there]


MOST_TRIES = 3
"""How often a unit is tried that the program died at."""


@dataclass(frozen=True, slots=True)
class ShardStart:
    """That work on a shard began: the first unit it missed then, or the one that is tried alone, and how often that was tried.

    Units are taken in order, so what was under way when a program died is among the first that are missing after it.
    """

    first: OutputId
    tries: int = 1

    def is_suspicious(self, first: OutputId) -> bool:
        """Tell whether the program died at one of the first units: it got no further than `first`, or tried one alone."""
        return self.tries > 1 or self.first == first

    def alone(self, unit: OutputId) -> ShardStart:
        """Give the start of trying one unit while nothing else goes on."""
        return ShardStart(unit, self.tries + 1 if unit == self.first else 2)

    @property
    def hopeless(self) -> bool:
        """Tell whether the unit was tried as often as is sensible."""
        return self.tries > MOST_TRIES


def choose_items(items: Sequence[Item], limit: int | None, seed: int) -> tuple[ItemId, ...]:
    """Choose which items a limited run asks: a random sample by seed that keeps each skill's share, in suite order."""
    if limit is None or limit >= len(items):
        return tuple(item.id for item in items)
    rng = random.Random(seed)
    by_skill: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        by_skill.setdefault(item.skill or "", []).append(place)
    for places in by_skill.values():
        rng.shuffle(places)
    # Take from each skill in proportion: the place of an item in its shuffled skill, as a share, is its turn.
    turns = sorted(
        ((rank + 0.5) / len(places), rng.random(), place)
        for places in by_skill.values()
        for rank, place in enumerate(places)
    )
    return tuple(items[place].id for place in sorted(place for _, _, place in turns[:limit]))
