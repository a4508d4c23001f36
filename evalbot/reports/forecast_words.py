"""How what a run is expected to take is worded, in Slack as in a terminal: guesses look like guesses."""

from __future__ import annotations

from pydantic import JsonValue

from evalbot.reporting.estimates import FEWEST
from evalbot.reports.words import counted, money_words
from evalbot.runs.budgets import dollars
from evalbot.runs.forecasts import Forecast


def preview_line(forecast: Forecast) -> str:
    """Give the same in one line of plain text, for notifications, screen readers and terminals."""
    size = f"{counted(forecast.items, 'item')}, {counted(forecast.calls, 'call')}"
    taken = f"{size}, {cost_words(forecast)}, {time_words(forecast.seconds)}"
    if forecast.items < FEWEST:
        return f"{taken}, {width_words(forecast)}"
    return f"{taken}, exact to {width_words(forecast)}, shows changes from {change_words(forecast)}"


def cost_words(forecast: Forecast) -> str:
    """Word what a run is expected to cost: "$0.12 to $0.19"."""
    if forecast.low is None or forecast.high is None:
        return "cost unknown"
    if forecast.high == 0:
        return "nothing"
    low, high = money_words(dollars(forecast.low)), money_words(dollars(forecast.high))
    return high if low == high else f"{low} to {high}"


def time_words(seconds: float) -> str:
    """Word how long a run is expected to take, roughly, as it is a guess."""
    if seconds < 60:
        return "under a minute"
    if seconds < 5_400:
        return f"about {round(seconds / 60):,} min"
    return f"about {seconds / 3_600:,.1f} h"


def width_words(forecast: Forecast) -> str:
    """Word how exactly a run will measure: "±8 points (n 60)"."""
    if forecast.items < FEWEST:
        return f"too few items to say (n {forecast.items:,})"
    return f"±{_points(forecast.precision.half_width)} points (n {forecast.items:,})"


def change_words(forecast: Forecast) -> str:
    """Word the smallest change that a run will most likely show: "12 points"."""
    if forecast.items < FEWEST:
        return f"too few items to say (n {forecast.items:,})"
    shown = forecast.precision.smallest_change
    return "none smaller than 100 points" if shown >= 1 else f"{_points(shown)} points"


def _points(share: float) -> str:
    """Give a share in points, with a decimal only where it matters."""
    return f"{share * 100:.0f}" if share >= 0.0995 else f"{share * 100:.1f}"


def forecast_data(forecast: Forecast) -> dict[str, JsonValue]:
    """Give the same as numbers: dollars, seconds, and shares in [0, 1]; null where something is not known."""
    few = forecast.items < FEWEST
    return {
        "items": forecast.items,
        "calls": forecast.calls,
        "cost_usd": None
        if forecast.low is None or forecast.high is None
        else [dollars(forecast.low), dollars(forecast.high)],
        "without_price": list(forecast.unknown),
        "seconds": round(forecast.seconds, 1),
        "half_width": None if few else round(forecast.precision.half_width, 4),
        "smallest_change": None if few else round(forecast.precision.smallest_change, 4),
        "reckoned_from_run": forecast.precision.from_run,
        "budget_left_usd": None if forecast.least_left is None else dollars(forecast.least_left),
    }
