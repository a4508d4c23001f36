"""Numbers in prose: what a reader sees as a number in an answer or a reference."""

from __future__ import annotations

import unicodedata
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Context, Decimal

import regex

MAX_DIGITS = 400
"""Longer digit strings are no numbers that an answer could mean."""

MAX_READ = 20_000
"""So many characters at most are searched for numbers."""

TAIL = 400
EDGE = 64
MARKS = 20

_CONTEXT = Context(prec=MAX_DIGITS + 20, Emax=999_999, Emin=-999_999, traps=[])
_LETTER = r"A-Za-z\u00c0-\u024f\u0370-\u03ff\u0400-\u052f"
_MINUS = "-\u2212\u2010\u2011\u2013\ufe63\uff0d"
_CURRENCY = "$€£¥₹₩₽"
_SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺"
_SUPERSCRIPT = str.maketrans(_SUPERSCRIPTS, "0123456789-+")
_VULGAR = "¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"

_LATEX = (
    (regex.compile(r"\\[dt]?frac\s*\{([^{}]{1,40})\}\s*\{([^{}]{1,40})\}"), r" \1/\2"),
    (regex.compile(r"\{,\}|(?<=\d)\\[,!](?=\d)"), ","),
    (regex.compile(r"\\([$%])"), r"\1"),
)

_NUMBER = regex.compile(
    rf"""
    (?<![{_LETTER}\p{{N}}^])
    (?: (?<![{_LETTER}\p{{N}})\]%.]) (?P<sign> [{_MINUS}+] | (?:minus|negative)\s ) )?
    (?: [{_CURRENCY}]\s? (?P<inner> [{_MINUS}+] )? )?
    (?: (?P<dotted> \d{{1,3}} (?:\.\d{{3}})++ , \d++ | \d{{1,3}} (?:\.\d{{3}}){{2,}}+ (?! \.?\d ) )
      | (?P<version> \d++ (?:\.\d++){{2,}} )
      | (?P<whole> \d++ )?+ (?P<gap> [ \u00a0\u202f] )?+ (?P<vulgar> [{_VULGAR}] )
      | (?: (?P<mixed> \d++ ) [ \u00a0\u202f] )? (?<! [/⁄] ) (?P<top> \d++ ) [/⁄] (?P<bottom> \d++ ) (?! [/⁄\d] | \.\d )
      | (?P<grouped> \d{{1,3}} (?: (?P<mark> [,'’_\u00a0\u202f\u2009] ) \d{{3}} (?: (?P=mark)\d{{3}} )*+ ) (?!\d) (?:\.\d++)? )
      | (?P<indian> \d{{1,2}} (?: ,\d{{2}} (?=,) )++ ,\d{{3}} (?!\d) (?:\.\d++)? )
      | (?P<plain> \d++ (?:\.\d++)? | (?<![{_LETTER}\p{{N}})\]]) \.\d++ )
    )
    (?: [eE] (?P<e> [+-]?\d{{1,4}} ) (?!\w)
      | \s?[x×*·]\s? 10 (?: (?:\^|\*\*) \{{? (?P<power> [{_MINUS}+]?\d{{1,4}} ) \}}? | (?P<super> [{_SUPERSCRIPTS}]{{1,5}} ) ) )?
    (?P<percent> \s?[%％] | \s(?:percent|per\ cent)\b )?
    """,
    regex.VERBOSE | regex.IGNORECASE,
)

_MARKER = regex.compile(
    r"####|\\boxed\s*\{|(?:\b(?:answer|result|solution|total)(?:\s+is)?|\bA)[*_\s]*[:=：][*_\s]*|\banswer\s+is\b",
    regex.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class FoundNumber:
    """A number of a text; `percent` tells that a percent sign follows it, which the value leaves aside."""

    value: Decimal
    percent: bool = False

    def near(self, other: FoundNumber, tolerance: Decimal) -> bool:
        """Tell whether two numbers are within an absolute tolerance; 50% is 50, and 0.5 where only one has the sign."""
        if self._close(self.value, other.value, tolerance):
            return True
        if self.percent == other.percent:
            return False
        one, two = (one.scaled() for one in (self, other))
        return self._close(one, two, tolerance)

    def scaled(self) -> Decimal:
        """The value with its percent sign taken into account."""
        return _CONTEXT.divide(self.value, Decimal(100)) if self.percent else self.value

    @staticmethod
    def _close(one: Decimal, two: Decimal, tolerance: Decimal) -> bool:
        return _CONTEXT.subtract(one, two).copy_abs() <= tolerance


def find_numbers(text: str) -> Iterator[FoundNumber]:
    """Give the numbers of the first 20,000 characters of a text in order.

    Read are signs (also the typographic minus), currency signs, percent signs, thousands marked by comma, apostrophe,
    underscore or a narrow or unbreakable space, 1.234,56 in the continental way, fractions, and powers of ten. A comma before
    one or two digits separates two numbers. Left out are digits that belong to a word (B2), versions and addresses (1.2.3).
    """
    return (found.number for found in _found(text[:MAX_READ]))


@dataclass(frozen=True, slots=True)
class _Found:
    """A number and where it begins."""

    number: FoundNumber
    start: int


def _found(text: str) -> Iterator[_Found]:
    """Give the numbers of a text with their places."""
    if "\\" in text or "{,}" in text:
        for pattern, plain in _LATEX:
            text = pattern.sub(plain, text)
    for found in _NUMBER.finditer(text):
        value = _value(found)
        if value is not None:
            yield _Found(FoundNumber(value, found["percent"] is not None), found.start())


def last_number(text: str) -> FoundNumber | None:
    """Give the last number of the last 20,000 characters, None without any; looks at the end first, since it mostly is there."""
    for size in (TAIL, MAX_READ):
        start = max(0, len(text) - size)
        last = deque(_found(text[start:]), maxlen=1)
        # A match that begins at a cut may be the rest of a longer number.
        if last and (start == 0 or last[0].start > EDGE):
            return last[0].number
        if start == 0:
            return None
    return None


def reference_number(text: str) -> FoundNumber | None:
    """Give the number that a reference means, None without any: the one behind `####`, `A:` or `answer:`, else its last."""
    for mark in reversed(list(_MARKER.finditer(text[:MAX_READ]))[-MARKS:]):
        behind = next(find_numbers(text[mark.end() : mark.end() + TAIL]), None)
        if behind is not None:
            return behind
    return last_number(text)


def _value(found: regex.Match[str]) -> Decimal | None:
    """Give the value of a match, None for what only looks like a number."""
    if found["version"] is not None or found.end() - found.start() > MAX_DIGITS:
        return None
    value = _size(found)
    if value is None:
        return None
    power = found["e"] or found["power"] or (found["super"] or "").translate(_SUPERSCRIPT)
    if power:
        exponent = _integer(power)
        if exponent is None:
            return None
        value = _CONTEXT.scaleb(value, exponent)
    negative = [sign for sign in (found["sign"], found["inner"]) if sign and not sign.startswith("+")]
    return value.copy_negate() if len(negative) % 2 else value


def _size(found: regex.Match[str]) -> Decimal | None:
    """Give the value without sign and power of ten."""
    if found["vulgar"] is not None:
        top, _, bottom = unicodedata.normalize("NFKC", found["vulgar"]).partition("\u2044")
        part = _CONTEXT.divide(Decimal(top), Decimal(bottom))
        return _CONTEXT.add(Decimal(found["whole"] or 0), part)
    if found["bottom"] is not None:
        divisor = Decimal(found["bottom"])
        if divisor == 0:
            return None
        return _CONTEXT.add(Decimal(found["mixed"] or 0), _CONTEXT.divide(Decimal(found["top"]), divisor))
    if found["dotted"] is not None:
        return Decimal(found["dotted"].replace(".", "").replace(",", "."))
    if found["grouped"] is not None:
        return Decimal(found["grouped"].replace(found["mark"], ""))
    return Decimal((found["indian"] or found["plain"]).replace(",", ""))


def _integer(text: str) -> int | None:
    """Read a signed whole number with any minus sign."""
    plain = regex.sub(f"[{_MINUS}]", "-", text)
    try:
        return int(plain)
    except ValueError:
        return None
