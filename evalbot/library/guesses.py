"""Guesses for imported data: which column is what, and which checks its references allow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evalbot.grading.numbers import reference_number
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import Item

USUAL_COLUMNS = {
    "vars.question": ("question", "input", "prompt", "instruction", "query", "text", "message"),
    "reference": ("reference", "answer", "expected", "expected_output", "target", "ideal", "output", "label"),
    "skill": ("skill", "category", "topic", "subject"),
    "level": ("level", "difficulty"),
    "split": ("split",),
    "tags": ("tags",),
}
"""Field -> columns that usually hold it, likeliest first."""

SHORT_CHARS = 60
SHORT_WORDS = 8
MAX_LABELS = 12

_ENDS_IN_NUMBER = re.compile(r"\d[\d,]*(\.\d+)?\s*(%|[A-Za-z°]{0,12})[\s.!)\]}]*$")
_LETTER = re.compile(r"\(?[A-Z]\)?[.:]?")


@dataclass(frozen=True, slots=True)
class Guess:
    """Graders that fit, possibly none, and the reason in one sentence."""

    graders: tuple[GraderSpec, ...]
    why: str


def guess_mapping(columns: Iterable[str]) -> dict[str, str]:
    """Guess which columns are what, by their names; empty where none looks like a question."""
    by_name = {column.strip().lower(): column for column in columns}
    mapping: dict[str, str] = {}
    for field, usual in USUAL_COLUMNS.items():
        found = next((by_name[name] for name in usual if name in by_name and by_name[name] not in mapping), None)
        if found is not None:
            mapping[found] = field
    return mapping if "vars.question" in mapping.values() else {}


def guess_graders(items: Sequence[Item]) -> tuple[GraderSpec, ...]:
    """Guess the checks that suit all items' references; empty when only a rubric can tell."""
    return explain_guess(items).graders


def explain_guess(items: Sequence[Item]) -> Guess:
    """Guess the checks that suit all items' references, and say why."""
    if not items or any(item.reference is None or isinstance(item.reference, dict) for item in items):
        return Guess((), "Not every item has a reference in words, so a rubric has to grade them.")
    if any(isinstance(item.reference, list) for item in items):
        return _any_of(items)
    texts = [str(item.reference).strip() for item in items]
    if all(_ENDS_IN_NUMBER.search(text) and reference_number(text) for text in texts):
        spec = GraderSpec(GraderType.NUMERIC, extract="last")
        return Guess((spec,), "Every reference ends in a number: the last number of an answer is compared with it.")
    if all(_LETTER.fullmatch(text) for text in texts):
        return Guess((GraderSpec(GraderType.CHOICE),), "Every reference is one letter.")
    if not all(_is_short(text) for text in texts):
        return Guess((), "Some references are long, so a rubric has to grade them.")
    labels = {text.casefold() for text in texts}
    if len(labels) <= min(MAX_LABELS, len(texts) // 2) and all(len(text.split()) == 1 for text in texts):
        return Guess(
            (GraderSpec(GraderType.EQUALS),), "The references are a few labels: an answer has to be the label."
        )
    return Guess((GraderSpec(GraderType.ICONTAINS),), "Every reference is short: an answer has to contain it.")


def _any_of(items: Sequence[Item]) -> Guess:
    """Guess for references of which several are right."""
    if all(_is_short(text) for item in items for text in item.references):
        spec = GraderSpec(GraderType.CONTAINS_ANY)
        return Guess((spec,), "The references are short texts, of which an answer has to contain one.")
    return Guess((), "Some references are long, so a rubric has to grade them.")


def _is_short(text: str) -> bool:
    return len(text) <= SHORT_CHARS and len(text.split()) <= SHORT_WORDS and "\n" not in text
