"""The grades of one criterion as arrays: who gave which label to which output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from evalbot.errors import BadRequest
from evalbot.reporting.analysis_rows import Given, Part, natural_key, shown
from evalbot.reporting.analysis_scales import Reading, Value
from evalbot.stats.intervals import Floats, Ints, sums_by
from evalbot.stats.raters import Votes, make_votes

MAX_CELLS = 20_000_000
"""Outputs times the most grades of one output, or times the number of labels: beyond that memory runs out."""


@dataclass(frozen=True)
class GradeTable:
    """Grades of one criterion. outputs, graders: names in natural order; labels: distinct values in order;

    item, rater, label: codes of every grade given, sorted by item and the place of the grader; place: a position of each
    grader by what they graded and not by name, so that not even the last digit of a sum depends on names;
    unsure_by_item, unsure_by_rater: how many grades were withheld; reading: what the values mean.
    """

    outputs: tuple[str, ...]
    graders: tuple[str, ...]
    labels: tuple[Value, ...]
    item: Ints
    rater: Ints
    label: Ints
    place: Ints
    unsure_by_item: Ints
    unsure_by_rater: Ints
    reading: Reading

    @cached_property
    def votes(self) -> Votes:
        """The grades as votes."""
        return make_votes(self.item, self.rater, self.label, max(1, len(self.labels)), len(self.outputs))

    @cached_property
    def per_item(self) -> Ints:
        """How many grades each output got."""
        return np.bincount(self.item, minlength=len(self.outputs)).astype(np.int64)

    @cached_property
    def per_rater(self) -> Ints:
        """How many grades each grader gave."""
        return np.bincount(self.rater, minlength=len(self.graders)).astype(np.int64)

    @cached_property
    def label_counts(self) -> Ints:
        """How often each label was given."""
        return np.bincount(self.label, minlength=len(self.labels)).astype(np.int64)

    @cached_property
    def doubly_graded(self) -> int:
        """How many outputs got at least two grades."""
        return int((self.per_item >= 2).sum())

    @cached_property
    def values(self) -> Floats:
        """The number of each label; its code for words."""
        return np.array([v if isinstance(v, float) else k for k, v in enumerate(self.labels)], dtype=np.float64)

    @cached_property
    def item_scores(self) -> Floats:
        """The mean score in [0, 1] of every output, NaN for one without a grade."""
        scores = np.array([self.reading.scale.score(value) for value in self.labels], dtype=np.float64)
        sums = sums_by(self.item, scores[self.label], len(self.outputs))
        with np.errstate(invalid="ignore"):
            return sums / np.where(self.per_item > 0, self.per_item, np.nan)

    def side_by_side(self, values: Floats) -> Floats:
        """Give an array outputs x grades of the values of labels; a column is no grader. NaN fills it up."""
        width = int(self.per_item.max(initial=0))
        starts = np.cumsum(self.per_item) - self.per_item
        matrix = np.full((len(self.outputs), width), np.nan)
        matrix[self.item, np.arange(self.item.size) - starts[self.item]] = values[self.label]
        return matrix

    def codes_of(self, values: dict[str, Value]) -> Ints:
        """Give the label code of each output in a table of values: -1 for a value nobody gave, -2 for none."""
        code = {value: k for k, value in enumerate(self.labels)}
        found = [code.get(values[name], -1) if name in values else -2 for name in self.outputs]
        return np.array(found, dtype=np.int64)

    def label_shown(self, code: int) -> str | float:
        """Give a label for people and programs: a word as most people wrote it, a whole number without a point."""
        return value_shown(self.labels[code], self.reading)


def value_shown(value: Value, reading: Reading) -> str | float:
    """Give a value as it was written, whole numbers as such."""
    if isinstance(value, str):
        return reading.spelling.get(value, value)
    return int(value) if value.is_integer() and abs(value) < 1e15 else value


def grade_table(part: Part, reading: Reading) -> GradeTable:
    """Put the grades of one criterion into arrays; raises BadRequest when they are too many for the memory."""
    outputs = sorted({one.output for one in part.given}, key=natural_key)
    graders = sorted({one.grader for one in part.given}, key=natural_key)
    labels = _sorted_labels(reading.grades)
    item, rater = (
        _codes([one.output for one in part.given], outputs),
        _codes([one.grader for one in part.given], graders),
    )
    code = {value: k for k, value in enumerate(labels)}
    label = np.array([-1 if value is None else code[value] for value in reading.grades], dtype=np.int64)
    given = label >= 0
    place = _places(item[given], rater[given], label[given], len(graders))
    order = np.lexsort((place[rater[given]], item[given]))
    _check_size(part.given, item[given], len(outputs))
    return GradeTable(
        tuple(outputs),
        tuple(graders),
        labels,
        item[given][order],
        rater[given][order],
        label[given][order],
        place,
        np.bincount(item[~given], minlength=len(outputs)).astype(np.int64),
        np.bincount(rater[~given], minlength=len(graders)).astype(np.int64),
        reading,
    )


def _places(item: Ints, rater: Ints, label: Ints, graders: int) -> Ints:
    """Give every grader a position by the outputs graded and the labels given to them."""
    order = np.lexsort((item, rater))
    pairs = np.column_stack([item[order], label[order]])
    ends = np.cumsum(np.bincount(rater, minlength=graders))
    keys = [pairs[start:end].tobytes() for start, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True)]
    place = np.empty(graders, dtype=np.int64)
    place[sorted(range(graders), key=keys.__getitem__)] = np.arange(graders)
    return place


def _sorted_labels(values: Sequence[Value | None]) -> tuple[Value, ...]:
    """Give the distinct values in order: numbers by size, words by the alphabet."""
    words = sorted({value for value in values if isinstance(value, str)}, key=natural_key)
    return (*sorted({value for value in values if isinstance(value, float)}), *words)


def _codes(names: Sequence[str], known: Sequence[str]) -> Ints:
    """Give the position of every name."""
    place = {name: k for k, name in enumerate(known)}
    return np.array([place[name] for name in names], dtype=np.int64)


def _check_size(given: Sequence[Given], item: Ints, outputs: int) -> None:
    """Refuse one output with so many grades that the table of all would not fit."""
    counts = np.bincount(item, minlength=1)
    if outputs * int(counts.max()) > MAX_CELLS:
        most = sorted({one.output for one in given}, key=natural_key)[int(counts.argmax())]
        raise BadRequest(
            f"The output `{shown(most)}` has {int(counts.max()):,} grades, too many beside {outputs:,} outputs.",
            "Analyze it in a file of its own.",
        )
