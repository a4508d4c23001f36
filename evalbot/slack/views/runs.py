"""A run in a channel: one card that fills up and ends in its verdict, and the modals behind its buttons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evalbot.reporting.estimates import OVERALL, Change, Estimate, RunSummary
from evalbot.reporting.run_words import (
    MOST_NAMED,
    Marks,
    against_said,
    judge_said,
    passes_said,
    subject_of,
    verdict_said,
)
from evalbot.reporting.telling import UNVERIFIED, notes_of
from evalbot.runs.runs import Progress, Run, RunStatus
from evalbot.slack.blocks import (
    Payload,
    actions,
    bold_cell,
    button,
    confirm,
    context,
    fields,
    header,
    message,
    section,
    table,
)
from evalbot.slack.ids import ActionId, RunClick, encode
from evalbot.slack.text import Block, mrkdwn, one_line
from evalbot.slack.views.numbers import (
    change_alone,
    counted,
    duration_words,
    interval_words,
    left_words,
    moment,
    progress_bar,
    score_alone,
    spent_words,
    verdict_words,
)
from evalbot.stats.verdicts import Verdict

MOST_LINES = 12
FEWEST_ROWS = 2
"""A card has at most a dozen lines, and of the skills at least two; the numbers view has them all."""

_OTHER_LINES = 6
"""Beside what is told, its notes and the skills: title, head of the table, what is folded, judge and cost (2), origin."""

MOST_NOTES = 3
_NAME, _NOTE, _NOTES = 60, 300, 1_000


PLAIN = Marks(name=lambda name: one_line(name, _NAME))
"""How a header shows names."""

MARKED = Marks(name=lambda name: mrkdwn(name, _NAME), strong=lambda text: f"*{text}*")
"""How mrkdwn shows names and what is to stand out."""


@dataclass(frozen=True, slots=True)
class RunState:
    """A run as its status line shows it; `summary` is None until it has ended."""

    run: Run
    progress: Progress
    summary: RunSummary | None = None


@dataclass(frozen=True, slots=True)
class _SkillRow:
    """One row of the table."""

    skill: str
    estimate: Estimate
    change: Change | None
    doubted: bool = False
    change_doubted: bool = False


# --- while it runs ---------------------------------------------------------------------------------


def run_card(run: Run, progress: Progress, eta_s: float | None) -> Payload:
    """Give the card of a run that has not ended: how far it is, what failed, how long it may take, and Cancel.

    A paused one says why and offers to resume.
    """
    paused = run.status is RunStatus.PAUSED
    state, rest = ("Paused", "") if paused else ("Running", f", {left_words(eta_s)}")
    line = f"{state} {mrkdwn(run.suite, _NAME)}: {_stage(progress)}{rest}"
    done, size = progress.outputs + progress.judged, progress.size + progress.to_judge
    bar = f"{progress_bar(done, size)} {done * 100 // max(size, 1)} %"
    targets = ", ".join(mrkdwn(target.label, _NAME) for target in run.targets)
    return message(
        f"{line}.",
        [
            section(f"*{line}*\n{bar}" + (f"\n{_note(run)}" if paused else "")),
            context(f"Run {run.number} by {mrkdwn(run.started_name, _NAME)} · {targets} · {_size_words(run)}"),
            actions(*([_resume_button(run)] if paused else []), _cancel_button(run)),
        ],
    )


def interrupted_card(run: Run, progress: Progress) -> Payload:
    """Give the card of a run that lies still because evalbot is stopped."""
    line = f"Paused {mrkdwn(run.suite, _NAME)}: {_stage(progress)}"
    return message(
        f"{line}.",
        [
            section(f"*{line}*\nevalbot was stopped. The run goes on by itself when it starts again."),
            context(f"Run {run.number} by {mrkdwn(run.started_name, _NAME)} · {_size_words(run)}"),
        ],
    )


def interrupted_line(run: Run, progress: Progress) -> Payload:
    """Say in a run's thread that it is paused, and that nobody has to do anything."""
    told = f"Run {run.number} is paused at {_stage(progress)}: evalbot was stopped."
    text = f"{told} It goes on by itself when evalbot starts again; what is there is kept."
    return message(text, [context(text)])


def went_on_line(run: Run) -> Payload:
    """Say in a run's thread that it went on after a stop."""
    text = f"Run {run.number} was paused while evalbot was stopped, and went on by itself."
    return message(text, [context(text)])


def _stage(progress: Progress) -> str:
    """Say how many answers are there, judged and failed."""
    words = f"{progress.outputs:,} of {counted(progress.size, 'answer')}"
    if progress.to_judge and progress.outputs >= progress.size:
        words += f", {progress.judged:,} of {progress.to_judge:,} judged"
    return f"{words}, {counted(progress.errors, 'error')}" if progress.errors else words


def _size_words(run: Run) -> str:
    """Say how many items are asked, and how often."""
    words = counted(len(run.item_ids), "item")
    if len(run.targets) > 1:
        words += f" × {len(run.targets)} targets"
    return f"{words} × {run.repeats} repeats" if run.repeats > 1 else words


def _resume_button(run: Run) -> Block:
    """Give the button that lets a paused run go on."""
    spoken = f"Resume run {run.number}"
    return button("Resume", ActionId.RUN_RESUME, encode(RunClick(run.id)), style="primary", spoken=spoken)


def _cancel_button(run: Run) -> Block:
    """Give the button that stops a run, after asking."""
    ask = confirm(
        f"Stop run {run.number}?",
        "What has been answered so far is kept and scored.",
        "Stop it",
        "Go on",
        style="danger",
    )
    return button(
        "Cancel", ActionId.RUN_CANCEL, encode(RunClick(run.id)), confirm=ask, spoken=f"Cancel run {run.number}"
    )


# --- when it has ended -----------------------------------------------------------------------------


def run_verdict_card(run: Run, summary: RunSummary, review_n: int, simulated_note: str = "") -> Payload:
    """Give the card of a run that has ended, verdict first.

    `review_n` is how many answers the review button offers, 0 for no button. `simulated_note` says what was simulated.
    """
    subject = subject_of(run, summary)
    rows = _skill_rows(summary, subject)
    verdict = verdict_line(run, summary)
    told = _told(run, summary)
    notes = notes_of(summary, subject)[:MOST_NOTES]
    room = MOST_LINES - _OTHER_LINES - len(told) - bool(notes)
    blocks = [header(verdict), section("\n".join(told))]
    blocks += _table_blocks(rows, f"Skill · {_plain_name(subject)}" if len(run.targets) > 1 else "Skill", room)
    blocks += [context(mrkdwn(" · ".join(notes), _NOTES))] if notes else []
    blocks.append(fields([f"*Judge*\n{judge_words(summary)}", f"*Cost and time*\n{_cost_words(summary, subject)}"]))
    blocks.append(actions(*_buttons(run, summary, review_n)))
    blocks.append(context(_origin(run, simulated_note)))
    return message(f"{mrkdwn(verdict, 300)}. {' '.join(told)}", blocks)


def verdict_line(run: Run, summary: RunSummary) -> str:
    """Say in a few words what came out, as plain text."""
    return f"{_plain_name(run.suite)}: {verdict_said(run, summary, PLAIN)}"


def _told(run: Run, summary: RunSummary) -> list[str]:
    """Say the pass rate of each target and its change against what it was compared with, a line of mrkdwn for each."""
    lines = []
    for one in run.targets:
        changes = [change for change in (*summary.changes, *summary.other_changes) if change.skill == OVERALL]
        mine = [against_said(change, summary, MARKED) for change in changes if change.target == one.label]
        lines.append(" ".join([passes_said(one.label, summary, MARKED), *mine]))
    if run.status is not RunStatus.DONE:
        lines.append(
            f"Stopped before the end: {summary.outputs:,} of {counted(run.size, 'answer')}. {_note(run)}".strip()
        )
    return lines


def _note(run: Run) -> str:
    """Give the note a run ended with."""
    return mrkdwn(run.note, _NOTE) if run.note else ""


def _skill_rows(summary: RunSummary, subject: str) -> list[_SkillRow]:
    """Give the skills of a target for its pass rate: clear changes first, drops before gains, then the lowest score."""
    rows = [row for row in summary.rows if row.target == subject]
    criterion = rows[0].criterion if rows else ""
    changes = {change.skill: change for change in summary.changes if change.target == subject}
    found = []
    for row in rows:
        if row.criterion == criterion and row.skill != OVERALL:
            change = changes.get(row.skill)
            doubts = summary.doubts(row.best), change is not None and summary.doubts(change)
            found.append(_SkillRow(row.skill, row.best, change, *doubts))
    order = {Verdict.WORSE: 0, Verdict.BETTER: 1, Verdict.CANNOT_TELL: 2, Verdict.NO_DIFFERENCE: 4}
    return sorted(
        found, key=lambda row: (order[row.change.verdict] if row.change else 3, row.estimate.score, row.skill)
    )


def _table_blocks(rows: Sequence[_SkillRow], title: str, room: int) -> list[Block]:
    """Give the table of skills under a title in so many lines, with those that did not change in one line below it."""
    same = [row for row in rows if row.change and row.change.verdict is Verdict.NO_DIFFERENCE]
    moved = [row for row in rows if row not in same]
    compared = any(row.change for row in rows)
    blocks: list[Block] = []
    most = max(room, FEWEST_ROWS)
    if not same and len(moved) == most + 1:
        most += 1  # the line that would count it holds it as well
    if moved:
        blocks.append(_table(moved[:most], title, compared))
    lines = [_same_line(same)] if same else []
    if len(moved) > most:
        lines.append(f"{counted(len(moved) - most, 'more skill')} behind “Why these numbers?”")
    return [*blocks, context(" · ".join(lines))] if lines else blocks


def _table(rows: Sequence[_SkillRow], title: str, compared: bool) -> Block:
    """Give the table of skills; without a comparison it has no columns for one."""
    head = [title, "Now", "95 % interval", *(["Change", "Verdict"] if compared else [])]
    align = ["left", "right", "right", *(["right", "left"] if compared else [])]
    return table([head, *([*_score_cells(row), *(_change_cells(row) if compared else [])] for row in rows)], align)


def _score_cells(row: _SkillRow) -> list[str]:
    """Give the cells of what was measured."""
    few = row.estimate.too_few
    name = f"{one_line(row.skill, 40)} · {counted(row.estimate.n, 'item')}"
    score = f"{score_alone(row.estimate)} {UNVERIFIED}" if row.doubted and not few else score_alone(row.estimate)
    return [name, score, "–" if few else interval_words(row.estimate)]


def _change_cells(row: _SkillRow) -> list[str | Block]:
    """Give the cells of the change; a clear one is bold."""
    words = verdict_words(row.change)
    if row.change_doubted:
        return [change_alone(row.change), f"{words}, {UNVERIFIED}"]
    clear = row.change is not None and row.change.verdict in (Verdict.WORSE, Verdict.BETTER)
    return [change_alone(row.change), bold_cell(words) if clear else words]


def _same_line(rows: Sequence[_SkillRow]) -> str:
    """Fold the skills that did not change into one line with the widest interval among them."""
    widest = max(max(abs(row.change.lower), abs(row.change.upper)) for row in rows if row.change)
    names = ", ".join(mrkdwn(row.skill, 40) for row in rows[:MOST_NAMED])
    more = f" and {len(rows) - MOST_NAMED} more" if len(rows) > MOST_NAMED else ""
    doubt = f" ({UNVERIFIED})" if any(row.change_doubted for row in rows) else ""
    return f"{counted(len(rows), 'skill')} unchanged within ±{widest * 100:.1f} points: {names}{more}{doubt}"


def judge_words(summary: RunSummary) -> str:
    """Say how far the judge may be trusted."""
    return judge_said(summary, MARKED)


def _cost_words(summary: RunSummary, subject: str) -> str:
    """Say what a run cost, how long it took and what was left out of its numbers."""
    row = summary.overall(subject)
    as_fails = ""
    if row and row.with_errors:
        doubt = f", {UNVERIFIED}" if summary.doubts(row.with_errors) else ""
        as_fails = f" (as fails: {score_alone(row.with_errors)}{doubt})"
    parts = [spent_words(summary), duration_words(summary.duration_s)]
    if summary.errors:
        parts.append(f"{counted(summary.errors, 'error')}, not counted{as_fails}")
    if summary.ungraded:
        parts.append(f"{counted(summary.ungraded, 'answer')} without a verdict, not counted")
    return " · ".join(parts)


def _buttons(run: Run, summary: RunSummary, review_n: int) -> list[Block]:
    """Give the buttons of a run that has ended."""
    value = encode(RunClick(run.id))
    review = button(f"Review {counted(review_n, 'answer')}", ActionId.RUN_REVIEW, value, style="primary")
    others = [
        button("See failures", ActionId.RUN_FAILURES, value),
        button("Why these numbers?", ActionId.RUN_NUMBERS, value),
        button("Run again", ActionId.RUN_AGAIN, value),
    ]
    return [review, *others] if review_n and summary.outputs and summary.reviewable else others


def _origin(run: Run, simulated_note: str) -> str:
    """Say which run this is, whose, of which suite version, and what about it is simulated."""
    parts = [f"Run {run.number} by {mrkdwn(run.started_name, _NAME)}", f"suite version {run.suite_version}"]
    if run.repeats > 1:
        parts.append(f"{run.repeats} repeats, averaged per item")
    if run.finished_at:
        parts.append(moment(run.finished_at))
    return " · ".join([*parts, *([mrkdwn(simulated_note, _NOTE)] if simulated_note else [])])


def _plain_name(name: str) -> str:
    """Give a name for plain text."""
    return one_line(name, _NAME)


# --- status ----------------------------------------------------------------------------------------


def run_status_lines(states: Sequence[RunState]) -> list[str]:
    """Give one mrkdwn line for each run: how far it is, or what came out."""
    return [_status_line(state) for state in states]


def status_message(states: Sequence[RunState]) -> Payload:
    """Answer `status`: the runs asked for, newest first, or that nothing runs."""
    if not states:
        nothing = "Nothing is running here. Type `suites` to see what you can run."
        return message(nothing, [section(nothing)])
    lines = run_status_lines(states)
    return message(" ".join(lines), [section("\n".join(lines))])


def _status_line(state: RunState) -> str:
    """Say how one run is doing."""
    run, progress = state.run, state.progress
    name = f"*Run {run.number}* of {mrkdwn(run.suite, _NAME)}"
    if run.status is RunStatus.WAITING:
        return f"{name} waits for an approver; nothing is asked before. {_note(run)}".strip()
    if run.open:
        stands = f"{'is running' if run.going else 'is paused'}: {_stage(progress)}."
        return f"{name} {stands} {'' if run.going else _note(run)}".strip()
    if state.summary is not None:
        return f"{name}: {mrkdwn(verdict_line(run, state.summary).partition(': ')[2], 300)}."
    return f"{name} is {run.status}: {_stage(progress)}. {_note(run)}".strip()
