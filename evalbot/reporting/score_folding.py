"""Stored results folded into a score table, page by page, so that no run is ever held as records."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from evalbot.grading.grades import GraderKind
from evalbot.reporting.score_tables import (
    CHECKED,
    FAILS,
    JUDGED,
    PASSES,
    Codes,
    Flags,
    Kinds,
    OutputColumns,
    ScoreTable,
    VerdictColumns,
)
from evalbot.runs.outputs import OutputId
from evalbot.stats.intervals import Floats
from evalbot.suites.items import ItemId

ResultRow: TypeAlias = tuple[
    OutputId, str, ItemId, int, bool, float | None, str | None, str | None, float | None, bool | None, float | None
]
"""An output with one of its automatic grades: id, target, item, repeat, whether it is an answer, and its cost; then kind of
grader, criterion, score, passed and weight of the grade, None where it has none. The rows of an output follow one another."""


@dataclass(frozen=True, slots=True, eq=False)
class _Outputs:
    """The outputs of a page: codes of target and item, and whether each is an answer."""

    target: Codes
    item: Codes
    answered: Flags


@dataclass(frozen=True, slots=True, eq=False)
class _Grades:
    """The grades of a page that say something: the place of the output, and what was said."""

    output: Codes
    criterion: Codes
    score: Floats
    weight: Floats
    passed: Flags
    judged: Flags


class ScoreFolding:
    """Folds result rows into a table.

    `items` numbers the items that were asked from 0, and grows by others that are met; `wanted` is how many automatic grades an
    answer to each of them gets. `named` are the outputs that must be found by id, None for all.
    """

    def __init__(
        self, items: dict[ItemId, int], wanted: Sequence[int], named: Collection[OutputId] | None = ()
    ) -> None:
        self._items, self._wanted, self._named = items, wanted, named
        self._targets, self._criteria = dict[str, int](), dict[str, int]()
        self._places: dict[OutputId, int] = {}
        self._size = 0
        self._cost: float | None = None
        self._priced = True
        self._outputs: list[_Outputs] = []
        self._grades: list[_Grades] = []

    def add(self, rows: Sequence[ResultRow]) -> None:
        """Fold in a page of rows; an output's rows are never spread over two pages."""
        if not rows:
            return
        ids, targets, items, _, answered, costs, *graded = zip(*rows, strict=True)
        starts = [0, *(n for n in range(1, len(ids)) if ids[n] != ids[n - 1])]
        named = self._named
        self._places |= {ids[n]: self._size + at for at, n in enumerate(starts) if named is None or ids[n] in named}
        known = self._targets, self._items
        outputs = _Outputs(
            np.array([known[0].setdefault(targets[n], len(known[0])) for n in starts], dtype=np.int32),
            np.array([known[1].setdefault(items[n], len(known[1])) for n in starts], dtype=np.int32),
            np.array([answered[n] for n in starts], dtype=np.bool_),
        )
        self._pay([costs[n] for n in starts if answered[n]])
        self._outputs.append(outputs)
        place = np.zeros(len(ids), dtype=np.int32)
        place[starts[1:]] = 1
        self._grades.append(self._graded(np.cumsum(place, dtype=np.int32) + np.int32(self._size), *graded))
        self._size += len(starts)

    def _pay(self, costs: Sequence[float | None]) -> None:
        """Add up costs; one that is unknown makes the whole unknown."""
        self._priced = self._priced and None not in costs
        if costs:
            self._cost = (self._cost or 0.0) + sum(cost or 0.0 for cost in costs)

    def _graded(
        self,
        output: Codes,
        kinds: Sequence[str | None],
        criteria: Sequence[str | None],
        scores: Sequence[float | None],
        passes: Sequence[bool | None],
        weights: Sequence[float | None],
    ) -> _Grades:
        """Give the grades of a page that say something; an abstention or a failed grader says nothing."""
        there = np.array([a is not None and b is not None for a, b in zip(scores, passes, strict=True)], dtype=np.bool_)
        mine, known = np.flatnonzero(there).tolist(), self._criteria
        names = [criteria[n] or "" for n in mine]
        return _Grades(
            output[mine],
            np.array([known.setdefault(name, len(known)) for name in names], dtype=np.int32),
            np.array(scores, dtype=np.float64)[mine],
            np.array(weights, dtype=np.float64)[mine],
            np.array([passes[n] for n in mine], dtype=np.bool_),
            np.array([kinds[n] == GraderKind.JUDGE for n in mine], dtype=np.bool_),
        )

    def table(self) -> ScoreTable:
        """Give everything that was folded in."""
        pages = self._outputs
        target = np.concatenate([np.zeros(0, dtype=np.int32), *(one.target for one in pages)])
        item = np.concatenate([np.zeros(0, dtype=np.int32), *(one.item for one in pages)])
        answered = np.concatenate([np.zeros(0, dtype=np.bool_), *(one.answered for one in pages)])
        grades = self._all_grades()
        wanted = np.zeros(len(self._items), dtype=np.int32)
        wanted[: len(self._wanted)] = self._wanted
        wanted = wanted[item]
        there = np.bincount(grades.output, minlength=target.size)
        scored = answered & (wanted > 0)
        verdicts = _verdicts(grades, scored, len(self._criteria))
        each = _bits(grades.output, target.size, {PASSES: grades.passed, FAILS: ~grades.passed})
        together = scored, scored & (there >= wanted), *_together(verdicts, target.size), each
        outputs = OutputColumns(target, item, answered, *together)
        names = tuple(self._targets), tuple(self._items), tuple(self._criteria)
        return ScoreTable(*names, outputs, verdicts, self._places, self._cost if self._priced else None)

    def _all_grades(self) -> _Grades:
        """Put the grades of all pages together."""
        pages = [_NO_GRADES, *self._grades]
        return _Grades(
            np.concatenate([one.output for one in pages]),
            np.concatenate([one.criterion for one in pages]),
            np.concatenate([one.score for one in pages]),
            np.concatenate([one.weight for one in pages]),
            np.concatenate([one.passed for one in pages]),
            np.concatenate([one.judged for one in pages]),
        )


_NO_GRADES = _Grades(*(np.zeros(0, dtype) for dtype in (np.int32, np.int32, float, float, np.bool_, np.bool_)))


def _verdicts(grades: _Grades, scored: Flags, criteria: int) -> VerdictColumns:
    """Give what is said of each scored output by criterion: the weighted mean of its grades, a pass when all of them pass."""
    mine = scored[grades.output]
    judged, weight = grades.judged[mine], grades.weight[mine]
    keys = grades.output[mine].astype(np.int64) * criteria + grades.criterion[mine]
    found, place = np.unique(keys, return_inverse=True)
    sums = np.bincount(place, weights=grades.score[mine] * weight, minlength=found.size)
    return VerdictColumns(
        (found // max(criteria, 1)).astype(np.int32),
        (found % max(criteria, 1)).astype(np.int32),
        sums / np.bincount(place, weights=weight, minlength=found.size),
        np.bincount(place[~grades.passed[mine]], minlength=found.size) == 0,
        _bits(place, found.size, {CHECKED: ~judged, JUDGED: judged}),
    )


def _together(verdicts: VerdictColumns, size: int) -> tuple[Flags, Kinds]:
    """Give for each of so many outputs whether it passes every criterion, and the bits of all graders behind it."""
    passed = np.bincount(verdicts.output[~verdicts.passed], minlength=size) == 0
    kinds = {bit: (verdicts.kinds & bit) > 0 for bit in (CHECKED, JUDGED)}
    return passed, _bits(verdicts.output, size, kinds)


def _bits(place: Codes, size: int, marks: Mapping[int, Flags]) -> Kinds:
    """Give for each of so many places the bits that any entry of it is marked with."""
    found = np.zeros(size, dtype=np.uint8)
    for bit, marked in marks.items():
        found[place[marked]] |= np.uint8(bit)
    return found
