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
from evalbot.reporting.scores import OutputScore, how_of, item_values, passing
from evalbot.stats.intervals import UNIT, Floats, Measured, mean_of, widened_mean
from evalbot.stats.pairs import difference_of
from evalbot.stats.quantiles import two_sided_z
from evalbot.stats.verdicts import decide
from evalbot.suites.graders import PASS_CRITERION
from evalbot.suites.items import ItemId


@dataclass(frozen=True, slots=True)
class Apart:
    """A side's complete scores of one target, the skills of its items, and what people did for its run."""

    scores: Sequence[OutputScore]
    skill_of: Mapping[ItemId, str | None]
    people: People = NOBODY

    def skills(self) -> dict[str, list[OutputScore]]:
        """Give the scores by skill, all of them first."""
        found: dict[str, list[OutputScore]] = {OVERALL: list(self.scores)}
        for score in self.scores:
            skill = self.skill_of.get(score.item_id)
            if skill:
                found.setdefault(skill, []).append(score)
        return found


def compare_apart(before: Apart, after: Apart, target: str, against: str) -> list[Change]:
    """Compare pass rates over different items, overall and then by skill; the skills are tested as one family.

    Too few items on a side give no row. Where people graded enough of both sides the difference is theirs.
    """
    old, new = before.skills(), after.skills()
    names = [name for name in new if min(_items(new[name]), _items(old.get(name, []))) >= FEWEST]
    if OVERALL not in names:
        return []
    parts = [part_of(one.scores, PASS_CRITERION, one.people) for one in (before, after)]
    found = {name: _difference(old[name], new[name], parts) for name in (OVERALL, *sorted({*names} - {OVERALL}))}
    told = told_skills({name: one.measured for name, one in found.items() if name != OVERALL}) | {OVERALL}
    return [_change(one, name, target, against, name in told) for name, one in found.items()]


def _items(group: Sequence[OutputScore]) -> int:
    """Count the items of scores."""
    return len({score.item_id for score in group})


@dataclass(frozen=True, slots=True)
class _Difference:
    """What was found: the difference, whose grades it stands on, and what it is without people's."""

    measured: Measured
    how: How
    human_n: int = 0
    judge_alone: float | None = None


def _difference(old: Sequence[OutputScore], new: Sequence[OutputScore], parts: Sequence[Part | None]) -> _Difference:
    """Compare two groups of scores, corrected by people where they graded enough of both."""
    alone = [mean_of(list(item_values(group, passing).values())) for group in (old, new)]
    plain = difference_of(alone[1], alone[0])
    groups = [frozenset(score.item_id for score in group) for group in (old, new)]
    mine = [part.of(items) for part, items in zip(parts, groups, strict=True) if part is not None]
    if len(mine) == 2 and min(part.graded for part in mine) >= FEWEST_GRADED:
        before, after = (people_mean(part, one) for part, one in zip(mine, alone, strict=True))
        graded = sum(part.graded for part in mine)
        return _Difference(difference_of(after, before), How.CORRECTED, graded, plain.value)
    return _Difference(plain, how_of([*old, *new]))


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
    return Change(target, against, skill, *numbers, decision.verdict, decision.needed, *basis)
