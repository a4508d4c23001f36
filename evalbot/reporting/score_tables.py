"""Scores as columns: what checks and judges say of the outputs of a run, in few bytes each and without a word of their texts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from evalbot.grading.grades import GraderKind
from evalbot.reporting.estimates import How
from evalbot.runs.outputs import OutputId
from evalbot.stats.intervals import Floats
from evalbot.suites.graders import PASS_CRITERION
from evalbot.suites.items import ItemId

Flags: TypeAlias = npt.NDArray[np.bool_]
Codes: TypeAlias = npt.NDArray[np.integer[Any]]
Kinds: TypeAlias = npt.NDArray[np.uint8]
Places: TypeAlias = npt.NDArray[np.intp]

CHECKED, JUDGED = 1, 2
"""The bits of a kind of grader."""

PASSES, FAILS = 1, 2
"""The bits of a verdict."""

_BITS = {GraderKind.CHECK: CHECKED, GraderKind.JUDGE: JUDGED}


@dataclass(frozen=True, slots=True, eq=False)
class OutputColumns:
    """One entry per output: the codes of its target and item, whether it is an answer, and what all its graders say together.

    `complete` is False for errors, for what nothing grades, and while a grade is missing; only complete outputs enter numbers.
    `scored` ones may miss a grade. `kinds` are the bits of the graders behind it, `verdicts` those of what they say, each by
    itself: passes, fails.
    """

    target: Codes
    item: Codes
    answered: Flags
    scored: Flags
    complete: Flags
    passed: Flags
    kinds: Kinds
    verdicts: Kinds

    def where(self, mine: Flags) -> OutputColumns:
        """Give some of the outputs."""
        return OutputColumns(*(getattr(self, part.name)[mine] for part in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class VerdictColumns:
    """One entry per scored output and criterion, in the order of the outputs; `output` is the place of the output."""

    output: Codes
    criterion: Codes
    score: Floats
    passed: Flags
    kinds: Kinds


@dataclass(frozen=True, slots=True, eq=False)
class Criterion:
    """What one criterion, or all of them together, says of each output of a table: NaN where it says nothing."""

    score: Floats
    kinds: Kinds

    @property
    def there(self) -> Flags:
        """Which outputs it says something of."""
        return ~np.isnan(self.score)


@dataclass(frozen=True, slots=True, eq=False)
class ScoreTable:
    """The outputs of a run with their scores; `targets`, `items` and `criteria` are the names that codes stand for.

    `places` finds outputs by id, at least those that came before people. `cost_usd` is what the answers cost together, None as
    soon as one cost is unknown.
    """

    targets: Sequence[str]
    items: Sequence[ItemId]
    criteria: Sequence[str]
    outputs: OutputColumns
    verdicts: VerdictColumns
    places: Mapping[OutputId, int] = field(default_factory=dict)
    cost_usd: float | None = None

    @property
    def size(self) -> int:
        """How many outputs there are."""
        return self.outputs.target.size

    @property
    def scored_items(self) -> set[ItemId]:
        """The items of all complete outputs."""
        return {self.items[code] for code in np.unique(self.outputs.item[self.outputs.complete])}

    def criterion(self, name: str) -> Criterion:
        """Give what a criterion says of each output; `pass` is all of them together."""
        complete = self.outputs.complete
        if name == PASS_CRITERION:
            return Criterion(np.where(complete, self.outputs.passed, np.nan), self.outputs.kinds)
        said = self.verdicts
        mine = said.criterion == (self.criteria.index(name) if name in self.criteria else -1)
        score, kinds = np.full(self.size, np.nan), np.zeros(self.size, dtype=np.uint8)
        score[said.output[mine]], kinds[said.output[mine]] = said.score[mine], said.kinds[mine]
        return Criterion(score, kinds)

    def scored_targets(self) -> list[str]:
        """Give the targets with complete outputs, in the order in which they come."""
        return [self.targets[code] for code in first_seen(self.outputs.target[self.outputs.complete])[0]]

    def complete_of(self, target: str) -> Places:
        """Give the places of the complete outputs of a target."""
        code = self.targets.index(target) if target in self.targets else -1
        return np.flatnonzero(self.outputs.complete & (self.outputs.target == code))

    def criteria_of(self, places: Places) -> list[str]:
        """Give the criteria that say something of some outputs, by name."""
        mine = np.zeros(self.size, dtype=np.bool_)
        mine[places] = True
        said = self.verdicts
        return sorted(self.criteria[code] for code in np.unique(said.criterion[mine[said.output]]))

    def only(self, targets: Collection[str]) -> ScoreTable:
        """Give the outputs of some targets."""
        return self._where(np.array([one in targets for one in self.targets], dtype=np.bool_)[self.outputs.target])

    def of_items(self, items: Collection[ItemId]) -> ScoreTable:
        """Give the outputs of some items."""
        return self._where(np.array([one in items for one in self.items], dtype=np.bool_)[self.outputs.item])

    def _where(self, mine: Flags) -> ScoreTable:
        """Give some of the outputs."""
        if mine.all():
            return self
        out, said, place = self.outputs, self.verdicts, np.cumsum(mine, dtype=np.int32) - 1
        kept = mine[said.output]
        verdicts = VerdictColumns(
            place[said.output[kept]], said.criterion[kept], said.score[kept], said.passed[kept], said.kinds[kept]
        )
        places = {one: int(place[at]) for one, at in self.places.items() if mine[at]}
        return ScoreTable(self.targets, self.items, self.criteria, out.where(mine), verdicts, places)

    def flags(self, ids: Iterable[OutputId]) -> Flags:
        """Mark some outputs."""
        found = np.zeros(self.size, dtype=np.bool_)
        found[[self.places[one] for one in ids if one in self.places]] = True
        return found


def kind_bits(kinds: Iterable[GraderKind]) -> int:
    """Give kinds of grader as bits."""
    return sum(_BITS.get(kind, 0) for kind in kinds)


def how_of_bits(kinds: int) -> How:
    """Name the kinds of grader that bits stand for."""
    if kinds == JUDGED:
        return How.JUDGE
    return How.CHECK_AND_JUDGE if kinds & JUDGED else How.CHECK


def all_kinds(kinds: Kinds) -> int:
    """Give the bits of all graders together."""
    return int(np.bitwise_or.reduce(kinds)) if kinds.size else 0


# --- means of items --------------------------------------------------------------------------------


def first_seen(codes: Codes) -> tuple[Codes, Places]:
    """Give the different codes in the order in which they come, and for each entry the place of its code among them."""
    found, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty(order.size, dtype=np.intp)
    rank[order] = np.arange(order.size)
    return found[order], rank[inverse]


def item_means(items: Codes, values: Floats) -> tuple[Codes, Floats]:
    """Give the items in the order in which they come, and the mean value of each over its repeats."""
    if items.size and (np.diff(items) > 0).all():
        return items, values
    found, place = first_seen(items)
    counts = np.bincount(place, minlength=found.size)
    return found, np.bincount(place, weights=values, minlength=found.size) / counts


def skill_codes(items: Sequence[ItemId], skill_of: Mapping[ItemId, str | None]) -> tuple[list[str], Codes]:
    """Give the skills by name, and for each item the place of its skill among them, -1 for none."""
    skills = [skill_of.get(item) or "" for item in items]
    names = sorted(set(skills) - {""})
    places = {name: place for place, name in enumerate(names)} | {"": -1}
    return names, np.array([places[one] for one in skills], dtype=np.int32)
