"""The modals behind a run's buttons: which outputs failed, and how each number was made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from evalbot.reporting.estimates import FEWEST, OVERALL, Change, Estimate, How, RunSummary, ScoreRow
from evalbot.runs.runs import Run
from evalbot.slack.blocks import View, context, divider, header, modal, section
from evalbot.slack.ids import CallbackId
from evalbot.slack.text import Block, mrkdwn, preformatted, quote
from evalbot.slack.views.numbers import (
    change_words,
    counted,
    duration_words,
    money_words,
    score_words,
    verdict_words,
)
from evalbot.slack.views.runs import judge_words
from evalbot.suites.graders import PASS_CRITERION

if TYPE_CHECKING:
    from evalbot.workflows.browsing import Failing

MOST_FAILING = 15
MOST_ERRORS = 10
MOST_ROWS = 60
_NAME, _WHY, _QUESTION, _ANSWER = 60, 300, 300, 600

_HOW = {
    How.CHECK: "code checks",
    How.JUDGE: "the judge",
    How.CHECK_AND_JUDGE: "code checks and the judge",
    How.HUMAN: "people",
}


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
    blocks = [
        section("\n".join(_principles(run, summary))),
        header("Scores"),
        *_paragraphs([_score_line(row) for row in summary.rows[:MOST_ROWS]], "Nothing was scored."),
        header("Changes"),
        *_paragraphs([_change_line(change) for change in summary.changes[:MOST_ROWS]], "Nothing was compared."),
        header("Judge and people"),
        section("\n".join(_judge_lines(summary))),
        context(_counts(run, summary)),
    ]
    return modal("Why these numbers?", CallbackId.READ_ONLY, blocks)


def _principles(run: Run, summary: RunSummary) -> list[str]:
    """Say how an item is scored and what an interval means."""
    repeats = f" Its {run.repeats} repeats are averaged first." if run.repeats > 1 else ""
    return [
        f"An item passes when every one of its graders passes it.{repeats}",
        "The interval holds the true value in 95 of 100 such runs. It is wide when there are few items.",
        f"With fewer than {FEWEST} items there is no number, only “too few to say”.",
    ]


def _score_line(row: ScoreRow) -> str:
    """Say one score with its n, method and graders."""
    skill = "*all items*" if row.skill == OVERALL else f"*{mrkdwn(row.skill, _NAME)}*"
    what = "passed" if row.criterion == PASS_CRITERION else f"mean of {mrkdwn(row.criterion, _NAME)}"
    return f"{mrkdwn(row.target, _NAME)} · {skill} · {what}: {score_words(row.estimate)}, {_basis(row.estimate)}"


def _basis(estimate: Estimate) -> str:
    """Say whose grades an estimate stands on and how its interval was computed."""
    people = f", {estimate.human_n:,} of the answers graded by people" if estimate.human_n else ""
    return f"by {_HOW[estimate.how]}{people} ({mrkdwn(estimate.method, 40)})"


def _change_line(change: Change) -> str:
    """Say one change with its interval and what may be said of it."""
    skill = "*all items*" if change.skill == OVERALL else f"*{mrkdwn(change.skill, _NAME)}*"
    pair = f"{mrkdwn(change.target, _NAME)} against {mrkdwn(change.against, _NAME)}"
    return f"{pair} · {skill}: {change_words(change)}, {verdict_words(change)}"


def _paragraphs(lines: Sequence[str], none: str) -> list[Block]:
    """Put lines into sections of a readable length."""
    if not lines:
        return [section(none)]
    return [section("\n".join(lines[start : start + 8])) for start in range(0, len(lines), 8)]


def _judge_lines(summary: RunSummary) -> list[str]:
    """Say what is known of the judge."""
    lines = [
        f"Judge: {judge_words(summary)}.",
        f"People graded {counted(summary.human_outputs, 'answer')} of this run so far.",
    ]
    if summary.judge and summary.agreement is not None:
        lines.append("Agreement is how often judge and people give the same pass or fail, where people graded blind.")
    return lines


def _counts(run: Run, summary: RunSummary) -> str:
    """Say what the numbers leave out, and what the run took."""
    parts = [
        f"{counted(summary.items, 'item')}, {summary.outputs:,} of {counted(run.size, 'answer')}",
        f"{counted(summary.errors, 'error')} and {counted(summary.ungraded, 'answer')} without a verdict are not counted",
        "changes compare the same items on both sides; they are clear when the interval excludes zero",
        money_words(summary.cost_usd),
        duration_words(summary.duration_s),
    ]
    return " · ".join(parts)
