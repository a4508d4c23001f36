"""What is still to be asked of a run; resuming is planning again."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence

from evalbot.runs.outputs import Unit
from evalbot.runs.runs import Run
from evalbot.suites.items import Item, ItemId


def plan_units(run: Run) -> Iterator[Unit]:
    """Give every unit of a run: repeat by repeat, item by item, the targets side by side."""
    for repeat in range(run.repeats):
        for item_id in run.item_ids:
            for target in run.targets:
                yield Unit(target.label, item_id, repeat)


def missing_units(run: Run, done: Collection[Unit]) -> list[Unit]:
    """Give the units of a run that have no output yet, in order."""
    there = done if isinstance(done, set) else set(done)
    return [unit for unit in plan_units(run) if unit not in there]


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
