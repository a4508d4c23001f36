"""Text that a model, a file or a person wrote, made safe to look at: what cannot be seen becomes a visible mark.

No control character, no change of direction, no stack of marks and no character that XML forbids comes out. That makes no
markup harmless: whoever writes a format escapes for it.
"""

from __future__ import annotations

import re
import unicodedata

from evalbot.reporting.odd_characters import MOST_MARKS, VARIATION, is_odd, joins, odd_mark, stack_note

NOTE_ROOM = 60
"""The room that a note about a cut takes."""

_SUSPECT = re.compile(r"[^\n -~¡-¬®-ÿ]")
_RUN = re.compile(r"(.)\1*", re.DOTALL)


def visible(text: str) -> str:
    """Give a text in which every character shows; line breaks stay, tabs become spaces."""
    spaced = text.replace("\r\n", "\n").replace("\t", "    ")
    if _SUSPECT.search(spaced) is None:
        return spaced
    pieces: list[str] = []
    stacked = 0
    for found in _RUN.finditer(spaced):
        character, count = found[1], len(found[0])
        category = unicodedata.category(character)
        odd = character != "\n" and is_odd(character, category) and not (count == 1 and joins(spaced, found.start()))
        if not odd and category in ("Mn", "Me") and character != VARIATION:
            pieces.append(character * max(min(count, MOST_MARKS - stacked), 0))
            stacked += count
            continue
        pieces.append(stack_note(stacked))
        pieces.append(odd_mark(character, count) if odd else found[0])
        stacked = 0
    return "".join(pieces) + stack_note(stacked)


def shown(text: str, noun: str, limit: int) -> str:
    """Give a text to be read, cut with a note of its full length; an empty or blank one is said to be so."""
    if not text:
        return f"(empty {noun})"
    if not text.strip():
        return f"(blank {noun}, {len(text):,} long)"
    if len(text) <= limit:
        return visible(text)
    return f"{visible(text[: limit - NOTE_ROOM])} … [cut at {limit - NOTE_ROOM:,} of {len(text):,} characters]"


def line(text: str, limit: int = 200) -> str:
    """Give a text on one line for a name or a table cell, cut with an ellipsis."""
    flat = " ".join(visible(text[: 8 * limit]).split())
    return flat if len(flat) <= limit else f"{flat[: limit - 1]}…"
