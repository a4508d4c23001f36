"""Numbers found by the names that people type: each word is one of the names of what is meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from rapidfuzz import process

from evalbot.reporting.estimates import OVERALL

ALL_ITEMS = frozenset({OVERALL, "all", "all items", "total", "pass"})
"""Words for the score over all items."""

Subject = TypeVar("Subject")
Names = Callable[[Subject], tuple[str, ...]]
"""Gives what a subject may be called; one of the names is `overall` where it is about all items."""


def called(subjects: Sequence[Subject], names: Names[Subject], words: Sequence[str]) -> list[Subject]:
    """Give the subjects that all words name, in any case; words that make one name together need no quotes."""
    wanted = _wanted(words, {name.casefold() for one in subjects for name in names(one)})
    return [one for one in subjects if all(_is_called(names(one), word) for word in wanted)]


def near_hint(words: Iterable[str], known: Iterable[str]) -> str:
    """Name the nearest known name to any of the words, else what there is."""
    names = sorted(set(known))
    guesses = (process.extractOne(word[:80], names, score_cutoff=60) for word in words)
    near = next((guess for guess in guesses if guess), None)
    return f"Did you mean {near[0]}?" if near else f"There are: {', '.join(names[:12])}."


def typed(word: str) -> str:
    """Give a name as it is typed."""
    return f'"{word}"' if " " in word or ":" in word else word


def _wanted(words: Sequence[str], known: set[str]) -> list[str]:
    """Give the names that words stand for."""
    together = " ".join(words).casefold()
    return [together] if together in known | ALL_ITEMS else [word.casefold() for word in words]


def _is_called(names: Sequence[str], word: str) -> bool:
    """Tell whether a word is one of the names."""
    return (word in ALL_ITEMS and OVERALL in names) or word in {name.casefold() for name in names}
