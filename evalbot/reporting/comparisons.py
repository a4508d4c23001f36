"""Run against run and target against target, paired on the items that both answered.

The one rule of verdicts: better or worse is said where the interval that is shown excludes zero, no difference where it
lies within the margin, else it cannot be told. Skills are judged as a family besides: of those called better or worse a tenth
may be so by chance (Benjamini-Hochberg on the p-values that belong to the intervals), so a skill whose interval excludes
zero by little may stay untold. Where both sides have enough outputs that people graded, the difference is corrected by them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import hypot, sqrt

import numpy as np

from evalbot.reporting.corrections import FEWEST_GRADED, NOBODY, Part, People, guess_people, part_of, pool_mean
from evalbot.reporting.estimates import FEWEST, OVERALL, Change, How
from evalbot.reporting.score_tables import CHECKED, all_kinds, first_seen, how_of_bits, item_means
from evalbot.reporting.scores import Scores, as_table
from evalbot.stats.intervals import CHANGE, Floats, Interval, Measured, widened_mean
from evalbot.stats.judged import corrected_pool_difference
from evalbot.stats.multiplicity import benjamini_hochberg
from evalbot.stats.pairs import compare_pairs, difference_of
from evalbot.stats.quantiles import t_upper_tail, two_sided_z
from evalbot.stats.verdicts import decide
from evalbot.suites.graders import PASS_CRITERION
from evalbot.suites.items import Item, ItemId
from evalbot.suites.suites import Suite

MARGIN = 0.05
"""A difference that lies within this many points (as a share) counts as none."""

FALSE_SHARE = 0.10
"""How many of the skills called better or worse in one comparison may be so by chance, as a share."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: the scores of a target, and what people did for its run."""

    scores: Scores
    people: People = NOBODY


@dataclass(frozen=True, slots=True)
class _Difference:
    """What was found on a group of items."""

    measured: Measured
    how: How
    human_n: int = 0
    judge_alone: float | None = None


def compare_scores(
    before: Scores,
    after: Scores,
    skill_of: Mapping[ItemId, str | None],
    target: str,
    against: str,
) -> list[Change]:
    """Compare two sets of scored outputs as `compare_sides` does, by what checks and judge say alone."""
    return compare_sides(Side(before), Side(after), skill_of, target, against)


def compare_sides(
    before: Side, after: Side, skill_of: Mapping[ItemId, str | None], target: str, against: str
) -> list[Change]:
    """Compare two sides item by item, overall first and then by skill; too few shared items give no row."""
    pair = _Pair(before, after)
    if len(pair.items) < FEWEST:
        return []
    by_skill: dict[str, list[int]] = {}
    for place, item_id in enumerate(pair.items):
        by_skill.setdefault(skill_of.get(item_id) or "", []).append(place)
    skills = [name for name in sorted(by_skill) if name and len(by_skill[name]) >= FEWEST]
    everything = pair.difference(range(len(pair.items)))
    found = {OVERALL: everything, **{name: pair.difference(by_skill[name]) for name in skills}}
    told = told_skills({name: found[name].measured for name in skills})
    return [_change(one, name, target, against, name == OVERALL or name in told) for name, one in found.items()]


def told_skills(differences: Mapping[str, Measured]) -> frozenset[str]:
    """Give the skills of a comparison that may be called better or worse together."""
    adjusted = benjamini_hochberg([interval_p(one) for one in differences.values()])
    return frozenset(name for name, q in zip(differences, adjusted, strict=True) if q <= FALSE_SHARE)


def interval_p(measured: Measured) -> float:
    """Give the p-value of no difference that belongs to an interval, read off its end on the side of zero."""
    if measured.value == 0:
        return 1.0
    arm = measured.value - measured.lower if measured.value > 0 else measured.upper - measured.value
    se = arm / two_sided_z(measured.level)
    return 2 * t_upper_tail(abs(measured.value) / se, 1e9) if se else 0.0


def _change(one: _Difference, skill: str, target: str, against: str, told: bool) -> Change:
    """Give the change that a difference shows; one that is not told cannot be better or worse."""
    measured, decision = one.measured, decide(one.measured, MARGIN, None if told else 1.0)
    return Change(
        target,
        against,
        skill,
        measured.value,
        measured.lower,
        measured.upper,
        measured.n,
        decision.verdict,
        decision.needed,
        one.how,
        one.human_n,
        one.judge_alone,
    )


# --- differences -----------------------------------------------------------------------------------


class _Means:
    """One side with its items in the order in which they come: the mean of each, and the bits of the graders behind it."""

    def __init__(self, side: Side) -> None:
        table = as_table(side.scores)
        mine = np.flatnonzero(table.outputs.complete)
        codes, kinds = table.outputs.item[mine], table.outputs.kinds[mine]
        found, self.means = item_means(codes, table.outputs.passed[mine].astype(np.float64))
        self.names = [table.items[code] for code in found]
        self.kinds = np.zeros(found.size, dtype=np.uint8)
        np.bitwise_or.at(self.kinds, first_seen(codes)[1], np.where(kinds, kinds, CHECKED))
        self.part = part_of(table, PASS_CRITERION, side.people)


class _Pair:
    """Two sides with the values of the items that both have, in the order of the second one."""

    def __init__(self, before: Side, after: Side) -> None:
        old, new = _Means(before), _Means(after)
        there = {item: place for place, item in enumerate(old.names)}
        shared = [(place, there[item]) for place, item in enumerate(new.names) if item in there]
        second, first = (np.array([one[side] for one in shared], dtype=np.int64) for side in (0, 1))
        self.items = [new.names[place] for place in second]
        self.old, self.new = old.means[first], new.means[second]
        self.kinds = old.kinds[first] | new.kinds[second]
        self.parts = old.part, new.part

    def difference(self, places: Sequence[int]) -> _Difference:
        """Compare some of the items, corrected by people where they graded enough of both sides."""
        rng, mine = np.random.default_rng(len(places)), np.asarray(places, dtype=np.int64)
        alone = compare_pairs(self.old[mine], self.new[mine], rng).difference
        before, after = self.parts
        if before and after and min(before.graded, after.graded) >= FEWEST_GRADED:
            items = frozenset(self.items[place] for place in places)
            corrected = corrected_difference(before.of(items), after.of(items), alone)
            if corrected:
                return replace(corrected, judge_alone=alone.value)
        return _Difference(alone, how_of_bits(all_kinds(self.kinds[mine])))


def corrected_difference(before: Part, after: Part, alone: Measured) -> _Difference | None:
    """Correct a difference (after minus before) by people's grades on the same items; None with too few of them.

    Items that people graded on both sides are compared as pairs; else each side is corrected by itself. To the doubt about
    what people would say of these outputs comes that of having asked only these items, since better and worse speak of the
    targets: from the paired grades of people, else from the interval of checks and judge `alone`.
    Source: Särndal, Swensson & Wretman 1992, Model Assisted Survey Sampling, chapter 9 (two-phase sampling),
    doi:10.1007/978-1-4612-4378-6.
    """
    if min(before.graded, after.graded) < FEWEST_GRADED:
        return None
    human_n, items = before.graded + after.graded, _Arms(alone.value - alone.lower, alone.upper - alone.value)
    pairs = _paired(before, after)
    if pairs is not None:
        found = corrected_pool_difference(*pairs.human, *pairs.judge, *pairs.pool).measured
        arm = _item_arm(pairs.human[1] - pairs.human[0], pairs.pool[0].size)
        return _Difference(_widened(found, _Arms(arm, arm), alone), How.CORRECTED, human_n)
    sides = [pool_mean(part, None, None if part.equal else guess_people(part)) for part in (before, after)]
    return _Difference(_widened(difference_of(sides[1], sides[0]), items, alone), How.CORRECTED, human_n)


@dataclass(frozen=True, slots=True)
class _Arms:
    """How far an interval reaches below and above its value."""

    below: float
    above: float


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Scores before and after: by people and by the judge where people graded both, by the judge everywhere."""

    human: tuple[Floats, Floats]
    judge: tuple[Floats, Floats]
    pool: tuple[Floats, Floats]


def _paired(before: Part, after: Part) -> _Pairs | None:
    """Pair two parts by item; None with repeats, settled items, unequal chances, or too few items graded on both sides."""
    places = [{item: place for place, item in enumerate(part.items)} for part in (before, after)]
    whole = all(
        part.equal and part.known.size == 0 and len(place) == part.item.size
        for part, place in zip((before, after), places, strict=True)
    )
    if not whole:
        return None
    shared = [item for item in before.items if item in places[1]]
    old, new = (np.array([place[item] for item in shared], dtype=np.int64) for place in places)
    both = before.labelled[old] & after.labelled[new]
    if both.sum() < FEWEST_GRADED:
        return None
    return _Pairs(
        (before.people[old][both], after.people[new][both]),
        (before.judge[old][both], after.judge[new][both]),
        (before.judge[old], after.judge[new]),
    )


def _item_arm(differences: Floats, items: int) -> float:
    """Give how far the mean of so many items may lie from that of all such items, by the spread of some of the differences."""
    return widened_mean(differences, within=CHANGE).half_width * sqrt(differences.size / items)


def _widened(found: Measured, items: _Arms, alone: Measured) -> Measured:
    """Add the doubt of having asked only these items; n counts the items, as without people."""
    ends = Interval(
        CHANGE.clip(found.value - hypot(found.value - found.lower, items.below)),
        CHANGE.clip(found.value + hypot(found.upper - found.value, items.above)),
    )
    se = ends.width / 2 / two_sided_z(found.level)
    return replace(found, value=found.value, lower=ends.lower, upper=ends.upper, n=alone.n, se=se, clusters=None)


# --- which items are the same ----------------------------------------------------------------------

_ASKED = ("vars", "messages", "reference")


@dataclass(frozen=True, slots=True)
class SameItems:
    """The items that ask the same in two versions of a suite, and those of them that are graded in another way."""

    ids: frozenset[ItemId]
    regraded: frozenset[ItemId]


def same_items(before: Suite, after: Suite) -> SameItems:
    """Find the items of two versions of a suite that may be paired: same id, question and reference."""
    old = {item.id: item for item in before.items}
    same = {item.id for item in after.items if item.id in old and _asks_same(old[item.id], item)}
    judges = before.run.judge, after.run.judge
    regraded = {
        item.id
        for item in after.items
        if item.id in same and (judges[0] != judges[1] or _graders(before, old[item.id]) != _graders(after, item))
    }
    return SameItems(frozenset(same), frozenset(regraded))


def _asks_same(one: Item, other: Item) -> bool:
    """Tell whether two items ask the same."""
    return all(getattr(one, part) == getattr(other, part) for part in _ASKED)


def _graders(suite: Suite, item: Item) -> list[tuple[object, object]]:
    """Give all by which an item is graded."""
    return [(one, suite.rubrics.get(one.rubric or "")) for one in suite.graders_of(item)]
