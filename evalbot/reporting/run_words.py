"""What a run says, worded once for every door: its verdict, its pass rates, what changed, and how far its judge goes.

A door brings its `Marks`: how it makes a foreign name safe to look at, and how it emphasises.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evalbot.grading.calibration import Standing
from evalbot.reporting.comparisons import MARGIN
from evalbot.reporting.estimates import OVERALL, Change, Estimate, How, RunSummary
from evalbot.reporting.judge_words import agreement_estimate
from evalbot.reporting.number_words import (
    change_alone,
    change_interval,
    counted,
    interval_words,
    score_alone,
    score_words,
    verdict_words,
)
from evalbot.reporting.telling import NO_HEADLINE, UNVERIFIED, corrected_words, degenerate_words, people_words
from evalbot.runs.runs import Run, RunStatus
from evalbot.stats.verdicts import Verdict

MOST_NAMED = 3

_ENDINGS = {RunStatus.CANCELLED: " (stopped early)", RunStatus.FAILED: " (failed)", RunStatus.RUNNING: " so far"}


def _as_it_is(text: str) -> str:
    """Give our own words without emphasis."""
    return text


@dataclass(frozen=True, slots=True)
class Marks:
    """How a door shows names, which are foreign text, and what is to stand out."""

    name: Callable[[str], str]
    strong: Callable[[str], str] = _as_it_is


# --- a few words -----------------------------------------------------------------------------------


def verdict_said(run: Run, summary: RunSummary, marks: Marks) -> str:
    """Say in a few words what came out: what got worse and better, or the pass rate; nothing of an unverified judge."""
    subject = subject_of(run, summary)
    said = changes_said([one for one in summary.changes if one.target == subject and not summary.doubts(one)], marks)
    if said and len({change.target for change in summary.changes}) > 1:
        said = f"{marks.name(subject)} {said}"
    return f"{said or _rate_said(summary, subject, marks)}{_ENDINGS.get(run.status, '')}"


def subject_of(run: Run, summary: RunSummary) -> str:
    """Name the target a run is told by: the first one that was compared, else the first one."""
    compared = [change.target for change in summary.changes]
    labels = [target.label for target in run.targets]
    return next((label for label in labels if label in compared), labels[0] if labels else "")


def _rate_said(summary: RunSummary, subject: str, marks: Marks) -> str:
    """Word the pass rate of a target, or why it has none."""
    degenerate, estimate, row = summary.degenerate_of(subject), summary.headline(subject), summary.overall(subject)
    if degenerate:
        return f"{marks.name(subject)} gives one answer to everything, not scored"
    if estimate is None:
        return NO_HEADLINE if row else "nothing could be scored"
    if estimate.too_few:
        return f"too few items to say (n {estimate.n:,})"
    by = " by code checks" if row and estimate is row.checks else ""
    by = ", corrected by people" if estimate.how is How.CORRECTED else by
    return f"{score_words(estimate)} passed{by}"


def changes_said(changes: Sequence[Change], marks: Marks) -> str:
    """Word the clear changes, skills before the overall score they are part of; empty without a comparison."""
    skills = [change for change in changes if change.skill != OVERALL]
    overall = next((change for change in changes if change.skill == OVERALL), None)
    worse, better = _named(skills, Verdict.WORSE, marks), _named(skills, Verdict.BETTER, marks)
    if worse or better:
        rest = [change for change in skills if change.verdict not in (Verdict.WORSE, Verdict.BETTER)]
        same = all(change.verdict is Verdict.NO_DIFFERENCE for change in rest)
        tail = ("the rest unchanged" if same else "no clear change elsewhere") if rest else ""
        said = [f"worse on {worse}" if worse else "", f"better on {better}" if better else "", tail]
        return ", ".join(part for part in said if part)
    if overall is None:
        return "no clear change" if changes else ""
    return {
        Verdict.WORSE: "worse overall, no single skill stands out" if skills else "worse",
        Verdict.BETTER: "better overall, no single skill stands out" if skills else "better",
        Verdict.NO_DIFFERENCE: "no real change",
    }.get(overall.verdict, "no clear change")


def _named(changes: Sequence[Change], verdict: Verdict, marks: Marks) -> str:
    """Name the skills with a verdict, the largest change first, at most three."""
    found = sorted((c for c in changes if c.verdict is verdict), key=lambda c: -abs(c.difference))
    names = [marks.name(change.skill) for change in found[:MOST_NAMED]]
    more = len(found) - len(names)
    if more:
        names.append(f"{more} more")
    return " and ".join(names) if len(names) < 3 else ", ".join(names)


# --- sentences -------------------------------------------------------------------------------------


def passes_said(label: str, summary: RunSummary, marks: Marks) -> str:
    """Say in a sentence how many items a target passes, and on whose grades that stands."""
    row, degenerate = summary.overall(label), summary.degenerate_of(label)
    name = marks.strong(marks.name(label))
    if degenerate:
        return f"{name} {degenerate_words(degenerate)}."
    if row is None:
        return f"{name}: nothing was scored."
    if row.corrected:
        alone = f"{score_alone(row.estimate)}{f' ({UNVERIFIED})' if summary.doubts(row.estimate) else ''}"
        return f"{_passing(name, row.corrected.estimate, marks)}: {corrected_words(row.corrected, alone)}."
    if not summary.doubts(row.estimate):
        return f"{_passing(name, row.estimate, marks)}{people_words(row.estimate)}."
    alone = f"The judge is {UNVERIFIED}; with it: {score_words(row.estimate)}."
    return f"{_passing(name, row.checks, marks)} by code checks alone. {alone}" if row.checks else f"{name}: {alone}"


def _passing(name: str, estimate: Estimate, marks: Marks) -> str:
    """Say a pass rate with its interval."""
    if estimate.too_few:
        return f"{name}: too few items to say (n {estimate.n:,})"
    rate = marks.strong(score_alone(estimate))
    return f"{name} passes {rate} of {counted(estimate.n, 'item')} ({interval_words(estimate)})"


def against_said(change: Change, summary: RunSummary, marks: Marks) -> str:
    """Say in a sentence what a target gained or lost against what it was compared with."""
    by = ", corrected by people" if change.how is How.CORRECTED else ""
    meaning = UNVERIFIED if summary.doubts(change) else f"{_meaning(change)}{by}"
    points = marks.strong(f"{change_alone(change)} points")
    against = marks.strong(marks.name(change.against))
    return f"Against {against}: {points} ({change_interval(change)}, n {change.n:,}), {meaning}."


def _meaning(change: Change) -> str:
    """Say what a change means, in a clause."""
    return {
        Verdict.WORSE: "a real drop",
        Verdict.BETTER: "a real gain",
        Verdict.NO_DIFFERENCE: f"no difference larger than {MARGIN * 100:.0f} points",
    }.get(change.verdict, verdict_words(change))


def judge_said(summary: RunSummary, marks: Marks) -> str:
    """Say how far the judge may be trusted: its agreement with people, or that nobody has checked it yet.

    What is known of it from all runs goes before what this one shows.
    """
    if not summary.judge:
        return "no judge, code checks only"
    name, standing = marks.name(summary.judge), summary.standing
    agreement = (agreement_estimate(standing) if standing else None) or summary.agreement
    if agreement is None:
        return f"{name}, not yet checked by people: {summary.human_outputs:,} graded so far"
    if summary.unverified:
        return f"{name}, {marks.strong(UNVERIFIED)}: agrees with people {score_words(agreement)}"
    trusted = ", trusted" if standing and standing.standing is Standing.TRUSTED else ""
    return f"{name} agrees with people {score_words(agreement)}{trusted}"
