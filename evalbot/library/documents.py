"""Documents: plain data read from a file, in which every value knows its line, and errors that name the place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from evalbot.errors import BadFile

FieldPath = tuple[str | int, ...]

MAX_SHOWN = 60
"""How much of a name taken from a file is repeated in an error."""

OTHER_NAMES: Mapping[str, Sequence[str]] = {
    "targets": ("providers",),
    "items": ("tests",),
    "defaults": ("defaultTest",),
    "run": ("evaluateOptions",),
    "epochs": ("repeat",),
    "max_concurrency": ("maxConcurrency",),
    "reference": ("expected", "ideal", "target"),
    "input": ("question",),
    "graders": ("assert",),
    "value": ("pattern",),
    "target": ("provider",),
}
"""Canonical key -> names that are accepted in its place."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: its line, counted from 1, and the places of the values inside it."""

    line: int
    inside: Mapping[str | int, Place] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Document:
    """What a file holds; `name` is how errors call the file (relative to the project folder), `values` counts what is in it."""

    name: str
    data: JsonValue
    place: Place
    values: int = 1

    def at(self, path: FieldPath) -> tuple[int, str]:
        """Give the line and the written name, such as `items[3].expected`, of a field; as far as it exists."""
        place, shown = self.place, ""
        for part in path:
            written = _written(place, part)
            place = place.inside.get(written, place)
            shown += f"[{written}]" if isinstance(written, int) else f".{shorten(written)}"
        return place.line, shown.lstrip(".")


def _written(place: Place, part: str | int) -> str | int:
    """Give the name a key was written with: itself or one of its other names."""
    if part in place.inside or isinstance(part, int):
        return part
    return next((name for name in OTHER_NAMES.get(part, ()) if name in place.inside), part)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong at one field; `text` follows a colon and has no full stop."""

    path: FieldPath
    text: str


def refusal(document: Document, problems: Iterable[Problem], more: int = 0) -> BadFile:
    """Give the error for a document: its first problem by line, and how many there are besides (`more` that are not given)."""
    found = sorted(((*document.at(problem.path), problem.text) for problem in problems), key=lambda one: one[0])
    line, shown, text = found[0]
    named = f"field `{shown}`: " if shown else ""
    return refuse(document.name, line, named + text, more=more + len(found) - 1)


def refuse(name: str, line: int | None, text: str, more: int = 0) -> BadFile:
    """Give the error for a file: `name:line: text.` with a hint how many further problems it has."""
    where = f"{name}:{line}" if line is not None else name
    hint = "" if more <= 0 else f"The file has {more} more problem{'s' if more > 1 else ''}."
    return BadFile(f"{where}: {text}" if text.endswith("?") else f"{where}: {text}.", hint)


def shorten(name: object) -> str:
    """Give a name from a file for use in an error: one line, printable, cut."""
    text = "".join(char if char.isprintable() else "?" for char in str(name))
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"
