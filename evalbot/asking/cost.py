"""What an answer cost, from token counts and list prices; unknown stays unknown."""

from __future__ import annotations

from functools import lru_cache

from evalbot.asking.target_config import Price

LINEAR_UP_TO = 100_000
"""Up to so many input tokens, no provider's price depends on the size of the request."""


@lru_cache(maxsize=256)
def list_price(provider: str, model: str) -> Price | None:
    """Give the list price of a model in dollars per million tokens, None when it is not in the price list."""
    nothing = _listed(provider, model, 0, 0)
    question = _listed(provider, model, 1000, 0)
    answer = _listed(provider, model, 0, 1000)
    if question is None or answer is None or nothing != 0:
        return None
    return Price(question * 1000, answer * 1000)


def cost_usd(
    provider: str | None, model: str, input_tokens: int | None, output_tokens: int | None, price: Price | None = None
) -> float | None:
    """Give the cost of one answer in dollars; None without token counts or without a known price, never a guess.

    `price` is the target's own price and goes before the list; a provider of None is in no list.
    """
    if input_tokens is None or output_tokens is None:
        return None
    known = price
    if known is None and provider is not None:
        if input_tokens > LINEAR_UP_TO:
            return _listed(provider, model, input_tokens, output_tokens)
        known = list_price(provider, model)
    if known is None:
        return None
    return (input_tokens * known.input + output_tokens * known.output) / 1_000_000


def _listed(provider: str, model: str, input_tokens: int, output_tokens: int) -> float | None:
    """Look a call up in the price list."""
    from genai_prices import Usage, calc_price  # slow to import, and only needed once something was asked

    try:
        usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens)
        found = calc_price(usage, model_ref=model, provider_id=provider)
    except (LookupError, ValueError):
        return None
    return float(found.total_price)
