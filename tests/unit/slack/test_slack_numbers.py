"""The wording of numbers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.slack.views.numbers import (
    change_alone,
    change_words,
    counted,
    duration_words,
    interval_words,
    left_words,
    moment,
    money_words,
    percent,
    progress_bar,
    score_alone,
    score_words,
    signed_points,
    spent_words,
    verdict_words,
)
from evalbot.stats.verdicts import Verdict
from tests.unit.slack.slack_samples import make_change, make_estimate, make_summary


def test_a_score_carries_interval_and_n() -> None:
    """The form is the same everywhere."""
    assert score_words(make_estimate(0.86, 0.055, 180)) == "86 % (80 to 92, n 180)"
    assert score_words(make_estimate(0.8634, 0.004, 40_000)) == "86.3 % (85.9 to 86.7, n 40,000)"


@pytest.mark.parametrize("n", range(5))
def test_below_five_items_there_is_no_number(n: int) -> None:
    """Too few items are said, not scored."""
    assert score_words(make_estimate(1.0, 0.4, n)) == f"too few to say (n {n})"
    assert "%" not in score_alone(make_estimate(1.0, 0.4, n))


def test_what_is_not_all_or_nothing_never_reads_so() -> None:
    """Rounding does not turn 99.7 into 100 or 0.2 into 0."""
    assert [percent(share) for share in (0.0, 0.002, 0.5, 0.997, 1.0)] == ["0 %", "<1 %", "50 %", ">99 %", "100 %"]


@pytest.mark.parametrize(
    "value, half, shown",
    [
        (-0.031, 0.029, "−3.1"),
        (-0.16, 0.17, "−16"),
        (0.004, 0.04, "+0.4"),
        (0.0, 0.04, "0.0"),
        (-0.0001, 0.04, "0.0"),
        (0.0042, 0.0031, "+0.42"),
    ],
)
def test_differences_keep_two_digits_of_the_half_width(value: float, half: float, shown: str) -> None:
    """Points have as many decimals as their interval supports, and a real minus sign."""
    assert signed_points(value, half) == shown


def test_a_change_carries_interval_and_n() -> None:
    """Points, never percent; hyphens never stand for minus."""
    assert change_words(make_change()) == "−3.1 points (−6.0 to −0.2, n 180)"
    assert change_alone(None) == "–"


def test_verdicts_are_words_first() -> None:
    """An arrow never stands alone and a doubt says what it would take."""
    assert verdict_words(make_change()) == "▼ worse"
    assert verdict_words(make_change(difference=0.1)) == "▲ better"
    assert verdict_words(make_change(difference=0.04, half=0.09, needed=1_234)) == "cannot tell, needs about 1,200"
    assert verdict_words(make_change(difference=0.0, half=0.01)) == "no difference"
    assert verdict_words(make_change(verdict=Verdict.CANNOT_TELL, needed=None)) == "cannot tell"
    assert verdict_words(None) == "not compared"


@given(st.floats(0, 1), st.floats(0, 0.5), st.integers(5, 10**6))
def test_every_estimate_can_be_worded(score: float, half: float, n: int) -> None:
    """No estimate gives a hyphen for minus, an exponent or a missing n."""
    shown = score_words(make_estimate(score, half, n))
    assert "e" not in shown
    assert "-" not in shown
    assert shown.endswith(f", n {n:,})")
    assert " to " in interval_words(make_estimate(score, half, n))


@pytest.mark.parametrize(
    ("usd", "exact", "said"),
    [
        (0.42, True, "$0.42"),
        (0.421, False, "at most $0.43"),
        (0.002, False, "at most $0.01"),
        (None, False, "cost unknown"),
    ],
)
def test_a_cost_that_is_an_upper_bound_says_so(usd: float | None, exact: bool, said: str) -> None:
    """Where some calls count with the most they may have cost, the sum is never shown as lower than it may be."""
    assert spent_words(make_summary(cost_usd=usd, cost_exact=exact)) == said


def test_cost_and_time_are_honest() -> None:
    """Unknown costs are unknown; tiny ones are not zero."""
    assert [money_words(usd) for usd in (None, 0.0, 0.002, 0.42, 1_234.5)] == [
        *("cost unknown", "$0.00", "under $0.01", "$0.42", "$1,234.50")
    ]
    assert [duration_words(s) for s in (0.2, 12, 72, 120, 3_720)] == [
        "under 1 s",
        "12 s",
        "1 min 12 s",
        "2 min",
        "1 h 2 min",
    ]
    assert [left_words(s) for s in (None, 4, 38, 200)] == [
        *("time left not known yet", "a few seconds left", "about 40 s left", "about 3 min left")
    ]


@given(st.integers(0, 500), st.integers(0, 500))
def test_a_bar_is_full_only_when_all_is_done(done: int, size: int) -> None:
    """The last cell fills with the last answer."""
    bar = progress_bar(done, size)
    assert len(bar) == 20
    assert ("░" not in bar) == (done >= size)


def test_readers_see_their_own_time() -> None:
    """A moment is Slack's date form with UTC to fall back on."""
    assert moment(datetime(2026, 11, 30, 9, 0, tzinfo=UTC)) == (
        "<!date^1796029200^{date_short_pretty} {time}|30 Nov 2026 09:00 UTC>"
    )
    assert counted(1, "item") + counted(1_200, "item") == "1 item1,200 items"
