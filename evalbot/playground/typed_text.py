"""What a person types, turned into the text and the rich text block that Slack would send."""

import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(r"(?P<url>https?://[^\s<>|]+)|(?P<sign>[@#])(?P<word>[\w][\w .\-]*)")
_BROADCASTS = ("here", "channel", "everyone")

FindName = Callable[[str, str], tuple[str, str] | None]
"""(sign, words) -> (id, the part of words that is the name), or None."""


def escape(text: str) -> str:
    """Return the text with the three characters escaped that Slack reserves."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """Return the text with Slack's three escapes undone."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def name_finder(people: Mapping[str, str], channels: Mapping[str, str]) -> FindName:
    """Return a finder of the longest known name at the start of some words; names are lower case."""

    def find(sign: str, words: str) -> tuple[str, str] | None:
        known = people if sign == "@" else channels
        parts = re.split(r"([ .]+)", words)
        for end in range(len(parts), 0, -1):
            name = "".join(parts[:end])
            if name.lower() in known:
                return known[name.lower()], name
        return None

    return find


def type_out(text: str, find: FindName) -> tuple[str, list[dict[str, Any]]]:
    """Return the message text and its blocks for a typed text; mentions, channels and links are recognised."""
    pieces: list[str] = []
    elements: list[dict[str, Any]] = []
    place = 0
    while (match := _TOKEN.search(text, place)) is not None:
        found = _piece(match, find)
        if found is None:
            _plain(text[place : match.start() + 1], pieces, elements)
            place = match.start() + 1
            continue
        piece, element, length = found
        _plain(text[place : match.start()], pieces, elements)
        pieces.append(piece)
        elements.append(element)
        place = match.start() + length
    _plain(text[place:], pieces, elements)
    block = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}
    return "".join(pieces), [block]


def _plain(text: str, pieces: list[str], elements: list[dict[str, Any]]) -> None:
    if not text:
        return
    pieces.append(escape(text))
    if elements and elements[-1]["type"] == "text":
        elements[-1]["text"] += text
    else:
        elements.append({"type": "text", "text": text})


def _piece(match: re.Match[str], find: FindName) -> tuple[str, dict[str, Any], int] | None:
    if match["url"]:
        url = match["url"].rstrip(".,;:!?)")
        return f"<{escape(url)}>", {"type": "link", "url": url}, len(url)
    sign, words = match["sign"], match["word"]
    before = match.string[match.start() - 1 : match.start()]
    if before and (before.isalnum() or before in "_@#"):
        return None
    first = re.split(r"[ .]", words)[0]
    if sign == "@" and first in _BROADCASTS:
        return f"<!{first}>", {"type": "broadcast", "range": first}, 1 + len(first)
    found = find(sign, words)
    if found is None:
        return None
    target, name = found
    if sign == "@":
        return f"<@{target}>", {"type": "user", "user_id": target}, 1 + len(name)
    return f"<#{target}|{name.lower()}>", {"type": "channel", "channel_id": target}, 1 + len(name)
