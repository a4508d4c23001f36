"""Sampling: how outputs are chosen for people, and the chance that is written beside each."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.grading.sampling import Choice, Known, Pickable, choose_outputs, learn_doubts, usual_doubt
from evalbot.runs.outputs import OutputId
from evalbot.suites.suites import Strategy

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
    picked = choose_outputs(pool, n, strategy, seed).picked
    ids = [one.output_id for one in picked]
    assert len(ids) == len(set(ids)) == min(n, len(pool))
    assert set(ids) <= {one.output_id for one in pool}
    assert all(0 <= one.probability <= 1 for one in picked)
    assert picked == choose_outputs(pool, n, strategy, seed).picked


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
    picked = choose_outputs(MIXED, n, strategy, 3).picked
    drawn = [one.probability for one in picked if one.probability]
    assert (len(picked), len(drawn)) == (n, by_chance)
    assert drawn == pytest.approx([chance] * by_chance)


@pytest.mark.parametrize("strategy", [Strategy.RANDOM, Strategy.MIX])
def test_every_output_is_drawn_as_often_as_its_chance_says(strategy: Strategy) -> None:
    """Over many seeds each output, interesting or not, comes by chance as often as its probability claims."""
    draws, n = 1500, 6
    chance = 6 / 20 if strategy is Strategy.RANDOM else 3 / 20
    times = Counter(
        one.output_id
        for seed in range(draws)
        for one in choose_outputs(MIXED, n, strategy, seed).picked
        if one.probability
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
        assert first == {one.output_id for one in choose_outputs(MIXED, len(first), strategy, seed).picked}


def test_mix_looks_at_disputes_beside_the_draw() -> None:
    """The half that is not drawn by chance holds what people should see: outputs that graders differ on."""
    for seed in range(20):
        picked = choose_outputs(MIXED, 8, Strategy.MIX, seed).picked
        disputed = {one.output_id for one in picked} & {"o3", "o4", "o5"}
        assert disputed == {"o3", "o4", "o5"}


@pytest.mark.parametrize("strategy", list(Strategy))
def test_taking_everything_is_certain(strategy: Strategy) -> None:
    """When the whole pool goes to people every output has the chance 1: their grades may enter estimates."""
    picked = choose_outputs(MIXED, 25, strategy, 1).picked
    assert [one.probability for one in picked] == [1.0] * 20


def test_order_shows_nothing() -> None:
    """Graders cannot tell from the position which outputs were drawn and which were picked as failures."""
    places = Counter(
        place
        for seed in range(400)
        for place, one in enumerate(choose_outputs(MIXED, 6, Strategy.MIX, seed).picked)
        if one.probability
    )
    assert all(abs(times - 200) < 60 for times in places.values())


def test_empty_pool_gives_nothing() -> None:
    """A run that people have seen whole has nothing more to show."""
    assert choose_outputs([], 5, Strategy.MIX, 1).picked == ()
    assert choose_outputs(PLAIN, 0, Strategy.MIX, 1).picked == ()


# --- several draws of one run ----------------------------------------------------------------------

DOUBTS = {"sure": 0.1, "unsure": 0.5}


def levelled(size: int = 30) -> list[Pickable]:
    """Give outputs of which the judge is sure of two thirds; a few are worth a look for another reason."""
    return [
        Pickable(OutputId(f"o{n}"), disputed=n % 7 == 0, doubt=DOUBTS["unsure" if n % 3 == 0 else "sure"])
        for n in range(size)
    ]


def after(pool: Sequence[Pickable], choice: Choice, chances: dict[OutputId, float]) -> list[Pickable]:
    """Give the outputs as the next draw finds them; `chances` are kept up to date as reviews are."""
    chances |= {one.output_id: one.probability for one in (*choice.picked, *choice.recounted) if one.probability}
    known = {one.doubt: chances[one.output_id] for one in pool if one.output_id in chances}
    seen = {one.output_id for one in choice.picked if not one.probability} - set(chances)
    return [
        replace(
            one,
            chance=chances.get(one.output_id, known.get(one.doubt, min(known.values(), default=0.0))),
            seen=one.output_id not in chances and (one.seen or one.output_id in seen),
        )
        for one in pool
    ]


def two_draws(strategies: tuple[Strategy, Strategy], seed: int) -> dict[OutputId, float]:
    """Draw twice from one pool and give the chance that is kept beside each drawn output."""
    pool, chances = levelled(), dict[OutputId, float]()
    for place, strategy in enumerate(strategies):
        left = [one for one in pool if one.output_id not in chances]
        drawn = [one for one in pool if one.output_id in chances]
        choice = choose_outputs(left, 8, strategy, seed * 2 + place, drawn)
        pool = after(pool, choice, chances)
    return chances


@pytest.mark.parametrize("first", [Strategy.RANDOM, Strategy.MIX, Strategy.FAIL])
@pytest.mark.parametrize("second", [Strategy.RANDOM, Strategy.MIX])
@pytest.mark.short
def test_chances_after_two_draws_are_those_of_being_drawn_at_all(first: Strategy, second: Strategy) -> None:
    """Over many seeds the weights 1 / chance of what was drawn add up to each kind's number of outputs, and no output is
    drawn more often than its like, though some were before people for a reason already."""
    draws = 1200
    totals = dict.fromkeys(DOUBTS, 0.0)
    times = Counter[OutputId]()
    doubt_of = {one.output_id: one.doubt for one in levelled()}
    for seed in range(draws):
        for output_id, chance in two_draws((first, second), seed).items():
            times[output_id] += 1
            totals["unsure" if doubt_of[output_id] == DOUBTS["unsure"] else "sure"] += 1.0 / chance / draws
    assert totals == pytest.approx({"sure": 20.0, "unsure": 10.0}, rel=0.04)
    for doubt in DOUBTS.values():
        mine = [times[one] for one, other in doubt_of.items() if other == doubt]
        assert max(mine) - min(mine) < 8 * (draws * 0.25) ** 0.5


def test_two_plain_draws_are_one_larger_draw() -> None:
    """Drawing 8 of 30 and then 8 of the rest gives every one of the 16 the chance 16 / 30."""
    chances = two_draws((Strategy.RANDOM, Strategy.RANDOM), 5)
    assert len(chances) == 16
    assert list(chances.values()) == pytest.approx([16 / 30] * 16)


def test_mix_draws_where_the_judge_is_in_doubt() -> None:
    """The chance half follows the doubts with a floor of a fifth for all; the plain strategy does not look at them."""
    pool = levelled(300)
    mixed = {one.output_id: one.probability for one in choose_outputs(pool, 40, Strategy.MIX, 1).picked}
    sure, unsure = (
        {mixed.get(one.output_id, 0.0) for one in pool if one.doubt == DOUBTS[name]} - {0.0}
        for name in ("sure", "unsure")
    )
    assert len(sure) == len(unsure) == 1
    assert unsure.pop() > 3 * sure.pop() > 3 * 0.2 * 20 / 300
    plain = {one.probability for one in choose_outputs(pool, 40, Strategy.RANDOM, 1).picked}
    assert list(plain) == pytest.approx([40 / 300])


def test_an_output_seen_for_a_reason_can_be_drawn_later() -> None:
    """It stays among those that may be drawn, then counts as drawn, and the round still brings as many new ones."""
    pool = [replace(one, seen=place < 10) for place, one in enumerate(levelled())]
    choice = choose_outputs(pool, 12, Strategy.RANDOM, 4)
    assert len(choice.picked) == 12
    assert not {one.output_id for one in choice.picked} & {one.output_id for one in pool[:10]}
    assert {one.output_id for one in choice.recounted} <= {one.output_id for one in pool[:10]}
    assert len([one for one in (*choice.picked, *choice.recounted) if one.probability]) == 12


def test_doubts_are_learnt_from_what_both_graded() -> None:
    """Where people spread around the judge's score the doubt is larger; of few grades nothing is learnt."""
    known = [Known(1.0, 1.0)] * 12 + [Known(0.5, float(n % 2)) for n in range(12)]
    doubts = learn_doubts(known)
    assert doubts[0.5] > 2 * doubts[1.0] > 0
    assert usual_doubt(doubts) == doubts[0.5]
    assert learn_doubts(known[:9]) == {}
    assert usual_doubt({}) == 1.0
