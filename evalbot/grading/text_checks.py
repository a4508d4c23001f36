"""Checks of an answer's words: equal, contained, matching, near, counted, refused. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeGuard

import regex
from rapidfuzz.distance import Levenshtein

from evalbot.grading.findings import Answered, CannotCheck, Finding, folded, not_blank, plain, quoted, wanted_texts
from evalbot.grading.patterns import MAX_PATTERN, pattern_problem
from evalbot.grading.refusals import find_refusal
from evalbot.suites.graders import GraderSpec

REGEX_TIMEOUT_S = 0.05
MAX_COMPARED = 20_000
"""Longer texts are not compared by edits: the time grows with the product of the lengths."""

USUAL_EDITS = 5
"""How many edits `fuzzy` by distance allows unless told otherwise."""

FUZZY_MODES = ("ratio", "f1", "distance")
_WORD = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]\p{M}*|[\p{L}\p{N}\p{M}]+")
_COUNTED_WORD = regex.compile(r"\S+")


def check_equals(spec: GraderSpec, answered: Answered) -> Finding:
    """Compare whole texts, without blanks around them."""
    form = _form(spec)
    said = form(answered.text).strip()
    return _of_any(wanted_texts(spec, answered.item), lambda one: said == form(one).strip(), "Equals")


def check_contains(spec: GraderSpec, answered: Answered) -> Finding:
    """Look for any of the texts."""
    form = _form(spec)
    said = form(answered.text)
    return _of_any(not_blank(wanted_texts(spec, answered.item)), lambda one: form(one) in said, "Contains")


def check_icontains(spec: GraderSpec, answered: Answered) -> Finding:
    """Look for any of the texts in whatever case."""
    said = folded(answered.text)
    return _of_any(not_blank(wanted_texts(spec, answered.item)), lambda one: folded(one) in said, "Contains")


def check_contains_all(spec: GraderSpec, answered: Answered) -> Finding:
    """Score the share of the texts that the answer holds."""
    form = _form(spec)
    said, wanted = form(answered.text), not_blank(wanted_texts(spec, answered.item))
    missing = [one for one in wanted if form(one) not in said]
    if not missing:
        return Finding(1.0, f"Contains all {len(wanted)} texts.")
    return Finding(1 - len(missing) / len(wanted), f"Missing {len(missing)} of {len(wanted)}: {quoted(missing[0])}.")


def check_starts_with(spec: GraderSpec, answered: Answered) -> Finding:
    """Look for any of the texts at the beginning, blanks left aside."""
    form = _form(spec)
    said, wanted = form(answered.text).lstrip(), not_blank(wanted_texts(spec, answered.item))
    return _of_any(wanted, lambda one: said.startswith(form(one).lstrip()), "Starts with")


def check_regex(spec: GraderSpec, answered: Answered) -> Finding:
    """Search any of the patterns, each under a time limit."""
    said = plain(answered.text).strip()
    return _of_any(wanted_texts(spec, answered.item), lambda one: _matches(plain(one), said), "Matches")


def check_fuzzy(spec: GraderSpec, answered: Answered) -> Finding:
    """Compare with the nearest of the texts: by the share of equal letters, of common words (f1), or by edits (distance)."""
    wanted = wanted_texts(spec, answered.item)
    mode = spec.mode or "ratio"
    if mode == "f1":
        said = Counter(_words(answered.text))
        best = max(wanted, key=lambda one: _common(said, Counter(_words(one))))
        score = _common(said, Counter(_words(best)))
        return Finding(score, f"{score:.0%} of the words (F1) are those of {quoted(best)}.")
    if mode not in FUZZY_MODES:
        raise CannotCheck(f"There is no way {mode[:40]!r} to compare; use {', '.join(FUZZY_MODES)}.")
    form = _form(spec) if mode == "ratio" else str
    texts = [form(one).strip() if mode == "ratio" else one for one in wanted]
    said_text = form(answered.text).strip() if mode == "ratio" else answered.text
    if any(len(one) > MAX_COMPARED for one in (said_text, *texts)):
        raise CannotCheck(f"A text is longer than {MAX_COMPARED:,} characters; compare such by words (mode f1).")
    return _by_edits(spec, said_text, texts) if mode == "distance" else _by_ratio(said_text, texts)


def _by_edits(spec: GraderSpec, said: str, texts: Sequence[str]) -> Finding:
    """Count the letters to change, add or take away; the threshold is how many may be."""
    allowed = USUAL_EDITS if spec.threshold is None else spec.threshold
    edits = min(Levenshtein.distance(said, one) for one in texts)
    near = edits <= allowed
    return Finding(float(near), f"{edits:,} edits away, {allowed:g} are allowed.", near)


def _by_ratio(said: str, texts: Sequence[str]) -> Finding:
    """Score one minus the edits as a share of the longer text."""
    score, nearest = max((Levenshtein.normalized_similarity(said, one), one) for one in texts)
    return Finding(score, f"{score:.0%} like {quoted(nearest)}.")


def _words(text: str) -> list[str]:
    """Give the words of a text without case and signs; in scripts without spaces every character is one."""
    return _WORD.findall(folded(text))


def _common(said: Counter[str], wanted: Counter[str]) -> float:
    """Give the harmonic mean of precision and recall over words; two texts without words are alike."""
    both, total = (said & wanted).total(), said.total() + wanted.total()
    return 2 * both / total if total else 1.0


def check_word_count(spec: GraderSpec, answered: Answered) -> Finding:
    """Count the words between blanks: exactly the value, or between its `min` and `max`."""
    least, most = _bounds(spec)
    count = sum(1 for _ in _COUNTED_WORD.finditer(answered.text))
    if least <= count <= most:
        return Finding(1.0, f"The answer has {count:,} words.")
    wanted = (
        f"{least:g}" if least == most else f"{least:g} to {most:g}" if most < float("inf") else f"{least:g} or more"
    )
    return Finding(0.0, f"The answer has {count:,} words, not {wanted}.")


def _bounds(spec: GraderSpec) -> tuple[float, float]:
    """Give the least and the most words."""
    value = spec.value
    if _is_number(value):
        return value, value
    if isinstance(value, dict) and value and set(value) <= {"min", "max"}:
        least, most = value.get("min", 0), value.get("max", float("inf"))
        if _is_number(least) and _is_number(most) and least <= most:
            return least, most
    raise CannotCheck("word-count needs a number, or `min` and `max`, as its value.")


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def check_refusal(spec: GraderSpec, answered: Answered) -> Finding:
    """Look for the usual words of a refusal at the beginning; a blank answer refuses too."""
    if not answered.text.strip():
        return Finding(1.0, "The answer is blank.")
    said = find_refusal(plain(answered.text))
    return Finding(1.0, f"It refuses: {quoted(said)}.") if said else Finding(0.0, "No words of a refusal.")


def _form(spec: GraderSpec) -> Callable[[str], str]:
    """Give what makes two texts comparable."""
    return folded if spec.ignore_case else plain


def _of_any(wanted: Sequence[str], holds: Callable[[str], bool], verb: str) -> Finding:
    """Score 1 when one of the texts holds."""
    for one in wanted:
        if holds(one):
            return Finding(1.0, f"{verb} {quoted(one)}.")
    more = f" nor any of {len(wanted) - 1} others" if len(wanted) > 1 else ""
    return Finding(0.0, f"Not found: {verb.lower()} {quoted(wanted[0])}{more}.")


def _matches(pattern: str, text: str) -> bool:
    """Search a pattern under a time limit; one that would take long to compile is never compiled."""
    if len(pattern) > MAX_PATTERN:
        raise CannotCheck(f"The pattern is longer than {MAX_PATTERN:,} characters.")
    problem = pattern_problem(pattern)
    if problem:
        raise CannotCheck(f"The pattern cannot be used: {problem}.")
    try:
        return regex.search(pattern, text, timeout=REGEX_TIMEOUT_S) is not None
    except TimeoutError:
        raise CannotCheck(f"The pattern took longer than {REGEX_TIMEOUT_S * 1000:.0f} ms.") from None
    except (RecursionError, OverflowError, MemoryError) as error:
        raise CannotCheck(f"The pattern cannot be applied: {error}.") from None
