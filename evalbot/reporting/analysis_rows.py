"""Rows of grades, gold labels and judge labels as text: sorted by criterion, repeated ones reduced to the last."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from evalbot.errors import BadRequest

MAX_CRITERIA = 100
MAX_SHOWN = 60
"""How much of a text from the data is repeated in an error."""


class Source(StrEnum):
    """Which of the three tables a row stands in."""

    GRADES = "grades"
    GOLD = "gold"
    JUDGE = "judge"


class GradeRow(NamedTuple):
    """One person's grade of one output for one criterion, all as text; an empty value is a grade not given."""

    output: str
    grader: str
    value: str
    criterion: str = ""
    scale: str = ""


class LabelRow(NamedTuple):
    """The gold label or the judge's verdict on one output, as text; an empty value is a missing one."""

    output: str
    value: str
    criterion: str = ""


class BadRow(BadRequest):
    """A row that cannot be used: which table, which row (counted from 0; None for the whole table), what is wrong."""

    def __init__(self, text: str, hint: str, source: Source = Source.GRADES, row: int | None = None) -> None:
        place = f"{source} row {row + 1}" if row is not None else f"{source}"
        super().__init__(f"{place}: {text}.", hint)
        self.text, self.source, self.row = text, source, row


@dataclass(slots=True)
class Given:
    """One text given for one output, and the row it stands in; `grader` is empty in gold and judge tables."""

    output: str
    grader: str
    text: str
    row: int


@dataclass(slots=True)
class Part:
    """The grades of one criterion: the last one of each grader on each output, and the scale that was declared."""

    name: str
    given: list[Given] = field(default_factory=list)
    scale: str = ""
    repeats: int = 0


def parts_of(rows: Iterable[GradeRow]) -> dict[str, Part]:
    """Sort grades by criterion, in the order the criteria come; raises BadRow for a row without output or grader."""
    last: dict[tuple[str, str, str], Given] = {}
    parts: dict[str, Part] = {}
    for number, (output, grader, value, criterion, scale) in enumerate(rows):
        key = (criterion.strip(), output.strip(), grader.strip())
        part = parts.get(key[0])
        if part is None:
            part = parts[key[0]] = _new_part(key[0], len(parts), number)
        if scale != part.scale or not key[1] or not key[2]:
            _check(key, scale.strip(), part, number)
        part.repeats += key in last
        last[key] = Given(key[1], key[2], value.strip(), number)
    for (name, _, _), given in last.items():
        parts[name].given.append(given)
    if len(parts) > 1 and "" in parts:
        row = parts[""].given[0].row
        raise BadRow("the row has no criterion, but other rows have one", "Fill it in.", row=row)
    return parts


def _new_part(name: str, before: int, number: int) -> Part:
    """Begin a criterion; refuses too many."""
    if before >= MAX_CRITERIA:
        raise BadRow(f"there are more than {MAX_CRITERIA} criteria", "Give fewer in one file.", row=number)
    return Part(name)


def _check(key: tuple[str, str, str], scale: str, part: Part, number: int) -> None:
    """Refuse a row without output or grader, or with another scale than the rows before it."""
    for name, text in (("output", key[1]), ("grader", key[2])):
        if not text:
            raise BadRow(f"the row has no {name}", "Fill it in or delete the row.", row=number)
    if scale and not part.scale:
        part.scale = scale
    if scale and scale.casefold() != part.scale.casefold():
        text = f"the scale is `{shown(scale)}` here and `{shown(part.scale)}` in earlier rows of the same criterion"
        raise BadRow(text, "Give every row of a criterion the same scale.", row=number)


def labels_of(rows: Sequence[LabelRow], criteria: Sequence[str], source: Source) -> dict[str, list[Given]]:
    """Sort gold or judge labels by criterion; the last one of an output counts.

    Labels without a criterion belong to the only one there is. Raises BadRow when there are several, or for a criterion
    nobody graded.
    """
    last: dict[tuple[str, str], Given] = {}
    for number, (output, value, criterion) in enumerate(rows):
        name = criterion.strip() or (criteria[0] if len(criteria) == 1 else "")
        if not output.strip():
            raise BadRow("the row has no output", "Fill it in or delete the row.", source, number)
        if name not in criteria:
            raise _unknown_criterion(name, criteria, source, number)
        last[name, output.strip()] = Given(output.strip(), "", value.strip(), number)
    found: dict[str, list[Given]] = {name: [] for name in criteria}
    for (name, _), given in last.items():
        found[name].append(given)
    return found


def _unknown_criterion(name: str, criteria: Sequence[str], source: Source, number: int) -> BadRow:
    """Give the error for a label whose criterion is not clear or not graded."""
    if not name:
        few = ", ".join(shown(one) for one in criteria[:6])
        return BadRow(
            f"the grades have {len(criteria)} criteria ({few}) and the row does not say which it is for",
            "Add a column criterion to this file.",
            source,
            number,
        )
    return BadRow(f"nobody graded the criterion `{shown(name)}`", "Correct its name.", source, number)


def natural_key(text: str) -> tuple[str | tuple[int, str], ...]:
    """Give a sort key that puts `item 9` before `item 10`, of any length."""
    pieces = re.split(r"([0-9]+)", text)
    numbers = [(len(one.lstrip("0")), one.lstrip("0")) for one in pieces[1::2]]
    return (*(piece for pair in zip(pieces[::2], [*numbers, (0, "")], strict=True) for piece in pair), text)


def shown(text: object) -> str:
    """Give a text from the data for people: one line, printable, cut."""
    clean = "".join(char if char.isprintable() else "?" for char in str(text)[: 2 * MAX_SHOWN])
    return clean if len(clean) <= MAX_SHOWN else f"{clean[: MAX_SHOWN - 1]}…"
