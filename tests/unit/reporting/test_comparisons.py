"""Comparisons: paired on the items both answered, in words that claim no more than the numbers."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.grading.consensus import Label
from evalbot.grading.grades import GraderKind
from evalbot.reporting.comparisons import MARGIN, Side, compare_scores, compare_sides
from evalbot.reporting.corrections import NOBODY, Drawn, People
from evalbot.reporting.estimates import FEWEST, OVERALL, Change, How
from evalbot.reporting.scores import OutputScore
from evalbot.runs.outputs import OutputId
from evalbot.stats.intervals import SMALL_N
from evalbot.stats.judged import corrected_pool_difference
from evalbot.stats.pairs import Flips, count_flips, mcnemar_p, newcombe_paired, tango_paired
from evalbot.stats.verdicts import Verdict
from evalbot.suites.items import ItemId
from tests.factories import make_score

Skills = dict[ItemId, str | None]


def scores_of(passes: dict[str, bool]) -> list[OutputScore]:
    """Give one complete score per item."""
    return [make_score(item, passed) for item, passed in passes.items()]


def numbered(*passes: tuple[int, bool]) -> dict[str, bool]:
    """Give so many items with each outcome, numbered through."""
    outcomes = [passed for count, passed in passes for _ in range(count)]
    return {f"i{place}": passed for place, passed in enumerate(outcomes)}


def compare(before: dict[str, bool], after: dict[str, bool], skills: Skills | None = None) -> list[Change]:
    """Compare two sets of passes and fails."""
    return compare_scores(scores_of(before), scores_of(after), skills or {}, "new", "old")


def test_only_shared_items_are_compared() -> None:
    """Items that one side lacks say nothing about the difference, however they went."""
    before = numbered((10, True), (10, False))
    after = before | {f"more{place}": True for place in range(50)}
    change = compare(before | {"gone": False}, after)[0]
    assert (change.n, change.difference) == (20, 0.0)


def test_incomplete_outputs_are_not_compared() -> None:
    """An output without all its grades is no fail on either side."""
    before, after = scores_of(numbered((12, True))), scores_of(numbered((12, True)))
    after[0] = make_score("i0", False, complete=False)
    change = compare_scores(before, after, {}, "new", "old")[0]
    assert (change.n, change.difference) == (11, 0.0)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=FEWEST, max_size=40))
def test_change_of_passes_is_that_of_the_paired_table(pairs: list[tuple[bool, bool]]) -> None:
    """The difference and its interval are those of the paired table; turned round they change their sign."""
    before = {f"i{place}": first for place, (first, _) in enumerate(pairs)}
    after = {f"i{place}": second for place, (_, second) in enumerate(pairs)}
    change, back = compare(before, after)[0], compare(after, before)[0]
    shares = newcombe_paired if len(pairs) < SMALL_N else tango_paired
    expected = shares(count_flips([float(one) for one, _ in pairs], [float(one) for _, one in pairs]))
    assert (change.difference, change.lower, change.upper) == (expected.value, expected.lower, expected.upper)
    assert (back.difference, back.lower, back.upper) == pytest.approx(
        (-change.difference, -change.upper, -change.lower)
    )
    assert change.lower <= change.difference <= change.upper


@pytest.mark.parametrize(
    ("lost", "gained", "same", "verdict"),
    [
        (0, 20, 40, Verdict.BETTER),
        (20, 0, 40, Verdict.WORSE),
        (0, 0, 300, Verdict.NO_DIFFERENCE),
        (3, 4, 20, Verdict.CANNOT_TELL),
        (0, 1, 5, Verdict.CANNOT_TELL),
    ],
)
def test_verdict_claims_what_the_interval_shows(lost: int, gained: int, same: int, verdict: Verdict) -> None:
    """Better and worse exclude zero, no difference lies within the margin, else it says how many items it takes."""
    before = numbered((lost, True), (gained, False), (same, True))
    after = numbered((lost, False), (gained, True), (same, True))
    change = compare(before, after)[0]
    assert change.verdict is verdict
    assert (change.lower > 0) is (verdict is Verdict.BETTER)
    assert (change.upper < 0) is (verdict is Verdict.WORSE)
    assert (max(-change.lower, change.upper) < MARGIN) is (verdict is Verdict.NO_DIFFERENCE)
    assert (change.needed is None) is (verdict is not Verdict.CANNOT_TELL)
    assert change.needed is None or change.needed > change.n


def test_too_few_shared_items_give_no_row() -> None:
    """Nothing is said of a handful of items, overall or in a skill."""
    few = numbered((FEWEST - 1, True))
    assert compare(few, few) == []
    assert compare(few, {}) == compare({}, few) == []
    skills: Skills = {ItemId(f"i{place}"): "tone" if place < FEWEST - 1 else "refunds" for place in range(12)}
    rows = compare(numbered((12, True)), numbered((12, True)), skills)
    assert [(row.skill, row.n) for row in rows] == [(OVERALL, 12), ("refunds", 8)]


def test_rows_name_both_sides_overall_first() -> None:
    """Every row says what is compared with what, on which skill; items without skill count overall only."""
    skills: Skills = {ItemId(f"i{place}"): ("tone", "billing", None)[place % 3] for place in range(30)}
    rows = compare(numbered((30, True)), numbered((20, True), (10, False)), skills)
    assert [(row.target, row.against, row.skill, row.n) for row in rows] == [
        ("new", "old", OVERALL, 30),
        ("new", "old", "billing", 10),
        ("new", "old", "tone", 10),
    ]


def test_repeats_count_as_their_items_mean() -> None:
    """An item asked three times is one pair, with the share that passed."""
    before = [make_score(f"i{place}", True) for place in range(8) for _ in range(2)]
    after = [make_score(f"i{place}", one) for place in range(8) for one in (True, False, False)]
    change = compare_scores(before, after, {}, "new", "old")[0]
    assert change.n == 8
    assert change.difference == pytest.approx(-2 / 3)


def test_same_scores_give_the_same_rows() -> None:
    """A comparison that draws signs at random draws the same ones each time."""
    rng = random.Random(3)
    before, after = (
        [make_score(f"i{n}", rng.random() < share) for n in range(20) for _ in range(3)] for share in (0.8, 0.5)
    )
    first = compare_scores(before, after, {}, "new", "old")
    assert first == compare_scores(before, after, {}, "new", "old")
    assert first[0].verdict is Verdict.WORSE


def test_many_skills_are_judged_as_a_family() -> None:
    """Of many skills that did not change hardly any is called better or worse: single tests would cry wolf more often."""
    rng, alarms, alone = random.Random(11), 0, 0
    skills: Skills = {ItemId(f"i{n}"): f"skill{n % 12}" for n in range(12 * 40)}
    for _ in range(25):
        before, after = ({str(item): rng.random() < 0.6 for item in skills} for _ in range(2))
        rows = compare(before, after, skills)[1:]
        alarms += any(row.verdict in (Verdict.BETTER, Verdict.WORSE) for row in rows)
        alone += any(row.lower * row.upper > 0 for row in rows)
    assert alone >= 8
    assert alarms <= 4


def test_one_real_change_is_found_among_many_skills() -> None:
    """Judging skills together does not hide a clear drop."""
    skills: Skills = {ItemId(f"i{n}"): f"skill{n % 12}" for n in range(12 * 40)}
    before = {str(item): True for item in skills}
    after = {item: not (skills[ItemId(item)] == "skill3" and place % 2) for place, item in enumerate(before)}
    found = [row.skill for row in compare(before, after, skills) if row.verdict is Verdict.WORSE]
    assert found == [OVERALL, "skill3"]


def test_the_verdict_follows_from_the_interval_that_is_shown() -> None:
    """Five gains of thirty and no loss exclude zero: that is better, though an exact test of so few flips stops at 0.06."""
    before = numbered((5, False), (25, True))
    change = compare(before, numbered((30, True)))[0]
    assert mcnemar_p(Flips(both=25, lost=0, gained=5, neither=0)) > 0.05
    assert change.lower > 0
    assert change.verdict is Verdict.BETTER


@given(
    st.lists(st.tuples(st.booleans(), st.booleans()), min_size=FEWEST, max_size=60),
)
def test_no_overall_change_is_untold_when_its_interval_excludes_zero(pairs: list[tuple[bool, bool]]) -> None:
    """One rule for all: better or worse exactly where the interval leaves zero out."""
    before = {f"i{place}": first for place, (first, _) in enumerate(pairs)}
    after = {f"i{place}": second for place, (_, second) in enumerate(pairs)}
    change = compare(before, after)[0]
    assert (change.lower * change.upper > 0) is (change.verdict in (Verdict.BETTER, Verdict.WORSE))


# --- people on both sides --------------------------------------------------------------------------

JUDGE = frozenset({GraderKind.JUDGE})


def judged_side(passes: Sequence[bool], said: Mapping[int, bool] | None = None, chance: float = 0.5) -> Side:
    """Give a side that a judge graded, with what people said of some of its outputs."""
    scores = [
        make_score(f"i{place}", passed, kinds=JUDGE, output_id=OutputId(f"o{place}"))
        for place, passed in enumerate(passes)
    ]
    labels = {n: Label(float(one), float(one)) for n, one in (said or {}).items()}
    drawn = {OutputId(f"o{place}"): Drawn(chance, one) for place, one in labels.items()}
    return Side(scores, People({score.item_id: "correct" for score in scores}, drawn))


def sides(before: Side, after: Side) -> Change:
    """Give the overall change."""
    return compare_sides(before, after, {}, "new", "old")[0]


def test_a_difference_stands_on_the_judge_until_people_graded_both_sides() -> None:
    """Ten graded outputs on one side change nothing; on both sides the difference is theirs and says so."""
    rng = random.Random(4)
    passes = [rng.random() < 0.8 for _ in range(60)]
    graded = {n: passes[n] for n in range(20)}
    one = sides(judged_side(passes), judged_side(passes, graded))
    assert (one.how, one.human_n, one.judge_alone) == (How.JUDGE, 0, None)
    worse = {n: passes[n] and n % 2 == 0 for n in range(20)}
    both = sides(judged_side(passes, graded), judged_side(passes, worse))
    assert (both.how, both.human_n, both.judge_alone, both.n) == (How.CORRECTED, 40, 0.0, 60)
    assert both.upper < 0
    assert both.verdict is Verdict.WORSE


def test_pairs_that_people_graded_equal_the_statistic_of_their_differences() -> None:
    """The same items graded on both sides give the prediction-powered paired difference; its interval is wider, as it also
    speaks of other such items."""
    rng = random.Random(5)
    old, new = ([rng.random() < share for _ in range(80)] for share in (0.8, 0.6))
    truth = [[one if rng.random() < 0.9 else not one for one in side] for side in (old, new)]
    places = rng.sample(range(80), 30)
    found = sides(
        *(
            judged_side(judge, {n: true[n] for n in places}, 30 / 80)
            for judge, true in zip((old, new), truth, strict=True)
        )
    )
    graded = [[float(side[n]) for n in sorted(places)] for side in (*truth, old, new)]
    pools = [[float(one) for one in side] for side in (old, new)]
    expected = corrected_pool_difference(graded[0], graded[1], graded[2], graded[3], pools[0], pools[1]).measured
    assert found.difference == pytest.approx(expected.value)
    assert found.lower < expected.lower
    assert found.upper > expected.upper


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.short
def test_corrected_differences_cover_what_people_would_say(together: bool) -> None:
    """Over many draws of items and of outputs the interval holds the true difference of the two targets, which the judge,
    lenient on one side, does not see."""
    held, alone = 0, 0
    for seed in range(150):
        rng = random.Random(seed)
        truth = [[rng.random() < share for _ in range(120)] for share in (0.8, 0.6)]
        judge = [
            [one if rng.random() < 0.9 else not one for one in truth[0]],
            [one or rng.random() < 0.5 for one in truth[1]],
        ]
        places = rng.sample(range(120), 40)
        drawn = [places, places if together else rng.sample(range(120), 40)]
        made = [judged_side(judge[n], {one: truth[n][one] for one in drawn[n]}, 40 / 120) for n in (0, 1)]
        found = sides(*made)
        assert found.how is How.CORRECTED
        held += found.lower <= -0.2 <= found.upper
        plain = sides(*(replace(one, people=NOBODY) for one in made))
        alone += plain.lower <= -0.2 <= plain.upper
    assert held / 150 >= 0.92
    assert alone / 150 < 0.5


@pytest.mark.parametrize("everything", [10, 60])
def test_grading_everything_proves_nothing_about_other_items(everything: int) -> None:
    """When people graded both sides whole, a single flip is no real difference: other items could have been asked."""
    before = dict.fromkeys(range(everything), True)
    after = {**before, 0: False}
    passes = [True] * everything
    change = sides(judged_side(passes, before, 1.0), judged_side(passes, after, 1.0))
    assert change.lower < 0 < change.upper
    assert change.verdict is not Verdict.WORSE
