"""Strengths from pairwise preferences: reference numbers, symmetry, ties and limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from evalbot.stats import preferences
from evalbot.stats.preferences import bradley_terry, win_chance
from tests.unit.stats.oracles import package

Table = dict[str, list[str]]


def votes(table: Callable[[str], Table]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Left, right, score and item of every human vote, and the models' names."""
    data = table("pandalm_pairwise.csv")
    names = sorted(set(data["model_a"]) | set(data["model_b"]))
    rows = [
        (names.index(a), names.index(b), {"A": 1.0, "B": 0.0, "tie": 0.5}[data[f"human{k}"][i]], i)
        for i, (a, b) in enumerate(zip(data["model_a"], data["model_b"], strict=True))
        for k in (1, 2, 3)
    ]
    left, right, score, item = map(np.array, zip(*rows, strict=True))
    return left, right, score, item, names


def test_strengths_equal_the_reference(
    reference: dict[str, Any], table: Callable[[str], Table], rng: np.random.Generator
) -> None:
    """Five models' log strengths with ties dropped equal the reference to 2e-4."""
    left, right, score, item, names = votes(table)
    keep = score != 0.5
    found = bradley_terry(left[keep], right[keep], score[keep], 5, item[keep], rng, resamples=20)
    expected = reference["deterministic"]["bradley_terry_pandalm_ties_dropped"]
    assert found.comparisons == expected["n_comparisons"]
    assert found.strength == pytest.approx([expected["log_strength"][name] for name in names], abs=2e-4)
    assert found.tie is None


def test_items_are_resampled_not_votes(table: Callable[[str], Table], rng: np.random.Generator) -> None:
    """Three agreeing votes per item prove less than as many votes on different items."""
    left, right, score, item, _ = votes(table)
    grouped = bradley_terry(left, right, score, 5, item, rng, resamples=200)
    alone = bradley_terry(left, right, score, 5, np.arange(score.size), rng, resamples=200)
    assert (grouped.upper - grouped.lower).mean() > 1.3 * (alone.upper - alone.lower).mean()
    best, worst = int(grouped.strength.argmax()), int(grouped.strength.argmin())
    assert grouped.difference(best, worst).lower > 0
    assert grouped.tie is not None


def simulated(rng: np.random.Generator, strength: np.ndarray, tie: float, n: int) -> tuple[np.ndarray, ...]:
    """Comparisons drawn from the model itself."""
    left = rng.integers(0, strength.size, n)
    right = (left + rng.integers(1, strength.size, n)) % strength.size
    gap = strength[left] - strength[right]
    weights = np.exp(np.column_stack([gap / 2, np.full(n, tie), -gap / 2]))
    draw = (rng.random((n, 1)) > np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)).sum(axis=1)
    return left, right, 1 - draw / 2


def test_the_model_recovers_its_own_strengths(rng: np.random.Generator) -> None:
    """Strengths and tie weight come back, and most intervals hold the truth."""
    strength = np.array([-1.0, -0.2, 0.3, 0.9])
    left, right, score = simulated(rng, strength, -0.5, 6000)
    found = bradley_terry(left, right, score, 4, np.arange(6000), rng)
    assert found.strength == pytest.approx(strength, abs=0.12)
    assert found.tie == pytest.approx(-0.5, abs=0.1)
    inside = (found.lower <= strength) & (strength <= found.upper)
    assert inside.sum() >= 3
    assert win_chance(found, 3, 0) == pytest.approx(1 - win_chance(found, 0, 3))
    assert win_chance(found, 2, 2) == pytest.approx(0.5)


def test_swapping_sides_changes_nothing(rng: np.random.Generator) -> None:
    """The strengths do not depend on which side was called left."""
    left, right, score = simulated(rng, np.array([0.0, 0.5, 1.0]), -1.0, 300)
    items = np.arange(300)
    one = bradley_terry(left, right, score, 3, items, rng, resamples=2)
    other = bradley_terry(right, left, 1 - score, 3, items, rng, resamples=2)
    assert one.strength == pytest.approx(other.strength)


def test_the_unbeaten_stay_finite(rng: np.random.Generator) -> None:
    """A competitor that always wins gets a large but finite strength."""
    found = bradley_terry([0, 0, 1, 1] * 5, [1, 2, 2, 2] * 5, [1, 1, 1, 0] * 5, 3, np.arange(20), rng)
    assert found.strength.argmax() == 0
    assert np.isfinite(found.upper).all()
    assert np.abs(found.strength).max() < 30


def test_order_effect_is_told(rng: np.random.Generator) -> None:
    """A preference for the left side shows as a mean above one half; votes of one item count once."""
    score = np.repeat((rng.random(200) < 0.65) * 1.0, 3)
    found = preferences.order_effect(score, np.repeat(np.arange(200), 3))
    assert found.lower > 0.5
    assert found.clusters == 200


def test_impossible_comparisons_are_refused(rng: np.random.Generator) -> None:
    """A competitor against itself, or other scores than 0, 0.5 and 1, are errors."""
    with pytest.raises(ValueError, match="two different"):
        bradley_terry([0], [0], [1], 2, [0], rng)
    with pytest.raises(ValueError, match="two different"):
        bradley_terry([0], [1], [0.7], 2, [0], rng)


def test_strengths_without_ties_equal_choix(rng: np.random.Generator) -> None:
    """Log strengths of two thousand comparisons agree with the choix package to 1e-4."""
    truth = np.array([-1.0, -0.2, 0.3, 0.9])
    left = rng.integers(0, 4, 2000)
    right = (left + rng.integers(1, 4, 2000)) % 4
    won = rng.random(2000) < 1 / (1 + np.exp(truth[right] - truth[left]))
    found = bradley_terry(left, right, won * 1.0, 4, np.arange(2000), rng, resamples=2)
    pairs = [(a, b) if first else (b, a) for a, b, first in zip(left, right, won, strict=True)]
    oracle = package("choix").ilsr_pairwise(4, pairs)
    assert found.strength == pytest.approx(oracle - oracle.mean(), abs=1e-4)
