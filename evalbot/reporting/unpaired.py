"""Two sides that were asked different items: their difference, each side corrected by people where they graded enough of it.

Different items are no pairs: what is hard about an item does not fall out, so the doubt of both sides adds up. To the doubt
about what people would say of a side's outputs comes that of having asked only these items of it.
Source: Angelopoulos, Duchi & Zrnic 2023, arXiv:2311.01453 (each side); Särndal, Swensson & Wretman 1992, Model Assisted Survey
Sampling, chapter 9 (two-phase sampling), doi:10.1007/978-1-4612-4378-6; Zou & Donner 2008, doi:10.1002/sim.3095 (the difference).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import hypot, sqrt

import numpy as np

from evalbot.reporting.comparisons import MARGIN, told_skills
from evalbot.reporting.corrections import FEWEST_GRADED, NOBODY, Part, People, guess_people, part_of, pool_mean
from evalbot.reporting.estimates import FEWEST, OVERALL, Change, How
from evalbot.reporting.score_tables import ScoreTable, all_kinds, how_of_bits, item_means
from evalbot.reporting.scores import Scores, as_table
from evalbot.stats.intervals import UNIT, Floats, Measured, mean_of, widened_mean
from evalbot.stats.pairs import difference_of
from evalbot.stats.quantiles import two_sided_z
from evalbot.stats.verdicts import decide
from evalbot.suites.graders import PASS_CRITERION
from evalbot.suites.items import ItemId


@dataclass(frozen=True, slots=True)
class Apart:
    """A side's complete scores of one target, the skills of its items, and what people did for its run."""

    scores: Scores
    skill_of: Mapping[ItemId, str | None]
    people: People = NOBODY

    def skills(self) -> dict[str, ScoreTable]:
        """Give the scores by skill, all of them first."""
        table = as_table(self.scores)
        items: dict[str, set[ItemId]] = {}
        for item in table.scored_items:
            items.setdefault(self.skill_of.get(item) or "", set()).add(item)
        return {OVERALL: table, **{skill: table.of_items(items[skill]) for skill in sorted(items) if skill}}


def compare_apart(before: Apart, after: Apart, target: str, against: str) -> list[Change]:
    """Compare pass rates over different items, overall and then by skill; the skills are tested as one family.

    Too few items on a side give no row. Where people graded enough of both sides the difference is theirs.
    """
    old, new = before.skills(), after.skills()
    names = [name for name in new if name in old and min(_items(new[name]), _items(old[name])) >= FEWEST]
    if OVERALL not in names:
        return []
    parts = [part_of(one.scores, PASS_CRITERION, one.people) for one in (before, after)]
    found = {name: _difference(old[name], new[name], parts) for name in (OVERALL, *sorted({*names} - {OVERALL}))}
    told = told_skills({name: one.measured for name, one in found.items() if name != OVERALL}) | {OVERALL}
    return [_change(one, name, target, against, name in told) for name, one in found.items()]


def _items(table: ScoreTable) -> int:
    """Count the scored items."""
    return len(table.scored_items)


@dataclass(frozen=True, slots=True)
class _Difference:
    """What was found: the difference, whose grades it stands on, and what it is without people's."""

    measured: Measured
    how: How
    human_n: int = 0
    judge_alone: float | None = None


def _difference(old: ScoreTable, new: ScoreTable, parts: Sequence[Part | None]) -> _Difference:
    """Compare two groups of scores, corrected by people where they graded enough of both."""
    alone = [mean_of(_passing(table)) for table in (old, new)]
    plain = difference_of(alone[1], alone[0])
    groups = [frozenset(table.scored_items) for table in (old, new)]
    mine = [part.of(items) for part, items in zip(parts, groups, strict=True) if part is not None]
    if len(mine) == 2 and min(part.graded for part in mine) >= FEWEST_GRADED:
        before, after = (people_mean(part, one) for part, one in zip(mine, alone, strict=True))
        graded = sum(part.graded for part in mine)
        return _Difference(difference_of(after, before), How.CORRECTED, graded, plain.value)
    kinds = all_kinds(old.outputs.kinds[old.outputs.complete]) | all_kinds(new.outputs.kinds[new.outputs.complete])
    return _Difference(plain, how_of_bits(kinds))


def _passing(table: ScoreTable) -> Floats:
    """Give the mean of each scored item."""
    mine = table.outputs.complete
    return item_means(table.outputs.item[mine], table.outputs.passed[mine].astype(np.float64))[1]


def people_mean(part: Part, alone: Measured) -> Measured:
    """Give the mean that people would give to outputs like those of a part: what they graded corrects the judge, and the
    spread of the items adds its doubt. `alone` is the mean over items by checks and judge; n counts its items.
    """
    found = pool_mean(part, None, None if part.equal else guess_people(part))
    below, above = _item_arms(part, alone)
    lower = UNIT.clip(found.value - hypot(found.value - found.lower, below))
    upper = UNIT.clip(found.value + hypot(found.upper - found.value, above))
    se = (upper - lower) / 2 / two_sided_z(found.level)
    return replace(found, lower=lower, upper=upper, n=alone.n, se=se, clusters=None)


def _item_arms(part: Part, alone: Measured) -> tuple[float, float]:
    """Give how far the mean of a part's items may lie from that of all such items: by the spread of people's grades where
    each item came once, was open to people and had the same chance, else by that of checks and judge."""
    simple = part.equal and part.known.size == 0 and np.unique(part.item).size == part.item.size
    if not simple:
        return alone.value - alone.lower, alone.upper - alone.value
    said: Floats = part.people[part.labelled]
    spread, shrink = widened_mean(said), sqrt(said.size / part.item.size)
    return (spread.value - spread.lower) * shrink, (spread.upper - spread.value) * shrink


def _change(one: _Difference, skill: str, target: str, against: str, told: bool) -> Change:
    """Give the change that a difference shows; one that is not told cannot be better or worse."""
    measured, decision = one.measured, decide(one.measured, MARGIN, None if told else 1.0)
    numbers = (measured.value, measured.lower, measured.upper, measured.n)
    basis = (one.how, one.human_n, one.judge_alone)
    return Change(target, against, skill, *numbers, decision.verdict, decision.needed, *basis, apart=True)
