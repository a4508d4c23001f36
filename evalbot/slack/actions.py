"""Buttons and menus: decode, one story, answer. What must not be lost is saved before the acknowledgement."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.webhook.async_client import AsyncWebhookClient

from evalbot.errors import BadRequest
from evalbot.people import Person, Role
from evalbot.reporting.explanations import Explanation
from evalbot.reporting.posts import Post
from evalbot.runs.requests import RunRequest
from evalbot.slack.announcer import REVIEW_N
from evalbot.slack.blocks import Payload
from evalbot.slack.channels import check_may_post
from evalbot.slack.commands import calibrate, get_judges, preview, started_words
from evalbot.slack.door import Door
from evalbot.slack.ids import (
    ActionId,
    CandidateClick,
    DigestClick,
    DigestLineClick,
    DraftClick,
    GradeClick,
    JudgeClick,
    NumberClick,
    ReviewClick,
    RunClick,
    SuiteClick,
    decode,
)
from evalbot.slack.retrying import PatientRetry, refusal_code
from evalbot.slack.views.digests import digest_numbers_view
from evalbot.slack.views.explain import arithmetic_view, explanation_message, explanation_view
from evalbot.slack.views.feedback import edit_candidate_view, reject_candidate_view
from evalbot.slack.views.judges import judge_message
from evalbot.slack.views.notices import notice_message
from evalbot.slack.views.previews import change_preview_view
from evalbot.slack.views.reviews import better_answer_view, full_text_view, grade_words, reason_view, rubric_view
from evalbot.slack.views.run_details import failures_view, numbers_view
from evalbot.suites.rubrics import AskReason
from evalbot.workflows import (
    approving,
    browsing,
    curating,
    explaining,
    explaining_digests,
    previewing,
    reviewing,
    running,
    starting,
)
from evalbot.workflows.announcer import ReviewState
from evalbot.workflows.delivering import first_time

log = logging.getLogger(__name__)

TOO_LATE = frozenset({"expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id", "ratelimited"})
"""Refusals of a modal that another press may mend."""


NOTHING_BELOW = frozenset({"view_not_found", "not_found", "push_limit_reached"})
"""Refusals of a modal on top of one that was closed meanwhile."""


@dataclass(frozen=True, slots=True)
class Press:
    """A pressed button: who pressed what, where; `trigger_id` opens a modal within three seconds."""

    person: Person
    value: str
    channel: str
    message_ts: str
    thread_ts: str
    trigger_id: str
    response_url: str


Next = Callable[[], Awaitable[None]]
"""What goes on after the acknowledgement."""

Handler = Callable[[Door, Press], Awaitable[Next | None]]


def read_press(body: Mapping[str, Any], person: Person) -> Press:
    """Read a press off Slack's payload; raises BadRequest for one without an action.

    What stands in the channel belongs to no thread, also when it has replies: an answer goes where the button was seen.
    """
    pressed = (body.get("actions") or [{}])[0]
    chosen = pressed.get("selected_option") or {}
    container = body.get("container") or {}
    message_ts = str(container.get("message_ts") or "")
    thread_ts = str((body.get("message") or {}).get("thread_ts") or container.get("thread_ts") or "")
    return Press(
        person=person,
        value=str(pressed.get("value") or chosen.get("value") or ""),
        channel=str((body.get("channel") or {}).get("id") or container.get("channel_id") or ""),
        message_ts=message_ts,
        thread_ts="" if thread_ts == message_ts else thread_ts,
        trigger_id=str(body.get("trigger_id") or ""),
        response_url=str(body.get("response_url") or ""),
    )


async def tell_privately(door: Door, press: Press, payload: Payload) -> None:
    """Show something to the presser alone, where the button is; without a channel it goes to their direct messages.

    A press brings an address for answers, which other people's presses do not use up.
    """
    thread = press.thread_ts or None
    if press.channel and press.response_url and await _answer(door, press, payload):
        return
    if press.channel:
        await door.client.chat_postEphemeral(channel=press.channel, user=press.person.id, thread_ts=thread, **payload)
    else:
        await door.client.chat_postMessage(channel=press.person.id, unfurl_links=False, unfurl_media=False, **payload)


async def _answer(door: Door, press: Press, payload: Payload) -> bool:
    """Answer through the address of a press; tells whether Slack took it, as an address works for half an hour only."""
    client = AsyncWebhookClient(press.response_url, session=door.client.session, retry_handlers=[PatientRetry()])
    thread = {"thread_ts": press.thread_ts} if press.thread_ts else {}
    answer = await client.send_dict({**payload, "response_type": "ephemeral", "replace_original": False, **thread})
    return answer.status_code == 200


async def show_instead(door: Door, press: Press, payload: Payload) -> None:
    """Put something in the place of the private message whose button was pressed; beside it where that does not work."""
    if not press.response_url or not await replace_at(door, press.response_url, payload):
        await tell_privately(door, press, payload)


async def replace_at(door: Door, response_url: str, payload: Payload) -> bool:
    """Replace the message that an address for answers belongs to; tells whether Slack took it."""
    client = AsyncWebhookClient(response_url, session=door.client.session, retry_handlers=[PatientRetry()])
    return (await client.send_dict({**payload, "replace_original": True})).status_code == 200


async def open_modal(door: Door, press: Press, view: Mapping[str, Any]) -> None:
    """Open a modal for the presser; one that comes too late is not worth more than a line."""
    try:
        await door.client.views_open(trigger_id=press.trigger_id, view=dict(view))
    except SlackApiError as error:
        if refusal_code(error) not in TOO_LATE:
            raise
        await tell_privately(door, press, notice_message("That took too long to open. Press the button once more."))


async def push_modal(door: Door, press: Press, view: Mapping[str, Any], late: Payload) -> None:
    """Put a modal on top of the one in which something was pressed; `late` is sent where that took too long."""
    try:
        await door.client.views_push(trigger_id=press.trigger_id, view=dict(view))
    except SlackApiError as error:
        if refusal_code(error) not in TOO_LATE | NOTHING_BELOW:
            raise
        await tell_privately(door, press, late)


# --- runs ------------------------------------------------------------------------------------------


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
    return _preview(door, press, request if request.channel else replace(request, channel=_here(press)))


async def run_suite(door: Door, press: Press) -> Next | None:
    """Show the preview of a run of a suite in a list."""
    return _preview(door, press, RunRequest(decode(press.value, SuiteClick).suite, press.person, channel=_here(press)))


def _here(press: Press) -> str:
    """Give where the card of a pressed run goes: this channel; from the Home tab the presser's direct messages."""
    return press.channel or press.person.id


def _preview(door: Door, press: Press, request: RunRequest) -> Next:
    """Give what shows a preview to the presser."""

    async def show() -> None:
        await tell_privately(door, press, await preview(door, request))

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


async def show_digest_numbers(door: Door, press: Press) -> Next | None:
    """Open where the numbers of a digest come from."""
    digest = await browsing.get_digest(door.services, press.person, decode(press.value, DigestClick).digest_id)
    return lambda: open_modal(door, press, digest_numbers_view(digest, door.command))


async def show_digest_line(door: Door, press: Press) -> Next | None:
    """Put where a line of a digest comes from on top of the list of its numbers."""

    async def show() -> None:
        explanation = await _digest_line(door, press)
        late = explanation_message(explanation, door.command)
        await push_modal(door, press, explanation_view(explanation, door.command), late)

    return show


async def show_digest_arithmetic(door: Door, press: Press) -> Next | None:
    """Open how a number of a digest was computed."""

    async def show() -> None:
        explanation = await _digest_line(door, press)
        await open_modal(door, press, arithmetic_view([explanation]))

    return show


async def share_digest_line(door: Door, press: Press) -> Next | None:
    """Show where a line of a digest comes from to the whole channel."""

    async def share() -> None:
        explanation = await _digest_line(door, press)
        await post_shared(door, press, explanation_message(explanation, door.command, shared_by=press.person.mention))

    return share


async def _digest_line(door: Door, press: Press) -> Explanation:
    """Explain the line of a digest that a button names."""
    click = decode(press.value, DigestLineClick)
    return await explaining_digests.explain_digest_key(door.services, press.person, click.digest_id, click.line)


# --- judges and numbers ----------------------------------------------------------------------------


async def calibrate_judge(door: Door, press: Press) -> Next | None:
    """Begin to calibrate a judge; from the Home tab its card goes to the presser's direct messages."""
    suite = decode(press.value, JudgeClick).suite

    async def begin() -> None:
        await tell_privately(door, press, await calibrate(door, press.person, suite, press.channel or press.person.id))

    return begin


async def show_judge_arithmetic(door: Door, press: Press) -> Next | None:
    """Open how what is said of a judge was computed."""
    suite = decode(press.value, JudgeClick).suite

    async def show() -> None:
        await open_modal(door, press, arithmetic_view(await explaining.explain_judges(door.services, suite)))

    return show


async def share_judge(door: Door, press: Press) -> Next | None:
    """Show what is known of a judge to the whole channel."""
    suite = decode(press.value, JudgeClick).suite

    async def share() -> None:
        reports = await get_judges(door, suite)
        await post_shared(door, press, judge_message(reports, door.command, shared_by=press.person.mention))

    return share


async def share_judge_reasons(door: Door, press: Press) -> Next | None:
    """Show where what is said of a judge comes from to the whole channel."""
    suite = decode(press.value, JudgeClick).suite

    async def share() -> None:
        await get_judges(door, suite)
        [explanation, *_] = await explaining.explain_judges(door.services, suite)
        await post_shared(door, press, explanation_message(explanation, door.command, shared_by=press.person.mention))

    return share


async def show_arithmetic(door: Door, press: Press) -> Next | None:
    """Open how a number was computed."""
    click = decode(press.value, NumberClick)
    run = await browsing.get_run(door.services, press.person, click.run_id)

    async def show() -> None:
        explanation = await explaining.explain_key(door.services, press.person, run, click.number)
        await open_modal(door, press, arithmetic_view([explanation]))

    return show


async def share_number(door: Door, press: Press) -> Next | None:
    """Show where a number comes from to the whole channel."""
    click = decode(press.value, NumberClick)
    run = await browsing.get_run(door.services, press.person, click.run_id)

    async def share() -> None:
        explanation = await explaining.explain_key(door.services, press.person, run, click.number)
        await post_shared(door, press, explanation_message(explanation, door.command, shared_by=press.person.mention))

    return share


async def post_shared(door: Door, press: Press, payload: Payload) -> None:
    """Post a private answer for all to see, where the button is, once for however many presses of it."""
    channel = press.channel or press.person.id
    await check_may_post(door.client, channel, door.command)
    key = f"shared:{channel}:{press.message_ts}:{press.person.id}:{press.value}"
    delivery = await door.outbox.find_at(channel, press.thread_ts) if press.thread_ts else None
    parent = delivery.post.key if delivery else ""
    await door.outbox.put(Post(key, door.services.team, channel, payload, parent))


# --- reviews ---------------------------------------------------------------------------------------


async def grade(door: Door, press: Press) -> Next | None:
    """Save a grade; a failing one offers to say why."""
    click = decode(press.value, GradeClick)
    return await _record(door, press, reviewing.GradeClick(click.review_id, click.level))


async def cannot_judge(door: Door, press: Press) -> Next | None:
    """Save that the person cannot judge; it never counts as a middle grade."""
    return await _record(door, press, reviewing.GradeClick(decode(press.value, ReviewClick).review_id, None))


async def _record(door: Door, press: Press, click: reviewing.GradeClick) -> Next:
    """Save a grade now; cards and questions follow. A question confirms the grade as well."""
    recorded = await door.desk.record(press.person, click)

    async def follow() -> None:
        level = recorded.grade.level
        door.desk.tell(recorded)
        if level is not None and await _asked_why(door, press, recorded, level):
            return
        place = (press.person.id, press.channel, press.thread_ts)
        words = grade_words(recorded.state, level, recorded.replaced)
        await door.confirmations.confirm(place, words, partial(tell_privately, door, press))

    return follow


async def _asked_why(door: Door, press: Press, recorded: reviewing.Recorded, level: int) -> bool:
    """Ask why where the rubric wants that; tells whether the question is shown, which also says what was stored."""
    if not _asks_why(recorded.state, level):
        return False
    view = dict(reason_view(recorded.state, level, recorded.replaced))
    try:
        await door.client.views_open(trigger_id=press.trigger_id, view=view)
    except SlackApiError as error:
        log.info("nobody is asked why: %s", refusal_code(error), extra={"action": "not_asked_why"})
        return False
    return True


def _asks_why(state: ReviewState, level: int) -> bool:
    """Tell whether a grade is followed by the question why."""
    ask = state.rubric.ask_reason
    return ask is AskReason.ALWAYS or (ask is AskReason.ON_FAIL and not state.rubric.passes(level))


async def show_rubric(door: Door, press: Press) -> Next | None:
    """Open what earns each step."""
    state = await reviewing.get_review_state(door.services, press.person, decode(press.value, ReviewClick).review_id)
    return lambda: open_modal(door, press, rubric_view(state.rubric))


async def show_full_text(door: Door, press: Press) -> Next | None:
    """Open the whole question and answer."""
    state = await reviewing.get_review_state(door.services, press.person, decode(press.value, ReviewClick).review_id)
    return lambda: open_modal(door, press, full_text_view(state))


async def propose_better(door: Door, press: Press) -> Next | None:
    """Open the form for a better answer."""
    state = await reviewing.get_review_state(door.services, press.person, decode(press.value, ReviewClick).review_id)
    return lambda: open_modal(door, press, better_answer_view(state))


# --- candidates ------------------------------------------------------------------------------------


async def approve(door: Door, press: Press) -> Next | None:
    """Make a candidate an item of the suite's next version."""
    await curating.approve_candidate(door.services, press.person, decode(press.value, CandidateClick).candidate_id)
    return None


async def edit_candidate(door: Door, press: Press) -> Next | None:
    """Open a candidate to be changed."""
    click = decode(press.value, CandidateClick)
    candidate = await curating.get_candidate(door.services, press.person, click.candidate_id)
    return lambda: open_modal(door, press, edit_candidate_view(candidate))


async def reject(door: Door, press: Press) -> Next | None:
    """Ask why a candidate is rejected."""
    click = decode(press.value, CandidateClick)
    candidate = await curating.get_candidate(door.services, press.person, click.candidate_id)
    return lambda: open_modal(door, press, reject_candidate_view(candidate))


async def nothing(door: Door, press: Press) -> Next | None:
    """Only acknowledge: a link was opened."""
    return None


async def answer_press(door: Door, press: Press, handler: Handler) -> Next | None:
    """Carry out a press; gives what goes on after the acknowledgement. Raises UserError for what cannot be done."""
    if press.person.role is Role.OUTSIDER:
        raise BadRequest("evalbot works for members of its own workspace only.", "Ask a colleague there.")
    return await handler(door, press)


HANDLERS: Mapping[ActionId, Handler] = {
    ActionId.RUN_CANCEL: cancel_run,
    ActionId.RUN_RESUME: resume_run,
    ActionId.RUN_REVIEW: review_run,
    ActionId.RUN_FAILURES: show_failures,
    ActionId.RUN_NUMBERS: show_numbers,
    ActionId.RUN_AGAIN: run_again,
    ActionId.SUITE_RUN: run_suite,
    ActionId.PREVIEW_START: start_preview,
    ActionId.PREVIEW_CHANGE: change_preview,
    ActionId.PREVIEW_CANCEL: cancel_preview,
    ActionId.RUN_APPROVE: approve_run,
    ActionId.RUN_REJECT: reject_run,
    ActionId.CANNOT_JUDGE: cannot_judge,
    ActionId.RUBRIC: show_rubric,
    ActionId.FULL_TEXT: show_full_text,
    ActionId.BETTER_ANSWER: propose_better,
    ActionId.MAKE_ITEM: propose_better,
    ActionId.CANDIDATE_APPROVE: approve,
    ActionId.CANDIDATE_EDIT: edit_candidate,
    ActionId.CANDIDATE_REJECT: reject,
    ActionId.DIGEST_NUMBERS: show_digest_numbers,
    ActionId.JUDGE_CALIBRATE: calibrate_judge,
    ActionId.JUDGE_EXPLAIN: show_judge_arithmetic,
    ActionId.JUDGE_SHARE: share_judge,
    ActionId.JUDGE_REASONS_SHARE: share_judge_reasons,
    ActionId.NUMBER_ARITHMETIC: show_arithmetic,
    ActionId.NUMBER_SHARE: share_number,
    ActionId.DIGEST_LINE: show_digest_line,
    ActionId.DIGEST_ARITHMETIC: show_digest_arithmetic,
    ActionId.DIGEST_LINE_SHARE: share_digest_line,
    ActionId.LINK: nothing,
}
