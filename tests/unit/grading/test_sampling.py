"""Sampling: how outputs are chosen for people, and the chance that is written beside each."""

from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.grading.sampling import Pickable, Strategy, choose_outputs
from evalbot.runs.outputs import OutputId

FLAGS = st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=30)


def pool_of(flags: Iterable[tuple[bool, bool, bool]]) -> list[Pickable]:
    """Give one output for each (failed, disputed, new)."""
    return [Pickable(OutputId(f"o{place}"), *three) for place, three in enumerate(flags)]


PLAIN = pool_of([(False, False, False)] * 20)
MIXED = pool_of([(place < 4, 3 <= place < 6, place == 9) for place in range(20)])


@given(FLAGS, st.integers(0, 40), st.sampled_from(list(Strategy)), st.integers(0, 9))
def test_choice_has_the_right_size_without_duplicates(
    flags: list[tuple[bool, bool, bool]], n: int, strategy: Strategy, seed: int
) -> None:
    """As many as wanted or as there are, each once, from the pool only, and the same for the same seed."""
    pool = pool_of(flags)
    picked = choose_outputs(pool, n, strategy, seed)
    ids = [one.output_id for one in picked]
    assert len(ids) == len(set(ids)) == min(n, len(pool))
    assert set(ids) <= {one.output_id for one in pool}
    assert all(0 <= one.probability <= 1 for one in picked)
    assert picked == choose_outputs(pool, n, strategy, seed)


@pytest.mark.parametrize(
    ("strategy", "n", "by_chance", "chance"),
    [
        (Strategy.RANDOM, 5, 5, 0.25),
        (Strategy.MIX, 6, 3, 0.15),
        (Strategy.MIX, 5, 3, 0.15),
        (Strategy.MIX, 1, 1, 0.05),
        (Strategy.FAIL, 5, 0, 0.0),
        (Strategy.DISAGREE, 5, 0, 0.0),
        (Strategy.NEW, 5, 0, 0.0),
    ],
)
def test_chance_is_that_of_the_draw(strategy: Strategy, n: int, by_chance: int, chance: float) -> None:
    """Outputs drawn by chance carry the draw's share of the pool; the others carry none."""
    picked = choose_outputs(MIXED, n, strategy, 3)
    drawn = [one.probability for one in picked if one.probability]
    assert (len(picked), len(drawn)) == (n, by_chance)
    assert drawn == pytest.approx([chance] * by_chance)


@pytest.mark.parametrize("strategy", [Strategy.RANDOM, Strategy.MIX])
def test_every_output_is_drawn_as_often_as_its_chance_says(strategy: Strategy) -> None:
    """Over many seeds each output, interesting or not, comes by chance as often as its probability claims."""
    draws, n = 1500, 6
    chance = 6 / 20 if strategy is Strategy.RANDOM else 3 / 20
    times = Counter(
        one.output_id for seed in range(draws) for one in choose_outputs(MIXED, n, strategy, seed) if one.probability
    )
    allowed = 4.5 * (draws * chance * (1 - chance)) ** 0.5
    assert all(abs(times[one.output_id] - draws * chance) < allowed for one in MIXED)


@pytest.mark.parametrize(
    ("strategy", "first"),
    [
        (Strategy.FAIL, {"o0", "o1", "o2", "o3"}),
        (Strategy.DISAGREE, {"o3", "o4", "o5"}),
        (Strategy.NEW, {"o9"}),
    ],
)
def test_strategy_brings_what_it_names_first(strategy: Strategy, first: set[str]) -> None:
    """Failures, disputes or new items come before all others, whatever the seed."""
    for seed in range(20):
        assert first == {one.output_id for one in choose_outputs(MIXED, len(first), strategy, seed)}


def test_mix_looks_at_disputes_beside_the_draw() -> None:
    """The half that is not drawn by chance holds what people should see: outputs that graders differ on."""
    for seed in range(20):
        picked = choose_outputs(MIXED, 8, Strategy.MIX, seed)
        disputed = {one.output_id for one in picked} & {"o3", "o4", "o5"}
        assert disputed == {"o3", "o4", "o5"}


@pytest.mark.parametrize("strategy", list(Strategy))
def test_taking_everything_is_certain(strategy: Strategy) -> None:
    """When the whole pool goes to people every output has the chance 1: their grades may enter estimates."""
    picked = choose_outputs(MIXED, 25, strategy, 1)
    assert [one.probability for one in picked] == [1.0] * 20


def test_order_shows_nothing() -> None:
    """Graders cannot tell from the position which outputs were drawn and which were picked as failures."""
    places = Counter(
        place
        for seed in range(400)
        for place, one in enumerate(choose_outputs(MIXED, 6, Strategy.MIX, seed))
        if one.probability
    )
    assert all(abs(times - 200) < 60 for times in places.values())


def test_empty_pool_gives_nothing() -> None:
    """A run that people have seen whole has nothing more to show."""
    assert choose_outputs([], 5, Strategy.MIX, 1) == []
    assert choose_outputs(PLAIN, 0, Strategy.MIX, 1) == []
