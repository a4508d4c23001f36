"""Suites kept: released from files, grown by people's feedback with a second pair of eyes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from evalbot.errors import BadRequest, Conflict, NotAllowed, UnknownName
from evalbot.people import Action, Person, PersonId, may
from evalbot.runs.outputs import OutputId
from evalbot.runs.runs import Run
from evalbot.store import candidates, outputs, runs, suites
from evalbot.store.database import Transaction
from evalbot.suites.candidates import (
    DUPLICATE_FROM,
    Candidate,
    CandidateId,
    CandidateStatus,
    check_may_decide,
    decide,
    draft_item,
    edited,
    nearest_question,
)
from evalbot.suites.items import Item
from evalbot.suites.suites import Suite, add_item, end_probation, release
from evalbot.workflows.scoring import get_suite
from evalbot.workflows.services import Services

MOST_REASON = 3_000


async def sync_suites(services: Services, loaded: Collection[Suite]) -> list[str]:
    """Release a new version of every suite whose files say something new; gives the names released."""

    async def release_all(tx: Transaction) -> list[str]:
        return [content.name for content in loaded if await _release_if_new(services, tx, content)]

    return await services.store.write(release_all)


async def _release_if_new(services: Services, tx: Transaction, content: Suite) -> bool:
    """Release the content as the next version unless it equals the newest one."""
    if await suites.find_same(tx, services.team, content) is not None:
        return False
    newest = await suites.find_suite(tx, services.team, content.name)
    await suites.add_suite(
        tx, services.team, release(newest, content), services.now(), PersonId(""), "from the project's files"
    )
    await suites.find_same(tx, services.team, content)  # what is at hand shares the items of the content: held once
    return True


async def end_item_probation(services: Services, tx: Transaction, run: Run, item: Item) -> None:
    """Release the suite with an item off probation once people have graded an answer to it; older versions stay as they are."""
    newest = await suites.find_suite(tx, run.team, run.suite)
    confirmed = end_probation(newest, item.id) if newest else None
    if confirmed is not None:
        note = f"item {item.id} was graded by people"
        await suites.add_suite(tx, run.team, confirmed, services.now(), PersonId(""), note)


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a person says of an output: the question (possibly reworded), a better answer, and why."""

    output_id: OutputId
    question: str
    better: str
    reason: str = ""
    channel: str = ""


async def record_feedback(services: Services, person: Person, feedback: Feedback) -> Candidate:
    """Draft a candidate item from feedback, save it and announce it to those who decide."""
    if not may(person, Action.GIVE_FEEDBACK):
        raise NotAllowed("Proposing an item needs the role grader.", "Ask an admin for the role.")
    if len(feedback.reason) > MOST_REASON:
        raise BadRequest(f"The reason is longer than {MOST_REASON:,} characters.", "Shorten it.")

    async def save(tx: Transaction) -> Candidate:
        candidate = await _draft(services, tx, person, feedback)
        await candidates.add_candidate(tx, candidate)
        return candidate

    candidate = await services.store.write(save)
    await services.announcer.candidate_drafted(candidate)
    return candidate


async def _draft(services: Services, tx: Transaction, person: Person, feedback: Feedback) -> Candidate:
    """Make the candidate of a feedback, with the nearest item there is and the nearest proposal refused when it is the same."""
    output = await outputs.get_output(tx, feedback.output_id)
    run = await runs.get_run(tx, output.run_id)
    if run.team != person.team:
        raise UnknownName("There is no such output.", "Open its card again.")
    source = (await get_suite(tx, run)).item(output.unit.item_id)
    newest = await suites.find_suite(tx, run.team, run.suite)
    now = services.now()
    item = draft_item(source, feedback.question, feedback.better, person.id, now, services.new_id()[:6])
    await _refuse_repeat(tx, person, item.question, feedback)
    near, likeness = nearest_question(item.question, newest.items if newest else ())
    return Candidate(
        id=CandidateId(services.new_id()),
        team=run.team,
        suite=run.suite,
        item=item,
        author=person.id,
        author_name=person.name,
        created_at=now,
        bad_output=output.text or "",
        reason=feedback.reason.strip(),
        output_id=output.id,
        channel=feedback.channel or run.channel,
        nearest=near if likeness >= DUPLICATE_FROM else "",
    )


async def _refuse_repeat(tx: Transaction, person: Person, question: str, feedback: Feedback) -> None:
    """Raise Conflict when the same person has already proposed the same answer for this output."""
    for other in await candidates.list_candidates(tx, person.team, status=CandidateStatus.DRAFT, author=person.id):
        same = (other.item.question, str(other.item.reference)) == (question, feedback.better.strip())
        if other.output_id == feedback.output_id and same:
            raise Conflict("You have already proposed this item.", "It waits for a second person.")


async def get_candidate(services: Services, person: Person, candidate_id: CandidateId) -> Candidate:
    """Give a candidate that the person may decide on now; raises the reason otherwise."""
    candidate = await services.store.read(lambda tx: candidates.get_candidate(tx, person.team, candidate_id))
    check_may_decide(candidate, person)
    return candidate


async def edit_candidate(
    services: Services, person: Person, candidate_id: CandidateId, question: str, reference: str
) -> Candidate:
    """Change a waiting candidate's question or answer."""

    async def save(tx: Transaction) -> Candidate:
        changed = edited(await candidates.get_candidate(tx, person.team, candidate_id), person, question, reference)
        await candidates.update_candidate(tx, changed)
        return changed

    changed = await services.store.write(save)
    await services.announcer.candidate_changed(changed)
    return changed


async def approve_candidate(services: Services, person: Person, candidate_id: CandidateId) -> Candidate:
    """Make a candidate an item: the suite's next version is released with it, once however often it is pressed."""

    async def save(tx: Transaction) -> Candidate:
        candidate = await candidates.get_candidate(tx, person.team, candidate_id)
        approved = decide(candidate, person, CandidateStatus.APPROVED, services.now())
        newest = await suites.find_suite(tx, person.team, candidate.suite)
        if newest is None:
            raise UnknownName(f"Suite {candidate.suite} is not in this database any more.", "Reject the candidate.")
        grown = add_item(newest, candidate.item)
        approved = replace(approved, item=grown.items[-1], released_version=grown.version)
        if not await candidates.decide_candidate(tx, approved):
            raise Conflict("Somebody else has just decided on this candidate.")
        note = f"item {approved.item.id} proposed by {candidate.author_name}"
        await suites.add_suite(tx, person.team, grown, services.now(), person.id, note)
        return approved

    return await _tell_decision(services, await services.store.write(save))


async def reject_candidate(services: Services, person: Person, candidate_id: CandidateId, why: str = "") -> Candidate:
    """Turn a candidate down, with the reason given to its author."""

    async def save(tx: Transaction) -> Candidate:
        candidate = await candidates.get_candidate(tx, person.team, candidate_id)
        rejected = decide(candidate, person, CandidateStatus.REJECTED, services.now(), why[:MOST_REASON])
        if not await candidates.decide_candidate(tx, rejected):
            raise Conflict("Somebody else has just decided on this candidate.")
        return rejected

    return await _tell_decision(services, await services.store.write(save))


async def _tell_decision(services: Services, candidate: Candidate) -> Candidate:
    """Announce a decision on the card and to the author."""
    await services.announcer.candidate_changed(candidate)
    await services.announcer.contributor_thanked(candidate)
    return candidate
