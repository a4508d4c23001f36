"""What a target's tokens cost: its own price, else the operator's, else the list's; unknown stays unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from evalbot.asking.answerers import ALIASES, LANGCHAIN
from evalbot.asking.cost import list_price
from evalbot.asking.target_config import Price, read_price
from evalbot.runs.budgets import Rate
from evalbot.suites.targets import Target

FREE = frozenset({"echo", "replay"})
"""Providers that call nobody."""

NANOS_PER_TOKEN = 1_000
"""Billionths of a dollar for one token at a price of one dollar per million tokens."""


@dataclass(frozen=True, slots=True)
class PriceTable:
    """The prices that the operator gives, by `provider:model`, before what the price list says."""

    given: Mapping[str, Price] = field(default_factory=dict)

    def of(self, target: Target) -> Price | None:
        """Give the price of a target in dollars per million tokens, None when nobody knows it."""
        own = read_price(target, target.config.get("price"))
        provider = ALIASES.get(target.provider, target.provider)
        if own is not None or provider in FREE:
            return own or Price(0.0, 0.0)
        listed = _listed_as(provider, target)
        return self.given.get(target.id) or (list_price(listed, target.model) if listed else None)

    def rate(self, target: Target) -> Rate | None:
        """Give the same in nanos for one token."""
        price = self.of(target)
        return None if price is None else Rate(price.input * NANOS_PER_TOKEN, price.output * NANOS_PER_TOKEN)

    def stated(self, target: Target) -> Target:
        """Give the target with the operator's price in its config, unless it states its own."""
        price = self.given.get(target.id)
        if price is None or "price" in target.config:
            return target
        return replace(target, config={**target.config, "price": {"input": price.input, "output": price.output}})


NO_PRICES = PriceTable()
"""What the operator says where nothing is said."""


def _listed_as(provider: str, target: Target) -> str | None:
    """Give the provider's name in the price list; a target at an address of its own is in no list."""
    if target.config.get("base_url") is not None:
        return None
    if provider in ("openai", "langchain-openai"):
        return "openai"
    return LANGCHAIN[provider][2] if provider in LANGCHAIN else None
