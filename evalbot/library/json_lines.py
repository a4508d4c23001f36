"""Strict JSON Lines: one object per line, no NaN, no double keys, and errors that name the line."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator

from pydantic import JsonValue

from evalbot.library.documents import Document, Place, refuse, shorten
from evalbot.library.file_text import FORBIDDEN, character_name

MAX_LINE = 1_000_000
MAX_LINE_VALUES = 50_000
MAX_NODES = 300_000
"""Most values of one file, and of all items of a suite."""

MAX_DEPTH = 40


class BadJson(ValueError):
    """A line that is not strict JSON; the text says what is wrong with it."""


def parse_json(text: str) -> JsonValue:
    """Parse strict JSON; raises BadJson."""
    if len(text) > MAX_LINE:
        raise BadJson(f"is longer than {MAX_LINE:,} characters")
    try:
        value: JsonValue = json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float, parse_int=_int
        )
    except json.JSONDecodeError as error:
        raise BadJson(f"is not JSON ({error.msg} at character {error.pos + 1})") from None
    except RecursionError:
        raise BadJson(f"is nested more than {MAX_DEPTH} deep") from None
    return value


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    made = dict(pairs)
    if len(made) < len(pairs):
        double = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise BadJson(f"has the key `{shorten(double)}` twice")
    return made


def _constant(word: str) -> JsonValue:
    raise BadJson(f"holds {word}, which is not a JSON value")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise BadJson("holds a number that is too large")
    return value


def _int(text: str) -> int:
    if len(text) > 19:
        raise BadJson("holds a number that is too large")
    return int(text)


def count_values(value: JsonValue) -> int:
    """Count the values of plain data; raises BadJson for what is nested too deep or holds control characters."""
    count, waiting = 0, [(value, 1)]
    while waiting:
        one, depth = waiting.pop()
        count += 1
        if count > MAX_LINE_VALUES:
            raise BadJson(f"holds more than {MAX_LINE_VALUES:,} values")
        if depth > MAX_DEPTH:
            raise BadJson(f"is nested more than {MAX_DEPTH} deep")
        if isinstance(one, str):
            _check_text(one)
        elif isinstance(one, list):
            waiting.extend((inner, depth + 1) for inner in one)
        elif isinstance(one, dict):
            for name, inner in one.items():
                _check_text(name)
                waiting.append((inner, depth + 1))
    return count


def _check_text(text: str) -> None:
    found = FORBIDDEN.search(text)
    if found:
        raise BadJson(f"holds the control character {character_name(found[0])}")


def read_json_lines(lines: Iterable[str], name: str) -> Iterator[Document]:
    """Yield each line that is not blank as a document; raises BadFile with the number of the first bad line."""
    total = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            data = parse_json(line.rstrip("\n"))
            values = count_values(data)
            total += values
        except BadJson as error:
            raise refuse(name, number, f"the line {error}") from None
        if total > MAX_NODES:
            raise refuse(name, number, f"the file holds more than {MAX_NODES:,} values; split it")
        if not isinstance(data, dict):
            raise refuse(name, number, "the line is not an object; write one `{...}` per line")
        yield Document(name, data, Place(number, {key: Place(number) for key in data}), values)
