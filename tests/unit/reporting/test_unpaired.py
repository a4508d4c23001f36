"""Sides that were asked different items: wider than pairs, corrected by people on each side, and honest about it."""

from __future__ import annotations

from collections.abc import Collection
from math import sqrt

import numpy as np
import pytest

from evalbot.grading.consensus import Label
from evalbot.grading.grades import GraderKind
from evalbot.reporting.corrections import NOBODY, Drawn, People
from evalbot.reporting.estimates import OVERALL, How
from evalbot.reporting.unpaired import Apart, compare_apart
from evalbot.runs.outputs import OutputId
from evalbot.stats.intervals import wilson
from evalbot.stats.pairs import difference_of
from evalbot.stats.verdicts import Verdict
from evalbot.suites.items import ItemId
from tests.factories import make_score

JUDGE = frozenset({GraderKind.JUDGE})
Truth = np.ndarray


def side(
    judge: Collection[bool], tag: str, truth: Truth | None = None, chances: Truth | None = None, seed: int = 0
) -> Apart:
    """Items with a name of their own, judged so; with their truth people graded those that their chances drew."""
    scores = [
        make_score(f"{tag}{n}", bool(passed), kinds=JUDGE, output_id=OutputId(f"{tag}{n}"))
        for n, passed in enumerate(judge)
    ]
    skills: dict[ItemId, str | None] = {score.item_id: "tone" if n % 2 else "rules" for n, score in enumerate(scores)}
    if truth is None or chances is None:
        return Apart(scores, skills, NOBODY)
    drawn = np.flatnonzero(np.random.default_rng(seed).random(truth.size) < chances)
    said = {
        OutputId(f"{tag}{n}"): Drawn(float(chances[n]), Label(float(truth[n]), float(truth[n]))) for n in drawn.tolist()
    }
    return Apart(scores, skills, People({score.item_id: "correct" for score in scores}, said))


def test_without_people_it_is_newcombes_interval_of_two_groups() -> None:
    """Two shares are held against each other as two samples; skills follow by name, as one family."""
    old, new = [n < 48 for n in range(60)], [n < 30 for n in range(60)]
    found = compare_apart(side(old, "a"), side(new, "b"), "new", "run 1")
    expected = difference_of(wilson(30, 60), wilson(48, 60))
    assert [one.skill for one in found] == [OVERALL, "rules", "tone"]
    assert (found[0].difference, found[0].lower, found[0].upper, found[0].n) == pytest.approx(
        (expected.value, expected.lower, expected.upper, 60)
    )
    assert (found[0].verdict, found[0].how, found[0].human_n) == (Verdict.WORSE, How.JUDGE, 0)


def test_too_few_items_on_a_side_are_not_compared() -> None:
    """Below five items there is no row, neither overall nor for a skill."""
    assert compare_apart(side([True] * 4, "a"), side([True] * 40, "b"), "new", "run 1") == []
    found = compare_apart(side([True] * 8, "a"), side([True] * 40, "b"), "new", "run 1")
    assert [one.skill for one in found] == [OVERALL]


def test_people_correct_each_side_by_its_own_judge() -> None:
    """A judge that grew kinder between the runs shows a rise that people do not see; their difference is the one told."""
    truth = np.arange(80) % 2 == 0
    all_drawn = np.ones(80)
    old = side(truth, "a", truth, all_drawn)
    kinder = side(np.ones(80, dtype=bool), "b", truth, all_drawn)
    found = compare_apart(old, kinder, "new", "run 1")[0]
    assert found.judge_alone == pytest.approx(0.5)
    assert found.difference == pytest.approx(0.0, abs=1e-9)
    assert (found.how, found.human_n) == (How.CORRECTED, 160)
    assert found.lower < -0.1 < 0.1 < found.upper
    only_one = compare_apart(side(truth, "a"), kinder, "new", "run 1")[0]
    assert (only_one.how, only_one.human_n) == (How.JUDGE, 0)


def test_grading_everything_leaves_the_doubt_about_the_items() -> None:
    """People who graded every answer still do not know other items: the interval is about that of two samples."""
    rng = np.random.default_rng(2)
    truths = rng.random(100) < 0.8, rng.random(100) < 0.6
    before, after = (side(truth, tag, truth, np.ones(100)) for truth, tag in zip(truths, "ab", strict=True))
    found = compare_apart(before, after, "new", "run 1")[0]
    plain = difference_of(*(wilson(int(truth.sum()), 100) for truth in reversed(truths)))
    assert found.upper - found.lower == pytest.approx(plain.upper - plain.lower, rel=0.15)


@pytest.mark.parametrize(
    "draws", [pytest.param(150, marks=pytest.mark.short), pytest.param(3_000, marks=pytest.mark.drill)]
)
@pytest.mark.parametrize("likelier_fails", [False, True])
def test_it_covers_what_people_would_say_of_other_such_items(draws: int, likelier_fails: bool) -> None:
    """Whether all answers had the same chance or failures a higher one, the true difference of the targets lies inside."""
    rng = np.random.default_rng(5)
    held = alone = 0
    for seed in range(draws):
        made = []
        for tag, size, graded, share, kind in (("a", 60, 20, 0.6, 0.3), ("b", 80, 30, 0.7, 0.9)):
            truth = rng.random(size) < share
            judge = np.where(rng.random(size) < 0.85, truth, rng.random(size) < kind)
            wish = np.where(judge, 0.5, 1.5) if likelier_fails else np.ones(size)
            chances = np.minimum(1.0, graded * (0.8 * wish / wish.sum() + 0.2 / size))
            made.append(side(judge, tag, truth, chances, seed))
        before, after = made
        found = compare_apart(before, after, "new", "run 1")[0]
        held += found.lower <= 0.1 <= found.upper
        alone += found.judge_alone is not None
    assert alone > 0.97 * draws
    assert held / draws > 0.94 - 2.6 * sqrt(0.06 * 0.94 / draws)
