"""Nouns for the store's tests, with defaults for all that a test does not care about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from evalbot.grading.grades import Grade, Grader, GraderKind
from evalbot.grading.reviews import Review, ReviewId, Round, RoundId
from evalbot.people import PersonId, TeamId
from evalbot.runs.outputs import Failure, Output, OutputId, RunId, Unit, Usage, output_id
from evalbot.runs.runs import Run
from evalbot.store import grades, outputs, reviews, runs
from evalbot.store.database import Store, Transaction
from evalbot.suites.candidates import Candidate, CandidateId
from evalbot.suites.items import Item, ItemId
from evalbot.suites.suites import Suite
from evalbot.suites.targets import short_target

TEAM = TeamId("T1")
OTHER_TEAM = TeamId("T2")
ANN = PersonId("U1")
BEN = PersonId("U2")
NOON = datetime(2026, 11, 21, 12, 0, 0, 123456, UTC)


def later(minutes: float) -> datetime:
    """Give a moment so many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def make_run(number: int = 1, **changes: Any) -> Run:
    """Make a run of two items; its id follows from team and number."""
    team = changes.get("team", TEAM)
    values: dict[str, Any] = {
        "id": RunId(f"run-{team}-{number}"),
        "team": team,
        "number": number,
        "suite": "capitals",
        "suite_version": 1,
        "targets": (short_target("openai:gpt-4.1-mini"),),
        "item_ids": (ItemId("france"), ItemId("spain")),
        "repeats": 1,
        "concurrency": 8,
        "started_by": ANN,
        "started_name": "Ann",
        "created_at": later(number),
    }
    return Run(**{**values, **changes})


def make_output(run: Run, item: str = "france", repeat: int = 0, **changes: Any) -> Output:
    """Make an answer of a run's first target."""
    unit = Unit(run.targets[0].label, ItemId(item), repeat)
    values: dict[str, Any] = {
        "id": output_id(run.id, unit),
        "run_id": run.id,
        "unit": unit,
        "text": "Paris",
        "failure": None,
        "usage": Usage(0.25, 12, 3, 0.0001),
        "at": NOON,
    }
    return Output(**{**values, **changes})


def make_failed_output(run: Run, item: str = "spain") -> Output:
    """Make an output that is an error."""
    return make_output(run, item, text=None, failure=Failure("timeout", "No answer in 60 s."), usage=Usage(60.0))


def make_check_grade(output: Output, **changes: Any) -> Grade:
    """Make a check's grade."""
    values = {"criterion": "correct", "grader": Grader(GraderKind.CHECK, "equals", "1"), "score": 1.0, "passed": True}
    return _grade(output, {**values, **changes})


def make_judge_grade(output: Output, **changes: Any) -> Grade:
    """Make a judge's grade."""
    judge = Grader(GraderKind.JUDGE, "gpt-4.1", "ab12")
    values = {"criterion": "helpful", "grader": judge, "score": 0.75, "passed": True, "level": 4, "reason": "It helps."}
    return _grade(output, {**values, **changes})


def make_human_grade(output: Output, person: PersonId = ANN, level: int | None = 4, **changes: Any) -> Grade:
    """Make a person's grade."""
    passed = None if level is None else level >= 3
    values = {"criterion": "helpful", "grader": Grader(GraderKind.HUMAN, person), "passed": passed, "level": level}
    return _grade(output, {**values, **changes})


def _grade(output: Output, values: dict[str, Any]) -> Grade:
    """Make a grade of an output."""
    return Grade(**{"output_id": output.id, "at": NOON, **values})


def make_round(run: Run, name: str = "round-1", **changes: Any) -> Round:
    """Make a round of reviews of a run."""
    values: dict[str, Any] = {
        "id": RoundId(name),
        "team": run.team,
        "run_id": run.id,
        "opened_by": ANN,
        "channel": "C1",
        "size": 2,
        "strategy": "mix",
        "graders": 2,
        "opened_at": NOON,
    }
    return Round(**{**values, **changes})


def make_review(round_: Round, output: Output, position: int = 1, **changes: Any) -> Review:
    """Make a review in a round; its id follows from round and position."""
    values: dict[str, Any] = {
        "id": ReviewId(f"{round_.id}-{position}"),
        "round_id": round_.id,
        "team": round_.team,
        "run_id": round_.run_id,
        "output_id": output.id,
        "position": position,
        "wanted": 2,
        "probability": 0.5,
        "opened_at": later(position),
    }
    return Review(**{**values, **changes})


def make_candidate(name: str = "candidate-1", **changes: Any) -> Candidate:
    """Make a candidate that waits."""
    values: dict[str, Any] = {
        "id": CandidateId(name),
        "team": TEAM,
        "suite": "capitals",
        "item": Item(ItemId("france-fb-x1"), {"question": "Capital of France?"}, reference="Paris"),
        "author": ANN,
        "author_name": "Ann",
        "created_at": NOON,
    }
    return Candidate(**{**values, **changes})


def make_suite(version: int = 1, **changes: Any) -> Suite:
    """Make a released suite of two items."""
    items = tuple(Item(ItemId(name), {"question": f"Capital of {name}?"}) for name in ("france", "spain"))
    values: dict[str, Any] = {"name": "capitals", "items": items, "version": version}
    return Suite(**{**values, **changes})


async def save_outputs(store: Store, run: Run, *given: Output) -> None:
    """Save a run with outputs."""

    async def work(tx: Transaction) -> None:
        await runs.add_run(tx, run)
        await outputs.add_outputs(tx, given)

    await store.write(work)


async def save_reviews(store: Store, round_: Round, *given: Review) -> None:
    """Save a round with reviews."""

    async def work(tx: Transaction) -> None:
        await reviews.add_round(tx, round_)
        await reviews.add_reviews(tx, given)

    await store.write(work)


async def save_human_grades(store: Store, *given: Grade) -> None:
    """Save people's grades one after the other."""
    for grade in given:
        await store.write(putting(grade))


def putting(grade: Grade) -> Callable[[Transaction], Any]:
    """Give the work that saves a person's grade."""
    return lambda tx: grades.put_human_grade(tx, grade)


def output_ids(given: list[Grade]) -> list[OutputId]:
    """Give which outputs grades are of."""
    return [grade.output_id for grade in given]
