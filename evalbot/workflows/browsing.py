"""Read-only questions of the doors."""

from __future__ import annotations

from dataclasses import dataclass

from evalbot.errors import UnknownName
from evalbot.grading.grades import GraderKind
from evalbot.grading.reviews import Review, ReviewStatus, RoundId
from evalbot.people import Person, TeamId
from evalbot.reporting.digests import Digest
from evalbot.reporting.estimates import RunSummary
from evalbot.reporting.schedules import Schedule
from evalbot.runs.outputs import Output, OutputId, RunId
from evalbot.runs.runs import Progress, Run
from evalbot.store import candidates, digests, grades, outputs, reviews, runs, schedules, suites
from evalbot.store.database import Transaction
from evalbot.suites.candidates import Candidate
from evalbot.suites.items import Split
from evalbot.suites.suites import Suite
from evalbot.workflows.scoring import get_suite, load_scored_run, summarise_run
from evalbot.workflows.services import Services


@dataclass(frozen=True, slots=True)
class SuiteLine:
    """A suite in a list: its newest version and its newest run."""

    name: str
    version: int
    description: str
    items: int
    last_run: Run | None


@dataclass(frozen=True, slots=True)
class Failing:
    """An output that failed: what was asked, what came, and why it failed."""

    output: Output
    question: str
    skill: str
    why: str


async def list_suites(services: Services) -> list[SuiteLine]:
    """Give every suite with its newest run."""

    async def load(tx: Transaction) -> list[SuiteLine]:
        found = []
        for line in await suites.list_suites(tx, services.team):
            newest = await runs.list_runs(tx, services.team, suite=line.name, limit=1)
            found.append(
                SuiteLine(line.name, line.version, line.description, line.items, newest[0] if newest else None)
            )
        return found

    return await services.store.read(load)


async def find_run(services: Services, number: int | None) -> Run:
    """Give the run of a number, or the newest one; raises UnknownName."""

    async def load(tx: Transaction) -> Run | None:
        if number is not None:
            return await runs.find_run(tx, services.team, number)
        newest = await runs.list_runs(tx, services.team, limit=1)
        return newest[0] if newest else None

    run = await services.store.read(load)
    if run is None:
        text = f"There is no run {number}." if number is not None else "Nothing has been run yet."
        raise UnknownName(text, "Start one with run and the name of a suite.")
    return run


async def get_run(services: Services, person: Person, run_id: RunId) -> Run:
    """Give a run of the person's workspace by its id; not yours looks like not there."""
    run = await services.store.read(lambda tx: runs.get_run(tx, run_id))
    if run.team != person.team:
        raise UnknownName("There is no such run.", "Try status for the newest ones.")
    return run


async def recent_runs(services: Services, limit: int = 5) -> list[Run]:
    """Give the newest runs, newest first."""
    return await services.store.read(lambda tx: runs.list_runs(tx, services.team, limit=limit))


async def run_progress(services: Services, run: Run) -> Progress:
    """Tell how far a run is."""
    counts = await services.store.read(lambda tx: outputs.count_outputs(tx, run.id))
    return Progress(run.size, counts.outputs, counts.errors)


async def count_cached(services: Services, run: Run) -> int:
    """Count the answers of a run that were used again instead of asked for."""
    return await services.store.read(lambda tx: outputs.count_cached(tx, run.id))


async def run_summary(services: Services, run: Run) -> RunSummary:
    """Give what a run says."""
    return await services.store.read(lambda tx: summarise_run(tx, run))


async def suite_of(services: Services, run: Run) -> Suite:
    """Give the suite version a run asked."""
    return await services.store.read(lambda tx: get_suite(tx, run))


async def failing_outputs(services: Services, run: Run, limit: int = 15) -> list[Failing]:
    """Give outputs of a run that failed a grader, with the reason.

    Holdout items stay hidden, and so do outputs that people are just grading: the verdict of others would not be blind.
    """
    scored = await services.store.read(lambda tx: load_scored_run(tx, run))
    waiting = await services.store.read(lambda tx: _open_outputs(tx, run))
    found: list[Failing] = []
    by_id = {output.id: output for output in scored.outputs}
    for score in scored.scores:
        item = scored.suite.item(score.item_id)
        if score.passed or item.split is Split.HOLDOUT or score.output_id in waiting:
            continue
        bad = [g for g in scored.grades[score.output_id] if g.passed is False and g.grader.kind is not GraderKind.HUMAN]
        why = f"{bad[0].criterion}: {bad[0].reason}" if bad else ""
        found.append(Failing(by_id[score.output_id], item.question, item.skill or "", why))
        if len(found) == limit:
            break
    return found


async def _open_outputs(tx: Transaction, run: Run) -> set[OutputId]:
    """Give the outputs of a run whose review is open."""
    found: set[OutputId] = set()
    for opened in await reviews.rounds_of_run(tx, run.id):
        states = await reviews.list_reviews(tx, opened.id)
        found |= {review.output_id for review in states if review.status is ReviewStatus.OPEN}
    return found


async def list_errors(services: Services, run: Run, limit: int = 10) -> list[Output]:
    """Give the first outputs of a run that met an error."""
    return await services.store.read(lambda tx: outputs.list_failures(tx, run.id, limit))


async def run_of_round(services: Services, round_id: RoundId) -> RunId:
    """Give the run whose outputs a round puts before people."""
    opened = await services.store.read(lambda tx: reviews.get_round(tx, round_id))
    return opened.run_id


async def count_rounds(services: Services, run: Run) -> int:
    """Tell how many rounds of reviews a run has had."""
    return len(await services.store.read(lambda tx: reviews.rounds_of_run(tx, run.id)))


async def my_queue(services: Services, person: Person) -> list[Review]:
    """Give the open reviews the person has not graded yet, oldest first."""

    async def load(tx: Transaction) -> list[Review]:
        waiting = []
        for review in await reviews.open_reviews(tx, person.team):
            if not (await reviews.get_round(tx, review.round_id)).channel:
                continue
            given = await grades.grades_of_output(tx, review.output_id)
            if not any(grade.grader.kind is GraderKind.HUMAN and grade.grader.id == person.id for grade in given):
                waiting.append(review)
        return waiting

    return await services.store.read(load)


async def my_candidates(services: Services, person: Person) -> list[Candidate]:
    """Give what the person proposed, newest first."""
    found = await services.store.read(lambda tx: candidates.list_candidates(tx, person.team, author=person.id))
    return sorted(found, key=lambda candidate: candidate.created_at, reverse=True)


async def list_schedules(services: Services, team: TeamId) -> list[Schedule]:
    """Give the workspace's digest schedules."""
    return await services.store.read(lambda tx: schedules.list_schedules(tx, team))


async def get_digest(services: Services, person: Person, digest_id: str) -> Digest:
    """Give a digest of the person's workspace; not yours looks like not there."""
    digest = await services.store.read(lambda tx: digests.get_digest(tx, digest_id))
    if digest.team != person.team:
        raise UnknownName("There is no such digest.", "Ask for one with digest now.")
    return digest


async def newest_digest(services: Services) -> Digest | None:
    """Give the newest digest, None before the first."""
    found = await services.store.read(lambda tx: digests.list_digests(tx, services.team, 1))
    return found[0] if found else None
