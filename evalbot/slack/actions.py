"""Buttons and menus: which story each one is; what they do is in the modules of presses by subject.

Each decodes its press, carries out one story and answers. What must not be lost is saved before the acknowledgement.
"""

from __future__ import annotations

from collections.abc import Mapping

from evalbot.errors import BadRequest
from evalbot.people import Role
from evalbot.slack import calibration_presses, number_presses, review_presses, run_presses
from evalbot.slack.door import Door
from evalbot.slack.ids import ActionId
from evalbot.slack.presses import Handler, Next, Press


async def nothing(door: Door, press: Press) -> Next | None:
    """Only acknowledge: a link was opened."""
    return None


async def answer_press(door: Door, press: Press, handler: Handler) -> Next | None:
    """Carry out a press; gives what goes on after the acknowledgement. Raises UserError for what cannot be done."""
    if press.person.role is Role.OUTSIDER:
        raise BadRequest("evalbot works for members of its own workspace only.", "Ask a colleague there.")
    return await handler(door, press)


HANDLERS: Mapping[ActionId, Handler] = {
    ActionId.RUN_CANCEL: run_presses.cancel_run,
    ActionId.RUN_RESUME: run_presses.resume_run,
    ActionId.RUN_REVIEW: run_presses.review_run,
    ActionId.RUN_FAILURES: run_presses.show_failures,
    ActionId.RUN_NUMBERS: run_presses.show_numbers,
    ActionId.RUN_AGAIN: run_presses.run_again,
    ActionId.SUITE_RUN: run_presses.run_suite,
    ActionId.PREVIEW_START: run_presses.start_preview,
    ActionId.PREVIEW_CHANGE: run_presses.change_preview,
    ActionId.PREVIEW_CANCEL: run_presses.cancel_preview,
    ActionId.RUN_APPROVE: run_presses.approve_run,
    ActionId.RUN_REJECT: run_presses.reject_run,
    ActionId.CANNOT_JUDGE: review_presses.cannot_judge,
    ActionId.RUBRIC: review_presses.show_rubric,
    ActionId.FULL_TEXT: review_presses.show_full_text,
    ActionId.BETTER_ANSWER: review_presses.propose_better,
    ActionId.MAKE_ITEM: review_presses.propose_better,
    ActionId.CANDIDATE_APPROVE: review_presses.approve,
    ActionId.CANDIDATE_EDIT: review_presses.edit_candidate,
    ActionId.CANDIDATE_REJECT: review_presses.reject,
    ActionId.DIGEST_NUMBERS: number_presses.show_digest_numbers,
    ActionId.JUDGE_CALIBRATE: calibration_presses.preview_calibration,
    ActionId.CALIBRATION_START: calibration_presses.start_calibration,
    ActionId.CALIBRATION_CANCEL: calibration_presses.drop_preview,
    ActionId.CALIBRATION_APPROVE: calibration_presses.approve_calibration,
    ActionId.CALIBRATION_REJECT: calibration_presses.reject_calibration,
    ActionId.JUDGE_EXPLAIN: number_presses.show_judge_arithmetic,
    ActionId.JUDGE_SHARE: number_presses.share_judge,
    ActionId.JUDGE_REASONS_SHARE: number_presses.share_judge_reasons,
    ActionId.NUMBER_ARITHMETIC: number_presses.show_arithmetic,
    ActionId.NUMBER_SHARE: number_presses.share_number,
    ActionId.DIGEST_LINE: number_presses.show_digest_line,
    ActionId.DIGEST_ARITHMETIC: number_presses.show_digest_arithmetic,
    ActionId.DIGEST_LINE_SHARE: number_presses.share_digest_line,
    ActionId.LINK: nothing,
}
