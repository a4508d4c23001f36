"""Cost: list prices, own prices, and unknown that stays unknown."""

from __future__ import annotations

import pytest

from evalbot.asking.cost import LINEAR_UP_TO, cost_usd, list_price
from evalbot.asking.target_config import Price


def test_list_price_of_a_known_model() -> None:
    """A model of the list has a price for either direction."""
    price = list_price("openai", "gpt-4.1-mini")
    assert price is not None
    assert price.output > price.input > 0
    assert cost_usd("openai", "gpt-4.1-mini", 1000, 500) == pytest.approx(
        (1000 * price.input + 500 * price.output) / 1e6
    )


@pytest.mark.parametrize(
    ("provider", "model"),
    [("openai", "no-such-model"), ("no-such-provider", "gpt-4.1"), (None, "gpt-4.1"), ("openai", "")],
)
def test_unknown_is_none_never_zero(provider: str | None, model: str) -> None:
    """Whatever is not in the list has no cost that could be added up."""
    assert cost_usd(provider, model, 10, 10) is None
    assert cost_usd(provider, model, LINEAR_UP_TO + 1, 10) is None


def test_without_token_counts_there_is_no_cost() -> None:
    """A price alone is no cost."""
    assert cost_usd("openai", "gpt-4.1-mini", None, 5) is None
    assert cost_usd("openai", "gpt-4.1-mini", 5, None, Price(1, 1)) is None


def test_own_price_goes_first_and_may_be_zero() -> None:
    """A configured price beats the list; a model that is free by configuration costs nothing."""
    assert cost_usd("openai", "gpt-4.1-mini", 1_000_000, 0, Price(7, 9)) == pytest.approx(7)
    assert cost_usd(None, "mine", 10, 10, Price(0, 0)) == 0.0


def test_long_requests_are_looked_up_whole() -> None:
    """Prices that rise with the size of the request are not extrapolated."""
    short = cost_usd("google", "gemini-2.5-pro", LINEAR_UP_TO, 0)
    long = cost_usd("google", "gemini-2.5-pro", 4 * LINEAR_UP_TO, 0)
    assert short is not None
    assert long is not None
    assert long > 4 * short
