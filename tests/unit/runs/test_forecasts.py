"""Forecasts: what a run is expected to take and to show, against numbers worked out by hand."""

from __future__ import annotations

import pytest

from evalbot.runs.budgets import BILLION, Limits, Rate, Scope
from evalbot.runs.forecasts import (
    Forecast,
    Load,
    Precision,
    expected_cost,
    expected_precision,
    expected_seconds,
    needs_approval,
    scaled_cost,
    text_tokens,
)

RATE = Rate(400.0, 1_600.0)


def test_cost_is_calls_times_tokens_times_price() -> None:
    """100 calls of 200 to 400 tokens in and 50 to 100 out: 1.6 to 3.2 cents for a target, and its judge beside it."""
    target = Load("main", 100, (200, 400), (50, 100), 2.0, RATE)
    judge = Load("judge", 10, (1_000, 1_000), (100, 100), 1.0, Rate(1_000.0, 2_000.0))
    assert expected_cost([target]) == (100 * (80_000 + 80_000), 100 * (160_000 + 160_000))
    assert expected_cost([target, judge]) == (16_000_000 + 12_000_000, 32_000_000 + 12_000_000)
    assert expected_cost([]) == (0, 0)


def test_one_call_without_a_price_makes_the_cost_unknown() -> None:
    """An unknown price is never nothing."""
    known = Load("main", 100, (200, 400), (50, 100), 2.0, RATE)
    assert expected_cost([known, Load("app", 1, (1, 1), (1, 1), 1.0, None)]) is None


def test_an_earlier_run_tells_what_each_answer_cost() -> None:
    """Two dollars for 100 answers make four for 200, give or take."""
    assert scaled_cost(2 * BILLION, 100, 200) == (3_200_000_000, 5 * BILLION)


def test_time_is_all_calls_shared_by_those_at_once() -> None:
    """100 calls of 2 s and 100 of 1 s, 8 at once, take 37.5 s."""
    loads = [Load("main", 100, (1, 1), (1, 1), 2.0, RATE), Load("judge", 100, (1, 1), (1, 1), 1.0, RATE)]
    assert expected_seconds(loads, 8) == 37.5


def test_without_an_earlier_run_exactness_is_reckoned_with_caution() -> None:
    """100 items: 1.96 x 0.5 / 10 = 9.8 points; a change of (1.96 + 0.84) x 0.5 / 10 = 14 points shows four times in five."""
    found = expected_precision(100)
    assert found.half_width == pytest.approx(0.098, abs=1e-4)
    assert found.smallest_change == pytest.approx(0.1401, abs=1e-4)
    assert found.from_run is None


def test_an_earlier_run_tells_how_scores_spread() -> None:
    """90 of 100 right: a spread of 0.3015; ten that flipped each way against the run before: one of 0.4495."""
    scores = {f"i{n}": float(n >= 10) for n in range(100)}
    before = {f"i{n}": float(n < 10 or n >= 20) for n in range(100)}
    found = expected_precision(400, scores, before, 7)
    assert found.from_run == 7
    assert found.half_width == pytest.approx(1.959964 * 0.301511 / 20, abs=1e-5)
    assert found.smallest_change == pytest.approx((1.959964 + 0.841621) * 0.449467 / 20, abs=1e-5)


def test_a_run_in_which_all_passed_does_not_promise_perfect_exactness() -> None:
    """Scores that were all equal are read as if one more had been another."""
    found = expected_precision(100, {f"i{n}": 1.0 for n in range(99)}, None, 3)
    assert found.half_width == pytest.approx(1.959964 * 0.1 / 10, abs=1e-4)


def test_few_scored_items_tell_nothing() -> None:
    """From fewer than ten items no spread is read off."""
    assert expected_precision(100, {"a": 1.0, "b": 0.0}, None, 3) == expected_precision(100)


def test_no_exactness_is_worse_than_everything() -> None:
    """One item says nothing, which is an interval from 0 to 100 points at most."""
    assert expected_precision(1).half_width == pytest.approx(0.98, abs=0.01)
    assert expected_precision(1).smallest_change == 1.0


@pytest.mark.parametrize(
    ("limits", "high", "most", "waits"),
    [
        (Limits(), 10**12, None, False),
        (Limits(approval_above=5 * BILLION), 5 * BILLION, None, False),
        (Limits(approval_above=5 * BILLION), 5 * BILLION + 1, None, True),
        (Limits(approval_above=5 * BILLION), 50 * BILLION, 2 * BILLION, False),
        (Limits(approval_above=5 * BILLION), 50 * BILLION, 20 * BILLION, True),
        (Limits(approval_above=5 * BILLION), None, None, True),
        (Limits(approval_above=5 * BILLION), None, BILLION, False),
        (Limits(run=BILLION, approval_above=5 * BILLION), 50 * BILLION, None, False),
        (Limits(approval_above=0), 0, None, False),
        (Limits(approval_above=0), 1, None, True),
    ],
)
def test_who_may_spend_what_without_asking(limits: Limits, high: int | None, most: int | None, waits: bool) -> None:
    """Above the set price a run waits, and so does one of unknown price; a budget of its own holds the price down."""
    assert needs_approval(limits, high, most) is waits


def test_a_budget_that_may_not_last_is_seen_beforehand() -> None:
    """What counts is the budget that is nearest to its end."""
    asked = Forecast(10, 10, 1.0, Precision(0.1, 0.2), BILLION, 2 * BILLION)
    assert not asked.may_stop_early
    left = {Scope.RUN: 3 * BILLION, Scope.DAY: BILLION}
    tight = Forecast(10, 10, 1.0, Precision(0.1, 0.2), BILLION, 2 * BILLION, left=left)
    assert (tight.least_left, tight.may_stop_early) == (BILLION, True)


def test_ordinary_text_has_a_token_for_two_and_a_half_to_five_bytes() -> None:
    """Few tokens and many are told apart."""
    assert text_tokens(1_000) == (200.0, 400.0)
