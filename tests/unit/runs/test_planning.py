"""Planning: what is still to be asked, and which items a limited run asks."""

import random
from collections import Counter
from collections.abc import Sequence
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.runs.outputs import OutputId, RunId, Unit, output_id
from evalbot.runs.planning import (
    SHARD_UNITS,
    ShardStart,
    choose_items,
    missing_units,
    plan_shard,
    plan_units,
    shard_count,
    shard_units,
)
from evalbot.runs.runs import Run
from evalbot.suites.items import Item, ItemId
from evalbot.suites.targets import short_target
from tests.factories import MAIN, make_failed_output, make_item, make_output, make_run

TARGETS = (MAIN, short_target("openai:other"), short_target("echo"))
RUNS = st.builds(
    lambda targets, items, repeats: make_run(
        targets=TARGETS[:targets], item_ids=tuple(ItemId(f"i{n}") for n in range(items)), repeats=repeats
    ),
    st.integers(1, 3),
    st.integers(0, 6),
    st.integers(1, 4),
)
SKILLS = st.lists(st.sampled_from(["tone", "refunds", "sums", None]), min_size=1, max_size=40)
NAMES = st.text(max_size=4)


def items_with(skills: Sequence[str | None]) -> list[Item]:
    """Give one item for each skill named."""
    return [make_item(f"item-{place}", skill=skill) for place, skill in enumerate(skills)]


@given(RUNS)
def test_plan_holds_every_unit_once(run: Run) -> None:
    """A plan has exactly the run's size, without repetitions."""
    units = list(plan_units(run))
    assert len(units) == len(set(units)) == run.size


BIG = st.builds(
    lambda targets, items, repeats: make_run(
        targets=TARGETS[:targets], item_ids=tuple(ItemId(f"i{n}") for n in range(items)), repeats=repeats
    ),
    st.integers(1, 3),
    st.integers(0, 2 * SHARD_UNITS + 1),
    st.integers(1, 3),
)


@given(BIG)
def test_shards_are_the_plan_cut_into_pieces(run: Run) -> None:
    """One after the other the shards give the plan; all but the last are full, and there is none beyond it."""
    shards = [list(plan_shard(run, k)) for k in range(shard_count(run))]
    assert [unit for shard in shards for unit in shard] == list(plan_units(run))
    assert all(len(shard) == shard_units(run) <= SHARD_UNITS for shard in shards[:-1])
    assert all(shards), "no shard is empty"
    assert list(plan_shard(run, shard_count(run))) == []


@pytest.mark.parametrize(
    ("items", "concurrency", "shards"),
    [(50, 8, 1), (60, 8, 2), (400, 8, 4), (1_999, 8, 4), (5_000, 8, 10), (400, 1, 1)],
)
def test_a_run_is_cut_for_several_workers(items: int, concurrency: int, shards: int) -> None:
    """Four workers have something to do in all but the smallest runs; one that asks one thing at a time stays whole."""
    run = make_run(
        targets=(MAIN,), item_ids=tuple(ItemId(f"i{n}") for n in range(items)), repeats=1, concurrency=concurrency
    )
    assert shard_count(run) == shards


def test_a_unit_that_a_program_dies_at_is_tried_alone_and_then_given_up() -> None:
    """A death without progress is suspicious; a unit tried alone is given up after three tries; another one starts anew."""
    first, second = OutputId("one"), OutputId("two")
    start = ShardStart(first)
    assert start.is_suspicious(first)
    assert not start.is_suspicious(second), "it got further"
    alone = [start.alone(first)]
    for _ in range(2):
        alone.append(alone[-1].alone(first))
    assert [(one.tries, one.hopeless) for one in alone] == [(2, False), (3, False), (4, True)]
    assert alone[0].is_suspicious(second), "a death while one is tried alone is that one's"
    assert alone[1].alone(second) == start.alone(second) == ShardStart(second, 2)


def test_plan_asks_targets_side_by_side_and_repeats_last() -> None:
    """After half of a run every target has answered the same items, and each item once before any twice."""
    run = make_run(targets=TARGETS[:2], repeats=2)
    labels = [(unit.target, unit.item_id, unit.repeat) for unit in islice(plan_units(run), 7)]
    assert labels[:3] == [("main", "item-1", 0), ("other", "item-1", 0), ("main", "item-2", 0)]
    assert labels[6] == ("main", "item-1", 1)


@given(RUNS, st.data())
def test_resuming_asks_what_is_missing_whatever_came_first(run: Run, data: st.DataObject) -> None:
    """What is left is the plan without what is done, in the plan's order, however the done ones came and are kept."""
    plan = list(plan_units(run))
    done = data.draw(st.lists(st.sampled_from(plan), unique=True)) if plan else []
    left = missing_units(run, done)
    assert left == [unit for unit in plan if unit not in done]
    assert left == missing_units(run, set(done)) == missing_units(run, [*reversed(done), *done])
    assert missing_units(run, [*done, *left]) == []


def test_failed_outputs_are_not_asked_again_and_strangers_change_nothing() -> None:
    """An error is an output like others; outputs of units that the run does not have are ignored."""
    failed, stranger = make_failed_output("item-2"), make_output("elsewhere")
    left = missing_units(make_run(), [failed.unit, stranger.unit])
    assert [unit.item_id for unit in left] == ["item-1", "item-3"]


@given(SKILLS, st.integers(1, 40), st.integers(0, 99))
def test_limited_run_keeps_each_skills_share(skills: list[str | None], limit: int, seed: int) -> None:
    """A chosen part has the wanted size, is in suite order, and each skill has its share of it up to one item."""
    items = items_with(skills)
    chosen = choose_items(items, limit, seed)
    wanted = min(limit, len(items))
    assert len(chosen) == len(set(chosen)) == wanted
    assert list(chosen) == [item.id for item in items if item.id in chosen]
    taken = Counter(item.skill for item in items if item.id in chosen)
    for skill, size in Counter(skills).items():
        assert abs(taken[skill] - wanted * size / len(items)) <= 1.5
    assert chosen == choose_items(items, limit, seed)


def test_larger_limit_keeps_the_items_of_the_smaller() -> None:
    """Two limited runs of one seed share items, so that they can be compared."""
    items = items_with(["tone", "refunds", None] * 20)
    chosen = [set(choose_items(items, limit, 0)) for limit in (5, 10, 30, 60)]
    assert all(small < large for small, large in pairwise(chosen))


def test_each_item_is_chosen_as_often_as_others() -> None:
    """Over many seeds no place in the suite is preferred."""
    items = items_with(["tone"] * 6 + ["sums"] * 6)
    times = Counter(name for seed in range(600) for name in choose_items(items, 4, seed))
    assert all(abs(times[item.id] - 200) < 60 for item in items)


def test_no_limit_asks_everything() -> None:
    """Without a limit, or with a larger one, all items are asked in suite order."""
    items = items_with([None] * 4)
    random.Random(1).shuffle(items)
    every = tuple(item.id for item in items)
    assert every == choose_items(items, None, 1) == choose_items(items, 4, 1) == choose_items(items, 99, 1)


@given(st.lists(st.tuples(NAMES, NAMES, NAMES, st.integers(0, 20)), min_size=2, max_size=8, unique=True))
def test_outputs_of_different_units_have_different_ids(units: list[tuple[str, str, str, int]]) -> None:
    """No two runs, targets, items or repeats share an id, whatever characters their names hold."""
    ids = {output_id(RunId(run), Unit(target, ItemId(item), repeat)) for run, target, item, repeat in units}
    assert len(ids) == len(units)


def test_output_id_does_not_run_names_together() -> None:
    """Names that read the same when put side by side are still told apart."""
    first, second = Unit("a\x1fb", ItemId("c"), 0), Unit("a", ItemId("b\x1fc"), 0)
    assert output_id(RunId("r"), first) != output_id(RunId("r"), second)
    assert output_id(RunId("r"), Unit("\ud800", ItemId("x"), 0)) == output_id(
        RunId("r"), Unit("\ud800", ItemId("x"), 0)
    )


def test_empty_answer_is_an_answer() -> None:
    """Only a failure makes an output unanswered."""
    assert make_output(text="").answered
    assert not make_failed_output().answered
