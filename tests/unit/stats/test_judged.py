"""Human means sharpened by judges: coverage and width on shared data, weak judges, pools, clusters and blends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from evalbot.stats import judged
from evalbot.stats.intervals import t_mean
from evalbot.stats.quantiles import two_sided_z

Table = dict[str, list[str]]
SCORES = {"A": 1.0, "B": 0.0, "tie": 0.5, "": 0.5}
SETS = {
    "pandalm_gpt35": "pandalm_gpt35",
    "pandalm_7b": "pandalm_7b",
    "pandalm_two_judges": "pandalm_two_judges",
    "skewed": "alpaca_cheap_vs_strong_judge:gpt-3.5-turbo-0301",
    "dices": "dices_expert_given_crowd_mean",
}
Pair = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def pairs_of(table: Callable[[str], Table]) -> Callable[[str], Pair]:
    """A function that gives human and judge scores of a shared set."""
    votes, two = table("pandalm_pairwise.csv"), table("alpaca_two_judges.csv")
    human = np.mean([[SCORES[v] for v in votes[f"human{k}"]] for k in (1, 2, 3)], axis=0)
    gpt, small = (np.array([SCORES[v] for v in votes[name]]) for name in ("judge_gpt35", "judge_pandalm7b"))
    keep = [i for i, name in enumerate(two["model"]) if name == "gpt-3.5-turbo-0301"]
    strong, cheap = (np.array([float(two[c][i]) for i in keep]) for c in ("judge_strong_weighted", "judge_cot"))
    dices = table("dices350_matrix.csv")
    share = [np.mean([vote == "1" for vote in row if vote != "u"]) for row in dices["crowd_unsafe_123"]]
    sets = {
        "pandalm_gpt35": (human, gpt),
        "pandalm_7b": (human, small),
        "pandalm_two_judges": (human, (gpt + small) / 2),
        "skewed": (strong, cheap),
        "dices": (np.array(dices["expert_unsafe"], dtype=float), np.array(share)),
    }
    return sets.__getitem__


def stream_draws(pair: Pair, n: int, draws: int, seed: int) -> tuple[float, float]:
    """Coverage and mean uncut width of the stream interval over samples with 1,000 further judged outputs."""
    human, judge = pair
    rng = np.random.default_rng(seed)
    covered = width = 0.0
    for _ in range(draws):
        i, j = rng.integers(0, human.size, n), rng.integers(0, human.size, 1000)
        found = judged.corrected_stream_mean(human[i], judge[i], judge[j]).measured
        covered += found.interval.contains(float(human.mean()))
        width += 2 * two_sided_z(0.95) * (found.se or 0.0)
    return covered / draws, width / draws


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("n", [25, 100])
def test_widths_beat_the_reference_and_coverage_holds(
    reference: dict[str, Any], pairs_of: Callable[[str], Pair], name: str, n: int
) -> None:
    """Short form: 500 draws are narrower than the symmetric reference intervals, at honest coverage."""
    covered, width = stream_draws(pairs_of(name), n, 500, seed=21)
    expected = reference["monte_carlo"]["small_n_intervals_4000_draws"][SETS[name]][str(n)]["lam_insample_widen2"]
    assert 0.75 * expected["width"] < width < expected["width"]
    assert covered > 0.925


@pytest.mark.drill
@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("n", [25, 50, 100, 200])
def test_coverage_on_every_shared_set(pairs_of: Callable[[str], Pair], name: str, n: int) -> None:
    """8,000 draws: coverage of at least 94% (less two simulation errors) for every size on every set."""
    covered, _ = stream_draws(pairs_of(name), n, 8000, seed=22)
    assert covered >= 0.94 - 2 * np.sqrt(0.06 * 0.94 / 8000)


@pytest.mark.parametrize("name", ["pandalm_two_judges", "skewed"])
@pytest.mark.parametrize("draws", [500, pytest.param(6000, marks=pytest.mark.drill)])
def test_pool_interval_covers_the_pool_mean(pairs_of: Callable[[str], Pair], name: str, draws: int) -> None:
    """In a fixed pool of 398, 50 random labels give an unbiased mean and at least 94% coverage."""
    rng = np.random.default_rng(23)
    human, judge = (side[:398] for side in pairs_of(name))
    found = []
    for _ in range(draws):
        drawn = rng.choice(398, 50, replace=False)
        found.append(judged.corrected_pool_mean(human[drawn], judge[drawn], judge).measured)
    values = np.array([one.value for one in found])
    assert abs(values.mean() - human.mean()) < 3 * values.std() / np.sqrt(draws) + 0.002
    assert np.mean([one.interval.contains(float(human.mean())) for one in found]) > 0.94 - 0.5 / np.sqrt(draws)


def test_a_judge_saves_labels_as_promised(reference: dict[str, Any], pairs_of: Callable[[str], Pair]) -> None:
    """Needed labels equal the reference closed form, and 28% fewer labels give the width of the plain interval."""
    for name in SETS:
        expected = reference["monte_carlo"]["ppi"][SETS[name]]
        need = judged.labels_needed(expected["human_sd"], expected["rho"], 0.05, 1000)
        assert need == pytest.approx(expected["need_5pts_ppi_N1000"], abs=3)
    human, _ = pair = pairs_of("pandalm_two_judges")
    rng = np.random.default_rng(24)
    plain = np.mean([2 * t_mean(human[rng.integers(0, human.size, 313)]).half_width for _ in range(300)])
    covered, width = stream_draws(pair, round(313 * 0.72), 800, seed=25)
    assert width <= plain * 1.005
    assert covered > 0.93


@pytest.mark.parametrize("n", [100, 200])
def test_a_useless_judge_costs_nothing(pairs_of: Callable[[str], Pair], n: int) -> None:
    """A shuffled judge is at most 3% wider than people alone."""
    rng = np.random.default_rng(26)
    human, judge = pairs_of("pandalm_two_judges")
    shuffled = rng.permutation(judge)
    _, width = stream_draws((human, shuffled), n, 500, seed=27)
    plain = np.mean([2 * t_mean(human[rng.integers(0, human.size, n)]).half_width for _ in range(500)])
    assert width <= 1.03 * plain


def test_a_judge_that_contradicts_people_is_ignored(rng: np.random.Generator) -> None:
    """Negative correlation gets weight zero; a constant judge too; the value is then the human mean."""
    human = rng.integers(0, 2, 60).astype(float)
    for judge in (1 - human, np.full(60, 0.7)):
        found = judged.corrected_pool_mean(human, judge, np.concatenate([judge, judge]))
        assert found.weight == 0
        assert found.measured.value == pytest.approx(human.mean())


def test_a_perfect_judge_leaves_only_the_imagined_residuals(rng: np.random.Generator) -> None:
    """A judge equal to people gives the pool's judge mean, with an interval that shrinks as labels come in."""
    pool = rng.integers(0, 2, 1000).astype(float)
    few, many = (judged.corrected_pool_mean(pool[:n], pool[:n], pool) for n in (20, 200))
    assert few.measured.value == pytest.approx(pool.mean(), abs=0.02)
    assert few.measured.half_width > many.measured.half_width > 0
    assert many.correlation == pytest.approx(1)
    assert many.saving == pytest.approx(1)


def test_the_whole_pool_labelled_is_the_human_mean(rng: np.random.Generator) -> None:
    """With every output labelled by people the judge no longer matters and nothing is uncertain."""
    human, judge = rng.random(80), rng.random(80)
    found = judged.corrected_pool_mean(human, judge, judge).measured
    assert [found.value, found.lower, found.upper] == pytest.approx([human.mean()] * 3)


def test_bias_and_judge_mean_are_told() -> None:
    """A judge that is ten points kind shows so, and its raw mean is kept beside the corrected one."""
    human = np.tile([0.2, 0.4, 0.6, 0.8], 10)
    found = judged.corrected_pool_mean(human, human + 0.1, np.tile(human + 0.1, 5))
    assert found.bias == pytest.approx(0.1)
    assert found.judge_mean == pytest.approx(0.6)
    assert found.measured.value == pytest.approx(0.5, abs=1e-9)


def test_paired_differences_are_corrected_too(rng: np.random.Generator) -> None:
    """The corrected difference covers a true change of the pool and is sharper than people alone."""
    covered, sharper = 0, 0
    for _ in range(300):
        before = (rng.random(400) < 0.5) * 1.0
        after = np.where(rng.random(400) < 0.2, (rng.random(400) < 0.8) * 1.0, before)
        noisy = [np.where(rng.random(400) < 0.05, 1 - side, side) for side in (before, after)]
        s = rng.choice(400, 80, replace=False)
        found = judged.corrected_pool_difference(
            before[s], after[s], noisy[0][s], noisy[1][s], noisy[0], noisy[1]
        ).measured
        covered += found.interval.contains(float((after - before).mean()))
        sharper += found.half_width < t_mean((after - before)[s], within=None).half_width
    assert covered / 300 > 0.93
    assert sharper / 300 > 0.85


def test_clusters_widen_when_residuals_come_together(rng: np.random.Generator) -> None:
    """Residuals shared within threads need the clustered variance to be honest."""
    threads = np.arange(200) // 10
    human = np.clip(0.5 + rng.normal(0, 0.2, 20)[threads] + rng.normal(0, 0.05, 200), 0, 1)
    judge = rng.random(200)
    extra = rng.random(1000)
    plain = judged.corrected_stream_mean(human, judge, extra).measured
    grouped = judged.corrected_stream_mean(human, judge, extra, cluster_index=threads).measured
    assert grouped.half_width > 1.5 * plain.half_width
    assert grouped.clusters == 20
    each = judged.corrected_stream_mean(human, judge, extra, cluster_index=np.arange(200)).measured
    assert each.half_width == pytest.approx(plain.half_width)


def test_blending_uses_the_better_judge(rng: np.random.Generator) -> None:
    """A blend of a good judge and noise correlates with people nearly as the good one does, without peeking."""
    human = rng.random(300)
    judges = np.column_stack([human + rng.normal(0, 0.1, 300), rng.random(300)])
    blend = judged.blend_judges(human[:100], judges[:100], judges, rng)
    assert np.corrcoef(blend.everything, human)[0, 1] > 0.9
    noise = judged.blend_judges(human[:100], rng.random((100, 30)), rng.random((300, 30)), rng)
    assert np.corrcoef(noise.labelled, human[:100])[0, 1] < 0.3
    with pytest.raises(ValueError, match="labelled x judges"):
        judged.blend_judges(human[:10], judges[:9], judges, rng)


def test_mismatched_labels_are_refused() -> None:
    """Human and judge labels that do not pair up, or a pool smaller than its sample, are errors."""
    with pytest.raises(ValueError, match="pair up"):
        judged.corrected_pool_mean([1, 0], [1], [1, 0, 1])
    with pytest.raises(ValueError, match="pool of 1"):
        judged.corrected_pool_mean([1, 0], [1, 0], [1])
