"""Digests composed by rule from numbers: what is said, in which order, and what is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from evalbot.people import TeamId
from evalbot.reporting.comparisons import Side, compare_sides
from evalbot.reporting.digests import Digest, Exhibit, Shift, SkillLine, Trend
from evalbot.reporting.estimates import JUDGE_ALONE, OVERALL, Change, Estimate, How
from evalbot.reporting.telling import NO_HEADLINE, UNVERIFIED
from evalbot.reporting.trends import WEEK_DAYS, Week, find_trends, graded_alike
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
    doubted = {suite for suite, weeks in weeks_of.items() if weeks and weeks[-1].doubted}
    lines = [
        _line(trend, changes[trend.suite], trend.suite in doubted)
        for trend in trends
        if trend.points and trend.points[-1].estimate
    ]
    findings = _findings(trends, lines, slot.end)
    return Digest(
        digest_id,
        slot.team,
        slot.channel,
        slot.name,
        slot.start,
        slot.end,
        headline=_headline(findings, lines, runs),
        sentences=tuple(_sentences(findings, trends, lines, runs)),
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
    """Compare each target's newest week with the newest earlier one in which it was measured, on the same items.

    Items that were graded in another way then are left out: a change of the judge is no change of the target.
    """
    if not weeks:
        return []
    now, found = weeks[-1], list[Change]()
    for target in dict.fromkeys(score.target for score in now.scores):
        earlier = (week for week in reversed(weeks[:-1]) if any(score.target == target for score in week.scores))
        before = next(earlier, None)
        if before is not None:
            alike = graded_alike(before, now)
            old, new = (
                Side([one for one in week.of(target) if one.item_id in alike], week.people) for week in (before, now)
            )
            against = f"the week to {before.day.day} {before.day:%b}"
            found += compare_sides(old, new, now.skill_of, target, against)
    return found


def _line(trend: Trend, changes: Sequence[Change], doubted: bool) -> SkillLine:
    """Give the table row of a trend whose newest week was measured."""
    now = trend.points[-1].estimate
    assert now is not None
    mine = [change for change in changes if (change.target, change.skill) == (trend.target, trend.skill)]
    change = mine[0] if mine else None
    change_verified = not (doubted and change is not None and change.how in JUDGE_ALONE)
    return SkillLine(trend.suite, trend.target, trend.skill, now, change, trend.verified, change_verified)


@dataclass(frozen=True, slots=True)
class _Finding:
    """Something that moved clearly: of what, by how much, since when (`old` when before this week), and the sentence for it."""

    suite: str
    skill: str
    difference: float
    old: bool
    sentence: str

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """The order of telling: drops first, a skill before the overall score it is part of, the larger first."""
        return self.difference > 0, self.skill == OVERALL, -abs(self.difference)

    @property
    def words(self) -> tuple[str, str]:
        """What moved and which way, in a word or two each."""
        way = "up" if self.difference > 0 else "still down" if self.old else "down"
        return self.suite if self.skill == OVERALL else self.skill, way


def _findings(trends: Iterable[Trend], lines: Iterable[SkillLine], end: date) -> list[_Finding]:
    """Give what moved clearly in the order of telling; a step change stands for the weekly change of the same series.

    Nothing is found on the word of an unverified judge.
    """
    found: dict[tuple[str, str, str], _Finding] = {}
    for trend in trends:
        shift = trend.shift
        if shift and shift.clear and shift.verified and trend.latest:
            found[(trend.suite, trend.target, trend.skill)] = _step(trend, shift, trend.latest, end)
    for line in lines:
        if line.change and line.change_verified and line.change.verdict in (Verdict.BETTER, Verdict.WORSE):
            found.setdefault((line.suite, line.target, line.skill), _weekly(line, line.change))
    return sorted(found.values(), key=lambda one: one.rank)


def _step(trend: Trend, shift: Shift, latest: Estimate, end: date) -> _Finding:
    """Say that a series stands on another level since a step change."""
    old = end - shift.day > timedelta(days=7)
    way, when = "drop" if shift.after < shift.before else "rise", f"{shift.day:%a} {shift.day.day} {shift.day:%b}"
    sentence = (
        f"{trend.suite} · {trend.target}: {trend.skill} is at {shift.after:.0%} {'since' if old else 'after'} the {way} "
        f"in the week of {when} ({shift.before:.0%} before; the change lies between {_points(shift.lower)} and "
        f"{_points(shift.upper)} points{_basis(shift.how, latest)}, n {latest.n})."
    )
    return _Finding(trend.suite, trend.skill, shift.after - shift.before, old, sentence)


def _weekly(line: SkillLine, change: Change) -> _Finding:
    """Say that a series moved since the week before."""
    sentence = (
        f"{line.suite} · {line.target}: {line.skill} is {change.verdict} than in {change.against}, "
        f"{_points(change.difference)} points ({_points(change.lower)} to {_points(change.upper)}"
        f"{_basis(change.how, line.now)}, n {change.n})."
    )
    return _Finding(line.suite, line.skill, change.difference, False, sentence)


def _basis(how: How | None, now: Estimate) -> str:
    """Say on whose grades a difference stands where the number beside it makes one ask; empty elsewhere."""
    if how is How.CORRECTED:
        return ", corrected by people"
    return ", by the judge alone" if how in JUDGE_ALONE and now.how is How.CORRECTED else ""


def _headline(findings: Sequence[_Finding], lines: Sequence[SkillLine], runs: int) -> str:
    """Say in a few words what moved; overall scores only where no skill did."""
    if not runs:
        return "no run this week"
    if lines and not findings and not any(line.verified for line in lines):
        return NO_HEADLINE
    words: dict[str, str] = {}
    for finding in [one for one in findings if one.skill != OVERALL] or findings:
        words.setdefault(*finding.words)
    return ", ".join(f"{name} {way}" for name, way in list(words.items())[:2]) or "no clear change"


def _sentences(
    findings: Sequence[_Finding], trends: Sequence[Trend], lines: Sequence[SkillLine], runs: int
) -> list[str]:
    """Say the clearest findings, or that there is none; then what stands on an unverified judge and is left out of them."""
    doubted = sum(not line.verified for line in lines)
    if doubted and doubted == len(lines):
        return [f"Every number of this week stands on a judge that is {UNVERIFIED}."]
    said = _findings_said(findings, trends, lines, runs)
    if doubted:
        rows = "1 row stands" if doubted == 1 else f"{doubted} rows stand"
        said.append(f"{rows} on a judge that is {UNVERIFIED}, left out of the above.")
    return said


def _findings_said(
    findings: Sequence[_Finding], trends: Sequence[Trend], lines: Sequence[SkillLine], runs: int
) -> list[str]:
    """Say the clearest findings, at most two, each with its numbers; then whether the rest is steady."""
    if findings:
        return [*(one.sentence for one in findings[:MOST_SENTENCES]), _rest(len(findings) - MOST_SENTENCES)]
    if not lines:
        why = "No answer of this week could be scored" if runs else "Nothing ran this week"
        return [f"{why}, so there is nothing to compare."]
    if any(line.change for line in lines):
        return ["Nothing moved clearly since the last measured week."]
    if any(_newly_graded(trend) for trend in trends):
        return ["Judge, rubric or checks are not those of the weeks before, so nothing is compared with them."]
    if any(point.estimate for trend in trends for point in trend.points[:-1]):
        return ["Too few of this week's items were asked before to compare them."]
    return ["This is the first measured week, so there is nothing to compare with yet."]


def _newly_graded(trend: Trend) -> bool:
    """Tell whether the newest week is the first that is graded as it is."""
    return trend.alike_since is not None and trend.points[-1].day - trend.alike_since <= WEEK_DAYS


def _rest(untold: int) -> str:
    """Say what else moved."""
    if untold > 0:
        return f"{untold} more {'row' if untold == 1 else 'rows'} of the table moved clearly."
    return "Nothing else moved clearly."


def _points(share: float) -> str:
    """Write a difference of shares in points, with a sign."""
    value = round(100 * share)
    return f"+{value}" if value > 0 else f"−{-value}" if value < 0 else "0"
