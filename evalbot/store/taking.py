"""Grades of people taken: how reviews stand is read, and what follows from it written, in one transaction nobody comes between.

On SQLite that is one visit to the thread of a connection, as a click is acknowledged only after its commit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, TypeVar

from sqlalchemy import Dialect

from evalbot.grading.grades import Grade
from evalbot.grading.reviews import Review, ReviewId
from evalbot.store.grades import ADD_HUMAN, KEEP_MINE, grade_mine, grade_values, put_human_grades
from evalbot.store.reviews import (
    CHANGE,
    STANDING_ONE,
    StandingReview,
    changed_values,
    find_standing,
    read_standing,
    update_reviews,
)
from evalbot.store.tables import HUMAN_GRADES, REVIEWS
from evalbot.store.transaction import Transaction, insert_or_change
from evalbot.store.visits import Prepared, Visits, prepare
from evalbot.store.writing import Writer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class GradeChanges:
    """What is to be written: first grades of a person, those that replace another one, and reviews that changed."""

    given: Sequence[Grade] = ()
    replaced: Sequence[Grade] = ()
    reviews: Sequence[Review] = ()


Standing = dict[ReviewId, StandingReview]
Decide = Callable[[Standing], tuple[T, GradeChanges]]
"""Says what is to be written, seeing how reviews stand. It only computes, in whatever thread, and may be asked again."""


class Taker(Protocol):
    """Takes grades of people. They are on disk when it returns."""

    async def take(self, review_ids: Sequence[ReviewId], decide: Decide[T]) -> T:
        """Write what is decided on how some reviews stand, and give what was made of it."""

    async def close(self) -> None:
        """Let go of the database."""


@dataclass(frozen=True, slots=True)
class WritingTaker:
    """Takes grades like any other work that is written."""

    writer: Writer

    async def take(self, review_ids: Sequence[ReviewId], decide: Decide[T]) -> T:
        """Write what is decided on how some reviews stand, and give what was made of it."""

        async def work(tx: Transaction) -> T:
            result, changes = decide(await find_standing(tx, review_ids))
            await write_changes(tx, changes)
            return result

        return await self.writer.run(work)

    async def close(self) -> None:
        """Hold nothing, close nothing."""


async def write_changes(tx: Transaction, changes: GradeChanges) -> None:
    """Write what was decided."""
    await put_human_grades(tx, changes.given, changes.replaced)
    await update_reviews(tx, changes.reviews)


@dataclass(frozen=True, slots=True)
class SqliteTaker:
    """Takes grades on a connection of its own, in one visit to its thread."""

    visits: Visits

    async def take(self, review_ids: Sequence[ReviewId], decide: Decide[T]) -> T:
        """Write what is decided on how some reviews stand, and give what was made of it."""
        said = _statements(self.visits.dialect)

        def work(db: sqlite3.Connection) -> T:
            result, changes = decide(_standing(db, said.standing, review_ids))
            _write(db, said, changes)
            return result

        return await self.visits.write(work)

    async def close(self) -> None:
        """Close the connection; what is being taken is taken before."""
        await self.visits.close()


@dataclass(frozen=True, slots=True)
class _Statements:
    """All that a grade may need, ready to be run."""

    standing: Prepared
    give: Prepared
    keep: Prepared
    put: Prepared
    change: Prepared


@lru_cache(maxsize=8)
def _statements(dialect: Dialect) -> _Statements:
    """Give the statements in the words of a database."""
    of_grade = [column.name for column in HUMAN_GRADES.c]
    return _Statements(
        standing=prepare(STANDING_ONE, dialect),
        give=prepare(ADD_HUMAN, dialect, of_grade),
        keep=prepare(KEEP_MINE, dialect),
        put=prepare(insert_or_change(dialect.name, HUMAN_GRADES), dialect, of_grade),
        change=prepare(CHANGE, dialect, [column.name for column in REVIEWS.c]),
    )


def _standing(db: sqlite3.Connection, said: Prepared, review_ids: Sequence[ReviewId]) -> Standing:
    """Give how some reviews stand."""
    rows = [said.read(row) for review_id in review_ids for row in db.execute(said.sql, said.values({"id": review_id}))]
    return read_standing(rows)


def _write(db: sqlite3.Connection, said: _Statements, changes: GradeChanges) -> None:
    """Write what was decided."""
    if changes.given:
        db.executemany(said.give.sql, [said.give.values(grade_values(grade)) for grade in changes.given])
    for grade in changes.replaced:
        _run(db, said.keep, grade_mine(grade))
        _run(db, said.put, grade_values(grade))
    for review in changes.reviews:
        _run(db, said.change, changed_values(review))


def _run(db: sqlite3.Connection, said: Prepared, row: Mapping[str, object]) -> None:
    """Run a statement that changes something."""
    db.execute(said.sql, said.values(row))
