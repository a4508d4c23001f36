"""What somebody asks to be run, and what it would be before its start."""

from __future__ import annotations

from dataclasses import dataclass

from evalbot.people import Person
from evalbot.runs.forecasts import Forecast
from evalbot.runs.runs import Run


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What somebody asks to be run; None and empty mean what the suite says. `targets` are labels or `provider:model`.

    `budget` is what it may cost at most, in nanos. `approved` says that its cost was approved beforehand.
    """

    suite: str
    person: Person
    targets: tuple[str, ...] = ()
    limit: int | None = None
    repeats: int | None = None
    concurrency: int | None = None
    holdout: bool = False
    versus: str = ""
    channel: str = ""
    budget: int | None = None
    approved: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """A run before its start: what was asked for, the run it would be, what that is expected to take, who must approve.

    `draft_id` is what starts it; empty where nothing is kept. `waits` tells that it would wait for an approver.
    """

    draft_id: str
    request: RunRequest
    run: Run
    forecast: Forecast
    waits: bool
