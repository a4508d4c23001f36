"""Every noun comes back from the database exactly as it went in, whatever texts, times and numbers are in it."""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from enum import Enum
from itertools import count
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from evalbot.grading.grades import Grade, Grader, GraderKind
from evalbot.grading.reviews import Review, Round
from evalbot.people import Person
from evalbot.reporting.digests import Digest
from evalbot.reporting.posts import Post
from evalbot.reporting.schedules import Schedule
from evalbot.runs.outputs import Failure, Output
from evalbot.runs.runs import Run
from evalbot.store import candidates, digests, grades, outputs, people, posts, reviews, runs, schedules, suites
from evalbot.store.database import Store, Transaction
from evalbot.suites.candidates import Candidate
from evalbot.suites.graders import GraderSpec
from evalbot.suites.suites import Suite
from tests.integration.store.store_nouns import (
    NOON,
    TEAM,
    make_check_grade,
    make_output,
    make_round,
    make_run,
    save_outputs,
)

T = TypeVar("T")

HOSTILE = Path(__file__).parents[3] / ".." / "shared" / "hostile" / "outputs.jsonl"

ODD = [
    "\x00",
    "\ud800",
    "\udfff",
    "\ud83d\ude00",
    "\ufdd0",
    "\ufdd00000",
    "\ufffe",
    "\u202e",
    "😀",
    "a\r\n\tb",
    '"\\',
    "=1+1",
    "",
]
TEXTS = st.text(st.one_of(st.characters(), st.sampled_from("\x00\ud800\udfff\ufdd0")), max_size=12) | st.sampled_from(
    ODD
)
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXTS,
    bool: st.booleans(),
    int: st.integers(-(2**31), 2**31 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bytes: st.binary(max_size=20),
    date: st.dates(),
    time: st.times(),
    datetime: st.datetimes(timezones=st.just(UTC)),
    JsonValue: JSONS,
    type(None): st.none(),
}

check = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
fresh = count(1)


def any_of(kind: Any) -> st.SearchStrategy[Any]:
    """Give a strategy for every value that a part of a noun may have, read from its type."""
    kind = getattr(kind, "__supertype__", kind)
    if kind in PLAIN:
        return PLAIN[kind]
    origin, inside = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return st.one_of([any_of(one) for one in inside])
    if origin is tuple:
        if inside[0] is GraderSpec:  # graders may hold graders; their members are built without any of their own
            return st.lists(nouns(GraderSpec, graders=()), max_size=2).map(tuple)
        return st.lists(any_of(inside[0]), max_size=2).map(tuple)
    if origin is not None and issubclass(origin, Mapping):
        return st.dictionaries(any_of(inside[0]), any_of(inside[1]), max_size=2)
    if issubclass(kind, Enum):
        return st.sampled_from(list(kind))
    return nouns(kind)


def nouns(kind: type[T], **given_parts: Any) -> st.SearchStrategy[T]:
    """Give a strategy for nouns of a kind, with some parts as given."""
    hints = get_type_hints(kind)
    wanted = [part.name for part in dataclasses.fields(kind) if part.name not in given_parts]  # type: ignore[arg-type]
    parts = {name: any_of(hints[name]) for name in wanted}
    return st.builds(kind, **{**parts, **{name: st.just(value) for name, value in given_parts.items()}})


def renamed(noun: T, **parts: Any) -> T:
    """Give a noun under a name of its own, so that examples do not meet; the odd characters stay in it."""
    return dataclasses.replace(noun, **{name: f"{getattr(noun, name)}#{next(fresh)}" for name in parts})  # type: ignore[type-var]


async def saved(store: Store, *works: Callable[[Transaction], Any]) -> Any:
    """Do works in one write and give the result of the last, read in a later transaction."""

    async def work(tx: Transaction) -> None:
        for one in works[:-1]:
            await one(tx)

    await store.write(work)
    return await store.read(works[-1])


@check
@given(run=nouns(Run))
async def test_runs(store: Store, run: Run) -> None:
    """Runs keep every part."""
    run = renamed(run, id=1, team=1)
    assert await saved(store, lambda tx: runs.add_run(tx, run), lambda tx: runs.get_run(tx, run.id)) == run


@check
@given(output=nouns(Output))
async def test_outputs(store: Store, output: Output) -> None:
    """Outputs keep every part, also what no driver takes."""
    run = make_run(next(fresh))
    output = dataclasses.replace(renamed(output, id=1), run_id=run.id)
    found = await saved(
        store,
        lambda tx: runs.add_run(tx, run),
        lambda tx: outputs.add_outputs(tx, [output]),
        lambda tx: outputs.get_output(tx, output.id),
    )
    assert found == output


@check
@given(output=nouns(Output), grade=nouns(Grade))
async def test_rows_that_are_only_added(store: Store, output: Output, grade: Grade) -> None:
    """The short way for the results of a run keeps every part as well."""
    run = make_run(next(fresh))
    output = dataclasses.replace(renamed(output, id=1), run_id=run.id)
    grader = dataclasses.replace(grade.grader, kind=GraderKind.CHECK)
    grade = dataclasses.replace(grade, output_id=output.id, grader=grader)
    await store.write(lambda tx: runs.add_run(tx, run))
    await store.add(outputs.output_rows([output]), grades.grade_rows([grade]))
    assert await store.read(lambda tx: outputs.get_output(tx, output.id)) == output
    assert await store.read(lambda tx: grades.grades_of_output(tx, output.id)) == [grade]


@check
@given(grade=nouns(Grade))
async def test_grades(store: Store, grade: Grade) -> None:
    """Grades of checks, judges and people keep every part."""
    run = make_run(next(fresh))
    output = make_output(run)
    grade = dataclasses.replace(grade, output_id=output.id)
    human = grade.grader.kind is GraderKind.HUMAN
    found = await saved(
        store,
        lambda tx: runs.add_run(tx, run),
        lambda tx: outputs.add_outputs(tx, [output]),
        lambda tx: grades.put_human_grade(tx, grade) if human else grades.add_grades(tx, [grade]),
        lambda tx: grades.grades_of_output(tx, output.id),
    )
    assert found == [grade]


@check
@given(round_=nouns(Round), review=nouns(Review))
async def test_reviews(store: Store, round_: Round, review: Review) -> None:
    """Rounds and reviews keep every part."""
    run = make_run(next(fresh))
    output = make_output(run)
    round_ = dataclasses.replace(renamed(round_, id=1), run_id=run.id)
    review = dataclasses.replace(renamed(review, id=1), round_id=round_.id, run_id=run.id, output_id=output.id)
    await save_outputs(store, run, output)
    works = (lambda tx: reviews.add_round(tx, round_), lambda tx: reviews.add_reviews(tx, [review]))
    assert await saved(store, *works, lambda tx: reviews.get_review(tx, review.id)) == review
    assert await store.read(lambda tx: reviews.get_round(tx, round_.id)) == round_


@check
@given(candidate=nouns(Candidate))
async def test_candidates(store: Store, candidate: Candidate) -> None:
    """Candidates keep every part, with the whole item."""
    candidate = renamed(candidate, id=1)
    found = await saved(
        store,
        lambda tx: candidates.add_candidate(tx, candidate),
        lambda tx: candidates.get_candidate(tx, candidate.team, candidate.id),
    )
    assert found == candidate


@check
@given(schedule=nouns(Schedule))
async def test_schedules(store: Store, schedule: Schedule) -> None:
    """Schedules keep every part."""
    schedule = renamed(schedule, id=1, channel=1)
    found = await saved(
        store,
        lambda tx: schedules.put_schedule(tx, schedule),
        lambda tx: schedules.find_schedule(tx, schedule.team, schedule.channel),
    )
    assert found == schedule


@check
@given(suite=nouns(Suite))
async def test_suites(store: Store, suite: Suite) -> None:
    """Suite versions keep every part, items, prompts and rubrics included."""
    suite = renamed(suite, name=1)
    found = await saved(
        store,
        lambda tx: suites.add_suite(tx, TEAM, suite, NOON, suite.owner, "note"),  # type: ignore[arg-type]
        lambda tx: suites.find_suite(tx, TEAM, suite.name),
    )
    assert found == suite


@check
@given(digest=nouns(Digest))
async def test_digests(store: Store, digest: Digest) -> None:
    """Digests keep every number and sentence."""
    digest = renamed(digest, id=1, slot=1)
    found = await saved(store, lambda tx: digests.add_digest(tx, digest), lambda tx: digests.get_digest(tx, digest.id))
    assert found == digest


@check
@given(person=nouns(Person), key=TEXTS, value=TEXTS)
async def test_people(store: Store, person: Person, key: str, value: str) -> None:
    """People and what they chose are kept."""
    person = renamed(person, id=1)
    found = await saved(
        store,
        lambda tx: people.put_person(tx, person),
        lambda tx: people.put_preference(tx, person.team, person.id, key, value),
        lambda tx: people.find_person(tx, person.team, person.id),
    )
    assert found == person
    assert await store.read(lambda tx: people.get_preference(tx, person.team, person.id, key)) == value


@check
@given(post=nouns(Post))
async def test_posts(store: Store, post: Post) -> None:
    """Posts keep their payload and picture."""
    post = renamed(post, key=1)
    found = await saved(store, lambda tx: posts.put_post(tx, post, NOON), lambda tx: posts.find_delivery(tx, post.key))
    assert found.post == post


async def test_hostile_outputs_are_kept_to_the_letter(store: Store) -> None:
    """Every practice text that models are known to send comes back unchanged."""
    if not HOSTILE.exists():
        pytest.skip("HOSTILE TEXTS NOT TESTED: the folder with them is not here")
    texts = [text for line in HOSTILE.read_text().splitlines() for text in texts_in(json.loads(line))]
    assert len(texts) > 20
    run = make_run(1)
    given_outputs = [make_output(run, f"item-{n}", text=text) for n, text in enumerate(texts)]
    broken = make_output(run, "broken", text=None, failure=Failure("bad_reply", "".join(texts)))
    await save_outputs(store, run, *given_outputs, broken)
    found = await store.read(lambda tx: outputs.list_outputs(tx, run.id))
    assert {output.unit.item_id: output for output in found} == {o.unit.item_id: o for o in (*given_outputs, broken)}


def texts_in(value: object) -> list[str]:
    """Give every text in a JSON value."""
    if isinstance(value, str):
        return [value]
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inside for text in texts_in(one)]


async def test_times_come_back_in_utc(store: Store) -> None:
    """A time of any zone comes back as the same moment, aware, in UTC; a time without a zone is refused."""
    run = make_run(1, created_at=datetime.fromisoformat("2026-03-29T01:30:00.000001+05:45"))
    found = await saved(store, lambda tx: runs.add_run(tx, run), lambda tx: runs.get_run(tx, run.id))
    assert found == run
    assert found.created_at.utcoffset().total_seconds() == 0
    naive = make_run(2, created_at=NOON.replace(tzinfo=None))
    with pytest.raises(Exception, match="timezone"):
        await store.write(lambda tx: runs.add_run(tx, naive))


async def test_absurd_token_counts_are_kept_in_bounds(store: Store) -> None:
    """A provider that claims more tokens than a database can count to does not stop the run."""
    run = make_run(1)
    output = make_output(run)
    absurd = dataclasses.replace(output, usage=dataclasses.replace(output.usage, input_tokens=10**30))
    await save_outputs(store, run, absurd)
    found = await store.read(lambda tx: outputs.get_output(tx, output.id))
    assert found.usage.input_tokens == 2**63 - 1


async def test_unused_parts_have_a_meaning(store: Store) -> None:
    """An empty answer, no answer, a zero and an unknown number stay four different things."""
    run = make_run(1)
    empty = make_output(run, "empty", text="")
    grade = make_check_grade(empty, score=0.0, passed=None, grader=Grader(GraderKind.CHECK, "numeric"))
    await save_outputs(store, run, empty)
    found = await saved(
        store, lambda tx: grades.add_grades(tx, [grade]), lambda tx: grades.grades_of_output(tx, empty.id)
    )
    assert (found[0].score, found[0].passed) == (0.0, None)
    assert (await store.read(lambda tx: outputs.get_output(tx, empty.id))).text == ""
    assert make_round(run).id
