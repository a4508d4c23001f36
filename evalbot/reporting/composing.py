"""Digests composed by rule from numbers: what is said, in which order, and what is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from evalbot.people import TeamId
from evalbot.reporting.comparisons import compare_scores
from evalbot.reporting.digests import Digest, Exhibit, Shift, SkillLine, Trend
from evalbot.reporting.estimates import OVERALL, Change, Estimate
from evalbot.reporting.trends import Week, find_trends
from evalbot.stats.verdicts import Verdict

MOST_SENTENCES = 2
MOST_EXHIBITS = 3


@dataclass(frozen=True, slots=True)
class Effort:
    """What people did in the week: grades given, who gave them, items added, and how judge and people agree so far."""

    human_grades: int
    graders: tuple[str, ...]
    items_added: int
    judge_agreement: Estimate | None


@dataclass(frozen=True, slots=True)
class Slot:
    """What a digest is for: its channel, the name of its slot, and the days it covers (both included)."""

    team: TeamId
    channel: str
    name: str
    start: date
    end: date
    composed_at: datetime
    next_at: datetime | None
    late: bool


def compose_digest(
    digest_id: str,
    slot: Slot,
    weeks_of: Mapping[str, Sequence[Week]],
    exhibits: Iterable[Exhibit],
    effort: Effort,
    runs: int,
) -> Digest:
    """Compose the digest of a slot from the weekly scores of each suite, oldest week first; the newest week is the slot's."""
    trends = [trend for suite, weeks in weeks_of.items() for trend in find_trends(suite, weeks)]
    changes = {suite: week_changes(weeks) for suite, weeks in weeks_of.items()}
    lines = [_line(trend, changes[trend.suite]) for trend in trends if trend.points and trend.points[-1].estimate]
    told = tuple(_sentences(trends, lines, slot.end))
    return Digest(
        digest_id,
        slot.team,
        slot.channel,
        slot.name,
        slot.start,
        slot.end,
        headline=_headline(trends, lines, runs),
        sentences=told,
        lines=tuple(lines),
        trends=tuple(trends),
        exhibits=tuple(exhibits)[:MOST_EXHIBITS],
        runs=runs,
        human_grades=effort.human_grades,
        graders=effort.graders,
        judge_agreement=effort.judge_agreement,
        items_added=effort.items_added,
        composed_at=slot.composed_at,
        next_at=slot.next_at,
        late=slot.late,
    )


def week_changes(weeks: Sequence[Week]) -> list[Change]:
    """Compare the newest week with the newest earlier one that was measured, target by target, on the same items."""
    earlier = [week for week in weeks[:-1] if week.scores]
    if not weeks or not weeks[-1].scores or not earlier:
        return []
    now, before = weeks[-1], earlier[-1]
    found: list[Change] = []
    for target in dict.fromkeys(score.target for score in now.scores):
        old = [score for score in before.scores if score.target == target]
        new = [score for score in now.scores if score.target == target]
        found += compare_scores(old, new, now.skill_of, target, f"{before.day.day} {before.day:%b}")
    return found


def _line(trend: Trend, changes: Sequence[Change]) -> SkillLine:
    """Give the table row of a trend whose newest week was measured."""
    now = trend.points[-1].estimate
    assert now is not None
    mine = [change for change in changes if (change.target, change.skill) == (trend.target, trend.skill)]
    return SkillLine(trend.suite, trend.target, trend.skill, now, mine[0] if mine else None)


def _clear_shifts(trends: Iterable[Trend]) -> list[tuple[Trend, Shift]]:
    """Give the trends with a step change that lasts: its interval excludes zero. Drops first, then by size."""
    found = [(trend, trend.shift) for trend in trends if trend.shift and trend.shift.lower * trend.shift.upper > 0]
    return sorted(found, key=lambda pair: (pair[1].after > pair[1].before, -abs(pair[1].after - pair[1].before)))


def _clear_changes(lines: Iterable[SkillLine]) -> list[tuple[SkillLine, Change]]:
    """Give the rows whose change since last week is clear, drops first, then by size."""
    clear = [
        (line, line.change) for line in lines if line.change and line.change.verdict in (Verdict.BETTER, Verdict.WORSE)
    ]
    return sorted(clear, key=lambda pair: (pair[1].difference > 0, -abs(pair[1].difference)))


def _headline(trends: Sequence[Trend], lines: Sequence[SkillLine], runs: int) -> str:
    """Say in a few words what moved; a skill counts before the overall score it is part of."""
    if not runs:
        return "no run this week"
    words: dict[str, str] = {}
    for trend, shift in _clear_shifts(trends):
        words.setdefault(_short(trend.suite, trend.skill), "down" if shift.after < shift.before else "up")
    for line, change in _clear_changes(lines):
        words.setdefault(_short(line.suite, line.skill), "down" if change.difference < 0 else "up")
    skills = {name: way for name, way in words.items() if not name.endswith(OVERALL)} or words
    return ", ".join(f"{name} {way}" for name, way in list(skills.items())[:2]) or "no clear change"


def _short(suite: str, skill: str) -> str:
    """Name a skill, or the suite for its overall score."""
    return suite if skill == OVERALL else skill


def _sentences(trends: Sequence[Trend], lines: Sequence[SkillLine], end: date) -> list[str]:
    """Say the clearest findings, at most two, each with its numbers; then whether the rest is steady."""
    told: dict[tuple[str, str, str], str] = {}
    shifts = sorted(_clear_shifts(trends), key=lambda pair: pair[0].skill == OVERALL)
    for trend, shift in shifts:
        way, when = "drop" if shift.after < shift.before else "rise", f"{shift.day:%a} {shift.day.day} {shift.day:%b}"
        fresh = "since" if (end - shift.day) > timedelta(days=7) else "after"
        told[(trend.suite, trend.target, trend.skill)] = (
            f"{trend.suite} · {trend.target}: {trend.skill} is at {shift.after:.0%} {fresh} the {way} in the week of {when} "
            f"({shift.before:.0%} before; the change lies between {_points(shift.lower)} and {_points(shift.upper)} points)."
        )
    for line, change in sorted(_clear_changes(lines), key=lambda pair: pair[0].skill == OVERALL):
        told.setdefault(
            (line.suite, line.target, line.skill),
            f"{line.suite} · {line.target}: {line.skill} is {change.verdict} than on {change.against}, "
            f"{_points(change.difference)} points ({_points(change.lower)} to {_points(change.upper)}, n {change.n}).",
        )
    sentences = list(told.values())[:MOST_SENTENCES]
    if not lines:
        return ["Nothing ran this week, so there is nothing to compare."]
    return [*sentences, "Nothing else moved clearly." if sentences else "Nothing moved clearly against last week."]


def _points(share: float) -> str:
    """Write a difference of shares in points, with a sign."""
    value = round(100 * share)
    return f"+{value}" if value > 0 else f"−{-value}" if value < 0 else "0"
