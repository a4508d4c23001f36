"""Twelve weeks of history, made by really running the pipeline against the simulated models with a moved clock."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import aiohttp

from evalbot.app import Program
from evalbot.grading.reviews import ReviewStatus
from evalbot.people import Person, PersonId, Role, TeamId
from evalbot.playground.people import ACME_PEOPLE
from evalbot.runs.requests import RunRequest
from evalbot.runs.runs import Run
from evalbot.suites.suites import Strategy
from evalbot.workflows.announcer import QuietAnnouncer, ReviewState
from evalbot.workflows.reviewing import GradeClick, RoundRequest, open_round, record_grade
from evalbot.workflows.running import execute_run
from evalbot.workflows.services import Services
from evalbot.workflows.starting import start_run

WEEKS = 11
"""How many weeks before this one are made up."""

SUITES = ("support-desk",)
EXTRA_SUITES = ("word-problems", "straight-answers")
EXTRA_WEEKS = 2
"""The other suites have a shorter history: it keeps the start short."""

CONCURRENCY = 48
REVIEWED = 14
GRADERS = ("lee", "kim")
THIRD = "sam"

NAMES = {person.name: person.real_name for person in ACME_PEOPLE}

Ask = Callable[[str], Awaitable[int]]
"""Gives the true quality, 1 to 4, with which a simulated answer was written."""


@dataclass(slots=True)
class MovedClock:
    """A clock that stands where it is put and moves a little with every look."""

    at: datetime
    step: timedelta = field(default=timedelta(milliseconds=20))

    def __call__(self) -> datetime:
        self.at += self.step
        return self.at


async def make_history(
    program: Program, simulation_url: str, users: Mapping[str, str], tell: Callable[[str], None]
) -> None:
    """Run the suites once in each of the past weeks and let pretend people grade some answers."""
    now = program.services.now()
    clock = MovedClock(now)
    services = quiet_services(program, clock)
    async with aiohttp.ClientSession() as session:
        for back in range(WEEKS, 0, -1):
            clock.at = now - timedelta(weeks=back)
            await set_week(session, simulation_url, back)
            suites = SUITES + (EXTRA_SUITES if back <= EXTRA_WEEKS else ())
            for suite in suites:
                run = await run_quietly(services, suite, person(services.team, "dana", users))
                if suite in SUITES:
                    # People come to grade days later; the newest grades belong to this week.
                    clock.at += timedelta(days=4)
                    await grade_answers(services, run, users, asker(session, simulation_url), REVIEWED, back)
            tell(f"week {WEEKS - back + 1} of {WEEKS}")
        await set_week(session, simulation_url, 0)


async def set_week(session: aiohttp.ClientSession, simulation_url: str, back: int) -> None:
    """Let the simulated models answer as they did some weeks ago."""
    async with session.post(simulation_url, json={"weeks_ago": back}) as answer:
        answer.raise_for_status()


def quiet_services(program: Program, clock: MovedClock) -> Services:
    """Give the services on another clock, telling nobody, with draws that come out alike in every demo."""
    draws = random.Random(0)
    return replace(program.services, announcer=QuietAnnouncer(), now=clock, new_seed=lambda: draws.getrandbits(31))


async def run_quietly(services: Services, suite: str, starter: Person) -> Run:
    """Run a suite to its end, telling nobody."""
    run = await start_run(services, RunRequest(suite, starter, concurrency=CONCURRENCY, approved=True))
    await execute_run(services, run.id)
    return run


async def grade_answers(
    services: Services, run: Run, users: Mapping[str, str], quality: Ask, size: int, seed: int
) -> None:
    """Let pretend people grade answers of a run drawn by chance, close to the truth but not always on it."""
    rng = random.Random(seed)
    opened = await open_round(services, RoundRequest(run, PersonId(users["dana"]), size=size, strategy=Strategy.RANDOM))
    for state in opened.reviews:
        for name in (*GRADERS, THIRD):
            level = await pretend_level(state, quality, rng)
            recorded = await record_grade(
                services, person(services.team, name, users), GradeClick(state.review.id, level)
            )
            if recorded.state.review.status is not ReviewStatus.OPEN:
                break


async def pretend_level(state: ReviewState, quality: Ask, rng: random.Random) -> int:
    """Give the step that a pretend person chooses: the answer's true quality, one off now and then."""
    scale = state.rubric.scale
    true = await quality(state.output.text or "")
    seen = true + (rng.choice((-1, 1)) if rng.random() < 0.15 else 0)
    return max(scale.lowest, min(scale.highest, seen))


def person(team: TeamId, name: str, users: Mapping[str, str]) -> Person:
    """Give one of the pretend people."""
    return Person(PersonId(users[name]), team, NAMES.get(name, name), Role.APPROVER)


def asker(session: aiohttp.ClientSession, simulation_url: str) -> Ask:
    """Give the function that asks the simulation how good an answer really is."""

    async def ask(text: str) -> int:
        async with session.post(f"{simulation_url}/quality", json={"text": text}) as answer:
            found: dict[str, Any] = await answer.json()
            return int(found["level"])

    return ask
