"""A run looked at before its start: kept as a draft, changed, started once or dropped."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import timedelta

from pydantic import TypeAdapter

from evalbot.errors import Conflict, UnknownName
from evalbot.people import Person
from evalbot.runs.forecasts import needs_approval
from evalbot.runs.requests import Preview, RunRequest
from evalbot.runs.runs import Run
from evalbot.store import budgets
from evalbot.store.budgets import Draft
from evalbot.store.json_text import dump_noun, load_noun
from evalbot.workflows.services import Services
from evalbot.workflows.starting import look_ahead, start_run

KEPT = timedelta(days=1)
"""A preview that nobody has acted on for so long is gone."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says apart from who asks."""

    suite: str
    targets: tuple[str, ...]
    limit: int | None
    repeats: int | None
    concurrency: int | None
    holdout: bool
    versus: str
    channel: str
    budget: int | None


_ASKED = TypeAdapter(Asked)


async def preview_run(services: Services, request: RunRequest) -> Preview:
    """Give what a run would take, and keep what was asked for so that one press starts it; raises UserError."""
    preview = await look_at(services, request)
    draft = Draft(services.new_id(), request.person.id, dump_noun(_ASKED, _asked(request)))
    now = services.now()
    await services.store.write(lambda tx: budgets.add_draft(tx, services.team, draft, now, now - KEPT))
    return replace(preview, draft_id=draft.id)


async def look_at(services: Services, request: RunRequest) -> Preview:
    """Give what a run would take and keep nothing; raises UserError for anything that cannot be run."""
    run, forecast = await look_ahead(services, request)
    waits = needs_approval(services.limits, forecast.high, request.budget)
    return Preview("", request, run, forecast, waits)


async def start_draft(services: Services, person: Person, draft_id: str) -> Run:
    """Start the run of a preview, once; raises Conflict when that was done."""
    request = await get_request(services, person, draft_id)
    if not await services.store.write(lambda tx: budgets.drop_draft(tx, draft_id)):
        raise _gone()
    return await start_run(services, request)


async def get_request(services: Services, person: Person, draft_id: str) -> RunRequest:
    """Give what a person's preview is of; raises Conflict when it is gone, UnknownName for somebody else's."""
    draft = await services.store.read(lambda tx: budgets.find_draft(tx, services.team, draft_id))
    if draft is None:
        raise _gone()
    if draft.person != person.id:
        raise UnknownName("There is no such preview.", "Ask for one of your own.")
    asked = load_noun(_ASKED, draft.body)
    return RunRequest(person=person, **asdict(asked))


async def change_draft(services: Services, person: Person, draft_id: str, request: RunRequest) -> Preview:
    """Give the preview of a changed request in place of the one before; raises UserError and keeps that if it cannot be run."""
    await get_request(services, person, draft_id)
    preview = await preview_run(services, request)
    await drop_draft(services, person, draft_id)
    return preview


async def drop_draft(services: Services, person: Person, draft_id: str) -> bool:
    """Forget a preview; tell whether it was there."""
    draft = await services.store.read(lambda tx: budgets.find_draft(tx, services.team, draft_id))
    if draft is None or draft.person != person.id:
        return False
    return await services.store.write(lambda tx: budgets.drop_draft(tx, draft_id))


def _asked(request: RunRequest) -> Asked:
    """Give the part of a request that is kept."""
    return Asked(
        request.suite,
        request.targets,
        request.limit,
        request.repeats,
        request.concurrency,
        request.holdout,
        request.versus,
        request.channel,
        request.budget,
    )


def _gone() -> Conflict:
    """Say that a preview was started, changed or dropped."""
    return Conflict("This preview was started, changed or cancelled already.", "Ask for the run again.")
