"""Agreement beyond chance: other implementations, reference numbers, limits and invariances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evalbot.stats import agreement
from evalbot.stats.agreement import Metric, Weights
from tests.unit.stats.oracles import package

Table = dict[str, list[str]]
CODES = {"A": 0.0, "tie": 1.0, "B": 2.0}
panels = arrays(np.float64, st.tuples(st.integers(2, 12), st.integers(2, 5)), elements=st.sampled_from([1, 2, 3, 5]))
gappy = arrays(
    np.float64, st.tuples(st.integers(2, 12), st.integers(2, 5)), elements=st.sampled_from([1, 2, 3, 5, np.nan])
)


def rng() -> np.random.Generator:
    """A fresh seeded generator, for property tests."""
    return np.random.default_rng(5)


def pandalm(table: Callable[[str], Table]) -> np.ndarray:
    """Three people's preferences as codes, items x people."""
    data = table("pandalm_pairwise.csv")
    return np.array([[CODES[vote] for vote in data[f"human{k}"]] for k in (1, 2, 3)]).T


@pytest.mark.parametrize("metric", list(Metric))
@given(ratings=gappy)
@settings(max_examples=60)
def test_alpha_equals_the_krippendorff_package(metric: Metric, ratings: np.ndarray) -> None:
    """Alpha agrees with the package to 1e-9 for every metric and pattern of missing ratings."""
    found = agreement.krippendorff_alpha(ratings, metric, rng(), resamples=2)
    counts = (~np.isnan(ratings)).sum(axis=1)
    pairable = ratings[counts >= 2]
    if not len(pairable) or np.unique(pairable[~np.isnan(pairable)]).size < 2:
        assert found is None
        return
    oracle = krippendorff.alpha(ratings.T, level_of_measurement=metric.value)
    assert found is None or found.value == pytest.approx(oracle, abs=1e-9)


@given(panels)
@settings(max_examples=60)
def test_fleiss_and_cohen_equal_statsmodels(ratings: np.ndarray) -> None:
    """Fleiss' and Cohen's kappas agree with statsmodels, weighted or not."""
    inter_rater = package("statsmodels.stats.inter_rater")
    table, _ = inter_rater.aggregate_raters(ratings)
    fleiss = agreement.fleiss_kappa(ratings, rng(), resamples=2)
    if fleiss is not None:
        assert fleiss.value == pytest.approx(inter_rater.fleiss_kappa(table), abs=1e-9)
    pair = ratings[:, :2]
    values, codes = np.unique(pair, return_inverse=True)
    cells = np.zeros((values.size, values.size))
    np.add.at(cells, tuple(codes.reshape(pair.shape).T), 1)
    for weights, name in ((Weights.ALL_EQUAL, None), (Weights.LINEAR, "linear"), (Weights.QUADRATIC, "quadratic")):
        cohen = agreement.cohen_kappa(pair[:, 0], pair[:, 1], rng(), weights, resamples=2)
        if cohen is not None:
            oracle = inter_rater.cohens_kappa(cells, wt=name, return_results=False)
            assert cohen.value == pytest.approx(oracle, abs=1e-9)


def test_people_on_preferences_equal_the_reference(reference: dict[str, Any], table: Callable[[str], Table]) -> None:
    """Alpha, Fleiss, Cohen, AC1 and the bootstrap interval equal the reference on three people's preferences."""
    votes, expected = pandalm(table), reference["deterministic"]["agreement_pandalm"]
    alpha = agreement.krippendorff_alpha(votes, Metric.NOMINAL, rng())
    fleiss, ac1 = agreement.fleiss_kappa(votes, rng()), agreement.gwet_ac1(votes, rng())
    assert alpha is not None
    assert fleiss is not None
    assert ac1 is not None
    assert alpha.value == pytest.approx(expected["krippendorff_nominal"], abs=1e-4)
    assert [alpha.lower, alpha.upper] == pytest.approx(expected["krippendorff_boot95_items_seed0"], abs=0.006)
    assert fleiss.value == pytest.approx(expected["fleiss"], abs=1e-4)
    assert ac1.value == pytest.approx(expected["gwet_ac1"], abs=1e-4)
    for first, second in ((1, 2), (1, 3), (2, 3)):
        kappa = agreement.cohen_kappa(votes[:, first - 1], votes[:, second - 1], rng())
        assert kappa is not None
        assert kappa.value == pytest.approx(expected[f"cohen_{first}{second}"], abs=1e-4)


@pytest.mark.parametrize("skill", ["coherence", "fluency", "informativeness", "relevance"])
def test_ordinal_scores_equal_the_reference(
    reference: dict[str, Any], table: Callable[[str], Table], skill: str
) -> None:
    """Ordinal and interval alpha of newsroom scores equal the reference."""
    data = table("newsroom_ordinal.csv")
    keep = [i for i, name in enumerate(data["skill"]) if name == skill]
    items, rows = np.unique([data["item"][i] for i in keep], return_inverse=True)
    scores = np.full((items.size, 3), np.nan)
    scores[rows, [int(data["grader_slot"][i]) - 1 for i in keep]] = [float(data["score"][i]) for i in keep]
    expected = reference["deterministic"]["agreement_newsroom"][skill]
    ordinal = agreement.krippendorff_alpha(scores, Metric.ORDINAL, rng())
    interval = agreement.krippendorff_alpha(scores, Metric.INTERVAL, rng(), resamples=2)
    assert ordinal is not None
    assert interval is not None
    assert ordinal.value == pytest.approx(expected["ordinal"], abs=1e-4)
    assert interval.value == pytest.approx(expected["interval"], abs=1e-4)
    assert [ordinal.lower, ordinal.upper] == pytest.approx(expected["ordinal_boot95_items_seed0"], abs=0.02)


def test_unsure_is_missing_as_in_the_reference(reference: dict[str, Any], table: Callable[[str], Table]) -> None:
    """Safety votes of 123 people, unsure left out, reach the reference alpha."""
    codes = {"1": 1.0, "0": 0.0, "u": np.nan}
    votes = np.array([[codes[vote] for vote in row] for row in table("dices350_matrix.csv")["crowd_unsafe_123"]])
    found = agreement.krippendorff_alpha(votes, Metric.NOMINAL, rng(), resamples=50)
    assert found is not None
    expected = reference["deterministic"]["agreement_dices350"]["nominal_unsure_as_missing"]
    assert found.value == pytest.approx(expected, abs=1e-4)
    assert found.n == 173


def test_a_single_category_is_undefined_not_perfect() -> None:
    """When everybody always says the same, agreement beyond chance is undefined."""
    same = np.ones((20, 3))
    for metric in Metric:
        assert agreement.krippendorff_alpha(same, metric, rng()) is None
    assert agreement.fleiss_kappa(same, rng()) is None
    assert agreement.gwet_ac1(same, rng()) is None
    assert agreement.cohen_kappa(same[:, 0], same[:, 1], rng()) is None
    assert agreement.krippendorff_alpha(np.full((5, 2), np.nan), Metric.NOMINAL, rng()) is None


def test_common_categories_hurt_alpha_but_not_ac1() -> None:
    """The prevalence paradox: 95% raw agreement, alpha near zero, AC1 near 0.95."""
    votes = np.zeros((100, 2))
    votes[:3, 0], votes[3:5, 1] = 1, 1
    alpha, ac1 = agreement.krippendorff_alpha(votes, Metric.NOMINAL, rng()), agreement.gwet_ac1(votes, rng())
    assert alpha is not None
    assert ac1 is not None
    assert alpha.value < 0
    assert ac1.value > 0.94


@given(panels, st.integers(0, 100))
@settings(max_examples=30)
def test_order_of_items_and_raters_does_not_matter(ratings: np.ndarray, seed: int) -> None:
    """Shuffling rows and columns leaves the value as it is."""
    shuffled = np.random.default_rng(seed).permutation(ratings, axis=0)[:, ::-1]
    before = agreement.krippendorff_alpha(ratings, Metric.ORDINAL, rng(), resamples=2)
    after = agreement.krippendorff_alpha(shuffled, Metric.ORDINAL, rng(), resamples=2)
    assert (before is None and after is None) or (
        before is not None and after is not None and before.value == pytest.approx(after.value)
    )


def test_incomplete_panels_are_refused_by_fleiss() -> None:
    """Fleiss' kappa names alpha as the way out when items have different numbers of ratings."""
    with pytest.raises(ValueError, match="use alpha"):
        agreement.fleiss_kappa([[1.0, 2.0], [1.0, float("nan")]], rng())


def test_thousands_of_items_have_a_narrow_interval() -> None:
    """Alpha of 10,000 items is known to a hundredth or two, by each metric, and that of noise is near zero."""
    generator = np.random.default_rng(3)
    truth = generator.integers(1, 6, (10_000, 1))
    scores = np.clip(truth + generator.integers(-1, 2, (10_000, 3)), 1, 5).astype(float)
    for metric in (Metric.NOMINAL, Metric.ORDINAL):
        found = agreement.krippendorff_alpha(scores, metric, generator, resamples=200)
        assert found is not None
        assert found.interval.width < 0.02
    spread = agreement.krippendorff_alpha(generator.uniform(size=(2000, 2)), Metric.INTERVAL, generator)
    assert spread is not None
    assert abs(spread.value) < 0.1
