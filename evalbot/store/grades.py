"""Grades in the database: those of checks and judges, and those of people with what they replaced."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, delete, func, select

from evalbot.grading.grades import Grade, Grader, GraderKind, Purpose
from evalbot.people import PersonId, TeamId
from evalbot.runs.outputs import OutputId, RunId
from evalbot.store.tables import FORMER_GRADES, GRADES, HUMAN_GRADES, OUTPUTS, RUNS
from evalbot.store.transaction import Addition, Transaction
from evalbot.suites.items import ItemId

_KEPT = tuple(column.name for column in HUMAN_GRADES.c)
_BY_KEY = GRADES.primary_key.columns
_BY_AGE = (HUMAN_GRADES.c.at, *HUMAN_GRADES.primary_key.columns)

_MACHINE_OF_OUTPUT = select(GRADES).where(GRADES.c.output_id == bindparam("output_id")).order_by(*_BY_KEY)
_HUMAN_OF_OUTPUT = select(HUMAN_GRADES).where(HUMAN_GRADES.c.output_id == bindparam("output_id")).order_by(*_BY_AGE)

_MINE = (
    HUMAN_GRADES.c.output_id == bindparam("graded"),
    HUMAN_GRADES.c.grader == bindparam("person"),
    HUMAN_GRADES.c.criterion == bindparam("asked"),
)
KEEP_MINE = FORMER_GRADES.insert().from_select(_KEPT, select(HUMAN_GRADES).where(*_MINE))
ADD_HUMAN = HUMAN_GRADES.insert()
_DROP_MINE = delete(HUMAN_GRADES).where(*_MINE)

_AT_ONCE = 500


async def add_grades(tx: Transaction, grades: Sequence[Grade]) -> None:
    """Add grades of checks and judges; those the output has already from the same grader and version are left out."""
    await tx.add_all(GRADES, grade_rows(grades).rows)


def grade_rows(grades: Sequence[Grade]) -> Addition:
    """Give what adds grades of checks and judges, for `Store.add`."""
    return Addition(GRADES, [{"kind": grade.grader.kind, **grade_values(grade)} for grade in grades])


async def put_human_grade(tx: Transaction, grade: Grade) -> None:
    """Save a person's grade; the one it replaces is kept among the former ones."""
    values = grade_values(grade)
    if not await tx.add_once(HUMAN_GRADES, values):
        await tx.execute(KEEP_MINE, grade_mine(grade))
        await tx.put(HUMAN_GRADES, values)


async def put_human_grades(tx: Transaction, given: Sequence[Grade], replaced: Sequence[Grade]) -> None:
    """Save grades of people: those that are the first of their person, and those that replace another one, which is kept."""
    if given:
        await tx.execute(ADD_HUMAN, [grade_values(grade) for grade in given])
    for grade in replaced:
        await put_human_grade(tx, grade)


async def withdraw_human_grade(tx: Transaction, output_id: OutputId, person: PersonId, criterion: str) -> bool:
    """Take a person's grade back, keeping it among the former ones; tell whether there was one."""
    mine = _mine(output_id, person, criterion)
    await tx.execute(KEEP_MINE, mine)
    return (await tx.execute(_DROP_MINE, mine)).rowcount == 1


async def list_grades(tx: Transaction, run_id: RunId, kind: GraderKind | None = None) -> list[Grade]:
    """Give the grades of a run's outputs, of one kind of grader or of all, people's last and oldest first."""
    grades: list[Grade] = []
    if kind is not GraderKind.HUMAN:
        machine = select(GRADES).join(OUTPUTS, OUTPUTS.c.id == GRADES.c.output_id).where(OUTPUTS.c.run_id == run_id)
        grades += await _machine_grades(tx, machine if kind is None else machine.where(GRADES.c.kind == kind))
    if kind in (None, GraderKind.HUMAN):
        human = select(HUMAN_GRADES).join(OUTPUTS, OUTPUTS.c.id == HUMAN_GRADES.c.output_id)
        grades += await _human_grades(tx, human.where(OUTPUTS.c.run_id == run_id))
    return grades


async def grades_of_output(tx: Transaction, output_id: OutputId) -> list[Grade]:
    """Give all current grades of an output, people's last and oldest first."""
    machine = await tx.execute(_MACHINE_OF_OUTPUT, {"output_id": output_id})
    grades = [_grade(row, GraderKind(row.kind)) for row in machine]
    human = await tx.execute(_HUMAN_OF_OUTPUT, {"output_id": output_id})
    return grades + [_grade(row, GraderKind.HUMAN) for row in human]


async def graders_of(tx: Transaction, output_ids: Sequence[OutputId]) -> list[PersonId]:
    """Give who graded any of some outputs, in the order of their first grades there."""
    wanted = select(HUMAN_GRADES.c.grader).where(HUMAN_GRADES.c.output_id.in_(output_ids))
    ordered = wanted.group_by(HUMAN_GRADES.c.grader).order_by(func.min(HUMAN_GRADES.c.at), HUMAN_GRADES.c.grader)
    return [PersonId(grader) for grader in (await tx.execute(ordered)).scalars()]


async def former_grades(tx: Transaction, output_id: OutputId) -> list[Grade]:
    """Give the human grades of an output that were replaced or withdrawn, in that order."""
    wanted = select(FORMER_GRADES).where(FORMER_GRADES.c.output_id == output_id).order_by(FORMER_GRADES.c.id)
    return [_grade(row, GraderKind.HUMAN) for row in await tx.execute(wanted)]


async def count_judged(tx: Transaction, run_id: RunId) -> int:
    """Count the outputs of a run that a judge has graded, readably or not."""
    judged = select(GRADES.c.output_id).where(GRADES.c.output_id == OUTPUTS.c.id, GRADES.c.kind == GraderKind.JUDGE)
    wanted = select(func.count()).select_from(OUTPUTS).where(OUTPUTS.c.run_id == run_id, judged.exists())
    count: int = (await tx.execute(wanted)).scalar_one()
    return count


async def human_grades_between(tx: Transaction, team: TeamId, start: datetime, end: datetime) -> list[Grade]:
    """Give the current grades that a workspace's people gave from `start` on and before `end`, oldest first."""
    # As a condition, not a join: the database must start from the period, never from all runs of the workspace.
    ours = select(RUNS.c.id).join(OUTPUTS, OUTPUTS.c.run_id == RUNS.c.id)
    ours = ours.where(OUTPUTS.c.id == HUMAN_GRADES.c.output_id, RUNS.c.team == team)
    period = (HUMAN_GRADES.c.at >= start) & (HUMAN_GRADES.c.at < end)
    return await _human_grades(tx, select(HUMAN_GRADES).where(period, ours.exists()))


async def human_grades_of_suite(tx: Transaction, team: TeamId, suite: str) -> list[Grade]:
    """Give the current grades of people on outputs of every run of a suite, oldest first."""
    # As a condition, not a join: people grade few outputs of all that the runs of a suite have.
    ours = select(RUNS.c.id).join(OUTPUTS, OUTPUTS.c.run_id == RUNS.c.id)
    ours = ours.where(OUTPUTS.c.id == HUMAN_GRADES.c.output_id, RUNS.c.team == team, RUNS.c.suite == suite)
    return await _human_grades(tx, select(HUMAN_GRADES).where(ours.exists()))


async def graded_items_of_suite(tx: Transaction, team: TeamId, suite: str) -> list[ItemId]:
    """Give the items of which people graded an output in any run of a suite."""
    both = HUMAN_GRADES.join(OUTPUTS, OUTPUTS.c.id == HUMAN_GRADES.c.output_id).join(
        RUNS, RUNS.c.id == OUTPUTS.c.run_id
    )
    wanted = select(OUTPUTS.c.item_id).select_from(both).where(RUNS.c.team == team, RUNS.c.suite == suite).distinct()
    return [ItemId(item_id) for item_id in (await tx.execute(wanted)).scalars()]


async def judge_grades_of(tx: Transaction, output_ids: Sequence[OutputId]) -> list[Grade]:
    """Give the judges' grades of some outputs, of all versions."""
    found: list[Grade] = []
    for start in range(0, len(output_ids), _AT_ONCE):
        some = GRADES.c.output_id.in_(output_ids[start : start + _AT_ONCE])
        found += await _machine_grades(tx, select(GRADES).where(some, GRADES.c.kind == GraderKind.JUDGE))
    return found


def grade_mine(grade: Grade) -> dict[str, str]:
    """Name the current grade of the person who gives this one."""
    return _mine(grade.output_id, grade.grader.id, grade.criterion)


def _mine(output_id: OutputId, person: str, criterion: str) -> dict[str, str]:
    """Name the current grade of a person."""
    return {"graded": output_id, "person": person, "asked": criterion}


async def _machine_grades(tx: Transaction, wanted: Select[Any]) -> list[Grade]:
    """Give the grades of checks and judges of a query, in a stable order."""
    return [_grade(row, GraderKind(row.kind)) for row in await tx.execute(wanted.order_by(*_BY_KEY))]


async def _human_grades(tx: Transaction, wanted: Select[Any]) -> list[Grade]:
    """Give the human grades of a query, oldest first."""
    return [_grade(row, GraderKind.HUMAN) for row in await tx.execute(wanted.order_by(*_BY_AGE))]


def grade_values(grade: Grade) -> dict[str, Any]:
    """Give the row of a grade, without the kind of its grader."""
    return {
        "output_id": grade.output_id,
        "grader": grade.grader.id,
        "criterion": grade.criterion,
        "version": grade.grader.version,
        "at": grade.at,
        "score": grade.score,
        "passed": grade.passed,
        "level": grade.level,
        "reason": grade.reason,
        "error": grade.error,
        "abstained": grade.abstained,
        "blind": grade.blind,
        "weight": grade.weight,
        "purpose": grade.purpose,
    }


def _grade(row: Row[Any], kind: GraderKind) -> Grade:
    """Give the grade of a row."""
    return Grade(
        output_id=OutputId(row.output_id),
        criterion=row.criterion,
        grader=Grader(kind, row.grader, row.version),
        at=row.at,
        score=row.score,
        passed=row.passed,
        level=row.level,
        reason=row.reason,
        error=row.error,
        abstained=row.abstained,
        blind=row.blind,
        weight=row.weight,
        purpose=Purpose(row.purpose),
    )
