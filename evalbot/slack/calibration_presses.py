"""Buttons of calibrations: the preview, its start, and the approver's decision."""

from __future__ import annotations

from collections.abc import Sequence

from evalbot.grading.trials import Calibration
from evalbot.reporting.posts import Post
from evalbot.reports.forecast_words import cost_words
from evalbot.slack.blocks import Payload
from evalbot.slack.channels import check_may_post
from evalbot.slack.commands import preview_judge
from evalbot.slack.door import Door
from evalbot.slack.ids import CalibrateClick, CalibrationClick, JudgeClick, decode
from evalbot.slack.presses import Next, Press, here, show_instead, tell_privately
from evalbot.slack.views.calibrations import decided_calibration_card, waiting_calibration_card
from evalbot.slack.views.notices import notice_message
from evalbot.workflows import judge_trials, starting_calibrations
from evalbot.workflows.starting_calibrations import CalibrationRequest


async def preview_calibration(door: Door, press: Press) -> Next | None:
    """Show what calibrating a judge would take; from the Home tab all goes to the presser's direct messages."""
    request = CalibrationRequest(press.person, decode(press.value, JudgeClick).suite, here(press))

    async def show() -> None:
        await tell_privately(door, press, await preview_judge(door, request))

    return show


async def start_calibration(door: Door, press: Press) -> Next | None:
    """Begin the calibration of a preview, which makes way for a line that says so; a dear one waits for an approver."""
    click = decode(press.value, CalibrateClick)
    request = CalibrationRequest(press.person, click.suite, here(press), click.most)

    async def begin() -> None:
        await check_may_post(door.client, request.channel, door.command)
        preview = await starting_calibrations.preview_calibration(door.services, request)
        started = await starting_calibrations.start_calibration(door.services, request)
        suite = started[0].suite
        if started[0].waiting:
            await _show_card(door, started, waiting_calibration_card(started[0], cost_words(preview.forecast)))
            said = f"Calibrating the judge of {suite} waits for an approver. Its card is here."
        else:
            _carry_out(door, started)
            said = f"The judge of {suite} is put to the stored answers that people graded. Its card comes here when it is done."
        await show_instead(door, press, notice_message(said))

    return begin


async def drop_preview(door: Door, press: Press) -> Next | None:
    """Take a preview away; nothing was saved."""
    return lambda: show_instead(door, press, notice_message("Not started. Nothing was asked."))


async def approve_calibration(door: Door, press: Press) -> Next | None:
    """Let a calibration begin that waits for an approver."""
    named = decode(press.value, CalibrationClick).calibration_id
    approved = await starting_calibrations.approve_calibration(door.services, press.person, named)

    async def begin() -> None:
        _carry_out(door, approved)
        await _show_card(door, approved, decided_calibration_card(approved, press.person.mention))

    return begin


async def reject_calibration(door: Door, press: Press) -> Next | None:
    """End a calibration that waits for an approver."""
    named = decode(press.value, CalibrationClick).calibration_id
    rejected = await starting_calibrations.reject_calibration(door.services, press.person, named)
    return lambda: _show_card(door, rejected, decided_calibration_card(rejected, press.person.mention))


def _carry_out(door: Door, begun: Sequence[Calibration]) -> None:
    """Do the work in the background; after a stop of the program its next start goes on with it."""
    door.services.spawn(judge_trials.carry_out_quietly(door.services, *(one.id for one in begun)))


async def _show_card(door: Door, together: Sequence[Calibration], payload: Payload) -> None:
    """Post or edit the card of calibrations that need an approver."""
    first = together[0]
    key = f"calibration-approval:{first.batch}"
    await door.outbox.put(Post(key, door.services.team, first.channel, payload))
