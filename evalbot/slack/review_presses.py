"""Buttons of grading cards and of candidates. A grade is saved before the acknowledgement."""

from __future__ import annotations

import logging
from functools import partial

from slack_sdk.errors import SlackApiError

from evalbot.slack.door import Door
from evalbot.slack.ids import CandidateClick, GradeClick, ReviewClick, decode
from evalbot.slack.presses import Next, Press, open_modal, tell_privately
from evalbot.slack.retrying import refusal_code
from evalbot.slack.views.feedback import edit_candidate_view, reject_candidate_view
from evalbot.slack.views.reviews import better_answer_view, full_text_view, grade_words, reason_view, rubric_view
from evalbot.suites.rubrics import AskReason
from evalbot.workflows import curating, reviewing
from evalbot.workflows.announcer import ReviewState

log = logging.getLogger(__name__)

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
