"""Text that a model, a file or a person wrote, made safe to look at: what cannot be seen becomes a visible mark.

No control character, no change of direction, no stack of marks and no character that XML forbids comes out. That makes no
markup harmless: whoever writes a format escapes for it.
"""

from __future__ import annotations

import re
import unicodedata

MOST_MARKS = 3
"""How many combining marks a character keeps; the scripts in use need no more."""

NOTE_ROOM = 60
"""The room that a note about a cut takes."""

_SUSPECT = re.compile(r"[^\n -~¡-¬®-ÿ]")
_RUN = re.compile(r"(.)\1*", re.DOTALL)
_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufffc")
_VARIATION, _ZWNJ, _ZWJ = "\ufe0f", "\u200c", "\u200d"
_SYMBOLS = frozenset({"So", "Sm", "Sk", "Po", "Nd", "Pd"})


def visible(text: str) -> str:
    """Give a text in which every character shows; line breaks stay, tabs become spaces."""
    spaced = text.replace("\r\n", "\n").replace("\t", "    ")
    if _SUSPECT.search(spaced) is None:
        return spaced
    pieces: list[str] = []
    stacked = 0
    for found in _RUN.finditer(spaced):
        character, count = found[1], len(found[0])
        odd = _is_odd(character) and not (count == 1 and _joins(spaced, found.start()))
        if not odd and unicodedata.category(character) in ("Mn", "Me") and character != _VARIATION:
            pieces.append(character * max(min(count, MOST_MARKS - stacked), 0))
            stacked += count
            continue
        pieces.append(_note(stacked))
        pieces.append(_mark(character, count) if odd else found[0])
        stacked = 0
    return "".join(pieces) + _note(stacked)


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


def _note(stacked: int) -> str:
    """Say how many marks of a stack are left out."""
    return f"[+{stacked - MOST_MARKS:,} marks]" if stacked > MOST_MARKS else ""


def _mark(character: str, count: int) -> str:
    """Give the visible mark of an odd character that stands `count` times in a row."""
    code = ord(character)
    if code < 0x20 or code == 0x7F:
        picture = "␡" if code == 0x7F else chr(0x2400 + code)
        return picture * count if count <= 3 else f"[{picture} ×{count:,}]"
    return f"[U+{code:04X}]" if count == 1 else f"[U+{code:04X} ×{count:,}]"


def _is_odd(character: str) -> bool:
    """Tell whether a character is invisible, steers the display or is no character at all."""
    if character == "\n" or " " <= character <= "~":
        return False
    code = ord(character)
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") or character in _BLANKS:
        return True
    selectors = 0x180B <= code <= 0x180F or 0xFE00 <= code <= 0xFE0F or 0xE0000 <= code <= 0xE0FFF
    return selectors or 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE


def _joins(text: str, place: int) -> bool:
    """Tell whether an invisible character does its proper work: inside an emoji, or between letters of a joining script."""
    before, after = text[place - 1 : place] or " ", text[place + 1 : place + 2] or " "
    if text[place] == _VARIATION:
        return unicodedata.category(before) in _SYMBOLS
    if text[place] == _ZWJ and unicodedata.category(after) == "So":
        return unicodedata.category(before) in ("So", "Sk") or before == _VARIATION
    joining = _in_joining_script(before) and _in_joining_script(after)
    return text[place] in (_ZWJ, _ZWNJ) and joining and unicodedata.category(after) == "Lo"


def _in_joining_script(character: str) -> bool:
    """Tell whether a character belongs to the Arabic or an Indic script, where joiners change the letters."""
    return "\u0600" <= character <= "\u077f" or "\u0900" <= character <= "\u0dff"
