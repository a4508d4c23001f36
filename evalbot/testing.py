"""Fakes for tests of evalbot and of what is built on it: models that answer by script, an announcer that records, a clock, ids."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from evalbot.asking.ask import Answer, Question
from evalbot.errors import UnknownName
from evalbot.grading.trials import CalibrationReport
from evalbot.people import TeamId
from evalbot.reporting.digests import Digest
from evalbot.reporting.estimates import RunSummary
from evalbot.reporting.posts import Picture
from evalbot.runs.outputs import Usage
from evalbot.runs.runs import Progress, Run
from evalbot.store.database import Store
from evalbot.suites.candidates import Candidate
from evalbot.suites.targets import Target
from evalbot.workflows.announcer import ReviewState, RoundState
from evalbot.workflows.services import Services

Reply = str | Exception
"""What a scripted model does with a question: it answers the text, or raises the error."""

Script = Callable[[Question], Reply]


@dataclass(slots=True)
class ScriptedModel:
    """A model that answers by a script and keeps count; an Answerer that calls nothing.

    `asked` holds every question in order, `most_at_once` the most that were open at a time. While `gate` is given and not
    set, questions wait at it.
    """

    script: Script
    usage: Usage = field(default_factory=Usage)
    gate: asyncio.Event | None = None
    asked: list[Question] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, question: Question) -> Answer:
        """Give the script's answer or raise its error."""
        self.asked.append(question)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self._changed.set()
        try:
            await (self.gate.wait() if self.gate else asyncio.sleep(0))
            reply = self.script(question)
        finally:
            self.at_once -= 1
        if isinstance(reply, Exception):
            raise reply
        return Answer(reply, self.usage)

    async def ask_json(self, question: Question, schema: Mapping[str, Any]) -> Answer:
        """Give the script's answer, whatever form was asked for."""
        return await self.ask(question)

    async def wait_for(self, at_once: int) -> None:
        """Wait until so many questions are open."""
        while self.at_once < at_once:
            self._changed.clear()
            await self._changed.wait()

    async def close(self) -> None:
        """Do nothing: there is nothing to close."""

    @property
    def times(self) -> Counter[str]:
        """How often each item was asked, by its id."""
        return Counter(question.item.id for question in self.asked if question.item is not None)


@dataclass(frozen=True, slots=True)
class ScriptedModels:
    """The scripted models by the ids or labels of their targets; an Answerers that knows no others."""

    models: Mapping[str, ScriptedModel]

    def answerer(self, target: Target) -> ScriptedModel:
        """Give the model of a target; raises UnknownName for one without a script."""
        for name in (target.label, target.id):
            if name in self.models:
                return self.models[name]
        raise UnknownName(f"There is no scripted model for {target.label}.", "Give it a script.")

    async def close(self) -> None:
        """Do nothing: there is nothing to close."""


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that was announced: the announcer's method and what it was given."""

    what: str
    about: tuple[Any, ...]


@dataclass(slots=True)
class RecordingAnnouncer:
    """Tells nobody and keeps everything that it was to tell, in order."""

    told: list[Told] = field(default_factory=list)

    def of(self, what: str) -> list[Told]:
        """Give what one method was told."""
        return [one for one in self.told if one.what == what]

    async def run_started(self, run: Run, progress: Progress) -> None:
        """Keep it."""
        self.told.append(Told("run_started", (run, progress)))

    async def run_progressed(self, run: Run, progress: Progress, eta_s: float | None) -> None:
        """Keep it."""
        self.told.append(Told("run_progressed", (run, progress, eta_s)))

    async def run_interrupted(self, run: Run, progress: Progress) -> None:
        """Keep it."""
        self.told.append(Told("run_interrupted", (run, progress)))

    async def run_went_on(self, run: Run, progress: Progress) -> None:
        """Keep it."""
        self.told.append(Told("run_went_on", (run, progress)))

    async def run_finished(self, run: Run, summary: RunSummary) -> None:
        """Keep it."""
        self.told.append(Told("run_finished", (run, summary)))

    async def round_opened(self, state: RoundState, reviews: Sequence[ReviewState]) -> None:
        """Keep it."""
        self.told.append(Told("round_opened", (state, tuple(reviews))))

    async def review_changed(self, state: ReviewState) -> None:
        """Keep it."""
        self.told.append(Told("review_changed", (state,)))

    async def round_changed(self, state: RoundState) -> None:
        """Keep it."""
        self.told.append(Told("round_changed", (state,)))

    async def candidate_drafted(self, candidate: Candidate) -> None:
        """Keep it."""
        self.told.append(Told("candidate_drafted", (candidate,)))

    async def candidate_changed(self, candidate: Candidate) -> None:
        """Keep it."""
        self.told.append(Told("candidate_changed", (candidate,)))

    async def contributor_thanked(self, candidate: Candidate) -> None:
        """Keep it."""
        self.told.append(Told("contributor_thanked", (candidate,)))

    async def digest_ready(self, digest: Digest, picture: Picture | None) -> None:
        """Keep it."""
        self.told.append(Told("digest_ready", (digest, picture)))

    async def judge_calibrated(self, report: CalibrationReport) -> None:
        """Keep it."""
        self.told.append(Told("judge_calibrated", (report,)))


@dataclass(slots=True)
class FixedClock:
    """A clock that stands still until it is moved; called, it gives the time."""

    at: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Give the time."""
        return self.at

    def move(self, **by: float) -> None:
        """Move on by days, hours, minutes, seconds."""
        self.at += timedelta(**by)


@dataclass(slots=True)
class SeededIds:
    """Ids in a row: called, it gives the next one."""

    prefix: str = "id"
    given: int = 0

    def __call__(self) -> str:
        """Give the next id."""
        self.given += 1
        return f"{self.prefix}-{self.given:06d}"


def make_services(
    store: Store,
    models: Mapping[str, ScriptedModel],
    *,
    announcer: RecordingAnnouncer | None = None,
    now: Callable[[], datetime] | None = None,
    new_id: Callable[[], str] | None = None,
    spawn: Callable[[Coroutine[Any, Any, None]], None] | None = None,
    team: str = "local",
) -> Services:
    """Give services on an open store with scripted models and without chance; what is spawned is refused unless one says how."""
    seeds = SeededIds()

    def next_seed() -> int:
        seeds()
        return seeds.given

    return Services(
        store=store,
        models=ScriptedModels(models),
        announcer=announcer or RecordingAnnouncer(),
        now=now or FixedClock(),
        new_id=new_id or SeededIds(),
        new_seed=next_seed,
        spawn=spawn or _refuse,
        team=TeamId(team),
    )


def _refuse(work: Coroutine[Any, Any, None]) -> None:
    """Close work that nobody would wait for, and say so."""
    work.close()
    raise RuntimeError("Give make_services a spawn: something starts work in the background.")
