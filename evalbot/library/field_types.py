"""The kinds of field that several file formats share."""

from __future__ import annotations

import re
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, JsonValue, PlainValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

MAX_ID = 120
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_DAYS = re.compile(r"(mon|tue|wed|thu|fri|sat|sun)([,-](mon|tue|wed|thu|fri|sat|sun))*")
_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,3})?)\s*%")


def complain(text: str, *at: str | int) -> PydanticCustomError:
    """Give the error for a field; `text` follows the field's name and a colon, `at` leads to a field inside."""
    return PydanticCustomError("file", "{text}", {"text": text, "at": at})


def form_of(value: object) -> str:
    """Tell which form of a field a value has, as a tag in angle brackets (left out of field names in errors)."""
    if isinstance(value, str):
        return "<text>"
    return "<list>" if isinstance(value, list) else "<mapping>"


def _check_id(value: str) -> str:
    if len(value) > MAX_ID:
        raise complain(f"is longer than {MAX_ID} characters")
    if not _ID.fullmatch(value):
        raise complain("may hold letters, digits and . _ : - only, and begins with a letter or digit")
    return value


def _check_slug(value: str) -> str:
    if len(value) > MAX_ID or not _SLUG.fullmatch(value):
        raise complain("may hold small letters, digits and single hyphens only, like `support-bot`")
    return value


def _share(value: Any) -> float:
    """Read `25%` or `0.25`."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1:
        return float(value)
    found = _SHARE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found and float(found[1]) < 100:
        return float(found[1]) / 100
    raise complain("must be a share below 100%, like `25%` or `0.25`")


def _tokens(value: Any) -> int:
    """Read `500000`, `500k` or `2M`."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    found = re.fullmatch(r"(\d{1,9})([kM]?)", value) if isinstance(value, str) else None
    if not found:
        raise complain("must be a number of tokens, like `500k`")
    return int(found[1]) * {"": 1, "k": 1_000, "M": 1_000_000}[found[2]]


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise complain("is not the name of a time zone, like `Europe/Berlin`") from None
    return value


def _cron(value: str) -> str:
    """Check five fields whose last uses day names: numbers for days mean different days in different programs."""
    parts = value.lower().split()
    if len(parts) != 5 or not all(re.fullmatch(r"[a-z0-9*,/-]+", part) for part in parts):
        raise complain("must have five fields, like `0 9 * * mon`")
    if parts[4] != "*" and not re.fullmatch(
        r"(mon|tue|wed|thu|fri|sat|sun)([,-](mon|tue|wed|thu|fri|sat|sun))*", parts[4]
    ):
        raise complain("names days like `mon` or `mon-fri`, not by number")
    return value


def _reference(value: Any) -> JsonValue:
    """Accept a text, a list of texts (any of them is right) or an object."""
    if isinstance(value, (str, dict)):
        return value
    if isinstance(value, list):
        if value and all(isinstance(one, str) for one in value):
            return list(value)
        raise complain("must be a list of one or more texts; put numbers in quotes")
    if value is None:
        raise complain("is empty; leave the key out if there is no reference")
    raise complain("must be text; put it in quotes")


Id = Annotated[
    str,
    AfterValidator(_check_id),
    WithJsonSchema({"type": "string", "maxLength": MAX_ID, "pattern": f"^{_ID.pattern}$"}),
]
Slug = Annotated[
    str,
    AfterValidator(_check_slug),
    WithJsonSchema({"type": "string", "maxLength": MAX_ID, "pattern": f"^{_SLUG.pattern}$"}),
]
Text = Annotated[str, StringConstraints(min_length=1, max_length=100_000)]
Line = Annotated[str, StringConstraints(max_length=1_000)]
Share = Annotated[
    float, PlainValidator(_share), WithJsonSchema({"type": ["number", "string"], "examples": ["25%", 0.25]})
]
Tokens = Annotated[int, PlainValidator(_tokens), WithJsonSchema({"type": ["integer", "string"], "examples": ["500k"]})]
Zone = Annotated[str, AfterValidator(_zone)]
Cron = Annotated[str, AfterValidator(_cron)]
Reference = Annotated[
    JsonValue,
    PlainValidator(_reference),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}, {"type": "object"}]}),
]
Unit = Annotated[float, Field(ge=0, le=1)]
