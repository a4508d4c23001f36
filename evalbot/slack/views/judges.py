"""Judges: how far one may be believed, and what its calibration brought."""

from __future__ import annotations

from collections.abc import Sequence

from evalbot.grading.calibration import JudgeStanding, Standing
from evalbot.grading.trials import CalibrationReport, JudgeReport
from evalbot.reporting.judge_words import (
    TITLES,
    agreement_estimate,
    as_change,
    as_estimate,
    bias_changes,
    bias_word,
    epoch_words,
    gain_sentence,
    next_after,
    next_step,
)
from evalbot.slack.blocks import (
    Payload,
    actions,
    button,
    context,
    message,
    section,
)
from evalbot.slack.ids import ActionId, JudgeClick, encode
from evalbot.slack.text import Block, mrkdwn, preformatted
from evalbot.slack.views.numbers import change_words, counted, percent, score_words
from evalbot.stats.intervals import Measured

MOST_JUDGES = 10
MOST_YAML = 6_000
_NAME, _REASON = 60, 300
_CELLS, _LABEL = 16, 17

MARKS = {Standing.TRUSTED: "✓", Standing.UNVERIFIED: "⚠", Standing.UNMEASURED: "?"}


def judge_message(reports: Sequence[JudgeReport], command: str = "/evalbot", shared_by: str = "") -> Payload:
    """Answer `judge` for a suite: each of its judges, with what to do next. `shared_by` is a mention where it is posted."""
    blocks: list[Block] = []
    for report in reports[:MOST_JUDGES]:
        blocks += _judge_blocks(report)
    suite = reports[0].suite
    blocks.append(context(f"shared by {shared_by}") if shared_by else _buttons(suite))
    said = "; ".join(f"{mrkdwn(one.epoch.judge, _NAME)} {TITLES[one.standing.standing]}" for one in reports)
    return message(f"Judge of {mrkdwn(suite, _NAME)}: {said}", blocks)


def judges_message(found: Sequence[JudgeReport], command: str = "/evalbot") -> Payload:
    """Answer `judge` without a suite: a line for each judge."""
    if not found:
        text = "No suite has a judge that grades what people grade, so there is nobody to compare."
        return message(text, [section(text)])
    lines = [_line(report) for report in found[:MOST_JUDGES]]
    more = [context(f"and {counted(len(found) - MOST_JUDGES, 'more judge')}")] if len(found) > MOST_JUDGES else []
    example = f"`{command} judge {mrkdwn(found[0].suite, _NAME)}`"
    return message(
        f"{counted(len(found), 'judge')}.", [section("\n".join(lines)), *more, context(f"Type {example} for more")]
    )


def calibration_card(report: CalibrationReport) -> Payload:
    """Give the card of a calibration: what the examples changed on answers kept aside, and the examples to paste."""
    judge, done = report.judge, report.calibration
    suite = mrkdwn(done.suite, _NAME)
    blocks = [
        section(f"*Judge of {suite} calibrated*\n{mrkdwn(gain_sentence(report), _REASON)}"),
        *_gain_blocks(report),
        *_example_blocks(report),
        section(f"{_title(judge)}\n{_agrees(judge)}{mrkdwn(judge.standing.reason, _REASON)}"),
    ]
    if report.gain is None and judge.standing.agreement is not None:
        blocks += _bars(judge.standing)
    blocks += [
        section(f"*Next:* {mrkdwn(next_after(report), _REASON)}"),
        context(_parts(report)),
        context(_epoch(judge)),
        actions(_explain_button(done.suite)),
    ]
    return message(f"Judge of {suite} calibrated. {mrkdwn(gain_sentence(report), _REASON)}", blocks)


def _judge_blocks(report: JudgeReport) -> list[Block]:
    """Give what is known of one judge."""
    blocks = [section(f"{_title(report)}\n{_agrees(report)}{mrkdwn(report.standing.reason, _REASON)}")]
    if report.standing.agreement is not None:
        blocks += _bars(report.standing)
    lines = _bias_lines(report)
    if lines:
        blocks.append(section("\n".join(lines)))
    return [
        *blocks,
        section(f"*Next:* {mrkdwn(next_step(report), _REASON)}"),
        context(f"{counted(report.graded, 'answer')} graded by people · {_epoch(report)}"),
    ]


def _title(report: JudgeReport) -> str:
    """Say in bold where the judge of a suite stands."""
    standing = report.standing.standing
    return f"{MARKS[standing]} *Judge of {mrkdwn(report.suite, _NAME)}: {TITLES[standing]}*"


def _agrees(report: JudgeReport) -> str:
    """Say how often a judge agrees with people, on a line of its own; empty while that is not known."""
    estimate = agreement_estimate(report.standing)
    name = mrkdwn(report.epoch.judge, _NAME)
    return f"{name} agrees with people on *{score_words(estimate)}* of the answers.\n" if estimate else ""


def _line(report: JudgeReport) -> str:
    """Say in a line where the judge of a suite stands."""
    estimate = agreement_estimate(report.standing)
    agrees = f", agrees with people {score_words(estimate)}" if estimate else ""
    return f"{_title(report)} · {mrkdwn(report.epoch.judge, _NAME)}{agrees}"


def _bars(standing: JudgeStanding) -> list[Block]:
    """Show the agreement of a judge over what it is held against."""
    estimate = agreement_estimate(standing)
    rows = [_bar("judge", estimate.score, (estimate.lower, estimate.upper))] if estimate else []
    if standing.ceiling is not None:
        rows.append(_bar("one person", standing.ceiling))
    if standing.majority is not None:
        rows.append(_bar("best blind guess", standing.majority))
    legend = "How often each agrees with people. ▒ is the 95 % interval; the best blind guess always says what people say most."
    if standing.bar is not None and standing.standing is not Standing.TRUSTED:
        legend += f" To be believed, its interval must begin at {percent(standing.bar)}."
    return [preformatted("\n".join(rows), 1_000, "comparison"), context(legend)]


def _bar(label: str, value: float, ends: tuple[float, float] | None = None) -> str:
    """Give a bar of text: full up to the value, or up to the lower end with the interval behind it."""
    low, high = ends or (value, value)
    full = round(low * _CELLS)
    grey = max(round(high * _CELLS) - full, 1 if ends else 0)
    bar = ("█" * full + "▒" * grey)[:_CELLS].ljust(_CELLS, "░")
    interval = f"  {low * 100:.0f} to {high * 100:.0f}" if ends else ""
    return f"{label:<{_LABEL}}{bar} {percent(value):>5}{interval}"


def _bias_lines(report: JudgeReport) -> list[str]:
    """Say how a judge differs from people."""
    lines = [
        f"• {mrkdwn(about, 80)}: {bias_word(change)}, {change_words(change)}" for about, change in bias_changes(report)
    ]
    gap, swayed = report.bias.length_gap, report.bias.swayed
    if gap is not None:
        lines.append(f"• long against short answers: {change_words(as_change(gap))}")
    if swayed is not None:
        lines.append(f"• side by side, the place decided: {score_words(as_estimate(swayed))}")
    if report.beyond_chance is not None:
        name = "ordinal alpha" if report.ordinal else "kappa"
        lines.append(f"• agreement beyond luck, 0 none to 1 full ({name}): {_coefficient(report.beyond_chance)}")
    return ["*How it differs from people*", *lines] if lines else []


def _coefficient(measured: Measured) -> str:
    """Word a coefficient with its interval."""
    low, high = f"{measured.lower:.2f}".replace("-", "−"), f"{measured.upper:.2f}".replace("-", "−")
    value = f"{measured.value:.2f}".replace("-", "−")
    return f"{value} ({low} to {high}, n {measured.n:,})"


def _gain_blocks(report: CalibrationReport) -> list[Block]:
    """Show agreement before and after on the answers kept aside."""
    gain, ceiling = report.gain, report.judge.standing.ceiling
    if gain is None:
        return []
    rows = [
        _bar("without examples", gain.before.value, (gain.before.lower, gain.before.upper)),
        _bar("with examples", gain.after.value, (gain.after.lower, gain.after.upper)),
    ]
    if ceiling is not None:
        rows.append(_bar("one person", ceiling))
    difference = change_words(as_change(gain.difference))
    return [
        preformatted("\n".join(rows), 1_000, "comparison"),
        context("How often each agrees with people. ▒ is the 95 % interval."),
        section(f"Difference on answers kept aside for this: *{difference}*"),
    ]


def _example_blocks(report: CalibrationReport) -> list[Block]:
    """Show the examples as they go into the rubric file."""
    if not report.written:
        return []
    epoch = report.judge.epoch
    where = f"the file of rubric {mrkdwn(epoch.rubric, _NAME)}, and raise its version to {epoch.rubric_version + 1}"
    intro = f"*Examples from its mistakes.* Read them, then paste them into {where}:"
    return [section(intro), preformatted(report.written, MOST_YAML, "examples")]


def _parts(report: CalibrationReport) -> str:
    """Say which answers were used for what."""
    unread = f" · {counted(report.unread, 'verdict')} could not be read" if report.unread else ""
    parts = f"examples from {counted(report.practice, 'answer')}, measured on {report.held_back:,} others"
    return f"{parts}{unread} · started by <@{report.calibration.started_by}>"


def _epoch(report: JudgeReport) -> str:
    """Name what the numbers belong to."""
    return " · ".join(mrkdwn(part, 120) for part in epoch_words(report))


def _buttons(suite: str) -> Block:
    """Give what can be done with a judge."""
    value = encode(JudgeClick(suite))
    return actions(
        button("Calibrate…", ActionId.JUDGE_CALIBRATE, value, spoken=f"Calibrate the judge of {suite}"),
        _explain_button(suite),
        button("Share", ActionId.JUDGE_SHARE, value, spoken="Share with the channel"),
    )


def _explain_button(suite: str) -> dict[str, object]:
    """Give the button that tells how the numbers are made."""
    return button("How is this computed?", ActionId.JUDGE_EXPLAIN, encode(JudgeClick(suite)))
