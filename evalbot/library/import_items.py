"""Importing: rows of other people's data files into items, by a mapping of columns to fields."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import JsonValue, ValidationError

from evalbot.errors import BadRequest
from evalbot.library.documents import Document, Place, shorten
from evalbot.library.field_types import MAX_ID
from evalbot.library.item_format import ItemFile
from evalbot.library.items import Located, make_item
from evalbot.library.read_rows import Row
from evalbot.library.strict_model import did_you_mean, problem_of
from evalbot.suites.items import Item, Source
from evalbot.suites.suites import Suite

ASKING = ("input", "messages")
FIELDS = ("id", *ASKING, "reference", "skill", "level", "tags", "split")
ID_COLUMNS = ("id", "item")
SPLITS: Mapping[str, str] = {
    "holdout": "holdout",
    "test": "holdout",
    "practice": "practice",
    "train": "practice",
    "dev": "practice",
    "validation": "practice",
}
IMPORTED = Source(kind="import")

_FREE_FIELD = re.compile(r"(vars|metadata)\.[A-Za-z_][A-Za-z0-9_]{0,99}")


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that did not become an item, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import gives: items in the order of the rows, and every row left out."""

    items: tuple[Item, ...]
    skipped: tuple[Skipped, ...]


def parse_mapping(text: str) -> dict[str, str]:
    """Read `question=vars.question,answer=reference`: column (a dotted path) to field. Raises BadRequest."""
    mapping: dict[str, str] = {}
    for part in filter(str.strip, text.split(",")):
        column, _, name = (word.strip() for word in part.rpartition("="))
        if not column:
            raise BadRequest(f"`{shorten(part.strip())}` is not `column=field`.", "Write it like answer=reference.")
        _check_field(name)
        if column in mapping or name in mapping.values():
            raise BadRequest(f"`{shorten(part.strip())}` names a column or field a second time.", "Name each once.")
        mapping[column] = name
    if not any(name in ASKING or name.startswith("vars.") for name in mapping.values()):
        raise BadRequest("The mapping says nowhere what is asked.", "Map a column to vars.question, input or messages.")
    return mapping


def _check_field(name: str) -> None:
    if name not in FIELDS and not _FREE_FIELD.fullmatch(name):
        known = [*FIELDS, "vars.question", "metadata.NAME"]
        raise BadRequest(
            f"`{shorten(name)}` is not a field of items{did_you_mean(name, known)}.", "Correct the mapping."
        )


def import_rows(rows: Sequence[Row], mapping: Mapping[str, str], source: Source = IMPORTED) -> ImportReport:
    """Turn rows into items. Ids are those of the rows where they are unique, else hashes of the content, so that a second
    import of the same file gives the same ids. Rows that cannot be items, and repeated ones, are skipped with the reason."""
    ids = _row_ids(rows, mapping)
    items: list[Item] = []
    skipped: list[Skipped] = []
    first_line: dict[str, int] = {}
    for row, row_id in zip(rows, ids, strict=True):
        found = _import_row(row, mapping, row_id, source)
        if isinstance(found, Skipped):
            skipped.append(found)
        elif found.id in first_line:
            skipped.append(Skipped(row.line, f"has the same content as line {first_line[found.id]}"))
        else:
            first_line[found.id] = row.line
            items.append(found)
    return ImportReport(tuple(items), tuple(skipped))


def _import_row(row: Row, mapping: Mapping[str, str], row_id: str | None, source: Source) -> Item | Skipped:
    """Turn one row into an item, or say why not."""
    written: dict[str, JsonValue] = {} if row_id is None else {"id": row_id}
    for column, name in mapping.items():
        value = _at(row.values, column)
        if value is None or value == "":
            if name == "reference" or name in ASKING or name.startswith("vars."):
                return Skipped(row.line, f"has nothing in the column `{shorten(column)}`")
        elif name != "id":
            _put(written, name, value)
    if written.get("split") is None and "split" in written:
        return Skipped(row.line, "has a split that is neither practice nor holdout")
    try:
        item = ItemFile.model_validate(written)
    except ValidationError as error:
        problem = problem_of(ItemFile, error.errors(include_url=False)[0])
        _, shown = Document("", None, Place(row.line)).at(problem.path)
        return Skipped(row.line, f"{shown}: {problem.text}" if shown else problem.text)
    located = Located(item, Document("", None, Place(row.line)), ())
    return replace(make_item(located, {}, ()), source=source)


def _at(values: JsonValue, path: str) -> JsonValue:
    """Give the value at a column or dotted path, None where there is none."""
    if isinstance(values, dict):
        if path in values:
            return values[path]
        head, dot, rest = path.partition(".")
        if dot and head in values:
            return _at(values[head], rest)
    return None


def _put(written: dict[str, JsonValue], name: str, value: JsonValue) -> None:
    """Put a value into a field, in the form that the field wants."""
    group, dot, key = name.partition(".")
    if dot:
        inside = written.setdefault(group, {})
        assert isinstance(inside, dict)
        inside[key] = value
    elif name == "reference":
        written[name] = [_text(one) for one in value] if isinstance(value, list) else _text_or_object(value)
    elif name == "tags":
        listed = value if isinstance(value, list) else str(value).split(",")
        written[name] = [_text(one).strip() for one in listed if _text(one).strip()]
    elif name == "split":
        written[name] = SPLITS.get(_text(value).strip().lower())
    elif name in ("skill", "level", "input") and not isinstance(value, (list, dict)):
        written[name] = _text(value)
    else:
        written[name] = value


def _text(value: JsonValue) -> str:
    """Give a plain value as text, numbers as they would be written."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else str(value)


def _text_or_object(value: JsonValue) -> JsonValue:
    return value if isinstance(value, dict) else _text(value)


def _row_ids(rows: Sequence[Row], mapping: Mapping[str, str]) -> list[str | None]:
    """Give each row's own id where one column has a different usable one in every row, else None for all."""
    mapped = [column for column, name in mapping.items() if name == "id"]
    for column in (*mapped, *ID_COLUMNS):
        ids = [_usable_id(_at(row.values, column)) for row in rows]
        if all(ids) and len(set(ids)) == len(ids):
            return list(ids)
    return [None] * len(rows)


def _usable_id(value: JsonValue) -> str | None:
    """Give a row's id in the alphabet of ids; a bare number gets a word before it."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    text = re.sub(r"[^A-Za-z0-9._:-]+", "-", str(value).strip()).strip("-._:")
    if text.isdigit():
        text = f"item-{text}"
    return text if 0 < len(text) <= MAX_ID else None


def with_imported(suite: Suite, items: Sequence[Item]) -> Suite:
    """Give the suite with the items whose ids it does not have yet: importing twice adds nothing."""
    taken = {item.id for item in suite.items}
    return replace(suite, items=(*suite.items, *(item for item in items if item.id not in taken)))
