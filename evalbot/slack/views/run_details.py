"""The modals behind a run's buttons: which outputs failed, and how each number was made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from evalbot.reporting.estimates import FEWEST, OVERALL, Change, RunSummary, ScoreRow
from evalbot.reporting.telling import (
    UNVERIFIED,
    basis_words,
    change_basis,
    degenerate_words,
    halving_words,
    saving_words,
    version_words,
    with_errors_words,
)
from evalbot.runs.runs import Run
from evalbot.slack.blocks import View, context, divider, header, modal, section
from evalbot.slack.ids import CallbackId
from evalbot.slack.text import Block, mrkdwn, preformatted, quote
from evalbot.slack.views.numbers import (
    change_words,
    counted,
    duration_words,
    percent,
    score_words,
    signed_points,
    spent_words,
    verdict_words,
)
from evalbot.slack.views.runs import judge_words
from evalbot.suites.graders import PASS_CRITERION

if TYPE_CHECKING:
    from evalbot.workflows.browsing import Failing

MOST_FAILING = 15
MOST_ERRORS = 10
MOST_ROWS = 60
LINES = 5
"""So many lines fit into a section, however long they are."""

_NAME, _WHY, _QUESTION, _ANSWER = 60, 300, 300, 600


def failures_view(run: Run, failing: Sequence[Failing], more: int = 0) -> View:
    """Give the modal with outputs that failed, worst first as given; `more` counts those that are not among them."""
    if not failing:
        return modal("Failures", CallbackId.READ_ONLY, [section(f"No answer of run {run.number} failed a grader.")])
    shown = failing[:MOST_FAILING]
    left = len(failing) - len(shown) + max(more, 0)
    intro = f"{counted(len(shown), 'answer')} of run {run.number} that failed"
    blocks = [section(f"{intro}, and {left:,} more that are not shown." if left else f"{intro}.")]
    for place, one in enumerate(shown, 1):
        blocks += [divider(), *_failing_blocks(place, one, several=len(run.targets) > 1)]
    blocks.append(
        context("Holdout items are left out of this list: their texts stay unknown to those who tune the target.")
    )
    return modal("Failures", CallbackId.READ_ONLY, blocks)


def _failing_blocks(place: int, one: Failing, several: bool) -> list[Block]:
    """Give the blocks of one failing output."""
    parts = [
        f"{place}.",
        *([mrkdwn(one.skill, _NAME)] if one.skill else []),
        f"item {mrkdwn(one.output.unit.item_id, _NAME)}",
    ]
    parts += [mrkdwn(one.output.unit.target, _NAME)] if several else []
    why = mrkdwn(one.why, _WHY) if one.why.strip() else "no reason was given"
    return [
        context(" · ".join(parts)),
        quote(one.question, _QUESTION),
        preformatted(one.output.text or "", _ANSWER),
        context(f"Why it failed: {why}"),
    ]


def numbers_view(run: Run, summary: RunSummary) -> View:
    """Give the modal that says how each number of a run was made: n, method, and whose grades it stands on."""
    changes = [*summary.changes, *summary.other_changes][:MOST_ROWS]
    blocks = [
        section("\n".join(_principles(run, summary))),
        header("Scores"),
        *_paragraphs([_score_line(row, summary) for row in summary.rows[:MOST_ROWS]], "Nothing was scored."),
        header("Changes"),
        *_paragraphs([_change_line(change, summary) for change in changes], "Nothing was compared."),
        header("Judge and people"),
        section("\n".join(_judge_lines(summary))),
        context(_counts(run, summary)),
    ]
    return modal("Why these numbers?", CallbackId.READ_ONLY, blocks)


def _principles(run: Run, summary: RunSummary) -> list[str]:
    """Say how an item is scored and what an interval means."""
    repeats = f" Its {run.repeats} repeats are averaged first." if run.repeats > 1 else ""
    degenerate = [f"*{mrkdwn(one.target, _NAME)}* {degenerate_words(one)}." for one in summary.degenerate]
    return [
        *degenerate,
        f"An item passes when every one of its graders passes it.{repeats}",
        "The interval holds the true value in 95 of 100 such runs. It is wide when there are few items.",
        f"With fewer than {FEWEST} items there is no number, only “too few to say”.",
    ]


def _score_line(row: ScoreRow, summary: RunSummary) -> str:
    """Say one score with its n, method and graders, and beside it what people's grades make of it."""
    skill = "*all items*" if row.skill == OVERALL else f"*{mrkdwn(row.skill, _NAME)}*"
    what = "passed" if row.criterion == PASS_CRITERION else f"mean of {mrkdwn(row.criterion, _NAME)}"
    doubt = f", {UNVERIFIED}" if summary.doubts(row.estimate) else ""
    parts = [
        f"{score_words(row.estimate)}, {basis_words(row.estimate)} ({mrkdwn(row.estimate.method, 40)}){doubt}",
        _corrected(row),
        f"{score_words(row.checks)} by code checks alone" if row.checks else "",
        f"{with_errors_words(row, score_words(row.with_errors))}{doubt}" if row.with_errors else "",
    ]
    return f"{mrkdwn(row.target, _NAME)} · {skill} · {what}: {'; '.join(part for part in parts if part)}"


def _corrected(row: ScoreRow) -> str:
    """Say what a score is when people correct the judge, and what would sharpen it."""
    if row.corrected is None:
        return halving_words(row)
    estimate = row.corrected.estimate
    graded = f"people graded {estimate.human_n:,} of {counted(row.corrected.outputs, 'answer')}"
    parts = [f"*{score_words(estimate)} corrected by people*", graded, saving_words(row.corrected), halving_words(row)]
    return ", ".join(part for part in parts if part)


def _change_line(change: Change, summary: RunSummary) -> str:
    """Say one change with its interval, what may be said of it and whose grades it stands on."""
    skill = "*all items*" if change.skill == OVERALL else f"*{mrkdwn(change.skill, _NAME)}*"
    pair = f"{mrkdwn(change.target, _NAME)} against {mrkdwn(change.against, _NAME)}"
    alone = "" if change.judge_alone is None else signed_points(change.judge_alone, (change.upper - change.lower) / 2)
    parts = [f"{change_words(change)}, {verdict_words(change)}", change_basis(change, alone)]
    parts += [UNVERIFIED] if summary.doubts(change) else []
    if change.skill == OVERALL and version_words(change):
        parts.append(mrkdwn(version_words(change), 200))
    return f"{pair} · {skill}: {', '.join(part for part in parts if part)}"


def _paragraphs(lines: Sequence[str], none: str) -> list[Block]:
    """Put lines into sections of a readable length."""
    if not lines:
        return [section(none)]
    return [section("\n".join(lines[start : start + LINES])) for start in range(0, len(lines), LINES)]


def _judge_lines(summary: RunSummary) -> list[str]:
    """Say what is known of the judge."""
    lines = [
        f"Judge: {judge_words(summary)}.",
        f"People graded {counted(summary.human_outputs, 'answer')} of this run so far.",
    ]
    if summary.judge and summary.agreement is not None:
        lines.append("Agreement is how often judge and people give the same pass or fail, where people graded blind.")
    if summary.standing is not None:
        lines.append(f"{mrkdwn(summary.standing.reason, 300)}")
    if summary.unverified:
        lines.append("Its numbers are marked unverified and stand in no headline.")
    if summary.response is not None:
        graded = (
            f"{summary.response.graded:,} of the {counted(summary.response.drawn, 'answer')} drawn by chance for people"
        )
        low = " Under 80 % those who grade have chosen, not chance." if summary.response.self_selected else ""
        lines.append(f"Graded so far: {graded}, {percent(summary.response.rate)}.{low}")
    if any(row.corrected for row in summary.rows):
        lines.append(CORRECTED)
    return lines


CORRECTED = (
    "Corrected by people: the judge's mean of all answers plus how far people differ from it on those they graded, drawn by "
    "chance and graded blind. The interval speaks of this run's answers. Holdout answers never come before people and are left out."
)


def _counts(run: Run, summary: RunSummary) -> str:
    """Say what the numbers leave out, and what the run took."""
    parts = [
        f"{counted(summary.items, 'item')}, {summary.outputs:,} of {counted(run.size, 'answer')}",
        f"{counted(summary.errors, 'error')} and {counted(summary.ungraded, 'answer')} without a verdict are not counted",
        "changes compare the same items on both sides; they are clear when the interval excludes zero, skills as one family",
        spent_words(summary),
        duration_words(summary.duration_s),
    ]
    return " · ".join(parts)
