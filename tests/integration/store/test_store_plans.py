"""No question reads a whole table: what it costs does not grow with what is old."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import pytest
from sqlalchemy import event

from evalbot.reporting.schedules import ScheduleId
from evalbot.runs.outputs import OutputId
from evalbot.store import (
    candidates,
    deliveries,
    digests,
    grades,
    outputs,
    people,
    posts,
    results,
    reviews,
    runs,
    schedules,
    suites,
)
from evalbot.store.database import Store, Transaction
from evalbot.suites.candidates import CandidateStatus
from evalbot.suites.items import ItemId
from tests.integration.store.store_nouns import (
    ANN,
    NOON,
    TEAM,
    later,
    make_candidate,
    make_output,
    make_review,
    make_round,
    make_run,
    make_suite,
)

RUN = make_run()
OUTPUT = make_output(RUN)
ROUND = make_round(RUN)
REVIEW = make_review(ROUND, OUTPUT)

T = TypeVar("T")
Work = Callable[[Transaction], Awaitable[object]]


async def _all(found: AsyncIterator[T]) -> list[T]:
    """Read a stream to its end."""
    return [one async for one in found]


QUESTIONS: dict[str, Work] = {
    "newest suite": lambda tx: suites.find_suite(tx, TEAM, "a"),
    "suites": lambda tx: suites.list_suites(tx, TEAM),
    "run by number": lambda tx: runs.find_run(tx, TEAM, 1),
    "next number": lambda tx: runs.next_run_number(tx, TEAM),
    "runs": lambda tx: runs.list_runs(tx, TEAM),
    "runs of a suite": lambda tx: runs.list_runs(tx, TEAM, suite="a"),
    "open runs": runs.open_runs,
    "runs of a week": lambda tx: runs.runs_between(tx, TEAM, NOON, later(1)),
    "done of a shard": lambda tx: outputs.find_done(tx, [OUTPUT.id, OutputId("other")]),
    "unjudged of a shard": lambda tx: outputs.find_unjudged(tx, [OUTPUT.id, OutputId("other")]),
    "items of a shard": lambda tx: suites.items_named(tx, TEAM, make_suite(), [ItemId("a"), ItemId("b")]),
    "items with graders": lambda tx: _all(suites.items_with_graders(tx, TEAM, make_suite())),
    "items in pages": lambda tx: _all(suites.item_pages(tx, TEAM, make_suite())),
    "runs before": lambda tx: runs.runs_before(tx, RUN),
    "results": lambda tx: _all(results.stream_results(tx, RUN.id)),
    "answers": lambda tx: _all(results.stream_answers(tx, RUN.id, "a")),
    "newest output": lambda tx: results.newest_output_at(tx, RUN.id),
    "drawn outputs": lambda tx: reviews.drawn_outputs(tx, RUN.id),
    "counts": lambda tx: outputs.count_outputs(tx, RUN.id),
    "outputs": lambda tx: outputs.list_outputs(tx, RUN.id),
    "failures": lambda tx: outputs.list_failures(tx, RUN.id, 1),
    "grades of a run": lambda tx: grades.list_grades(tx, RUN.id),
    "grades of an output": lambda tx: grades.grades_of_output(tx, OUTPUT.id),
    "former grades": lambda tx: grades.former_grades(tx, OUTPUT.id),
    "judged": lambda tx: grades.count_judged(tx, RUN.id),
    "human grades of a week": lambda tx: grades.human_grades_between(tx, TEAM, NOON, later(1)),
    "rounds": lambda tx: reviews.rounds_of_run(tx, RUN.id),
    "reviews of a round": lambda tx: reviews.list_reviews(tx, ROUND.id),
    "queue": lambda tx: reviews.open_reviews(tx, TEAM),
    "reviews of a week": lambda tx: reviews.reviews_between(tx, TEAM, NOON, later(1)),
    "reviewed outputs": lambda tx: reviews.reviewed_outputs(tx, RUN.id),
    "review of an output": lambda tx: reviews.find_review_of_output(tx, OUTPUT.id),
    "candidates": lambda tx: candidates.list_candidates(tx, TEAM, status=CandidateStatus.DRAFT),
    "my candidates": lambda tx: candidates.list_candidates(tx, TEAM, author=ANN),
    "schedule": lambda tx: schedules.find_schedule(tx, TEAM, "C1"),
    "digest": lambda tx: digests.find_digest(tx, TEAM, "C1", "2026-11-23"),
    "digests": lambda tx: digests.list_digests(tx, TEAM, 5),
    "people": lambda tx: people.list_people(tx, TEAM),
    "due posts": lambda tx: posts.due_deliveries(tx, NOON),
    "post of a message": lambda tx: posts.find_post_at(tx, "C1", "1.1"),
    "unposted": posts.unposted,
}
CHANGES: dict[str, Work] = {
    "human grade": lambda tx: grades.withdraw_human_grade(tx, OUTPUT.id, ANN, "helpful"),
    "candidate": lambda tx: candidates.decide_candidate(tx, make_candidate()),
    "posted": lambda tx: posts.mark_posted(tx, "run:1", 1, "C1", "1.1"),
    "old deliveries": lambda tx: deliveries.forget_deliveries(tx, NOON),
    "slot": lambda tx: schedules.finish_slot(tx, ScheduleId("s"), "2026-11-23", "posted"),
}


ALLOWED = ("SCAN some",)
"""A page of outputs that was read by a key already."""


@pytest.mark.parametrize("name", [*QUESTIONS, *CHANGES])
async def test_statement_uses_an_index(sqlite_store: Store, name: str) -> None:
    """Every step of every statement looks rows up by a key instead of reading a table from one end to the other."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if not statement.startswith("BEGIN"):
            asked.append((statement, parameters))

    engine = (sqlite_store.reader if name in QUESTIONS else sqlite_store.writer.engine).sync_engine
    event.listen(engine, "before_cursor_execute", note)
    await (sqlite_store.read(QUESTIONS[name]) if name in QUESTIONS else sqlite_store.write(CHANGES[name]))
    event.remove(engine, "before_cursor_execute", note)

    async def explain(tx: Transaction) -> list[str]:
        plans = [await tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", given) for query, given in asked]
        return [step.detail for plan in plans for step in plan]

    steps = await sqlite_store.read(explain)
    assert steps
    assert name != "human grades of a week" or "ix_human_grades_at" in steps[0]
    assert [step for step in steps if step.startswith("SCAN") and step not in ALLOWED and "newest" not in step] == []
