"""Logs: one line each, as text for people or as JSON for machines, with the names of runs and never a word of their texts."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime

LONGEST_SENTENCE = 500
LONGEST_FIELD = 200
FRAMES = 8
"""How many places of a failure's way are told, the last ones."""

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """Writes each record as one JSON object: when, how bad, who, what, and the fields that go with it.

    Of a failure it tells the kind and the places it came by. What a failure says is left out: libraries put into it what they
    were given, and that may be a prompt, an answer or a key.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Give the line of a record."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "said": record.getMessage()[:LONGEST_SENTENCE],
        }
        line |= _fields(record)
        if record.exc_info and record.exc_info[1] is not None:
            line["failure"] = type(record.exc_info[1]).__name__
            line["places"] = list(_places(record.exc_info[1]))
        return json.dumps(line, ensure_ascii=False, default=str)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    """Give what was logged beside the sentence, as far as it is short and simple."""
    fields: dict[str, object] = {}
    for name, value in vars(record).items():
        if name not in _OWN and isinstance(value, str | int | float):
            fields[name] = str(value)[:LONGEST_FIELD] if isinstance(value, str) else value
    return fields


def _places(error: BaseException) -> Iterator[str]:
    """Name the last places that a failure came by."""
    for frame in traceback.extract_tb(error.__traceback__)[-FRAMES:]:
        path = frame.filename.rpartition("site-packages/")[2]
        yield f"{path}:{frame.lineno} {frame.name}"


def start_logging(level: str, form: str = "text") -> None:
    """Send logs to standard error. Libraries are heard from warnings on: what they say below that can hold keys and texts."""
    text = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if form == "json" else text)
    chosen = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(level=max(chosen, logging.WARNING), handlers=[handler])
    logging.getLogger("evalbot").setLevel(chosen)
