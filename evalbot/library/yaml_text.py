"""Strict YAML: text to plain data in which every value knows its line, within limits that hold for any text."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import JsonValue

from evalbot.errors import BadFile
from evalbot.library.documents import Document, Place, refuse, shorten
from evalbot.library.file_text import FORBIDDEN, YAML_BYTES, character_name, decode_text, read_bytes

MAX_NODES = 100_000
"""Most values of a document, each alias counted with all it stands for."""

MAX_DEPTH = 40

_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?([0-9]{1,30}\.[0-9]{0,30}|\.[0-9]{1,30}|[0-9]{1,30}(?=[eE]))([eE][-+]?[0-9]{1,3})?")
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_AMBIGUOUS = frozenset(form for word in ("yes", "no", "on", "off") for form in (word, word.title(), word.upper()))
_SAFE_WORDS = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*")
_LEADING_TAB = re.compile(r" *\t")


@dataclass(frozen=True, slots=True)
class _Built:
    """A finished value with its place; `size` counts all values it stands for; `text` is a scalar as written."""

    value: JsonValue
    place: Place
    size: int = 1
    text: str | None = None
    plain: bool = False


@dataclass(slots=True)
class _Open:
    """A list or mapping that is still being read; a mapping's values are key, value, key, value."""

    line: int
    is_mapping: bool
    anchor: str | None
    values: list[_Built] = field(default_factory=list)


def read_yaml(path: Path, name: str) -> Document:
    """Read a YAML file; `name` is how errors call it. Raises BadFile."""
    return parse_yaml(read_bytes(path, name, YAML_BYTES), name)


def parse_yaml(data: bytes, name: str) -> Document:
    """Read one YAML document; raises BadFile with the line for whatever is not plain, small and unambiguous."""
    text = decode_text(data, name)
    reader = _Reader(name)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            reader.take(event)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text, name) from None
    except yaml.YAMLError:
        raise refuse(name, None, "this is not YAML") from None
    if reader.root is None:
        raise refuse(name, 1, "the file is empty")
    return Document(name, reader.root.value, reader.root.place, reader.root.size)


def _syntax_error(error: yaml.MarkedYAMLError, text: str, name: str) -> BadFile:
    """Put an error of the parser into one sentence with its line."""
    line = error.problem_mark.line + 1 if error.problem_mark else 1
    written = text.split("\n")[line - 1 : line]
    if written and _LEADING_TAB.match(written[0]):
        return refuse(name, line, "a tab is used to indent; use spaces")
    return refuse(name, line, f"this is not YAML: {shorten(error.problem or 'not understood')}")


class _Reader:
    """Builds plain data from the parser's events without recursion; what an alias repeats is shared, not copied."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.root: _Built | None = None
        self._open: list[_Open] = []
        self._anchors: dict[str, _Built] = {}
        self._count = 0

    def take(self, event: Any) -> None:
        """Take the next event of the parser; its attributes depend on its kind."""
        line = event.start_mark.line + 1
        match event:
            case yaml.ScalarEvent():
                self._refuse_tag(event, line)
                self._add(self._scalar(event, line), event.anchor)
            case yaml.CollectionStartEvent():
                self._refuse_tag(event, line)
                self._start(_Open(line, isinstance(event, yaml.MappingStartEvent), event.anchor))
            case yaml.CollectionEndEvent():
                done = self._open.pop()
                self._add(self._mapping(done) if done.is_mapping else self._list(done), done.anchor)
            case yaml.AliasEvent():
                self._add(self._aliased(event.anchor, line), None)
            case yaml.DocumentStartEvent() if self.root is not None:
                raise refuse(self.name, line, "a second document begins here; keep one per file")

    def _refuse_tag(self, event: Any, line: int) -> None:
        if event.tag is not None:
            raise refuse(self.name, line, f"the tag `{shorten(event.tag)}` is not allowed; write plain values")

    def _start(self, begun: _Open) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise refuse(self.name, begun.line, f"values are nested more than {MAX_DEPTH} deep")
        if begun.anchor is not None:
            self._anchors.pop(begun.anchor, None)
        self._open.append(begun)

    def _add(self, built: _Built, anchor: str | None) -> None:
        """Put a finished value where it belongs, within the limit on values."""
        self._count += 1
        if max(self._count, built.size) > MAX_NODES:
            raise refuse(self.name, built.place.line, f"the file holds more than {MAX_NODES:,} values (aliases count)")
        if anchor is not None:
            self._anchors[anchor] = built
        if self._open:
            self._open[-1].values.append(built)
        else:
            self.root = built

    def _aliased(self, anchor: str | None, line: int) -> _Built:
        if anchor is None or anchor not in self._anchors:
            raise refuse(self.name, line, f"the alias `*{shorten(anchor)}` stands for nothing that ended before it")
        return self._anchors[anchor]

    def _scalar(self, event: Any, line: int) -> _Built:
        found = FORBIDDEN.search(event.value)
        if found:
            raise refuse(self.name, line, f"the control character {character_name(found[0])} is not allowed")
        plain = event.style is None or event.style == ""
        value = _plain_value(event.value) if plain else event.value
        return _Built(value, Place(line), text=event.value, plain=plain)

    def _list(self, done: _Open) -> _Built:
        for value in done.values:
            self._refuse_ambiguous(value)
        inside: dict[str | int, Place] = {index: value.place for index, value in enumerate(done.values)}
        size = 1 + sum(value.size for value in done.values)
        return _Built([value.value for value in done.values], Place(done.line, inside), size)

    def _mapping(self, done: _Open) -> _Built:
        """Build a mapping: its keys are texts, each once; keys brought in by `<<` yield to its own."""
        own: dict[str, _Built] = {}
        merged: dict[str, _Built] = {}
        size = 1 + sum(value.size for value in done.values)
        for key, value in zip(done.values[::2], done.values[1::2], strict=True):
            if key.plain and key.text == "<<":
                merged = {**self._merged(value, key.place.line), **merged}
                continue
            name = self._key(key)
            if name in own:
                raise refuse(self.name, key.place.line, f"the key `{shorten(name)}` is there twice")
            self._refuse_ambiguous(value, f"field `{shorten(name)}`: ")
            own[name] = _Built(value.value, Place(key.place.line, value.place.inside))
        every = {**merged, **own}
        inside: dict[str | int, Place] = {name: one.place for name, one in every.items()}
        return _Built({name: one.value for name, one in every.items()}, Place(done.line, inside), size)

    def _key(self, key: _Built) -> str:
        if key.text is None:
            raise refuse(self.name, key.place.line, "a key is a list or mapping; keys are words")
        return key.text

    def _merged(self, value: _Built, line: int) -> dict[str, _Built]:
        """Give the entries that a `<<` key brings in: those of one mapping or of a list of mappings, earlier ones first."""
        sources = value.value if isinstance(value.value, list) else [value.value]
        places = value.place.inside.values() if isinstance(value.value, list) else [value.place]
        found: dict[str, _Built] = {}
        for source, place in zip(sources, places, strict=True):
            if not isinstance(source, dict):
                raise refuse(self.name, line, "`<<` takes a mapping or a list of mappings")
            for name, one in source.items():
                found.setdefault(name, _Built(one, place.inside[name]))
        return found

    def _refuse_ambiguous(self, value: _Built, named: str = "") -> None:
        if value.plain and value.text in _AMBIGUOUS:
            kind = "true" if value.text.lower() in ("yes", "on") else "false"
            raise refuse(
                self.name,
                value.place.line,
                f"{named}`{value.text}` can be read as a word or as {kind}; quote it or write {kind}",
            )


def is_plain_text(text: str) -> bool:
    """Tell whether a text means itself when it stands in a file without quotes."""
    return _SAFE_WORDS.fullmatch(text) is not None and text not in _AMBIGUOUS and _plain_value(text) == text


def _plain_value(text: str) -> JsonValue:
    """Read an unquoted scalar: null, true, false, a decimal number, else the text itself."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text
