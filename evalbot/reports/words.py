"""How the numbers of a report are worded: never without n and interval, never more digits than the interval carries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from evalbot.reporting.estimates import Change, RunSummary
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
from evalbot.reporting.run_words import Marks, against_said, changes_said, judge_said, passes_said, verdict_said
from evalbot.reporting.run_words import subject_of as subject_of
from evalbot.reporting.telling import UNVERIFIED, notes_of, with_errors_words
from evalbot.reports.foreign_text import line
from evalbot.runs.runs import Run

NAME = 60


def moment(at: datetime) -> str:
    """Word a moment in UTC: "16 Nov 2026, 12:00 UTC"."""
    utc = at.astimezone(UTC)
    return f"{utc.day} {utc:%b %Y, %H:%M} UTC"


PLAIN = Marks(name=lambda name: line(name, NAME))
"""How text without markup shows names."""


def judge_words(summary: RunSummary) -> str:
    """Say how far the judge may be trusted."""
    return judge_said(summary, PLAIN)


def left_out_words(summary: RunSummary) -> str:
    """Say what is not counted in the scores; empty when everything is."""
    parts = [counted(summary.errors, "error")] if summary.errors else []
    if summary.ungraded:
        parts.append(f"{counted(summary.ungraded, 'answer')} without a verdict")
    return f"{' and '.join(parts)}, not counted" if parts else ""


def run_verdict(run: Run, summary: RunSummary) -> str:
    """Say in a few words what came out of a run."""
    return verdict_said(run, summary, PLAIN)


def passes_words(label: str, summary: RunSummary) -> str:
    """Say in a sentence how many items a target passes."""
    return passes_said(label, summary, PLAIN)


def against_words(change: Change, summary: RunSummary) -> str:
    """Say in a sentence what a target gained or lost against what it was compared with."""
    return against_said(change, summary, PLAIN)


def notes_words(summary: RunSummary, label: str) -> list[str]:
    """Give what a reader should know beside a target's pass rate."""
    row = summary.overall(label)
    with_errors = ""
    if row and row.with_errors:
        doubt = f", {UNVERIFIED}" if summary.doubts(row.with_errors) else ""
        with_errors = f"{with_errors_words(row, score_words(row.with_errors))}{doubt}"
    return [*notes_of(summary, label), *([with_errors] if with_errors else [])]


def changes_words(changes: Sequence[Change]) -> str:
    """Word the clear changes; empty without a comparison."""
    return changes_said(changes, PLAIN)
