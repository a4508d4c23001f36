"""The one renderer of foreign text: outputs, item texts, names and errors become text that Slack shows as it is meant.

Nothing that comes out can wake a person, hide a link, turn the reading direction or hide characters: what cannot be seen
becomes a visible mark such as ␀ or [U+202E], and a cut says how much was cut. The stored text is never touched.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from evalbot.reporting.odd_characters import MOST_MARKS, is_joiner, is_odd, joins, odd_mark, stack_note

Block = dict[str, Any]

MOST_INPUT = 3_000
"""The longest text an input of a modal begins with."""

LONGEST_CLUSTER = 16
"""A cut looks back over this many pieces for the beginning of what it would split."""

NOTE_FROM = 100
"""Limits below this leave no room to say how much was cut: there an ellipsis says that something was."""

_LOOKALIKES = str.maketrans({"*": "∗", "~": "∼", "`": "ˋ"})
_MARKUP = (
    (re.compile(r"@(?=\w)"), "＠"),
    (re.compile(r":(?=//|[\w+'-]+:)"), "∶"),
    (re.compile(r"_(?:(?!\w)|(?<!\w_))"), "ˍ"),
    (re.compile(r"(?m)>(?:(?<=^>)|(?<=^ >)|(?<=>>))"), "›"),
)
"""Patterns that Slack reads as formatting, links or emoji names, each with a look-alike of the same length.

Each begins with its character, and what stands before is looked at afterwards: so most of a text is passed over quickly.
"""


class _Piece(NamedTuple):
    """What some characters of the source are shown as; a glued piece stays with the one before it."""

    source: int
    shown: str
    glued: bool = False


_AS_IT_IS = {character: _Piece(1, character) for character in map(chr, range(0x20, 0x7F))}
"""What most characters are shown as, without looking at them twice."""


def size(text: str) -> int:
    """Count a text the way that is safe for Slack: in UTF-16 units, never fewer than the characters people count."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def plain(text: str, limit: int, noun: str = "text") -> str:
    """Give text for plain_text elements: at most `limit` long, line breaks kept; `noun` names it when it is empty."""
    return stated_if_blank(text, noun) or _fit(text, _pieces(text), limit)


def one_line(text: str, limit: int, noun: str = "text") -> str:
    """Give text for headers, buttons and table cells: like `plain`, with every run of white space as one space."""
    return stated_if_blank(text, noun) or _fit(text, _pieces_of_head(text, _flat, limit), limit)


def mrkdwn(text: str, limit: int, noun: str = "text") -> str:
    """Give text for mrkdwn elements and message texts, on one line: escaped after cutting, no markup of its own survives."""
    pieces = (_escaped(piece) for piece in _pieces_of_head(text, _tamed, limit))
    return stated_if_blank(text, noun) or _fit(text, pieces, limit)


def editable(text: str) -> str:
    """Give text to begin an input with: the text with plain line ends, or nothing when the box could not hold or show it."""
    text = text.replace("\r\n", "\n")
    spaced = text.replace("\t", " ")
    return text if plain(spaced, MOST_INPUT) == spaced else ""


def preformatted(text: str, limit: int, noun: str = "answer") -> Block:
    """Give a rich_text block that shows the text in fixed width; nothing in it is read as markup."""
    return _rich_text("rich_text_preformatted", plain(text, limit, noun))


def quote(text: str, limit: int, noun: str = "question") -> Block:
    """Give a rich_text block that shows the text as a quotation; nothing in it is read as markup."""
    return _rich_text("rich_text_quote", plain(text, limit, noun))


def stated_if_blank(text: str, noun: str) -> str:
    """Say that a text is empty or only white space; empty when it is neither."""
    if not text:
        return f"(empty {noun})"
    return f"(blank {noun}, {len(text):,} long)" if text.isspace() else ""


def was_cut(text: str, limit: int) -> bool:
    """Tell whether `plain` cannot show the whole text within the limit."""
    used = 0
    for piece in _pieces(text):
        used += size(piece.shown)
        if used > limit:
            return True
    return False


def _rich_text(kind: str, text: str) -> Block:
    """Give a rich_text block with one element that holds literal text."""
    return {"type": "rich_text", "elements": [{"type": kind, "elements": [{"type": "text", "text": text}]}]}


def _pieces_of_head(text: str, tame: Callable[[str], str], limit: int) -> Iterator[_Piece]:
    """Give the pieces of as much of a text as can matter within a limit; the rest of a longer one is a piece that never fits."""
    most = 8 * limit + 200
    yield from _pieces(tame(text[:most]))
    if len(text) > most:
        yield _Piece(len(text) - most, " " * (limit + 1))


def _tamed(text: str) -> str:
    """Flatten a text and put look-alikes in place of what Slack reads as markup."""
    tame = _flat(text).translate(_LOOKALIKES)
    for pattern, lookalike in _MARKUP:
        tame = pattern.sub(lookalike, tame)
    return tame


def _flat(text: str) -> str:
    """Turn white space that breaks lines or columns into spaces and runs of it into one, at the ends into none."""
    return re.sub(r"[^\S\x1c-\x1f\x85\u2028\u2029]+", " ", text).strip(" ")


def _escaped(piece: _Piece) -> _Piece:
    """Escape the three characters that Slack reads as control characters in mrkdwn."""
    if piece.shown.isalnum() or piece.shown == " ":
        return piece
    shown = piece.shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _Piece(piece.source, shown, piece.glued)


def _fit(source: str, pieces: Iterator[_Piece], limit: int) -> str:
    """Join pieces up to the limit; a longer text ends in a note with the full length of its source."""
    kept: list[_Piece] = []
    used = 0
    for piece in pieces:
        used += size(piece.shown)
        if used > limit:
            return _cut(source, kept, piece, limit)
        kept.append(piece)
    return "".join(piece.shown for piece in kept)


def _cut(source: str, kept: list[_Piece], following: _Piece, limit: int) -> str:
    """Drop pieces from the end until the note fits and what follows does not belong to what is kept, within reason."""
    room = limit - size(_note(len(source), len(source), limit))
    used, glued = sum(size(piece.shown) for piece in kept), 0
    while kept and (used > room or (following.glued and glued < LONGEST_CLUSTER) or kept[-1].shown.isspace()):
        following = kept.pop()
        used -= size(following.shown)
        glued += following.glued
    whole = sum(piece.source for piece in kept)
    return "".join(piece.shown for piece in kept) + _note(whole, len(source), limit)


def _note(kept: int, whole: int, limit: int) -> str:
    """Word what a cut left out."""
    return f" … [cut at {kept:,} of {whole:,} characters]" if limit >= NOTE_FROM else "…"


def _pieces(text: str) -> Iterator[_Piece]:
    """Give what each stretch of the text is shown as, first to last."""
    place = 0
    while place < len(text):
        piece = _AS_IT_IS.get(text[place]) or _piece_at(text, place)
        yield piece
        place += piece.source


def _piece_at(text: str, place: int) -> _Piece:
    """Give what the characters from a place on are shown as."""
    character = text[place]
    if character == "\t":
        return _Piece(1, "    ")
    if character == "\n" or text.startswith("\r\n", place):
        return _line_breaks(text, place)
    category = unicodedata.category(character)
    if is_odd(character, category):
        if joins(text, place):
            return _Piece(1, character, glued=True)
        end = _end_of_run(text, place, character)
        return _Piece(end - place, odd_mark(character, end - place))
    if category in ("Mn", "Me"):
        return _stack(text, place)
    return _Piece(1, character, glued="\U0001f3fb" <= character <= "\U0001f3ff" or is_joiner(text, place))


def _line_breaks(text: str, place: int) -> _Piece:
    """Keep up to three line breaks; of more, say how many empty lines there are."""
    end, breaks, last = place, 0, place
    while end < len(text) and text[end] in "\n\r \t":
        if text[end] == "\n":
            breaks, last = breaks + 1, end + 1
        elif text[end] == "\r" and not text.startswith("\r\n", end):
            break
        end += 1
    if breaks > 3:
        return _Piece(last - place, f"\n[{breaks - 1:,} empty lines]\n")
    return _Piece(2 if text[place] == "\r" else 1, "\n")


def _stack(text: str, place: int) -> _Piece:
    """Keep the first combining marks of a stack and count the rest."""
    end = place
    while end < len(text) and unicodedata.category(text[end]) in ("Mn", "Me") and not is_odd(text[end], "Mn"):
        end += 1
    return _Piece(end - place, text[place:end][:MOST_MARKS] + stack_note(end - place), glued=True)


def _end_of_run(text: str, place: int, character: str) -> int:
    """Give the place after the run of one repeated character."""
    end = place
    while end < len(text) and text[end] == character:
        end += 1
    return end
