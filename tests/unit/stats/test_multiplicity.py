"""Families of tests: adjusted p-values, e-values and shrunken means."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.stats.multiplicity import benjamini_hochberg, e_benjamini_hochberg, shrunken_means
from tests.unit.stats.oracles import package


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_adjusted_p_values_equal_statsmodels(p: list[float]) -> None:
    """The adjustment agrees with statsmodels for any family, ties included."""
    multipletests = package("statsmodels.stats.multitest").multipletests
    assert benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1], abs=1e-12)


def test_adjusted_p_values_equal_the_reference(reference: dict[str, Any]) -> None:
    """The per-skill p-values of two models are adjusted as in the reference."""
    skills = reference["deterministic"]["alpaca_paired_by_skill"]["skills"].values()
    found = benjamini_hochberg([skill["p"] for skill in skills])
    assert found == pytest.approx([skill["p_bh"] for skill in skills], abs=1e-5)


def test_empty_families_and_wrong_values() -> None:
    """No tests give no p-values; numbers outside [0, 1] are refused."""
    assert benjamini_hochberg([]).size == 0
    with pytest.raises(ValueError, match="between 0 and 1"):
        benjamini_hochberg([0.5, 1.2])


def test_e_values_need_more_proof_in_larger_families() -> None:
    """One e-value of 30 is a discovery among three tests at q = 0.1 and none among four."""
    assert e_benjamini_hochberg([30, 1, 1]).tolist() == [True, False, False]
    assert not e_benjamini_hochberg([30, 1, 1, 1]).any()
    assert e_benjamini_hochberg([20, 20, 1, 1]).tolist() == [True, True, False, False]


def test_noisy_means_are_pulled_further(rng: np.random.Generator) -> None:
    """Shrinking lowers the squared error, keeps precise groups in place and never overshoots the centre."""
    truth, se = rng.normal(0.6, 0.05, 2000), np.where(np.arange(2000) % 2, 0.02, 0.15)
    seen = truth + rng.normal(0, se)
    result = shrunken_means(seen, se)
    assert ((result.means - truth) ** 2).mean() < 0.3 * ((seen - truth) ** 2).mean()
    assert np.sqrt(result.spread) == pytest.approx(0.05, rel=0.3)
    assert (np.abs(result.means - result.centre) <= np.abs(seen - result.centre) + 1e-12).all()
    inside = np.abs(result.means - truth) < 1.96 * result.ses
    assert inside.mean() == pytest.approx(0.95, abs=0.02)


def test_equal_groups_collapse_to_one_mean() -> None:
    """Without spread beyond noise all groups share the centre."""
    result = shrunken_means([0.5, 0.51, 0.49], [0.1, 0.1, 0.1])
    assert result.spread == 0
    assert result.means == pytest.approx([0.5, 0.5, 0.5])
