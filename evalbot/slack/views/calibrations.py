"""Calibrations before they begin: what one would take, and the card of one that waits for an approver."""

from __future__ import annotations

from collections.abc import Sequence

from evalbot.grading.trials import Calibration
from evalbot.reports.forecast_words import cost_words, time_words
from evalbot.reports.words import counted
from evalbot.runs.budgets import Scope
from evalbot.slack.blocks import Element, Payload, actions, button, confirm, context, fields, message, section
from evalbot.slack.ids import NO_BUDGET, ActionId, CalibrateClick, CalibrationClick, encode
from evalbot.slack.text import Block, mrkdwn, one_line
from evalbot.slack.views.previews import WHOSE, least_left, unpriced_line
from evalbot.workflows.starting_calibrations import CalibrationPreview

_NAME = 60
_WHOSE = {**WHOSE, Scope.RUN: "of this calibration's budget"}


def calibration_preview(preview: CalibrationPreview) -> Payload:
    """Give what a calibration would take, with the buttons that start or drop it."""
    forecast, suite = preview.forecast, mrkdwn(preview.request.suite, _NAME)
    graded = f"{counted(forecast.items, 'answer')} graded by people"
    told = [f"*Cost*\n{cost_words(forecast)}", f"*Time*\n{time_words(forecast.seconds)}"]
    warnings = _warnings(preview)
    calls = f"up to {counted(forecast.calls, 'call')}"
    basis = [f"{calls}: about half of the answers are judged a second time, with examples"]
    if forecast.left and not forecast.may_stop_early:
        basis.append(f"{least_left(forecast.left, _WHOSE)} is left")
    blocks = [
        section(f"*Calibrate the judge of {suite}?* {graded}"),
        fields(told),
        *([section("\n".join(warnings))] if warnings else []),
        context(" · ".join(basis)),
        _buttons(preview),
    ]
    return message(f"Calibrate the judge of {suite}? {graded}, {calls}, {cost_words(forecast)}", blocks)


def _warnings(preview: CalibrationPreview) -> list[str]:
    """Say what may come as a surprise."""
    forecast = preview.forecast
    lines = [unpriced_line(forecast)] if forecast.unknown else []
    if forecast.may_stop_early:
        lines.append(f"The money may not last to the end: {least_left(forecast.left or {}, _WHOSE)} is left.")
    if preview.waits:
        lines.append("A calibration of this price waits for an approver; nothing is asked before.")
    return lines


def _buttons(preview: CalibrationPreview) -> Block:
    """Give the buttons of a preview."""
    request = preview.request
    value = encode(CalibrateClick(request.suite, NO_BUDGET if request.budget is None else str(request.budget)))
    suite, start = one_line(request.suite, 40), "Ask for approval" if preview.waits else "Start"
    spoken = f"Calibrate the judge of {suite}"
    return actions(
        button(start, ActionId.CALIBRATION_START, value, style="primary", spoken=spoken),
        button("Cancel", ActionId.CALIBRATION_CANCEL, value, spoken=f"Do not calibrate the judge of {suite}"),
    )


def waiting_calibration_card(waiting: Calibration, cost: str) -> Payload:
    """Give the card of a calibration that waits for an approver, with the buttons for them; `cost` is what it may take."""
    suite, value = mrkdwn(waiting.suite, _NAME), encode(CalibrationClick(waiting.id))
    title = f"Calibrating the judge of {suite} waits for an approver"
    blocks = [
        section(f"*{title}*\nExpected cost: {cost}. Nothing is asked before that."),
        actions(
            button("Approve", ActionId.CALIBRATION_APPROVE, value, style="primary", spoken="Approve the calibration"),
            button("Reject", ActionId.CALIBRATION_REJECT, value, confirm=_reject_confirm()),
        ),
        context(f"asked for by <@{waiting.started_by}> · somebody else decides"),
    ]
    return message(f"{title}. Expected cost: {cost}.", blocks)


def decided_calibration_card(decided: Sequence[Calibration], decider: str) -> Payload:
    """Give the same card after the decision; `decider` is a mention."""
    one = decided[0]
    suite = mrkdwn(one.suite, _NAME)
    said = f"rejected by {decider}; nothing was asked" if one.finished_at else f"approved by {decider}"
    text = f"Calibrating the judge of {suite} was {said}."
    return message(text, [section(text), context(f"asked for by <@{one.started_by}>")])


def _reject_confirm() -> Element:
    """Ask before a calibration is rejected."""
    return confirm("Reject the calibration?", "It ends without asking anything.", "Reject", style="danger")
