"""Feedback that becomes an item: the candidate's card for those who decide, its modals, and the thanks to its author."""

from __future__ import annotations

from evalbot.slack.blocks import (
    Payload,
    View,
    actions,
    button,
    code,
    context,
    header,
    message,
    modal,
    section,
    text_input,
)
from evalbot.slack.ids import FIELD, ActionId, BlockId, CallbackId, CandidateClick, encode
from evalbot.slack.text import Block, editable, mrkdwn, preformatted, quote
from evalbot.slack.views.numbers import moment
from evalbot.suites.candidates import Candidate, CandidateStatus

MOST_QUESTION = 600
MOST_ANSWER = 1_200
_NAME, _LINE = 60, 300


def candidate_card(candidate: Candidate) -> Payload:
    """Give the card on which a second person decides; once decided it says who did, and what followed."""
    suite = mrkdwn(candidate.suite, _NAME)
    blocks = [header(_title(candidate)), *_body(candidate)]
    if candidate.status is CandidateStatus.DRAFT:
        text = f"{mrkdwn(candidate.author_name, _NAME)} proposes an item for {suite}: a second person decides."
        return message(text, [*blocks, _decide_buttons(candidate), context(_origin(candidate))])
    decided = _decided(candidate)
    return message(f"{suite}: {decided.replace('*', '')}", [*blocks, section(decided), context(_origin(candidate))])


def _title(candidate: Candidate) -> str:
    """Say what the card is, as plain text."""
    what = {CandidateStatus.APPROVED: "Item added to", CandidateStatus.REJECTED: "Item not added to"}
    return f"{what.get(candidate.status, 'New item proposed for')} {candidate.suite}"


def _body(candidate: Candidate) -> list[Block]:
    """Show question, bad answer, better answer, and why."""
    blocks = [context("*Question*"), quote(candidate.item.question, MOST_QUESTION)]
    if candidate.bad_output:
        blocks += [context("*Bad answer*"), preformatted(candidate.bad_output, MOST_ANSWER)]
    references = candidate.item.references or ("",)
    blocks += [context("*Better answer*"), preformatted(references[0], MOST_ANSWER)]
    if candidate.reason.strip():
        blocks.append(section(f"*What went wrong:* {mrkdwn(candidate.reason, _LINE)}"))
    return blocks


def _decide_buttons(candidate: Candidate) -> Block:
    """Give the buttons of an open candidate."""
    value = encode(CandidateClick(candidate.id))
    return actions(
        button("Approve", ActionId.CANDIDATE_APPROVE, value, style="primary"),
        button("Edit…", ActionId.CANDIDATE_EDIT, value),
        button("Reject…", ActionId.CANDIDATE_REJECT, value),
    )


def _decided(candidate: Candidate) -> str:
    """Say who decided what, and what it led to."""
    who = mrkdwn(candidate.decided_name, _NAME, "name")
    if candidate.status is CandidateStatus.APPROVED:
        version = candidate.released_version
        where = f"version {version} of the suite" if version else "the next version of the suite"
        return f"*Approved* by {who}: {code(candidate.item.id)} is in {where}, on probation until people have graded it once."
    why = f": {mrkdwn(candidate.why, _LINE)}" if candidate.why.strip() else "."
    return f"*Rejected* by {who}{why}"


def _origin(candidate: Candidate) -> str:
    """Say who proposed the item, what it is about, and what it resembles."""
    parts = [f"Proposed by {mrkdwn(candidate.author_name, _NAME)}", moment(candidate.created_at)]
    parts += [f"skill {mrkdwn(candidate.item.skill, _NAME)}"] if candidate.item.skill else []
    parts.append(f"much like item {mrkdwn(candidate.nearest, _NAME)}" if candidate.nearest else "no similar item")
    if candidate.status is CandidateStatus.DRAFT:
        parts.append("not decided by its author")
    return " · ".join(parts)


def edit_candidate_view(candidate: Candidate) -> View:
    """Give the modal that changes a candidate's question and better answer; it stays waiting."""
    reference = candidate.item.references[0] if candidate.item.references else ""
    texts = {"question": candidate.item.question, "answer": reference}
    unfit = [name for name, text in texts.items() if not editable(text)]
    blocks = [
        text_input("Question", BlockId.QUESTION, FIELD, initial=candidate.item.question),
        text_input("Better answer", BlockId.REFERENCE, FIELD, initial=reference),
    ]
    if unfit:
        why = "too long for a box or holds characters that it cannot show"
        blocks.append(context(f"The {' and the '.join(unfit)} is {why}: what you type replaces it."))
    return modal(
        "Edit the item",
        CallbackId.CANDIDATE_EDIT,
        blocks,
        submit="Save",
        close="Cancel",
        metadata=encode(CandidateClick(candidate.id)),
    )


def reject_candidate_view(candidate: Candidate) -> View:
    """Give the modal that asks why a candidate is rejected; its author is told."""
    name = mrkdwn(candidate.author_name, _NAME)
    why = text_input("Why?", BlockId.WHY, FIELD, placeholder="we have this one already", optional=True)
    return modal(
        "Reject the item",
        CallbackId.CANDIDATE_REJECT,
        [context(f"{name} is told, with what you write here."), why],
        submit="Reject",
        close="Back",
        metadata=encode(CandidateClick(candidate.id)),
    )


def thanks_message(candidate: Candidate) -> Payload:
    """Tell the author of a candidate what became of it."""
    suite, decided = mrkdwn(candidate.suite, _NAME), _decided(candidate)
    first = {
        CandidateStatus.APPROVED: f"Your item is part of {suite} now. Thank you!",
        CandidateStatus.REJECTED: f"Your item was not added to {suite}. Thank you for looking closely.",
        CandidateStatus.DRAFT: f"Thank you: your item for {suite} waits for a second person.",
    }[candidate.status]
    blocks = [section(first), quote(candidate.item.question, 300)]
    if candidate.status is not CandidateStatus.DRAFT:
        blocks.append(context(decided))
    return message(first, blocks)
