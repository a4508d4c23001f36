"""Item analysis: reference counts, recovery of simulated items and limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from evalbot.stats import item_response
from tests.unit.stats.oracles import package

Table = dict[str, list[str]]


def alpaca(table: Callable[[str], Table]) -> np.ndarray:
    """Models x items, items with all 53 results only."""
    data = table("alpaca_v1_matrix.csv")
    columns = [name for name in data if name not in ("item", "skill")]
    matrix = np.array([[float(v) if v else np.nan for v in data[name]] for name in columns])
    complete: np.ndarray = matrix[:, ~np.isnan(matrix).any(axis=0)]
    return complete


def test_item_rest_correlations_equal_the_reference(reference: dict[str, Any], table: Callable[[str], Table]) -> None:
    """Median correlation and number of negative items of 754 items and 53 models equal the reference."""
    matrix = alpaca(table)
    expected = reference["deterministic"]["items_alpaca"]
    assert matrix.shape == (expected["models"], expected["items"])
    found = item_response.item_rest_correlation(matrix == 1)
    r = found.r[~np.isnan(found.r)]
    assert np.median(r) == pytest.approx(expected["median_item_rest_r"], abs=1e-3)
    assert int((r < 0).sum()) == expected["neg_discrimination"]
    assert int((r < 0.1).sum()) == expected["disc_lt_0_1"]


def test_correlation_equals_numpy_with_and_without_gaps(rng: np.random.Generator) -> None:
    """Each item's r is the plain correlation with the mean of the other items of the same respondents."""
    x = (rng.random((20, 6)) < rng.random((20, 1))) * 1.0
    x[3, 2] = np.nan
    found = item_response.item_rest_correlation(x)
    seen = ~np.isnan(x[:, 2])
    rest = np.delete(x, 2, axis=1)[seen].mean(axis=1)
    assert found.r[2] == pytest.approx(np.corrcoef(x[seen, 2], rest)[0, 1])
    assert (found.lower <= found.r).all()
    assert (found.r <= found.upper).all()


def test_items_everybody_passes_have_no_correlation() -> None:
    """No variance or fewer than four answers give NaN, without warnings."""
    x = np.column_stack([np.ones(8), np.tile([0.0, 1.0], 4), np.repeat([0.0, 1.0], 4)])
    assert np.isnan(item_response.item_rest_correlation(x).r[0])
    assert np.isnan(item_response.item_rest_correlation(x[:3]).r).all()


def test_chance_of_saturation_needs_many_passes() -> None:
    """Ten passes of ten do not prove saturation at 97%, two hundred do."""
    assert item_response.chance_above(10, 10) < 0.9
    assert item_response.chance_above(200, 200) > 0.99
    assert item_response.chance_above(150, 200) < 1e-6


def responses(rng: np.random.Generator, people: int, slope: np.ndarray, difficulty: np.ndarray) -> tuple[Any, Any]:
    """Simulated responses and the abilities behind them."""
    ability = rng.normal(size=people)
    p = 1 / (1 + np.exp(-slope * (ability[:, None] - difficulty)))
    return (rng.random(p.shape) < p) * 1.0, ability


def test_both_models_recover_simulated_items(rng: np.random.Generator) -> None:
    """Difficulties, discriminations and abilities come back; a reversed item gets a negative slope."""
    slope = rng.uniform(0.6, 2.0, 40)
    slope[0] = -1.0
    difficulty = rng.normal(0, 1, 40)
    x, ability = responses(rng, 500, slope, difficulty)
    x[rng.random(x.shape) < 0.1] = np.nan
    fit = item_response.two_parameter(x)
    assert fit.discrimination[0] < -0.6
    assert np.corrcoef(fit.discrimination, slope)[0, 1] > 0.95
    assert np.corrcoef(fit.difficulty[1:], difficulty[1:])[0, 1] > 0.95
    assert np.corrcoef(fit.ability, ability)[0, 1] > 0.9
    inside = np.abs(fit.ability - ability) < 1.96 * fit.ability_sd
    assert inside.mean() == pytest.approx(0.95, abs=0.03)
    simple = item_response.rasch(responses(rng, 200, np.ones(40), difficulty)[0])
    assert np.corrcoef(simple.difficulty, difficulty)[0, 1] > 0.95
    assert (simple.discrimination == 1).all()


def test_few_respondents_get_difficulties_only(rng: np.random.Generator) -> None:
    """Below 30 respondents the two-parameter model refuses; Rasch still orders items and stays finite."""
    x = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 0], [1, 0, 0.5]])
    with pytest.raises(ValueError, match="30 respondents"):
        item_response.two_parameter(x)
    fit = item_response.rasch(x)
    assert (np.diff(fit.difficulty) > 0).all()
    assert np.abs(fit.difficulty).max() < 4
    with pytest.raises(ValueError, match="between 0 and 1"):
        item_response.rasch([[2.0, 1.0]])


def test_real_items_agree_with_item_rest_correlation(table: Callable[[str], Table]) -> None:
    """On 200 real items discriminations follow item-rest correlations."""
    matrix = alpaca(table)
    share = matrix.mean(axis=0)
    middle = np.where(matrix < 0, np.nan, matrix)[:, (share > 0.1) & (share < 0.9)][:, :200]
    fit = item_response.two_parameter(middle)
    r = item_response.item_rest_correlation(middle).r
    assert np.corrcoef(fit.discrimination, r)[0, 1] > 0.8
    clear = fit.discrimination > 0.3
    assert np.corrcoef(fit.difficulty[clear], np.nanmean(middle, axis=0)[clear])[0, 1] < -0.8


def test_information_peaks_at_the_items_difficulty() -> None:
    """An item tells most about respondents it is neither too hard nor too easy for."""
    found = item_response.information(0.5, [1.0, 1.0, 2.0], [0.5, 3.0, 0.5])
    assert found[0] == pytest.approx(0.25)
    assert found[1] < found[0] < found[2]


def test_item_curves_equal_girth_but_for_the_priors(rng: np.random.Generator) -> None:
    """With many respondents the priors hardly weigh: difficulties and discriminations are girth's, drawn a little inwards."""
    ability, difficulty = rng.normal(size=800), np.linspace(-1.5, 1.5, 12)
    slope = rng.uniform(0.7, 1.8, 12)

    def answers(gap: np.ndarray) -> np.ndarray:
        drawn: np.ndarray = (rng.random((800, 12)) < 1 / (1 + np.exp(-gap))).astype(int)
        return drawn

    alike = answers(ability[:, None] - difficulty)
    oracle = package("girth").rasch_mml(alike.T)["Difficulty"]
    assert item_response.rasch(alike).difficulty == pytest.approx(oracle, abs=0.05)
    unlike = answers(slope * (ability[:, None] - difficulty))
    found, twin = item_response.two_parameter(unlike), package("girth").twopl_mml(unlike.T)
    assert found.difficulty == pytest.approx(twin["Difficulty"], abs=0.1)
    assert found.discrimination == pytest.approx(twin["Discrimination"], rel=0.1)
