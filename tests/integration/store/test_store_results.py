"""Results read for numbers: every output once with all its automatic grades, whatever the pages, and only what is needed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from evalbot.reporting.score_folding import ResultRow
from evalbot.runs.outputs import Output
from evalbot.store import grades, results, reviews
from evalbot.store.database import Store
from evalbot.store.transaction import Transaction
from evalbot.suites.items import ItemId
from tests.integration.store.store_nouns import (
    NOON,
    TEAM,
    later,
    make_check_grade,
    make_failed_output,
    make_human_grade,
    make_judge_grade,
    make_output,
    make_review,
    make_round,
    make_run,
    save_human_grades,
    save_outputs,
    save_reviews,
)

RUN = make_run()
LABEL = RUN.targets[0].label


def row_of(output: Output, kind: str | None = None) -> ResultRow:
    """Give the row of an output with the usual grade of a kind, or without one."""
    unit, cost = output.unit, output.usage.cost_usd
    first = (output.id, unit.target, unit.item_id, unit.repeat, output.answered, cost)
    match kind:
        case "check":
            return (*first, "check", "correct", 1.0, True, 1.0)
        case "judge":
            return (*first, "judge", "helpful", 0.75, True, 1.0)
    return (*first, None, None, None, None, None)


async def read_pages(tx: Transaction) -> list[Sequence[ResultRow]]:
    """Give the pages of the run."""
    return [[tuple(row) for row in page] async for page in results.stream_results(tx, RUN.id)]  # type: ignore[misc]


@pytest.mark.parametrize("at_once", [1, 2, 1_000])
async def test_every_output_comes_once_with_its_grades(
    store: Store, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Errors and ungraded answers come too, people's grades do not; no output's rows are spread over two pages."""
    monkeypatch.setattr(results, "_AT_ONCE", at_once)
    answers = [make_output(RUN, item, repeat) for item in ("a", "b\ud800", "ü") for repeat in range(2)]
    failed = make_failed_output(RUN, "c")
    await save_outputs(store, RUN, *answers, failed)
    await save_outputs(store, make_run(2), make_output(make_run(2), "a"))
    both, checked = answers[0], answers[3]
    given = [make_judge_grade(both), make_check_grade(both), make_check_grade(checked)]
    await store.record(lambda tx: grades.add_grades(tx, given))
    await save_human_grades(store, make_human_grade(checked))
    pages = await store.read(read_pages)
    ids = [{row[0] for row in page} for page in pages]
    assert sum(len(page) for page in ids) == len(set().union(*ids)) == len(answers) + 1
    assert max(len(page) for page in ids) <= at_once
    found = [row for page in pages for row in page]
    places = [(row[1], row[3]) for row in found if row[2] == "a"]
    assert places == sorted(places)
    silent = [one for one in answers if one not in (both, checked)]
    expected = [row_of(both, "check"), row_of(both, "judge"), row_of(checked, "check"), *map(row_of, [*silent, failed])]
    assert sorted(found, key=repr) == sorted(expected, key=repr)


async def test_answers_come_with_their_items_and_may_be_left_early(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Errors say nothing; every answer comes once however the pages lie, and nobody must read on."""
    monkeypatch.setattr(results, "_FIRST_ANSWERS", 2)
    monkeypatch.setattr(results, "_AT_ONCE", 3)
    answers = [make_output(RUN, f"i{n}", text=f"text {n}") for n in range(9)]
    await save_outputs(store, RUN, *answers, make_failed_output(RUN, "zz"))

    async def read(tx: Transaction) -> list[tuple[ItemId, str]]:
        return [one async for one in results.stream_answers(tx, RUN.id, LABEL)]

    assert await store.read(read) == [(one.unit.item_id, one.text) for one in answers]

    async def first(tx: Transaction) -> str:
        async for _, text in results.stream_answers(tx, RUN.id, LABEL):
            return text
        return ""

    assert await store.read(first) == "text 0"


async def test_the_newest_output_tells_when_a_run_got_so_far(store: Store) -> None:
    """A run without outputs has no such moment."""
    assert await store.read(lambda tx: results.newest_output_at(tx, RUN.id)) is None
    await save_outputs(store, RUN, make_output(RUN, "a", at=later(3)), make_output(RUN, "b", at=NOON))
    assert await store.read(lambda tx: results.newest_output_at(tx, RUN.id)) == later(3)


async def test_drawn_outputs_are_those_with_a_chance(store: Store) -> None:
    """What was picked by hand is left out; a round without a channel was shown to nobody."""
    outputs = [make_output(RUN, f"i{n}") for n in range(4)]
    await save_outputs(store, RUN, *outputs)
    shown, hidden = make_round(RUN, "r1"), make_round(RUN, "r0", channel="", opened_at=later(1))
    chances = (0.5, 0.0, 0.25)
    drawn = [make_review(shown, outputs[n], n, probability=chance) for n, chance in enumerate(chances)]
    await save_reviews(store, shown, *drawn)
    await store.write(lambda tx: reviews.add_round(tx, hidden))
    await store.write(lambda tx: reviews.add_reviews(tx, [make_review(hidden, outputs[3], 1, probability=1.0)]))
    found = await store.read(lambda tx: reviews.drawn_outputs(tx, RUN.id))
    expected = [(outputs[0].id, 0.5, True), (outputs[2].id, 0.25, True), (outputs[3].id, 1.0, False)]
    assert [(one.output_id, one.chance, one.shown) for one in found] == expected


async def test_items_that_people_graded_are_found_over_all_runs_of_a_suite(store: Store) -> None:
    """Each once, of this suite and workspace alone."""
    second, other = make_run(2), make_run(3, suite="other")
    graded = [make_output(RUN, "a"), make_output(second, "a"), make_output(second, "b"), make_output(other, "c")]
    for run in (RUN, second, other):
        mine = [one for one in graded if one.run_id == run.id]
        await save_outputs(store, run, *mine, make_output(run, "plain"))
    await save_human_grades(store, *(make_human_grade(one) for one in graded))
    found = await store.read(lambda tx: grades.graded_items_of_suite(tx, TEAM, RUN.suite))
    assert sorted(found) == ["a", "b"]
