"""What must hold for everything that is put into Slack, checked apart from the code that makes it."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evalbot.playground.block_rules import check_message, check_view, is_view_too_large

OURS = re.compile(
    r"!date\^\d{1,12}\^\{date_short_pretty\} \{time\}\|[\w :]+UTC"
    r"|@U0(?:DANA|LEE|KIM)|#C0QUALITY|https://acme\.slack\.com/archives/C0EVALS/p\d\|.*"
)
"""The only things in angle brackets that our own words may hold in these tests."""

BENT = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\u200b\u2060-\u2064\ufeff\u00ad]")
STACKED = re.compile(r"[\u0300-\u036f\u20d0-\u20ff]{4,}")


def hostile_rows(name: str) -> list[Any]:
    """Give the rows of a file of hostile texts as test parameters; one skipped row where the folder is missing."""
    folder = Path(__file__).parents[4] / "shared" / "hostile"
    if not folder.is_dir():
        return [pytest.param("", marks=pytest.mark.skip(reason=f"the hostile texts are not at {folder}"), id="missing")]
    rows = [json.loads(line) for line in (folder / name).read_text("utf-8").splitlines()]
    return [pytest.param("".join(text * times for text, times in row["parts"]), id=row["id"]) for row in rows]


def strings_of(part: Any, kind: str = "") -> Iterator[tuple[str, str]]:
    """Give every string a person can see with the kind of the object that holds it."""
    if isinstance(part, list):
        for one in part:
            yield from strings_of(one, kind)
    elif isinstance(part, dict):
        kind = str(part.get("type", kind))
        for name, value in part.items():
            if isinstance(value, str) and name in ("text", "alt_text", "initial_value"):
                yield kind, value
            elif isinstance(value, (dict, list)):
                yield from strings_of(value, kind)


def problems_with(sent: dict[str, Any]) -> list[str]:
    """Give everything that is wrong with a message or view; empty when it can be sent."""
    found = check_view(sent) if "type" in sent else [*check_message(sent["blocks"]), *_message_problems(sent)]
    if "type" in sent and is_view_too_large(sent):
        found.append("the view is too large")
    if "null" in json.dumps(sent):
        found += ["a null is sent"] if None in _values(sent) else []
    for kind, text in strings_of(sent):
        shown = text.replace("\t", " ") if kind == "plain_text_input" else text
        found += [f"{problem}: {text[:80]!r}" for problem in text_problems(shown)]
        if kind in ("mrkdwn", ""):
            found += [f"{problem}: {text[:80]!r}" for problem in live_markup(text)]
    return found


def _message_problems(sent: dict[str, Any]) -> list[str]:
    """Check the text and the whole size of a message."""
    found = [] if sent["text"].strip() else ["the message has no text"]
    found += ["the text is too long"] if len(sent["text"].encode("utf-16-le")) // 2 > 4_000 else []
    size = len(json.dumps(sent["blocks"], ensure_ascii=False).encode("utf-16-le")) // 2
    return found + (["the message is too large"] if size > 13_000 else [])


def _values(part: Any) -> list[Any]:
    """Give every plain value."""
    if isinstance(part, dict):
        return [value for one in part.values() for value in _values(one)]
    if isinstance(part, list):
        return [value for one in part for value in _values(one)]
    return [part]


def text_problems(text: str) -> list[str]:
    """Check that a text holds nothing that hides, bends or stacks characters."""
    kinds = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
    odd = sorted(c for c in set(text) if c not in "\n\u200c\u200d" and unicodedata.category(c) in kinds)
    found = [f"odd character U+{ord(odd[0]):04X}"] if odd else []
    found += ["bent or invisible"] if BENT.search(text) else []
    found += ["a run of joiners"] if re.search("[\u200c\u200d]{2,}", text) else []
    return found + (["stacked marks"] if STACKED.search(text) else [])


def live_markup(text: str) -> list[str]:
    """Check that nothing in mrkdwn wakes anybody or hides a link besides our own words."""
    found = [f"live <{one}>" for one in re.findall(r"<([^>]*)>?", text) if not OURS.fullmatch(one)]
    found += ["a bare address"] if re.search(r"(?<!<)https?://", re.sub(r"<[^>]*>", "", text)) else []
    return found + (["a spoken ping"] if re.search(r"@(?:here|channel|everyone)\b", text) else [])
