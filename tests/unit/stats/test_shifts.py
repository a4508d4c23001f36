"""Detectors of drops: false alarms over a year, delay, size and the frozen reference."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from evalbot.stats import shifts
from evalbot.stats.shifts import Shift, cusum, e_detector

Weeks = list[np.ndarray]
Detector = Callable[[Weeks], Shift]
DETECTORS: list[Detector] = [e_detector, cusum]
DRAWS = [120, pytest.param(1500, marks=pytest.mark.drill)]


def year(rng: np.random.Generator, n: int, drop_at: int | None = None, weeks: int = 52) -> Weeks:
    """Weekly differences of pass/fail answers with the reference asked again; from drop_at on 15% fewer passes."""
    result = []
    for week in range(weeks):
        truth = rng.beta(1.4, 0.6, n)
        now = truth * (0.85 if drop_at is not None and week >= drop_at else 1.0)
        result.append((rng.random(n) < now) * 1.0 - (rng.random(n) < truth))
    return result


def frozen_year(rng: np.random.Generator, n: int, runs: int, drop_at: int | None = None) -> tuple[Weeks, float]:
    """Weekly differences to one frozen reference of so many runs, and the error that reference leaves."""
    truth = rng.beta(1.4, 0.6, n)
    asked = (rng.random((runs, n)) < truth) * 1.0
    factors = [0.85 if drop_at is not None and week >= drop_at else 1.0 for week in range(52)]
    weeks = [(rng.random(n) < truth * factor) - asked.mean(axis=0) for factor in factors]
    return weeks, shifts.reference_error(asked)


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize("draws", DRAWS)
def test_a_quiet_year_raises_few_alarms(detector: Detector, draws: int) -> None:
    """200 items, 52 weeks without change, reference asked again: at most 7% (9% for the twin) ever alarm."""
    rng = np.random.default_rng(11)
    alarms = sum(detector(year(rng, 200)).alarm is not None for _ in range(draws))
    assert alarms / draws <= (0.07 if detector is e_detector else 0.09) + 1.5 * np.sqrt(0.06 / draws) * (draws < 500)


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize("draws", DRAWS)
def test_a_drop_of_15_percent_is_found_within_8_weeks(detector: Detector, draws: int) -> None:
    """200 items, drop in week 13: found within 8 weeks in 99%, in a median of at most 2 weeks."""
    rng = np.random.default_rng(12)
    delays: list[int] = []
    while len(delays) < draws:
        alarm = detector(year(rng, 200, drop_at=12, weeks=30)).alarm
        if alarm is None or alarm >= 12:
            delays.append(99 if alarm is None else alarm - 11)
    assert np.mean(np.array(delays) <= 8) >= 0.99
    assert np.median(delays) <= 2


@pytest.mark.parametrize("runs", [2, 5])
@pytest.mark.parametrize("draws", [100, pytest.param(1000, marks=pytest.mark.drill)])
def test_reference_error_stops_the_false_alarms_of_a_frozen_reference(runs: int, draws: int) -> None:
    """A frozen reference alarms often when its own error is ignored and at most in 7% of years when it is passed."""
    rng = np.random.default_rng(13)
    ignored = handled = 0
    for _ in range(draws):
        weeks, error = frozen_year(rng, 200, runs)
        ignored += e_detector(weeks).alarm is not None
        handled += e_detector(weeks, reference_error=error).alarm is not None
    assert handled / draws <= 0.07
    assert handled < ignored


def test_a_frozen_reference_of_five_runs_still_finds_the_drop() -> None:
    """With the reference's error passed, a 15% drop is found within 8 weeks in nearly every year."""
    rng = np.random.default_rng(14)
    found = 0
    for _ in range(100):
        weeks, error = frozen_year(rng, 200, 5, drop_at=12)
        alarm = e_detector(weeks, reference_error=error).alarm
        found += alarm is not None and alarm <= 19
    assert found >= 95


@pytest.mark.parametrize("detector", DETECTORS)
def test_the_found_shift_carries_onset_and_size(detector: Detector) -> None:
    """Onset is near the true week and the size's interval holds the true drop in most years."""
    rng = np.random.default_rng(15)
    onsets, inside = [], []
    for _ in range(100):
        found = detector(year(rng, 200, drop_at=12, weeks=30))
        if found.alarm is None or found.onset is None or found.size is None or found.alarm < 12:
            continue
        onsets.append(abs(found.onset - 12))
        inside.append(found.size.interval.contains(-0.15 * 0.7))
        assert found.onset <= found.alarm
    assert np.median(onsets) <= 1
    assert np.mean(inside) > 0.8


def test_rises_are_found_by_negating_and_never_otherwise(rng: np.random.Generator) -> None:
    """A rise never alarms a detector of drops; the negated series does."""
    better = [-week for week in year(rng, 200, drop_at=0, weeks=12)]
    for detector in DETECTORS:
        assert detector(better).alarm is None
        assert detector([-week for week in better]).alarm is not None


def test_thousands_of_items_do_not_overflow(rng: np.random.Generator) -> None:
    """Ten thousand items that all dropped give finite paths."""
    found = e_detector([np.full(10_000, -0.5)] * 5)
    assert found.alarm == 0
    assert np.isfinite(found.path).all()


def test_an_unchanged_constant_week_is_silent() -> None:
    """Weeks of zeros give no alarm and no warning; no weeks give no alarm."""
    for detector in DETECTORS:
        assert detector([np.zeros(30)] * 52).alarm is None
        assert detector([]).alarm is None
    with pytest.raises(ValueError, match=r"\[-1, 1\]"):
        e_detector([[-1.5, 0.2]])


@pytest.mark.parametrize("draws", [20_000])
def test_one_weeks_evidence_is_an_e_value(draws: int) -> None:
    """Without a change the expected evidence of a week is at most one."""
    rng = np.random.default_rng(16)
    values = [np.exp(shifts.log_e_value(rng.choice([-1.0, 0.0, 1.0], 5))) for _ in range(draws)]
    assert np.mean(values) == pytest.approx(1.0, abs=4 * np.std(values) / np.sqrt(draws))


def test_more_weeks_of_the_same_items_promise_nothing(rng: np.random.Generator) -> None:
    """Repeating a week leaves the size's interval as it was."""
    week = rng.choice([-1.0, 0.0, 1.0], 100)
    one, many = shifts.shift_size([week]), shifts.shift_size([week] * 10)
    assert [many.lower, many.upper] == pytest.approx([one.lower, one.upper])
    assert shifts.shift_size([week], reference_error=0.1).half_width > one.half_width
    with pytest.raises(ValueError, match="two runs"):
        shifts.reference_error([[0, 1, 1]])
