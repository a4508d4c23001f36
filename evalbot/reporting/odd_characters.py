"""Characters that do not show, steer the display or are none at all, and the visible marks that stand for them.

All doors mark them alike: ␀ or [U+202E], with a count where one comes many times in a row.
"""

from __future__ import annotations

import unicodedata

MOST_MARKS = 3
"""How many combining marks a character keeps; the scripts in use need no more."""

VARIATION = "\ufe0f"
"""What makes an emoji of a symbol."""

_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_RANGES = (
    (0x034F, 0x034F),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x2800, 0x2800),
    (0x3164, 0x3164),
    (0xFDD0, 0xFDEF),
    (0xFE00, 0xFE0F),
    (0xFFA0, 0xFFA0),
    (0xFFFC, 0xFFFC),
    (0xFFFE, 0xFFFF),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)
"""Characters that no category gives away: fillers, blanks, variation selectors, tags, noncharacters."""

_ZWNJ, _ZWJ = "\u200c", "\u200d"
_SYMBOLS = frozenset({"So", "Sm", "Sk", "Po", "Nd", "Pd"})


def is_odd(character: str, category: str) -> bool:
    """Tell whether a character is invisible, steers the display or is no character at all."""
    if category in _CATEGORIES:
        return True
    code = ord(character)
    return any(first <= code <= last for first, last in _RANGES) or code & 0xFFFE == 0xFFFE


def odd_mark(character: str, count: int) -> str:
    """Give the visible mark of an odd character that stands `count` times in a row."""
    code = ord(character)
    if code < 0x20 or code == 0x7F:
        picture = "␡" if code == 0x7F else chr(0x2400 + code)
        return picture * count if count <= 3 else f"[{picture} ×{count:,}]"
    return f"[U+{code:04X}]" if count == 1 else f"[U+{code:04X} ×{count:,}]"


def stack_note(stacked: int) -> str:
    """Say how many marks of a stack are left out; empty for none."""
    return f"[+{stacked - MOST_MARKS:,} marks]" if stacked > MOST_MARKS else ""


def joins(text: str, place: int) -> bool:
    """Tell whether an invisible character does its proper work: inside an emoji, or between letters of a joining script."""
    before, after = text[place - 1 : place] or " ", text[place + 1 : place + 2] or " "
    if text[place] == VARIATION:
        return unicodedata.category(before) in _SYMBOLS
    if text[place] == _ZWJ and unicodedata.category(after) == "So":
        return unicodedata.category(before) in ("So", "Sk") or before == VARIATION
    joining = _in_joining_script(before) and _in_joining_script(after)
    return text[place] in (_ZWJ, _ZWNJ) and joining and unicodedata.category(after) == "Lo"


def is_joiner(text: str, place: int) -> bool:
    """Tell whether there is a zero width joiner before a place."""
    return text[place - 1 : place] == _ZWJ


def _in_joining_script(character: str) -> bool:
    """Tell whether a character belongs to the Arabic or an Indic script, where joiners change the letters."""
    return "\u0600" <= character <= "\u077f" or "\u0900" <= character <= "\u0dff"
