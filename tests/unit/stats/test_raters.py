"""Consensus of several raters: recovery, real crowds against experts, ties and limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from evalbot.stats import raters
from evalbot.stats.raters import Votes, make_votes

Table = dict[str, list[str]]


def crowd(table: Callable[[str], Table], chosen: np.ndarray) -> tuple[Votes, np.ndarray]:
    """Votes of the chosen raters on safety, unsure left out, and the experts' labels."""
    data = table("dices350_matrix.csv")
    triples = [
        (i, r, int(row[column]))
        for i, row in enumerate(data["crowd_unsafe_123"])
        for r, column in enumerate(chosen)
        if row[column] != "u"
    ]
    item, rater, label = np.array(triples).T
    return make_votes(item, rater, label, labels=2, items=173), np.array(data["expert_unsafe"], dtype=int)


def accuracy(label: np.ndarray, truth: np.ndarray) -> float:
    """The share of right labels; open ones count half."""
    return float(np.where(label < 0, 0.5, label == truth).mean())


def simulated(rng: np.random.Generator, skills: list[float], items: int) -> tuple[Votes, np.ndarray]:
    """Every rater votes on every item with three labels and is right with his own chance."""
    truth = rng.integers(0, 3, items)
    right = rng.random((items, len(skills))) < np.array(skills)
    label = np.where(right, truth[:, None], (truth[:, None] + rng.integers(1, 3, right.shape)) % 3)
    item, rater = np.indices(right.shape)
    return make_votes(item, rater, label, labels=3), truth


def test_the_whole_crowd_equals_the_reference(reference: dict[str, Any], table: Callable[[str], Table]) -> None:
    """With all 123 raters accuracy against experts, the share unsafe and the mean sensitivity equal the reference."""
    votes, expert = crowd(table, np.arange(123))
    expected = reference["deterministic"]["consensus_dices350_vs_expert"]["123"]
    fit, fitted = raters.dawid_skene(votes), reference["deterministic"]["dawid_skene_dices350"]
    assert accuracy(raters.majority(votes).label, expert) == pytest.approx(expected["majority"], abs=1e-4)
    assert accuracy(fit.label, expert) == pytest.approx(expected["dawid_skene"], abs=0.01)
    assert accuracy(raters.one_coin(votes).label, expert) == pytest.approx(expected["onecoin_ds"], abs=0.01)
    assert fit.confusion is not None
    assert fit.prior[1] == pytest.approx(fitted["prior_unsafe"], abs=0.03)
    assert fit.confusion[:, 1, 1].mean() == pytest.approx(fitted["mean_sensitivity"], abs=0.03)


@pytest.mark.parametrize("first", [3, 5, 9, 25])
def test_small_crowds_are_near_the_reference(
    reference: dict[str, Any], table: Callable[[str], Table], first: int
) -> None:
    """Averaged over 15 drawn panels, both consensus models reach what other implementations reached on one panel."""
    found = []
    for seed in range(15):
        votes, expert = crowd(table, np.random.default_rng(seed).choice(123, first, replace=False))
        models = (raters.majority, raters.dawid_skene, raters.one_coin)
        found.append([accuracy(model(votes).label, expert) for model in models])
    expected = reference["deterministic"]["consensus_dices350_vs_expert"][str(first)]
    means = np.mean(found, axis=0)
    assert means == pytest.approx([expected[k] for k in ("majority", "dawid_skene", "onecoin_ds")], abs=0.06)
    assert abs(means[1] - means[0]) < 0.03


def test_models_recover_skills_and_beat_majority(rng: np.random.Generator) -> None:
    """Two good raters among five poor ones: both models learn who is good and label better than the majority."""
    skills = [0.95, 0.9, 0.4, 0.4, 0.4, 0.45, 0.45]
    votes, truth = simulated(rng, skills, 600)
    plain = accuracy(raters.majority(votes).label, truth)
    for model in (raters.dawid_skene, raters.one_coin):
        fit = model(votes)
        assert fit.confusion is not None
        assert np.diagonal(fit.confusion, axis1=1, axis2=2).mean(axis=1) == pytest.approx(skills, abs=0.07)
        assert accuracy(fit.label, truth) > plain + 0.05
        assert fit.confusion.sum(axis=2) == pytest.approx(np.ones((7, 3)))


def test_posterior_is_calibrated(rng: np.random.Generator) -> None:
    """Among labels held with some certainty, that share is right."""
    votes, truth = simulated(rng, [0.7] * 5, 4000)
    fit = raters.one_coin(votes)
    best = fit.posterior.max(axis=1)
    for low, high in ((0.5, 0.8), (0.8, 0.95), (0.95, 1.0)):
        inside = (best >= low) & (best < high)
        assert (fit.label[inside] == truth[inside]).mean() == pytest.approx(best[inside].mean(), abs=0.04)


def test_ties_stay_open_and_doubt_is_measured() -> None:
    """One vote against one is no label; no votes is full doubt; three equal votes are none for a majority."""
    votes = make_votes([0, 0, 1, 1, 1], [0, 1, 0, 1, 2], [0, 1, 1, 1, 1], labels=2, items=3)
    result = raters.majority(votes)
    assert result.label.tolist() == [-1, 1, -1]
    assert result.entropy == pytest.approx([1.0, 0.0, 1.0], abs=1e-9)
    fit = raters.dawid_skene(votes)
    assert 0 < fit.entropy[1] < fit.entropy[2] <= 1


def test_labels_never_switch() -> None:
    """Mostly right raters keep their labels' names whatever the start."""
    item, rater = np.indices((50, 3))
    truth = np.arange(50) % 2
    fit = raters.dawid_skene(make_votes(item, rater, np.repeat(truth[:, None], 3, axis=1), labels=2))
    assert fit.label.tolist() == truth.tolist()


def test_doubled_and_unknown_votes_are_refused() -> None:
    """A second vote of one rater on one item, or a label beyond the list, is an error."""
    with pytest.raises(ValueError, match="twice"):
        make_votes([0, 0], [1, 1], [0, 1], labels=2)
    with pytest.raises(ValueError, match="below 2"):
        make_votes([0], [0], [2], labels=2)
    with pytest.raises(ValueError, match="equal lengths"):
        make_votes([0, 1], [0], [1], labels=2)


def test_no_votes_at_all_is_full_doubt() -> None:
    """Models of nothing return uniform posteriors instead of failing."""
    empty = make_votes([], [], [], labels=2, items=2)
    for model in (raters.majority, raters.dawid_skene, raters.one_coin):
        assert model(empty).posterior == pytest.approx(np.full((2, 2), 0.5))


def test_strict_raters_are_evened_out(rng: np.random.Generator) -> None:
    """With a strict rater on half of the items, calibrated means are nearer the truth than plain ones."""
    truth = rng.uniform(0.3, 0.9, 200)
    scores = truth[:, None] + np.array([0.0, 0.0, -0.3]) + rng.normal(0, 0.05, (200, 3))
    scores[::2, 2] = np.nan
    scores[1::2, 0] = np.nan
    scores[7] = np.nan
    plain, calibrated = scores[np.arange(200) != 7], raters.calibrated_mean(scores)
    assert np.isnan(calibrated[7])
    keep = np.arange(200) != 7
    errors = [np.std(np.nanmean(plain, axis=1) - truth[keep]), np.std(calibrated[keep] - truth[keep])]
    assert errors[1] < 0.6 * errors[0]
    assert np.isnan(raters.ordinal_median(scores)[7])
    assert raters.ordinal_median(np.array([[1, 5, np.nan], [2, 2, 5]])).tolist() == [3.0, 2.0]


def test_leave_one_out_agreement_finds_the_odd_one(rng: np.random.Generator) -> None:
    """A rater who votes at random agrees least with the others; one without shared items keeps the prior mean."""
    votes, _ = simulated(rng, [0.9, 0.9, 0.9, 0.34], 300)
    shares = raters.leave_one_out_agreement(votes)
    assert shares.argmin() == 3
    assert shares[:3].min() > 0.8
    alone = make_votes([0, 1], [0, 1], [0, 0], labels=2)
    assert raters.leave_one_out_agreement(alone) == pytest.approx([2 / 3, 2 / 3])
