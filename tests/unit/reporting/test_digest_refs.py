"""References into a digest: what is typed names one thing, what is written back is found again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.errors import UnknownName
from evalbot.reporting.digest_refs import DigestRef, Part, digest_refs, find_ref, read_day, typed_ref
from evalbot.reporting.digests import Digest, Exhibit, Shift, SkillLine
from evalbot.reporting.estimates import OVERALL
from tests.factories import FIRST_SUNDAY, NOON, TEAM, make_estimate, make_trend

END = FIRST_SUNDAY + timedelta(weeks=11)
STEP = Shift(date(2026, 10, 19), 0.8, 0.4, -0.5, -0.3)
SERIES = [0.8, None, 0.8, 0.8, 0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.4, 0.4]


def make_digest(*subjects: tuple[str, str, str]) -> Digest:
    """A digest with a row and a series for each suite, target and skill; the series of citations has a step."""
    lines = tuple(SkillLine(*subject, make_estimate(0.4), None) for subject in subjects)
    trends = tuple(
        replace(
            make_trend(list(SERIES), skill), suite=suite, target=target, shift=STEP if skill == "citations" else None
        )
        for suite, target, skill in subjects
    )
    exhibits = (Exhibit("fail", "Why?", "r1", "o1", None), Exhibit("contested", "How?", "r1", "o2", "v2"))
    what = ("citations still down", ("It fell.",), lines, trends, exhibits, 3, 46, ("U1", "U2"), make_estimate(0.8), 2)
    return Digest("d1", TEAM, "C1", "slot", END - timedelta(days=6), END, *what, composed_at=NOON)


ONE = make_digest(("desk", "main", OVERALL), ("desk", "main", "citations"), ("desk", "main", "gift cards"))
TWO = make_digest(*(("desk", target, skill) for target in ("main", "openai:new") for skill in (OVERALL, "citations")))


@pytest.mark.parametrize(
    ("words", "ref"),
    [
        ((), DigestRef(Part.HEADLINE)),
        (("citations",), DigestRef(Part.ROW, "desk", "main", "citations")),
        (("CITATIONS",), DigestRef(Part.ROW, "desk", "main", "citations")),
        (("gift", "cards"), DigestRef(Part.ROW, "desk", "main", "gift cards")),
        (("desk",), DigestRef(Part.ROW, "desk", "main", OVERALL)),
        (("all",), DigestRef(Part.ROW, "desk", "main", OVERALL)),
        (("citations", "step"), DigestRef(Part.STEP, "desk", "main", "citations")),
        (("citations", "2026-11-11"), DigestRef(Part.WEEK, "desk", "main", "citations", date(2026, 11, 15))),
        (("2026-08-30",), DigestRef(Part.WEEK, "desk", "main", OVERALL, date(2026, 8, 30))),
        (("answer", "2"), DigestRef(Part.ANSWER, place=2)),
        (("answer",), DigestRef(Part.ANSWER, place=1)),
        (("judge",), DigestRef(Part.JUDGE)),
        (("people",), DigestRef(Part.GRADES)),
    ],
)
def test_words_name_one_thing(words: tuple[str, ...], ref: DigestRef) -> None:
    """Rows by skill, suite or target, steps and weeks of their series, answers by place, and the rest by its word."""
    assert find_ref(ONE, words) == ref


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("citatons",), "Did you mean citations"),
        (("desk", "step"), "Leave the word step out"),
        (("citations", "2026-09-03"), "The newest measured weeks end on"),
        (("answer", "3"), "Count them from 1"),
        (("answer", "x"), "Count them from 1"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(words: tuple[str, ...], hint: str) -> None:
    """A wrong name gets the nearest one; a gap is no week; an answer beyond the last is none."""
    with pytest.raises(UnknownName, match=hint):
        find_ref(ONE, words)


@pytest.mark.parametrize("digest", [ONE, TWO])
def test_everything_is_found_by_how_it_is_typed(digest: Digest) -> None:
    """Each reference, written as it is typed, leads back to itself, with several targets as well."""
    for ref in digest_refs(digest):
        words = typed_ref(digest, ref).replace('"openai:new"', "openai:new").replace('"gift cards"', "gift cards")
        first, second, day, *rest = words.split(" ")
        assert (first, second, read_day(day)) == ("explain", "digest", END)
        assert find_ref(digest, rest) == ref, words


@given(st.sampled_from([*digest_refs(ONE), *digest_refs(TWO)]), st.sampled_from([*digest_refs(ONE), *digest_refs(TWO)]))
def test_keys_tell_references_apart(one: DigestRef, other: DigestRef) -> None:
    """Two references have the same hash only when they are the same."""
    assert (one.key == other.key) == (one == other)


@pytest.mark.parametrize("word", ["", "refunds", "2026-13-01", "20261025", "2026-10-2५"])
def test_a_word_that_is_no_date_is_no_date(word: str) -> None:
    """Only a whole calendar date in one form is read as one."""
    assert read_day(word) is None
