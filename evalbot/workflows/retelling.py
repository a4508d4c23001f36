"""What was saved last is announced once more at a start: a program that was killed may not have come to telling it.

A program that is stopped in order says before that which runs lie still until then.

Announcing is declaring what should be visible, so whatever is visible already changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from evalbot.grading.reviews import ReviewStatus
from evalbot.runs.outputs import RunId
from evalbot.runs.runs import Progress, Run, RunStatus
from evalbot.store import candidates, reviews, runs
from evalbot.store.database import Transaction
from evalbot.suites.candidates import Candidate, CandidateStatus
from evalbot.workflows.announcer import ReviewState, RoundState
from evalbot.workflows.reviewing import load_review_state, load_round_state
from evalbot.workflows.running import load_progress, tell_result
from evalbot.workflows.services import Services

NEWEST_RUNS = 5
NEWEST_CANDIDATES = 10


async def tell_again(services: Services) -> None:
    """Announce the newest runs with their reviews, and the newest candidates; must come before anybody can change them."""
    for run in await services.store.read(lambda tx: _going(tx, services)):
        await services.announcer.run_went_on(run, await load_progress(services, run))
    for run in await services.store.read(lambda tx: runs.list_runs(tx, services.team, limit=NEWEST_RUNS)):
        if run.status is RunStatus.WAITING:
            await services.announcer.run_started(run, Progress(run.size))
        if run.open or not run.channel:
            continue
        await services.announcer.run_went_on(run, Progress(run.size))
        await tell_result(services, run)
        for state, found in await _load_rounds(services, run):
            await services.announcer.round_opened(state, found)
    for candidate in await _newest_candidates(services):
        await services.announcer.candidate_drafted(candidate)
        if candidate.status is not CandidateStatus.DRAFT:
            await services.announcer.contributor_thanked(candidate)


async def tell_interrupted(services: Services, stopped: Collection[RunId]) -> list[Run]:
    """Announce which of the runs that were stopped here lie still until the next start, and give them."""
    found = [run for run in await services.store.read(lambda tx: _going(tx, services)) if run.id in stopped]
    for run in found:
        await services.announcer.run_interrupted(run, await load_progress(services, run))
    return found


async def _going(tx: Transaction, services: Services) -> list[Run]:
    """Give the workspace's runs that may ask."""
    return [run for run in await runs.open_runs(tx) if run.going and run.team == services.team]


async def _load_rounds(services: Services, run: Run) -> Sequence[tuple[RoundState, list[ReviewState]]]:
    """Load the rounds of a run that are not over, each with its reviews."""

    async def load(tx: Transaction) -> list[tuple[RoundState, list[ReviewState]]]:
        loaded = []
        for opened in await reviews.rounds_of_run(tx, run.id):
            found = await reviews.list_reviews(tx, opened.id)
            if any(review.status is not ReviewStatus.EXPIRED for review in found):
                states = [await load_review_state(tx, review) for review in found]
                loaded.append((await load_round_state(tx, opened.id), states))
        return loaded

    return await services.store.read(load)


async def _newest_candidates(services: Services) -> list[Candidate]:
    """Give the candidates that were proposed or decided last."""
    found = await services.store.read(lambda tx: candidates.list_candidates(tx, services.team))
    return sorted(found, key=lambda one: one.decided_at or one.created_at)[-NEWEST_CANDIDATES:]
