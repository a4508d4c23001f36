"""Grades count once per grader, and people's earlier ones are kept."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from evalbot.grading.grades import Grade, Grader, GraderKind
from evalbot.runs.outputs import Output
from evalbot.store import grades
from evalbot.store.database import Store
from tests.integration.store.store_nouns import (
    ANN,
    BEN,
    OTHER_TEAM,
    TEAM,
    later,
    make_check_grade,
    make_failed_output,
    make_human_grade,
    make_judge_grade,
    make_output,
    make_run,
    output_ids,
    putting,
    save_human_grades,
    save_outputs,
)

RUN = make_run()
FRANCE, SPAIN = make_output(RUN, "france"), make_output(RUN, "spain")


async def add(store: Store, *given: Grade) -> None:
    """Save grades of checks and judges."""
    await store.record(lambda tx: grades.add_grades(tx, given))


async def of_output(store: Store, output: Output) -> list[Grade]:
    """Read all current grades of an output."""
    return await store.read(lambda tx: grades.grades_of_output(tx, output.id))


async def test_same_grader_grades_an_output_once(store: Store) -> None:
    """A check or judge that is run again changes nothing; another version of it is another grader."""
    await save_outputs(store, RUN, FRANCE)
    first = make_judge_grade(FRANCE, reason="Good.")
    newer = make_judge_grade(FRANCE, grader=Grader(GraderKind.JUDGE, "gpt-4.1", "cd34"))
    await add(store, first, make_check_grade(FRANCE))
    await add(store, replace(first, reason="Bad.", passed=False), newer, make_check_grade(FRANCE, criterion="short"))
    found = await of_output(store, FRANCE)
    assert {(g.grader, g.criterion, g.reason) for g in found} == {
        (first.grader, "helpful", "Good."),
        (newer.grader, "helpful", "It helps."),
        (Grader(GraderKind.CHECK, "equals", "1"), "correct", ""),
        (Grader(GraderKind.CHECK, "equals", "1"), "short", ""),
    }


async def test_second_grade_of_a_person_replaces_the_first(store: Store) -> None:
    """One grade of a person counts, the newest put; the earlier ones are kept in order."""
    await save_outputs(store, RUN, FRANCE)
    given = [make_human_grade(FRANCE, ANN, level, at=later(level), reason=f"{level}") for level in (2, 5, 1)]
    await save_human_grades(store, *given)
    assert await of_output(store, FRANCE) == [given[2]]
    assert await store.read(lambda tx: grades.former_grades(tx, FRANCE.id)) == given[:2]


async def test_people_and_criteria_are_apart(store: Store) -> None:
    """Two people, or one person on two criteria, give grades that all count."""
    await save_outputs(store, RUN, FRANCE)
    given = [
        make_human_grade(FRANCE, ANN),
        make_human_grade(FRANCE, BEN, at=later(1)),
        make_human_grade(FRANCE, ANN, criterion="funny", at=later(2)),
    ]
    await save_human_grades(store, *given)
    assert await of_output(store, FRANCE) == given


async def test_double_click_counts_once(store: Store) -> None:
    """The same grade put many times at once is one grade, and one that differs wins or is kept."""
    await save_outputs(store, RUN, FRANCE)
    grade = make_human_grade(FRANCE, ANN, 4)
    await asyncio.gather(*(store.write(putting(grade)) for _ in range(8)))
    assert await of_output(store, FRANCE) == [grade]


async def test_withdrawn_grade_is_gone_but_kept(store: Store) -> None:
    """A grade that is taken back counts no longer; taking it back again does nothing."""
    await save_outputs(store, RUN, FRANCE)
    mine, theirs = make_human_grade(FRANCE, ANN), make_human_grade(FRANCE, BEN)
    await save_human_grades(store, mine, theirs)
    assert await store.write(lambda tx: grades.withdraw_human_grade(tx, FRANCE.id, ANN, "helpful"))
    assert not await store.write(lambda tx: grades.withdraw_human_grade(tx, FRANCE.id, ANN, "helpful"))
    assert await of_output(store, FRANCE) == [theirs]
    assert await store.read(lambda tx: grades.former_grades(tx, FRANCE.id)) == [mine]


async def test_run_lists_its_grades_by_kind(store: Store) -> None:
    """A run gives all its grades or those of one kind of grader, and none of another run."""
    other = make_run(2)
    await save_outputs(store, RUN, FRANCE, SPAIN)
    await save_outputs(store, other, make_output(other))
    check, judge, human = make_check_grade(SPAIN), make_judge_grade(FRANCE), make_human_grade(FRANCE)
    await add(store, check, judge, make_judge_grade(make_output(other)))
    await save_human_grades(store, human, make_human_grade(make_output(other)))
    wanted = {
        None: {check, judge, human},
        GraderKind.CHECK: {check},
        GraderKind.JUDGE: {judge},
        GraderKind.HUMAN: {human},
    }
    for kind, expected in wanted.items():
        found = await store.read(lambda tx, kind=kind: grades.list_grades(tx, RUN.id, kind))  # type: ignore[misc]
        assert set(found) == expected
        assert len(found) == len(expected)


async def test_judged_outputs_are_counted_once(store: Store) -> None:
    """An output counts as judged once, with several judge grades as with an unreadable one; checks do not count."""
    failed = make_failed_output(RUN, "italy")
    await save_outputs(store, RUN, FRANCE, SPAIN, failed)
    unreadable = make_judge_grade(SPAIN, score=None, passed=None, level=None, error="No verdict.")
    await add(store, make_judge_grade(FRANCE), make_judge_grade(FRANCE, criterion="true"), unreadable)
    await add(store, make_check_grade(failed))
    assert await store.read(lambda tx: grades.count_judged(tx, RUN.id)) == 2


async def test_human_grades_of_a_period_are_the_workspaces_own(store: Store) -> None:
    """A week's grades are those from its start on and before its end, of this workspace, oldest first."""
    other = make_run(2, team=OTHER_TEAM)
    await save_outputs(store, RUN, FRANCE, SPAIN)
    await save_outputs(store, other, make_output(other))
    given = [(FRANCE, ANN, 5), (SPAIN, ANN, 0), (FRANCE, BEN, 10), (SPAIN, BEN, -1)]
    await save_human_grades(store, *(make_human_grade(output, who, at=later(at)) for output, who, at in given))
    await save_human_grades(store, make_human_grade(make_output(other), at=later(5)))
    found = await store.read(lambda tx: grades.human_grades_between(tx, TEAM, later(0), later(10)))
    assert output_ids(found) == [SPAIN.id, FRANCE.id]
