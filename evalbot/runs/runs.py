"""Runs: one suite version put to targets, with its state and progress."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from evalbot.errors import BadRequest, Conflict
from evalbot.people import PersonId, TeamId
from evalbot.runs.outputs import RunId
from evalbot.suites.items import ItemId
from evalbot.suites.targets import Target

MAX_REPEATS = 50
MAX_CONCURRENCY = 500


class RunStatus(StrEnum):
    """Where a run is. WAITING for an approver, RUNNING and PAUSED runs are open; the rest have ended and never change."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


OPEN = frozenset({RunStatus.WAITING, RunStatus.RUNNING, RunStatus.PAUSED})
"""The states of a run that has not ended."""


@dataclass(frozen=True, slots=True)
class Run:
    """One suite version put to one or more targets. `number` counts per workspace and is what people say.

    `item_ids` are the items asked, in order. `channel` is where its card goes, empty for runs that tell nobody. `versus` is
    what it is compared with: a run number or a target's label, empty for what the suite says.
    """

    id: RunId
    team: TeamId
    number: int
    suite: str
    suite_version: int
    targets: tuple[Target, ...]
    item_ids: tuple[ItemId, ...]
    repeats: int
    concurrency: int
    started_by: PersonId
    started_name: str
    created_at: datetime
    status: RunStatus = RunStatus.RUNNING
    channel: str = ""
    versus: str = ""
    finished_at: datetime | None = None
    note: str = ""

    @property
    def size(self) -> int:
        """How many outputs a complete run has."""
        return len(self.targets) * len(self.item_ids) * self.repeats

    @property
    def open(self) -> bool:
        """Tell whether the run has not ended."""
        return self.status in OPEN

    @property
    def going(self) -> bool:
        """Tell whether the run may ask now."""
        return self.status is RunStatus.RUNNING


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: outputs wanted, there, failed, and judged of those to be judged."""

    size: int
    outputs: int = 0
    errors: int = 0
    to_judge: int = 0
    judged: int = 0

    @property
    def complete(self) -> bool:
        """Tell whether every output is there and judged."""
        return self.outputs >= self.size and self.judged >= self.to_judge


def check_size(repeats: int, concurrency: int, limit: int | None) -> None:
    """Raise BadRequest unless the numbers of a run are in range; limit is the number of items or None for all."""
    if not 1 <= repeats <= MAX_REPEATS:
        raise BadRequest(f"repeat is {repeats:,}.", f"Use 1 to {MAX_REPEATS}.")
    if not 1 <= concurrency <= MAX_CONCURRENCY:
        raise BadRequest(f"concurrency is {concurrency:,}.", f"Use 1 to {MAX_CONCURRENCY}.")
    if limit is not None and limit < 1:
        raise BadRequest(f"The number of items is {limit:,}.", "Use 1 or more.")


def finish(run: Run, status: RunStatus, at: datetime, note: str = "") -> Run:
    """Give the run ended; a run that ended before raises Conflict."""
    if not run.open:
        raise Conflict(f"Run {run.number} is already {run.status}.", "Nothing is left to stop.")
    return replace(run, status=status, finished_at=at, note=note)
