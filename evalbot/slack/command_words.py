"""What was typed, as words: quotes, escapes and invisible characters dealt with, and names safe to say back."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from evalbot.errors import BadRequest

_MENTION = re.compile(r"^\s*<@[A-Z0-9]+(?:\|[^>]*)?>")
_QUOTES = str.maketrans({**dict.fromkeys("“”„‟«»", '"'), **dict.fromkeys("‘’‚‛", "'"), "：": ":", "＝": "="})


@dataclass(frozen=True, slots=True)
class Word:
    """One word as typed; quoted words are never options."""

    text: str
    quoted: bool = False


def split_words(text: str) -> list[Word]:
    """Give the words of a typed text; raises BadRequest for a quotation mark that is not closed."""
    return _words(_cleaned(text))


def did_you_mean(word: str, known: Collection[str]) -> str:
    """Give "Did you mean `x`?" for the known name nearest to a word, empty when none is near."""
    found = process.extractOne(word.lower()[:80], sorted(known), scorer=fuzz.ratio, score_cutoff=60)
    return f"Did you mean `{found[0]}`?" if found else ""


def shown(word: str, limit: int = 40) -> str:
    """Give a typed word for an answer: letters, digits and plain signs only, so that no markup comes back to life."""
    safe = "".join(c if c.isalnum() or c in " ._-:/#,+" else "?" for c in word)
    return safe[:limit] + "…" * (len(safe) > limit)


def listed(names: Sequence[str]) -> str:
    """Join names like "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _cleaned(text: str) -> str:
    """Take Slack's escapes, typographic quotes, invisible characters and a leading mention out of a typed text."""
    kept = "".join(
        " " if unicodedata.category(c) in ("Cc", "Zl", "Zp", "Zs") else c
        for c in html.unescape(text)
        if unicodedata.category(c) not in ("Cf", "Cs", "Co")
    )
    return _MENTION.sub("", kept).translate(_QUOTES).strip()


def _words(text: str) -> list[Word]:
    """Split at white space outside of quotes; a single quote inside of a word is part of it."""
    words: list[Word] = []
    place = 0
    while place < len(text):
        if text[place] == " ":
            place += 1
            continue
        word, place = _next_word(text, place)
        words.append(word)
    return words


def _next_word(text: str, place: int) -> tuple[Word, int]:
    """Give the word that starts at a place and the place after it."""
    quoted = text[place] in "\"'"
    letters: list[str] = []
    while place < len(text) and text[place] != " ":
        if text[place] == '"' or (text[place] == "'" and (not letters or letters[-1] in ":=")):
            end = text.find(text[place], place + 1)
            if end < 0:
                raise BadRequest("A quotation mark is opened and not closed.", 'Write it like "two words".')
            letters.extend(text[place + 1 : end])
            place = end + 1
        else:
            letters.append(text[place])
            place += 1
    return Word("".join(letters), quoted), place
