"""Scores: grades become estimates per target, skill and criterion; what was not graded is never a zero."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.grading.grades import Grade, Grader, GraderKind
from evalbot.reporting.estimates import FEWEST, OVERALL, Estimate, How, RunSummary, ScoreRow
from evalbot.reporting.scores import (
    FEWEST_PAIRS,
    OutputScore,
    item_values,
    judge_agreement,
    passing,
    score_output,
    score_rows,
)
from evalbot.runs.outputs import OutputId
from evalbot.stats.intervals import wilson
from evalbot.suites.graders import PASS_CRITERION
from evalbot.suites.items import ItemId
from tests.factories import make_failed_output, make_grade, make_human_grade, make_output, make_score

JUDGE = Grader(GraderKind.JUDGE, "judge", "1")
NOBODY: frozenset[OutputId] = frozenset()


def rows_of(*scores: OutputScore, skills: dict[str, str] | None = None) -> list[ScoreRow]:
    """Estimate scores; items without a named skill have none."""
    return score_rows(scores, {ItemId(item): skill for item, skill in (skills or {}).items()}, NOBODY)


def scored(*grades: Grade, wanted: int | None = None) -> OutputScore:
    """Score one answered output."""
    score = score_output(make_output(), grades, len(grades) if wanted is None else wanted)
    assert score is not None
    return score


def test_output_passes_when_every_grader_passes_it() -> None:
    """One failing check fails the output; its criterion's score is the weighted mean, others keep theirs."""
    score = scored(
        make_grade(True, weight=3.0), make_grade(False), make_grade(True, criterion="tone", score=0.7, grader=JUDGE)
    )
    assert score.scores == pytest.approx({"correct": 0.75, "tone": 0.7})
    assert score.passes == {"correct": False, "tone": True}
    assert (score.passed, score.complete) == (False, True)
    assert score.kinds == {GraderKind.CHECK, GraderKind.JUDGE}


@pytest.mark.parametrize(
    "silent",
    [
        make_grade(None, grader=JUDGE, error="no answer"),
        make_grade(None, grader=JUDGE, abstained=True),
        make_grade(True, grader=JUDGE, score=None),
        make_human_grade(1),
    ],
)
def test_grader_that_says_nothing_leaves_the_output_incomplete(silent: Grade) -> None:
    """An error, an abstention and a person's grade do not stand for a missing verdict, and are no zero."""
    score = scored(make_grade(True), silent)
    assert not score.complete
    assert score.scores == {"correct": 1.0}


def test_missing_grade_leaves_the_output_incomplete() -> None:
    """Fewer grades than the item has graders is not a score yet."""
    assert not scored(make_grade(True), wanted=2).complete
    assert not scored(wanted=1).complete


def test_errors_and_ungradable_outputs_have_no_score() -> None:
    """A target's error is counted elsewhere; an item without graders has nothing to say."""
    assert score_output(make_failed_output(), [make_grade(False)], 1) is None
    assert score_output(make_output(), [], 0) is None


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_pass_rate_is_wilsons(passes: list[bool]) -> None:
    """The estimate of passes and fails, one per item, is exactly the Wilson interval of that many."""
    rows = rows_of(*(make_score(f"i{place}", passed) for place, passed in enumerate(passes)))
    expected = wilson(sum(passes), len(passes))
    assert [(row.target, row.skill, row.criterion) for row in rows] == [("main", OVERALL, PASS_CRITERION)]
    estimate = rows[0].estimate
    assert (estimate.score, estimate.lower, estimate.upper, estimate.n) == (
        expected.value,
        expected.lower,
        expected.upper,
        len(passes),
    )
    assert 0 <= estimate.lower < estimate.upper <= 1


def test_incomplete_outputs_change_no_estimate() -> None:
    """Outputs without all their grades are left out as if they were not there, not counted as fails."""
    whole = [make_score(f"i{place}", place < 6) for place in range(8)]
    broken = [make_score(f"x{place}", False, complete=False) for place in range(20)]
    assert rows_of(*whole, *broken) == rows_of(*whole)
    assert rows_of(*broken) == []


@given(st.integers(2, 12), st.integers(2, 6), st.data())
def test_repeats_are_averaged_within_items(items: int, repeats: int, data: st.DataObject) -> None:
    """The size of an estimate is the number of items however often each was asked, and each item weighs the same."""
    passed = data.draw(st.lists(st.lists(st.booleans(), min_size=1, max_size=repeats), min_size=items, max_size=items))
    scores = [make_score(f"i{place}", one) for place, found in enumerate(passed) for one in found]
    estimate = rows_of(*scores)[0].estimate
    assert estimate.n == items
    assert math.isclose(estimate.score, sum(sum(found) / len(found) for found in passed) / items, abs_tol=1e-12)


def test_asking_again_does_not_feign_certainty() -> None:
    """Ten equal repeats of an item are one observation: the interval is that of asking once."""
    once = [make_score(f"i{place}", place % 3 > 0) for place in range(12)]
    ten = [score for score in once for _ in range(10)]
    assert rows_of(*ten) == rows_of(*once)


def test_overall_comes_first_then_skills_then_criteria() -> None:
    """Each target has its pass rates first, overall and by skill in alphabetic order, then each criterion alike."""
    values = {"tone": 0.5, "correct": 1.0}
    scores = [make_score(f"i{place}", scores=values, target=target) for target in ("new", "old") for place in range(6)]
    skills = {"i0": "refunds", "i1": "billing", "i2": "refunds"}
    rows = [(row.target, row.criterion, row.skill) for row in rows_of(*scores, skills=skills)]
    one = [
        (criterion, skill)
        for criterion in (PASS_CRITERION, "correct", "tone")
        for skill in (OVERALL, "billing", "refunds")
    ]
    assert rows == [(target, *both) for target in ("new", "old") for both in one]


def test_criterion_is_estimated_where_it_was_graded() -> None:
    """A criterion that only some items have is averaged over those; a lone criterion needs no row of its own."""
    scores = [make_score(f"i{place}") for place in range(6)]
    scores += [make_score(f"t{place}", scores={"tone": 0.25}, passes={"tone": True}) for place in range(3)]
    rows = {(row.criterion, row.skill): row.estimate for row in rows_of(*scores)}
    assert (rows["tone", OVERALL].score, rows["tone", OVERALL].n) == (0.25, 3)
    assert (rows["correct", OVERALL].score, rows["correct", OVERALL].n) == (1.0, 6)
    assert rows[PASS_CRITERION, OVERALL].n == 9


@pytest.mark.parametrize(
    ("kinds", "how"),
    [
        ([{GraderKind.CHECK}], How.CHECK),
        ([{GraderKind.JUDGE}], How.JUDGE),
        ([{GraderKind.CHECK}, {GraderKind.JUDGE}], How.CHECK_AND_JUDGE),
        ([{GraderKind.CHECK, GraderKind.JUDGE}], How.CHECK_AND_JUDGE),
    ],
)
def test_estimate_says_whose_grades_it_stands_on(kinds: list[set[GraderKind]], how: How) -> None:
    """Checks, the judge, or both: the reader is told."""
    scores = [make_score(f"i{place}", kinds=frozenset(one)) for place, one in enumerate(kinds)]
    assert rows_of(*scores)[0].estimate.how is how


def test_estimate_counts_the_outputs_people_graded() -> None:
    """Beside n stands how many of the outputs a person has seen."""
    scores = [make_score(f"i{place}") for place in range(6)]
    rows = score_rows(scores, {}, frozenset({scores[0].output_id, OutputId("elsewhere")}))
    assert rows[0].estimate.human_n == 1


def test_item_values_keep_the_order_items_come_in() -> None:
    """Means stand in the order of first appearance."""
    scores = [make_score("b", True), make_score("a", False), make_score("b", False)]
    assert list(item_values(scores, passing).items()) == [("b", 0.5), ("a", 0.0)]


def test_agreement_needs_enough_outputs() -> None:
    """Below the least number of pairs there is no agreement to show; from it on it is Wilson's with n."""
    pairs = [(True, True)] * 7 + [(True, False), (False, True), (False, False)]
    assert judge_agreement(pairs[: FEWEST_PAIRS - 1]) is None
    found, expected = judge_agreement(pairs), wilson(8, 10)
    assert found == Estimate(expected.value, expected.lower, expected.upper, 10, How.HUMAN, expected.method, human_n=10)


def test_few_items_are_too_few_to_say() -> None:
    """An estimate knows when it stands on too little."""
    small, large = (rows_of(*(make_score(f"i{n}") for n in range(size)))[0].estimate for size in (FEWEST - 1, FEWEST))
    assert (small.too_few, large.too_few) == (True, False)


def test_headline_is_the_overall_pass_rate() -> None:
    """A run's headline is a target's first row; a target without grades has none."""
    rows = tuple(rows_of(*(make_score(f"i{n}", scores={"a": 0.1, "b": 0.2}) for n in range(6)), skills={"i1": "tone"}))
    summary = RunSummary(rows, (), 6, 6, 0, 0, "", None, 0, None, 1.0)
    assert summary.headline("main") == rows[0].estimate
    assert summary.headline("other") is None
