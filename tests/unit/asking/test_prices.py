"""Prices: a target's own goes before the operator's, that before the list's; nobody's is unknown, not nothing."""

from __future__ import annotations

import pytest
from pydantic import JsonValue

from evalbot.asking.prices import PriceTable
from evalbot.asking.target_config import Price
from evalbot.runs.budgets import Rate
from evalbot.suites.targets import Target

GIVEN = PriceTable({"openai:gpt-4.1-mini": Price(9.0, 90.0), "http": Price(0.0, 0.0)})
OWN: dict[str, JsonValue] = {"price": {"input": 1.0, "output": 2.0}}


@pytest.mark.parametrize(
    ("target", "price"),
    [
        (Target("openai:gpt-4.1-mini", "mini", OWN), Price(1.0, 2.0)),
        (Target("openai:gpt-4.1-mini", "mini"), Price(9.0, 90.0)),
        (Target("openai:gpt-4.1", "large"), Price(2.0, 8.0)),
        (Target("openai:gpt-4.1", "proxy", {"base_url": "https://models.example.com/v1"}), None),
        (Target("openai:gpt-4.1", "proxy", {"base_url": "https://models.example.com/v1", **OWN}), Price(1.0, 2.0)),
        (Target("vllm:gpt-4.1", "ours"), None),
        (Target("ollama:llama3", "ours"), None),
        (Target("python:app:answer", "ours"), None),
        (Target("http", "app"), Price(0.0, 0.0)),
        (Target("openai:no-such-model", "what"), None),
        (Target("echo", "echo"), Price(0.0, 0.0)),
        (Target("replay:answers.jsonl", "old"), Price(0.0, 0.0)),
    ],
)
def test_the_nearest_price_counts(target: Target, price: Price | None) -> None:
    """Own, given, listed, in this order; what calls nobody is free."""
    assert GIVEN.of(target) == price


def test_a_rate_is_the_price_of_one_token() -> None:
    """A dollar for a million tokens is a thousand billionths of a dollar for one."""
    assert GIVEN.rate(Target("openai:x", "x", OWN)) == Rate(1_000.0, 2_000.0)
    assert GIVEN.rate(Target("vllm:x", "x")) is None


def test_the_operators_price_is_put_into_a_config_without_one() -> None:
    """So the cost of each answer is reckoned with it; a target's own price stays."""
    bare, priced = Target("openai:gpt-4.1-mini", "mini"), Target("openai:gpt-4.1-mini", "mini", OWN)
    assert GIVEN.stated(bare).config == {"price": {"input": 9.0, "output": 90.0}}
    assert GIVEN.stated(priced) is priced
    assert GIVEN.stated(Target("openai:gpt-4.1", "large")).config == {}
