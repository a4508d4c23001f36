"""How the numbers of a report are worded: never without n and interval, never more digits than the interval carries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from evalbot.grading.calibration import Standing
from evalbot.reporting.comparisons import MARGIN
from evalbot.reporting.estimates import OVERALL, Change, Estimate, How, RunSummary
from evalbot.reporting.judge_words import agreement_estimate
from evalbot.reporting.telling import (
    NO_HEADLINE,
    UNVERIFIED,
    corrected_words,
    degenerate_words,
    notes_of,
    people_words,
    with_errors_words,
)
from evalbot.reports.foreign_text import line
from evalbot.runs.runs import Run, RunStatus
from evalbot.stats.verdicts import Verdict

MINUS = "−"
NAME = 60
MOST_NAMED = 3


def percent(share: float, decimals: int = 0) -> str:
    """Give a share in [0, 1] as percent; what is not all or nothing never reads as 100 or 0."""
    text = f"{share * 100:.{decimals}f}"
    step = 10**-decimals
    if share < 1 and float(text) >= 100:
        return f">{100 - step:.{decimals}f} %"
    if share > 0 and float(text) <= 0:
        return f"<{step:.{decimals}f} %"
    return f"{text} %"


def _decimals(half_width: float) -> int:
    """Give the decimals of a number in points such that its half width (a share) keeps two significant digits."""
    points = half_width * 100
    return 0 if points >= 9.95 else 1 if points >= 0.995 else 2


def score_words(estimate: Estimate) -> str:
    """Word an estimate: "86 % (80 to 91, n 180)", or that there are too few items to say."""
    if estimate.too_few:
        return f"too few to say (n {estimate.n:,})"
    return f"{score_alone(estimate)} ({interval_words(estimate)}, n {estimate.n:,})"


def score_alone(estimate: Estimate) -> str:
    """Word the score of an estimate for a place that shows interval and n beside it."""
    return "too few" if estimate.too_few else percent(estimate.score, _score_decimals(estimate))


def interval_words(estimate: Estimate) -> str:
    """Word the interval of an estimate in percent: "80 to 91"."""
    if estimate.too_few:
        return "–"
    decimals = _score_decimals(estimate)
    return f"{estimate.lower * 100:.{decimals}f} to {estimate.upper * 100:.{decimals}f}"


def _score_decimals(estimate: Estimate) -> int:
    """Scores are read beside their interval, so they carry a digit less than differences."""
    return max(_decimals(estimate.half_width) - 1, 0)


def points(value: float, half_width: float) -> str:
    """Word a difference in [-1, 1] as points with a sign, rounded by the half width of its interval."""
    text = f"{value * 100:+.{_decimals(half_width)}f}"
    return text.lstrip("+-") if float(text) == 0 else text.replace("-", MINUS)


def change_alone(change: Change) -> str:
    """Word the difference of a change for a table."""
    return points(change.difference, (change.upper - change.lower) / 2)


def change_interval(change: Change) -> str:
    """Word the interval of a change: "−6.0 to −0.2"."""
    half = (change.upper - change.lower) / 2
    return f"{points(change.lower, half)} to {points(change.upper, half)}"


def change_words(change: Change) -> str:
    """Word a change: "−3.1 points (−6.0 to −0.2, n 180)"."""
    return f"{change_alone(change)} points ({change_interval(change)}, n {change.n:,})"


def verdict_words(change: Change) -> str:
    """Word a verdict; an arrow never stands alone."""
    if change.verdict is Verdict.CANNOT_TELL:
        return f"cannot tell{_needed(change)}"
    return {Verdict.WORSE: "▼ worse", Verdict.BETTER: "▲ better"}.get(change.verdict, "no difference")


def _needed(change: Change) -> str:
    """Say how many items would decide, to two digits."""
    if change.needed is None:
        return ""
    digits = max(len(str(change.needed)) - 2, 0)
    return f", needs about {round(change.needed, -digits):,} items"


def counted(count: int, noun: str) -> str:
    """Give a number with its noun: "1 item", "1,200 items"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def money_words(usd: float | None) -> str:
    """Word a cost in US dollars; an unknown cost is unknown, not nothing."""
    if usd is None:
        return "cost unknown"
    return "under $0.01" if 0 < usd < 0.01 else f"${usd:,.2f}"


def duration_words(seconds: float) -> str:
    """Word a duration: "1 min 12 s"."""
    whole = round(seconds)
    if whole < 1:
        return "under 1 s"
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60:,} h {minutes % 60} min"


def moment(at: datetime) -> str:
    """Word a moment in UTC: "16 Nov 2026, 12:00 UTC"."""
    utc = at.astimezone(UTC)
    return f"{utc.day} {utc:%b %Y, %H:%M} UTC"


def judge_words(summary: RunSummary) -> str:
    """Say how far the judge may be trusted: its agreement with people, or that nobody has checked it yet.

    What is known of it from all runs goes before what this one shows.
    """
    if not summary.judge:
        return "no judge, code checks only"
    name, standing = line(summary.judge, NAME), summary.standing
    agreement = (agreement_estimate(standing) if standing else None) or summary.agreement
    if agreement is None:
        return f"{name}, not yet checked by people: {summary.human_outputs:,} graded so far"
    if summary.unverified:
        return f"{name}, {UNVERIFIED}: agrees with people {score_words(agreement)}"
    trusted = ", trusted" if standing and standing.standing is Standing.TRUSTED else ""
    return f"{name} agrees with people {score_words(agreement)}{trusted}"


def left_out_words(summary: RunSummary) -> str:
    """Say what is not counted in the scores; empty when everything is."""
    parts = [counted(summary.errors, "error")] if summary.errors else []
    if summary.ungraded:
        parts.append(f"{counted(summary.ungraded, 'answer')} without a verdict")
    return f"{' and '.join(parts)}, not counted" if parts else ""


def run_verdict(run: Run, summary: RunSummary) -> str:
    """Say in a few words what came out: what got worse and better, or the pass rate; nothing of an unverified judge."""
    subject = subject_of(run, summary)
    ending = {RunStatus.CANCELLED: " (stopped early)", RunStatus.FAILED: " (failed)", RunStatus.RUNNING: " so far"}
    said = changes_said([one for one in summary.changes if one.target == subject and not summary.doubts(one)])
    if said and len(run.targets) > 1:
        said = f"{line(subject, NAME)}: {said}"
    return f"{said or _rate_said(summary, subject)}{ending.get(run.status, '')}"


def _rate_said(summary: RunSummary, subject: str) -> str:
    """Word the pass rate of a target, or why it has none."""
    degenerate, estimate, row = summary.degenerate_of(subject), summary.headline(subject), summary.overall(subject)
    if degenerate:
        return f"{line(subject, NAME)} gives one answer to everything, not scored"
    if estimate is None:
        return NO_HEADLINE if row else "nothing could be scored"
    if estimate.too_few:
        return f"too few items to say (n {estimate.n:,})"
    by = " by code checks" if row and estimate is row.checks else ""
    by = ", corrected by people" if estimate.how is How.CORRECTED else by
    return f"{score_words(estimate)} passed{by}"


def passes_words(label: str, summary: RunSummary) -> str:
    """Say in a sentence how many items a target passes, and on whose grades that stands."""
    row, name, degenerate = summary.overall(label), line(label, NAME), summary.degenerate_of(label)
    if degenerate:
        return f"{name} {degenerate_words(degenerate)}."
    if row is None:
        return f"{name}: nothing was scored."
    if row.corrected:
        alone = f"{score_alone(row.estimate)}{f' ({UNVERIFIED})' if summary.doubts(row.estimate) else ''}"
        return f"{name} {_passing(row.corrected.estimate)}: {corrected_words(row.corrected, alone)}."
    if not summary.doubts(row.estimate):
        return f"{name} {_passing(row.estimate)}{people_words(row.estimate)}."
    alone = f"The judge is {UNVERIFIED}; with it: {score_words(row.estimate)}."
    return f"{name} {_passing(row.checks)} by code checks alone. {alone}" if row.checks else f"{name}: {alone}"


def _passing(estimate: Estimate) -> str:
    """Say a pass rate with its interval."""
    if estimate.too_few:
        return f"too few items to say (n {estimate.n:,})"
    return f"passes {score_alone(estimate)} of {counted(estimate.n, 'item')} ({interval_words(estimate)})"


def against_words(change: Change, summary: RunSummary) -> str:
    """Say in a sentence what a target gained or lost against what it was compared with."""
    meaning = {
        Verdict.WORSE: "a real drop",
        Verdict.BETTER: "a real gain",
        Verdict.NO_DIFFERENCE: f"no difference larger than {MARGIN * 100:.0f} points",
    }.get(change.verdict, verdict_words(change))
    by = ", corrected by people" if change.how is How.CORRECTED else ""
    said = UNVERIFIED if summary.doubts(change) else f"{meaning}{by}"
    return f"Against {line(change.against, NAME)}: {change_words(change)}, {said}."


def notes_words(summary: RunSummary, label: str) -> list[str]:
    """Give what a reader should know beside a target's pass rate."""
    row = summary.overall(label)
    with_errors = with_errors_words(row, score_words(row.with_errors)) if row and row.with_errors else ""
    return [*notes_of(summary, label), *([with_errors] if with_errors else [])]


def subject_of(run: Run, summary: RunSummary) -> str:
    """Name the target a run is told by: the first one that was compared, else the first one."""
    compared = [change.target for change in summary.changes]
    labels = [target.label for target in run.targets]
    return next((label for label in labels if label in compared), labels[0] if labels else "")


def changes_said(changes: Sequence[Change]) -> str:
    """Word the clear changes, skills before the overall score they are part of; empty without a comparison."""
    skills = [change for change in changes if change.skill != OVERALL]
    overall = next((change for change in changes if change.skill == OVERALL), None)
    worse, better = _named(skills, Verdict.WORSE), _named(skills, Verdict.BETTER)
    if worse or better:
        rest = [change for change in skills if change.verdict not in (Verdict.WORSE, Verdict.BETTER)]
        same = all(change.verdict is Verdict.NO_DIFFERENCE for change in rest)
        tail = ("the rest unchanged" if same else "no clear change elsewhere") if rest else ""
        said = [f"worse on {worse}" if worse else "", f"better on {better}" if better else "", tail]
        return ", ".join(part for part in said if part)
    if overall is None:
        return ""
    return {
        Verdict.WORSE: "worse overall, no single skill stands out" if skills else "worse",
        Verdict.BETTER: "better overall, no single skill stands out" if skills else "better",
        Verdict.NO_DIFFERENCE: "no real change",
    }.get(overall.verdict, "no clear change")


def _named(changes: Sequence[Change], verdict: Verdict) -> str:
    """Name the skills with a verdict, the largest change first, at most three."""
    found = sorted((c for c in changes if c.verdict is verdict), key=lambda c: -abs(c.difference))
    names = [line(change.skill, NAME) for change in found[:MOST_NAMED]]
    more = len(found) - len(names)
    if more:
        names.append(f"{more} more")
    return " and ".join(names) if len(names) < 3 else ", ".join(names)
