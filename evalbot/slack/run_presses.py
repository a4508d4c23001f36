"""Buttons of runs: of their cards, of the previews before them, and of approvers."""

from __future__ import annotations

from dataclasses import replace

from evalbot.runs.requests import RunRequest
from evalbot.slack.announcer import REVIEW_N
from evalbot.slack.channels import check_may_post
from evalbot.slack.commands import look_ahead, started_words
from evalbot.slack.door import Door
from evalbot.slack.ids import DraftClick, RunClick, SuiteClick, decode
from evalbot.slack.presses import Next, Press, here, open_modal, show_instead, tell_privately
from evalbot.slack.views.notices import notice_message
from evalbot.slack.views.previews import change_preview_view, preview_message, preview_view
from evalbot.slack.views.run_details import failures_view, numbers_view
from evalbot.workflows import approving, browsing, previewing, reviewing, running, starting
from evalbot.workflows.delivering import first_time


async def cancel_run(door: Door, press: Press) -> Next | None:
    """Stop a run."""
    run = await browsing.get_run(door.services, press.person, decode(press.value, RunClick).run_id)
    await running.cancel_run(door.services, door.engine, press.person, run)
    return None


async def resume_run(door: Door, press: Press) -> Next | None:
    """Let a paused run go on."""
    run = await browsing.get_run(door.services, press.person, decode(press.value, RunClick).run_id)
    await running.resume_run(door.services, door.engine, press.person, run)
    return None


async def review_run(door: Door, press: Press) -> Next | None:
    """Put more answers of a run up for grading, once for however many presses of the same card."""
    run = await browsing.get_run(door.services, press.person, decode(press.value, RunClick).run_id)
    rounds = await browsing.count_rounds(door.services, run)
    if not await first_time(door.services, f"review:{run.id}:{rounds}:{press.message_ts}"):
        return None

    async def put_up() -> None:
        request = reviewing.RoundRequest(run, press.person.id, REVIEW_N)
        opened = await reviewing.open_round(door.services, request)
        await tell_privately(
            door, press, notice_message(f"{opened.state.round.size} answers are put up for grading in the thread.")
        )

    return put_up


async def show_failures(door: Door, press: Press) -> Next | None:
    """Open the failing answers of a run."""
    run = await browsing.get_run(door.services, press.person, decode(press.value, RunClick).run_id)

    async def show() -> None:
        failing = await browsing.failing_outputs(door.services, run)
        await open_modal(door, press, failures_view(run, failing))

    return show


async def show_numbers(door: Door, press: Press) -> Next | None:
    """Open how the numbers of a run were made."""
    run = await browsing.get_run(door.services, press.person, decode(press.value, RunClick).run_id)

    async def show() -> None:
        await open_modal(door, press, numbers_view(run, await browsing.run_summary(door.services, run)))

    return show


async def run_again(door: Door, press: Press) -> Next | None:
    """Show the preview of the same run with the suite's newest version; its card goes where that of the first one is."""
    old = await browsing.get_run(door.services, press.person, decode(press.value, RunClick).run_id)
    request = await starting.same_again(door.services, old, press.person)
    return _preview(door, press, request if request.channel else replace(request, channel=here(press)))


async def run_suite(door: Door, press: Press) -> Next | None:
    """Show the preview of a run of a suite in a list."""
    return _preview(door, press, RunRequest(decode(press.value, SuiteClick).suite, press.person, channel=here(press)))


def _preview(door: Door, press: Press, request: RunRequest) -> Next:
    """Give what shows a preview to the presser: where the button is, or over the Home tab."""

    async def show() -> None:
        found = await look_ahead(door, request)
        if press.channel:
            await tell_privately(door, press, preview_message(found))
        else:
            await open_modal(door, press, preview_view(found, door.command), late=preview_message(found))

    return show


async def start_preview(door: Door, press: Press) -> Next | None:
    """Start the run of a preview, which makes way for a line that says so."""
    draft_id = decode(press.value, DraftClick).draft_id
    request = await previewing.get_request(door.services, press.person, draft_id)
    await check_may_post(door.client, request.channel, door.command)
    run = await previewing.start_draft(door.services, press.person, draft_id)

    async def begin() -> None:
        if run.going:
            await door.engine.submit(run.id)
        where = "this channel" if press.channel == run.channel else "your messages with evalbot"
        await show_instead(door, press, notice_message(started_words(run, where)))

    return begin


async def change_preview(door: Door, press: Press) -> Next | None:
    """Open the form that changes a preview."""
    draft_id = decode(press.value, DraftClick).draft_id
    request = await previewing.get_request(door.services, press.person, draft_id)

    async def show() -> None:
        run, _ = await starting.plan_run(door.services, request)
        await open_modal(door, press, change_preview_view(draft_id, request, run, press.response_url))

    return show


async def cancel_preview(door: Door, press: Press) -> Next | None:
    """Drop a preview; nothing was asked."""
    await previewing.drop_draft(door.services, press.person, decode(press.value, DraftClick).draft_id)
    return lambda: show_instead(door, press, notice_message("Not started. Nothing was asked."))


async def approve_run(door: Door, press: Press) -> Next | None:
    """Let a run begin that waits for an approver."""
    await approving.approve_run(door.services, door.engine, press.person, decode(press.value, RunClick).run_id)
    return None


async def reject_run(door: Door, press: Press) -> Next | None:
    """End a run that waits for an approver."""
    await approving.reject_run(door.services, press.person, decode(press.value, RunClick).run_id)
    return None
