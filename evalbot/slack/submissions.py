"""Modals that were submitted: read the fields, one story, close or say what is wrong under the field."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from evalbot.errors import BadRequest, EvalbotError
from evalbot.people import Person
from evalbot.slack.blocks import Payload
from evalbot.slack.command_text import parse_command
from evalbot.slack.command_values import RunCommand, Verb
from evalbot.slack.door import Door
from evalbot.slack.ids import FIELD, BlockId, CallbackId, CandidateClick, DraftClick, GradeClick, ReviewClick, decode
from evalbot.slack.presses import replace_at
from evalbot.slack.views.errors import error_message
from evalbot.slack.views.previews import preview_message
from evalbot.workflows import curating, previewing, reviewing


@dataclass(frozen=True, slots=True)
class Submission:
    """A submitted modal: who, the metadata it carried and the texts of its fields by block id."""

    person: Person
    metadata: str
    fields: Mapping[str, str]
    known: frozenset[str]

    def text(self, block: BlockId) -> str:
        """Give the text of a field, empty when it was left empty or not there."""
        return self.fields.get(block, "")


Follow = Callable[[], Awaitable[None]]
Handler = Callable[[Door, Submission], Awaitable[Follow | None]]


def read_submission(view: Mapping[str, Any], person: Person) -> Submission:
    """Read a submitted view."""
    values = (view.get("state") or {}).get("values") or {}
    texts = {block: str((fields.get(FIELD) or {}).get("value") or "") for block, fields in values.items()}
    return Submission(person, str(view.get("private_metadata") or ""), texts, frozenset(texts))


async def save_reason(door: Door, sent: Submission) -> Follow | None:
    """Save why an answer got its grade, and propose an item when a better answer was written too."""
    click = decode(sent.metadata, GradeClick)
    reason, better = sent.text(BlockId.REASON).strip(), sent.text(BlockId.BETTER).strip()
    recorded = None
    if reason:
        recorded = await reviewing.add_reason(door.services, sent.person, click.review_id, reason)
    if better:
        await _propose(door, sent, ReviewClick(click.review_id), "", better, reason)
    if recorded is None:
        return None
    door.desk.tell(recorded)
    return None


async def propose_better(door: Door, sent: Submission) -> Follow | None:
    """Draft an item from a better answer."""
    click = decode(sent.metadata, ReviewClick)
    await _propose(door, sent, click, sent.text(BlockId.QUESTION), sent.text(BlockId.BETTER), sent.text(BlockId.REASON))
    return None


async def _propose(door: Door, sent: Submission, click: ReviewClick, question: str, better: str, reason: str) -> None:
    """Save feedback on the output of a review."""
    state = await reviewing.get_review_state(door.services, sent.person, click.review_id)
    feedback = curating.Feedback(
        output_id=state.output.id,
        question=question.strip() or state.item.question,
        better=better,
        reason=reason,
        channel=state.round.channel,
    )
    await curating.record_feedback(door.services, sent.person, feedback)


async def save_candidate(door: Door, sent: Submission) -> Follow | None:
    """Save a candidate's changed question and answer; a text too long for its field was not shown and stays."""
    click = decode(sent.metadata, CandidateClick)
    candidate = await curating.get_candidate(door.services, sent.person, click.candidate_id)
    question = sent.text(BlockId.QUESTION) if BlockId.QUESTION in sent.known else candidate.item.question
    kept = candidate.item.references[0] if candidate.item.references else ""
    reference = sent.text(BlockId.REFERENCE) if BlockId.REFERENCE in sent.known else kept
    await curating.edit_candidate(door.services, sent.person, click.candidate_id, question, reference)
    return None


async def reject_candidate(door: Door, sent: Submission) -> Follow | None:
    """Reject a candidate with its reason."""
    click = decode(sent.metadata, CandidateClick)
    await curating.reject_candidate(door.services, sent.person, click.candidate_id, sent.text(BlockId.WHY))
    return None


async def change_preview(door: Door, sent: Submission) -> Follow | None:
    """Show the preview of a changed run in the place of the one before; what is wrong is told under a field."""
    value, _, where = sent.metadata.partition("\n")
    draft_id = decode(value, DraftClick).draft_id
    before = await previewing.get_request(door.services, sent.person, draft_id)
    command = _command(sent)
    request = replace(
        before,
        suite=command.suite,
        targets=command.targets,
        limit=command.n,
        repeats=command.repeat,
        budget=command.budget,
    )
    preview = await previewing.change_draft(door.services, sent.person, draft_id, request)

    async def show() -> None:
        payload = preview_message(preview)
        if where and await replace_at(door, where, payload):
            return
        if request.channel.startswith(("D", "U", "W")):
            await door.client.chat_postMessage(channel=request.channel, **payload)
        else:
            await door.client.chat_postEphemeral(channel=request.channel, user=sent.person.id, **payload)

    return show


async def start_preview(door: Door, sent: Submission) -> Follow | None:
    """Start the run of a preview; its card says so. The form has no field: what cannot be done comes as a direct message."""
    draft_id = decode(sent.metadata, DraftClick).draft_id
    try:
        run = await previewing.start_draft(door.services, sent.person, draft_id)
    except EvalbotError as error:
        told = error_message(error)
        return partial(_tell, door, sent, told)
    return partial(door.engine.submit, run.id) if run.going else None


async def _tell(door: Door, sent: Submission, payload: Payload) -> None:
    """Send something to who submitted."""
    await door.client.chat_postMessage(channel=sent.person.id, **payload)


class WrongField(BadRequest):
    """What stands in one field of a form cannot be used; `field` is its block id."""

    def __init__(self, error: EvalbotError, field: BlockId) -> None:
        super().__init__(error.message, error.hint)
        self.field = field


_TYPED = {BlockId.TARGETS: "model", BlockId.ITEMS: "n", BlockId.REPEAT: "repeat", BlockId.BUDGET: "budget"}
"""The options of a command that the fields of its form stand for."""


def _command(sent: Submission) -> RunCommand:
    """Read the fields as what one would type; raises WrongField."""
    words = _typed(sent, BlockId.SUITE, [str(Verb.RUN), sent.text(BlockId.SUITE).strip()])
    for block, key in _TYPED.items():
        value = sent.text(block).replace(" ", "")
        if value:
            words = _typed(sent, block, [*words, f"{key}:{value}"])
    found = parse_command(" ".join(words))
    assert isinstance(found, RunCommand)
    return found


def _typed(sent: Submission, block: BlockId, words: list[str]) -> list[str]:
    """Give words that make a command so far; raises WrongField when the last of them is what makes it none."""
    try:
        parse_command(" ".join(words))
    except EvalbotError as error:
        raise WrongField(error, block) from None
    return words


HANDLERS: Mapping[CallbackId, Handler] = {
    CallbackId.REASON: save_reason,
    CallbackId.BETTER_ANSWER: propose_better,
    CallbackId.CANDIDATE_EDIT: save_candidate,
    CallbackId.CANDIDATE_REJECT: reject_candidate,
    CallbackId.PREVIEW_CHANGE: change_preview,
    CallbackId.PREVIEW_START: start_preview,
}
