"""Draws with known unequal chances: exact chances, no bias, coverage and the gain on skewed scores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.stats import active, judged
from evalbot.stats.intervals import Measured

Table = dict[str, list[str]]
SCORES = {"A": 1.0, "B": 0.0, "tie": 0.5, "": 0.5}
doubts = st.lists(st.floats(0, 1), min_size=2, max_size=40)


@given(doubts, st.data())
def test_chances_sum_to_the_number_drawn(uncertainty: list[float], data: st.DataObject) -> None:
    """Chances lie in (0, 1], sum to n, follow uncertainty and never fall below the uniform part."""
    n = data.draw(st.integers(1, len(uncertainty)))
    p = active.inclusion_probabilities(uncertainty, n)
    assert p.sum() == pytest.approx(n)
    assert (p > 0).all()
    assert (p <= 1).all()
    assert (p >= 0.2 * n / len(uncertainty) - 1e-9).all()
    assert (np.diff(p[np.argsort(uncertainty, kind="stable")]) >= -1e-12).all()
    assert active.draw(p, np.random.default_rng(0)).size == n


def test_every_output_comes_up_as_often_as_promised(rng: np.random.Generator) -> None:
    """Over many draws the frequencies equal the chances, and nothing is drawn twice."""
    p = active.inclusion_probabilities([0.0, 0.1, 0.2, 0.5, 1.0, 1.0, 0.3], 3)
    hits = np.zeros(7)
    for _ in range(4000):
        drawn = active.draw(p, rng)
        assert np.unique(drawn).size == drawn.size == 3
        hits[drawn] += 1
    assert hits / 4000 == pytest.approx(p, abs=0.03)


def test_spread_of_unseen_groups_is_the_overall_one() -> None:
    """A group without earlier labels gets the overall residual spread, a noisy one more, a quiet one less."""
    sds = active.residual_sds([0.5, -0.5, 0.5, -0.5, 0.0, 0.0, 0.0, 0.0], [0, 0, 0, 0, 1, 1, 1, 1], 3)
    assert sds[1] < sds[2] < sds[0]
    assert sds[2] == pytest.approx(np.sqrt(0.125))


def test_neyman_allocation_follows_size_and_spread() -> None:
    """Labels go by size times spread, at least three and at most all of each group."""
    assert active.neyman_allocation([100, 100, 4], [0.4, 0.1, 0.1], 53).tolist() == [40, 10, 3]
    assert active.neyman_allocation([10, 100], [5.0, 0.1], 60).tolist() == [10, 50]
    assert active.neyman_allocation([100, 100], [0.0, 0.0], 10).tolist() == [5, 5]
    with pytest.raises(ValueError, match="do not fit"):
        active.neyman_allocation([10, 10], [1, 1], 21)


def test_wrong_chances_are_refused() -> None:
    """Zero chances, more draws than outputs and missing predictions are errors."""
    with pytest.raises(ValueError, match="Draw between"):
        active.inclusion_probabilities([1, 1], 3)
    with pytest.raises(ValueError, match="chance in"):
        active.weighted_mean([1.0], [0.5], [0.0], [0.5, 0.5])


def test_everything_drawn_is_the_plain_mean(rng: np.random.Generator) -> None:
    """With all chances one the estimate is the human mean."""
    human, guess = rng.random(40), rng.random(40)
    found = active.weighted_mean(human, guess, np.ones(40), guess)
    assert found.value == pytest.approx(human.mean())


class Pool:
    """A pool of human and judge scores, groups by judge score and predictions learnt from an earlier half."""

    def __init__(self, human: np.ndarray, judge: np.ndarray, seed: int) -> None:
        rng = np.random.default_rng(seed)
        earlier = rng.permutation(human.size) < human.size // 4
        levels, group = np.unique(np.round(judge * 2).astype(int), return_inverse=True)
        overall = human[earlier].mean()
        sums = np.bincount(group[earlier], weights=human[earlier], minlength=levels.size)
        counts = np.bincount(group[earlier], minlength=levels.size)
        predicted = (sums + 4 * overall) / (counts + 4)
        sds = active.residual_sds((human - predicted[group])[earlier], group[earlier], levels.size)
        self.human, self.judge = human[~earlier], judge[~earlier]
        self.predicted, self.uncertainty = predicted[group][~earlier], sds[group][~earlier]

    def active(self, n: int, rng: np.random.Generator) -> Measured:
        """The estimate from n labels drawn by uncertainty."""
        p = active.inclusion_probabilities(self.uncertainty, n)
        s = active.draw(p, rng)
        return active.weighted_mean(self.human[s], self.predicted[s], p[s], self.predicted)

    def uniform(self, n: int, rng: np.random.Generator) -> Measured:
        """The estimate from n labels drawn evenly and corrected by regression."""
        s = rng.choice(self.human.size, n, replace=False)
        return judged.corrected_pool_mean(self.human[s], self.judge[s], self.judge).measured


@pytest.fixture
def pools(table: Callable[[str], Table]) -> dict[str, Pool]:
    """A balanced and a skewed pool."""
    votes, two = table("pandalm_pairwise.csv"), table("alpaca_two_judges.csv")
    human = np.mean([[SCORES[v] for v in votes[f"human{k}"]] for k in (1, 2, 3)], axis=0)
    judge = np.mean([[SCORES[v] for v in votes[name]] for name in ("judge_gpt35", "judge_pandalm7b")], axis=0)
    keep = [i for i, name in enumerate(two["model"]) if name == "gpt-3.5-turbo-0301"]
    strong, cheap = (np.array([float(two[c][i]) for i in keep]) for c in ("judge_strong_weighted", "judge_cot"))
    return {"balanced": Pool(human, judge, 1), "skewed": Pool(strong, cheap, 1)}


@pytest.mark.parametrize("draws", [500, pytest.param(6000, marks=pytest.mark.drill)])
@pytest.mark.parametrize(("name", "worst"), [("balanced", 1.05), ("skewed", 0.95)])
def test_active_draws_are_unbiased_and_sharper_when_skewed(
    pools: dict[str, Pool], name: str, worst: float, draws: int
) -> None:
    """50 labels: no bias, at least 94% coverage, error at most 1.05 of uniform draws and 0.95 when skewed."""
    rng, pool = np.random.default_rng(32), pools[name]
    truth = float(pool.human.mean())
    found = [pool.active(50, rng) for _ in range(draws)]
    values = np.array([one.value for one in found])
    uniform = np.array([pool.uniform(50, rng).value for _ in range(draws)])
    assert abs(values.mean() - truth) < 3 * values.std() / np.sqrt(draws)
    assert np.mean([one.interval.contains(truth) for one in found]) > 0.94 - 0.4 / np.sqrt(draws)
    ratio = np.sqrt(((values - truth) ** 2).mean() / ((uniform - truth) ** 2).mean())
    assert ratio < worst + 0.05 * (draws < 1000)
