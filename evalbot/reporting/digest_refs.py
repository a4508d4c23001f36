"""What of a digest can be explained, and how each is named: by a hash on a button, by words where it is typed.

    digest                                  how the headline was chosen
    digest citations                        the row of a skill, target or suite
    digest citations step                   the step change in its series
    digest citations 2026-10-25             the week of its series that ended or ran on that day
    digest answer 2                         the second answer worth opening
    digest judge, digest grades             how judge and people agree; what people did

A date right after `digest` names the digest of that day, else it is the newest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from evalbot.errors import UnknownName
from evalbot.reporting.digests import Digest, SkillLine, Trend
from evalbot.reporting.estimates import OVERALL
from evalbot.reporting.references import called, near_hint, typed

_WEEK = timedelta(days=6)


class Part(StrEnum):
    """What of a digest is meant; the values are the words of the language where it has one."""

    HEADLINE = "headline"
    ROW = "row"
    STEP = "step"
    WEEK = "week"
    ANSWER = "answer"
    JUDGE = "judge"
    GRADES = "grades"


@dataclass(frozen=True, slots=True)
class DigestRef:
    """One thing of a digest: a row, a step or a week of a series, an answer by its place (from 1), or one of a kind."""

    part: Part
    suite: str = ""
    target: str = ""
    skill: str = ""
    day: date | None = None
    place: int = 0

    @property
    def key(self) -> str:
        """The hash that names it on a button."""
        day = self.day.isoformat() if self.day else ""
        text = "\x1f".join((self.part, self.suite, self.target, self.skill, day, str(self.place)))
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def digest_refs(digest: Digest) -> Iterator[DigestRef]:
    """Give everything of a digest that can be explained."""
    yield DigestRef(Part.HEADLINE)
    yield from (row_ref(line) for line in digest.lines)
    for trend in digest.trends:
        if trend.shift is not None:
            yield step_ref(trend)
        for point in trend.points:
            if point.estimate is not None:
                yield DigestRef(Part.WEEK, trend.suite, trend.target, trend.skill, point.day)
    yield from (answer_ref(place) for place in range(1, len(digest.exhibits) + 1))
    yield DigestRef(Part.JUDGE)
    yield DigestRef(Part.GRADES)


def row_ref(line: SkillLine) -> DigestRef:
    """Give the reference of a row of the table."""
    return DigestRef(Part.ROW, line.suite, line.target, line.skill)


def step_ref(trend: Trend) -> DigestRef:
    """Give the reference of the step change in a series."""
    return DigestRef(Part.STEP, trend.suite, trend.target, trend.skill)


def answer_ref(place: int) -> DigestRef:
    """Give the reference of an answer worth opening, by its place from 1."""
    return DigestRef(Part.ANSWER, place=place)


# --- words -----------------------------------------------------------------------------------------


def typed_ref(digest: Digest, ref: DigestRef) -> str:
    """Give a reference as it is typed, as short as it is sure to be found."""
    words = ["explain", "digest", digest.end.isoformat()]
    if ref.part is Part.ANSWER:
        return " ".join([*words, Part.ANSWER, str(ref.place)])
    if ref.part in (Part.JUDGE, Part.GRADES):
        return " ".join([*words, ref.part])
    if ref.part is Part.HEADLINE:
        return " ".join(words)
    several_suites = len({line.suite for line in digest.lines}) > 1
    several_targets = len({line.target for line in digest.lines if line.suite == ref.suite}) > 1
    names = [*([ref.suite] if several_suites else []), *([ref.target] if several_targets else []), ref.skill]
    last = {Part.STEP: [str(Part.STEP)], Part.WEEK: [ref.day.isoformat() if ref.day else ""]}.get(ref.part, [])
    return " ".join([*words, *(typed(name) for name in names), *last])


def find_ref(digest: Digest, words: Sequence[str]) -> DigestRef:
    """Give what words name of a digest; raises UnknownName with the nearest name."""
    rest = list(words)
    part, day = Part.ROW, None
    if rest and (read := read_day(rest[-1])) is not None:
        part, day = Part.WEEK, read
        rest.pop()
    elif rest and rest[-1].lower() in ("step", "shift"):
        part = Part.STEP
        rest.pop()
    if not rest and part is Part.ROW:
        return DigestRef(Part.HEADLINE)
    rows = [row_ref(line) for line in digest.lines]
    found = called(rows, _names, rest)
    if not found:
        return _other(digest, rest)
    best = min(found, key=lambda one: (one.skill != OVERALL, rows.index(one)))
    return best if part is Part.ROW else _of_series(digest, best, part, day)


def read_day(word: str) -> date | None:
    """Read a date such as 2026-10-25; None where the word is none."""
    try:
        return date.fromisoformat(word) if len(word) == len("2026-10-25") else None
    except ValueError:
        return None


def _names(ref: DigestRef) -> tuple[str, ...]:
    """Give what a row may be called."""
    return ref.suite, ref.target, ref.skill


def _other(digest: Digest, words: Sequence[str]) -> DigestRef:
    """Give what words name that is no row."""
    first = words[0].lower()
    if first in ("answer", "answers", "exhibit") and len(words) <= 2:
        place = words[1] if len(words) == 2 else "1"
        if place in map(str, range(1, len(digest.exhibits) + 1)):
            return answer_ref(int(place))
        raise UnknownName(f"This digest has {len(digest.exhibits)} answers worth opening.", "Count them from 1.")
    if len(words) == 1 and first in (Part.JUDGE, Part.GRADES, "people"):
        return DigestRef(Part.JUDGE if first == Part.JUDGE else Part.GRADES)
    known = [name for line in digest.lines for name in _names(row_ref(line))]
    raise UnknownName("The digest has no row of that name.", near_hint(words, [*known, *(Part.JUDGE, Part.GRADES)]))


def _of_series(digest: Digest, row: DigestRef, part: Part, day: date | None) -> DigestRef:
    """Give the step, or the week in which a day lies, of the series of a row."""
    subject = (row.suite, row.target, row.skill)
    trend = next((one for one in digest.trends if (one.suite, one.target, one.skill) == subject), None)
    if trend is not None and part is Part.STEP and trend.shift is not None:
        return step_ref(trend)
    points = [point for point in trend.points if point.estimate is not None] if trend else []
    for point in points:
        if day is not None and point.day - _WEEK <= day <= point.day:
            return DigestRef(Part.WEEK, *subject, point.day)
    if part is Part.STEP:
        raise UnknownName(f"There is no step change in {row.skill}.", "Leave the word step out for the number itself.")
    known = ", ".join(point.day.isoformat() for point in points[-4:]) or "none"
    raise UnknownName(f"{row.skill} was not measured in that week.", f"The newest measured weeks end on: {known}.")
