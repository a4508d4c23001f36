"""Rows of a data file: JSON Lines or CSV, as plain values with their line numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from evalbot.errors import BadRequest
from evalbot.library.documents import refuse, shorten
from evalbot.library.file_text import ITEMS_BYTES, decode_text, read_bytes
from evalbot.library.items import MAX_ITEMS
from evalbot.library.json_lines import read_json_lines

FORMATS = ("jsonl", "csv")
MAX_COLUMNS = 200


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a file and the line where it begins."""

    line: int
    values: dict[str, JsonValue]


def read_rows(path: Path, format: str = "auto") -> list[Row]:
    """Read a data file; `format` is jsonl, csv or auto (by the file's ending). Raises BadFile with the line."""
    return parse_rows(read_bytes(path, path.name, ITEMS_BYTES), path.name, format)


def parse_rows(data: bytes, name: str, format: str = "auto") -> list[Row]:
    """Read the bytes of a data file such as an upload. Raises BadFile with the line."""
    if format == "auto":
        format = {"ndjson": "jsonl"}.get(Path(name).suffix[1:].lower(), Path(name).suffix[1:].lower())
    if format not in FORMATS:
        raise BadRequest(f"Files of the kind {shorten(format)!r} cannot be imported.", "Give it as .jsonl or .csv.")
    text = decode_text(data, name)
    found = _json_rows(text, name) if format == "jsonl" else _csv_rows(text, name)
    rows: list[Row] = []
    for row in found:
        rows.append(row)
        if len(rows) > MAX_ITEMS:
            raise refuse(name, row.line, f"the file has more than {MAX_ITEMS:,} rows; split it")
    if not rows:
        raise refuse(name, None, "the file has no rows")
    return rows


def _json_rows(text: str, name: str) -> Iterator[Row]:
    for document in read_json_lines(io.StringIO(text), name):
        if isinstance(document.data, dict):
            yield Row(document.place.line, document.data)


def _csv_rows(text: str, name: str) -> Iterator[Row]:
    """Yield the records under a header line; blank lines are passed over."""
    reader = csv.reader(io.StringIO(text), strict=True)
    header: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                pass
            elif header is None:
                header = _header(cells, name, line)
            elif len(cells) > len(header):
                raise refuse(name, line, f"the row has {len(cells)} cells, but there are {len(header)} columns")
            else:
                yield Row(line, dict(zip(header, cells, strict=False)))
            line = reader.line_num + 1
    except csv.Error as error:
        raise refuse(name, line, f"this is not CSV ({error})") from None


def _header(cells: list[str], name: str, line: int) -> list[str]:
    """Check the names of the columns."""
    header = [cell.strip() for cell in cells]
    if len(header) > MAX_COLUMNS:
        raise refuse(name, line, f"the file has more than {MAX_COLUMNS} columns")
    if not all(header):
        raise refuse(name, line, "a column has no name")
    double = next((one for place, one in enumerate(header) if one in header[:place]), None)
    if double is not None:
        raise refuse(name, line, f"two columns are called `{shorten(double)}`")
    return header
