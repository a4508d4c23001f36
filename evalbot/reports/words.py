"""How the numbers of a report are worded: never without n and interval, never more digits than the interval carries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from evalbot.grading.calibration import Standing
from evalbot.reporting.comparisons import MARGIN
from evalbot.reporting.estimates import OVERALL, Change, Estimate, How, RunSummary
from evalbot.reporting.judge_words import agreement_estimate
from evalbot.reporting.number_words import MINUS as MINUS
from evalbot.reporting.number_words import change_alone as change_alone
from evalbot.reporting.number_words import change_interval as change_interval
from evalbot.reporting.number_words import change_words as change_words
from evalbot.reporting.number_words import counted as counted
from evalbot.reporting.number_words import duration_words as duration_words
from evalbot.reporting.number_words import interval_words as interval_words
from evalbot.reporting.number_words import money_words as money_words
from evalbot.reporting.number_words import percent as percent
from evalbot.reporting.number_words import score_alone as score_alone
from evalbot.reporting.number_words import score_words as score_words
from evalbot.reporting.number_words import spent_words as spent_words
from evalbot.reporting.number_words import verdict_words as verdict_words
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

NAME = 60
MOST_NAMED = 3


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
    with_errors = ""
    if row and row.with_errors:
        doubt = f", {UNVERIFIED}" if summary.doubts(row.with_errors) else ""
        with_errors = f"{with_errors_words(row, score_words(row.with_errors))}{doubt}"
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
