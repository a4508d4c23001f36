"""Budgets: amounts, who pays what when, what a call can cost at most, and what it is billed."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.errors import BadRequest
from evalbot.people import PersonId
from evalbot.runs.budgets import (
    BILLION,
    MOST_OUTPUT,
    NO_LIMITS,
    Account,
    Bill,
    Bound,
    Limits,
    Rate,
    Scope,
    Spent,
    bill,
    dollars,
    input_bound,
    list_accounts,
    nanos,
    output_bound,
    parse_dollars,
    worst_case,
)
from evalbot.runs.outputs import RunId, Usage

RATE = Rate(400.0, 1_600.0)
"""0.40 dollars for a million tokens in, 1.60 for a million out."""

BOUND = Bound(1_000, 500)
WORST = 1_000 * 400 + 500 * 1_600


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("2", 2 * BILLION),
        ("2.00", 2 * BILLION),
        ("$0.05", 50_000_000),
        ("1,000", 1_000 * BILLION),
        ("0.5$", BILLION // 2),
    ],
)
def test_an_amount_is_read(text: str, amount: int) -> None:
    """Dollars come with or without their sign and decimals."""
    assert parse_dollars(text) == amount


@pytest.mark.parametrize("text", ["", "0", "-1", "two", "nan", "inf", "1e12", "1 000 000 000", "0x10", "1.2.3"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    """Nothing, less than nothing, words, and more than a million are no budgets."""
    with pytest.raises(BadRequest, match="not an amount"):
        parse_dollars(text)


@given(st.floats(0, 1e6, allow_nan=False))
def test_money_is_never_rounded_down(usd: float) -> None:
    """What is counted is at least what was paid, and by less than a billionth of a dollar more."""
    assert 0 <= nanos(usd) - Decimal(repr(usd)) * BILLION <= 1
    assert dollars(nanos(usd)) == pytest.approx(usd, abs=1e-8)


def test_a_call_is_billed_to_four_accounts_in_one_order() -> None:
    """Run, person, day and month each have their limit; a day is one of UTC wherever people live."""
    limits = Limits(1, 2, 3, 4)
    night = datetime(2026, 3, 1, 1, 0, tzinfo=timezone(timedelta(hours=9)))
    assert list_accounts(limits, RunId("r1"), PersonId("U1"), night) == (
        Account(Scope.RUN, "run:r1", 1),
        Account(Scope.PERSON_DAY, "person:U1:2026-02-28", 2),
        Account(Scope.DAY, "day:2026-02-28", 3),
        Account(Scope.MONTH, "month:2026-02", 4),
    )
    own = list_accounts(limits, RunId("r1"), PersonId("U1"), night, run_most=9)
    assert [account.most for account in own] == [9, 2, 3, 4]
    free = list_accounts(NO_LIMITS, RunId("r1"), PersonId("U1"), datetime(2026, 3, 1, tzinfo=UTC))
    assert [account.most for account in free] == [None] * 4


@given(st.lists(st.text(max_size=200), max_size=5))
def test_the_input_bound_is_no_less_than_the_bytes(texts: list[str]) -> None:
    """No way of cutting a text into tokens gives more of them than it has bytes."""
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
    assert input_bound(texts) >= size
    assert input_bound(texts) <= size + 16 * (len(texts) + 1)


def test_half_a_character_has_a_bound_as_well() -> None:
    """A text that no encoding can hold is counted, not refused."""
    assert input_bound(["\ud83d"]) >= 3


@pytest.mark.parametrize(
    ("config", "bound"),
    [
        ({}, MOST_OUTPUT),
        ({"max_tokens": 50}, 50),
        ({"max_completion_tokens": 20_000}, 20_000),
        ({"max_tokens": 80, "max_output_tokens": 60}, 60),
        ({"max_tokens": True}, MOST_OUTPUT),
        ({"max_tokens": -5}, MOST_OUTPUT),
        ({"max_tokens": "50"}, MOST_OUTPUT),
    ],
)
def test_the_output_bound_is_the_targets_own_cap(config: dict[str, object], bound: int) -> None:
    """The smallest cap of the config counts; without one, the usual one."""
    assert output_bound(config) == bound  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("usage", "said", "expected"),
    [
        (Usage(1.0, 100, 50), True, Bill(100 * 400 + 50 * 1_600, exact=True)),
        (Usage(1.0, 100, 50, 0.5), True, Bill(BILLION // 2, exact=True)),
        (Usage(1.0, 100, 0), False, Bill(100 * 400, exact=True)),
        (Usage(1.0, None, None), True, Bill(WORST, exact=False)),
        (Usage(1.0, 100, None), True, Bill(WORST, exact=False)),
        (Usage(1.0, None, 50), True, Bill(WORST, exact=False)),
        (Usage(1.0, 0, 50), True, Bill(WORST, exact=False)),
        (Usage(1.0, 100, 0), True, Bill(WORST, exact=False)),
        (Usage(1.0, -100, 50), True, Bill(WORST, exact=False)),
        (Usage(1.0, 10**15, 50, 4e8), True, Bill(WORST, exact=False)),
        (Usage(1.0, 100, 10**12), True, Bill(WORST, exact=False)),
        (Usage(1.0, 100, 50, math.nan), True, Bill(100 * 400 + 50 * 1_600, exact=True)),
        (Usage(1.0, 100, 50, -3.0), True, Bill(100 * 400 + 50 * 1_600, exact=True)),
        (Usage(1.0, 2_000, 900), True, Bill(2_000 * 400 + 900 * 1_600, exact=True)),
        (Usage(1.0, None, None, 0.25), True, Bill(BILLION // 4, exact=True)),
    ],
)
def test_a_call_is_billed_what_can_be_true(usage: Usage, said: bool, expected: Bill) -> None:
    """Figures that are missing or absurd are billed at the worst case; more than was put aside is billed as it is."""
    assert bill(RATE, BOUND, usage, said=said) == expected


def test_without_a_price_the_cost_is_unknown() -> None:
    """It is neither nothing nor a guess; only who states the cost itself is believed."""
    assert bill(None, BOUND, Usage(1.0, 100, 50), said=True) is None
    assert bill(None, BOUND, Usage(1.0), said=True) is None
    assert bill(None, BOUND, Usage(1.0, None, None, 0.25), said=True) == Bill(BILLION // 4, exact=True)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_no_bill_within_the_bound_is_above_the_worst_case(put: int, got: int) -> None:
    """What was put aside is enough for any call that keeps within its bound."""
    found = bill(RATE, Bound(10**6, 10**6), Usage(0.0, put, got), said=got > 0)
    assert found is not None
    assert found.nanos <= worst_case(RATE, Bound(10**6, 10**6))


def test_what_was_spent_is_unknown_as_soon_as_one_call_is() -> None:
    """The sum is what is known; with a call without price there is no sum in dollars."""
    assert Spent(BILLION, BILLION, BILLION).usd == 3.0
    assert Spent(BILLION, unknown=1).usd is None
    assert Spent(BILLION).exact
    assert not Spent(BILLION, held=1).exact
