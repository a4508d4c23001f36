"""How numbers about quality are worded: never without n and interval, never more digits than the interval carries."""

from __future__ import annotations

import math

from evalbot.reporting.estimates import Change, Estimate, RunSummary
from evalbot.stats.verdicts import Verdict

MINUS = "−"


def percent(share: float, decimals: int = 0) -> str:
    """Give a share in [0, 1] as percent; what is not all or nothing never reads as 100 or 0."""
    shown = f"{share * 100:.{decimals}f}"
    step = 10**-decimals
    if share < 1 and float(shown) >= 100:
        return f">{100 - step:.{decimals}f} %"
    if share > 0 and float(shown) <= 0:
        return f"<{step:.{decimals}f} %"
    return f"{shown} %"


def decimals_of(half_width: float) -> int:
    """Give the decimals of a number in points such that its half width (a share) keeps two significant digits."""
    points = half_width * 100
    return 0 if points >= 9.95 else 1 if points >= 0.995 else 2


# --- scores ----------------------------------------------------------------------------------------


def score_words(estimate: Estimate) -> str:
    """Word an estimate: "86 % (80 to 91, n 180)", or that there are too few items to say."""
    if estimate.too_few:
        return f"too few to say (n {estimate.n:,})"
    return f"{score_alone(estimate)} ({interval_words(estimate)}, n {estimate.n:,})"


def score_alone(estimate: Estimate) -> str:
    """Word the score of an estimate for a place that shows interval and n beside it."""
    return "too few" if estimate.too_few else percent(estimate.score, _score_decimals(estimate))


def interval_words(estimate: Estimate) -> str:
    """Word the interval of an estimate in percent: "80 to 91"; a dash where there are too few items."""
    if estimate.too_few:
        return "–"
    decimals = _score_decimals(estimate)
    return f"{estimate.lower * 100:.{decimals}f} to {estimate.upper * 100:.{decimals}f}"


def _score_decimals(estimate: Estimate) -> int:
    """Scores are read beside their interval, so they carry a digit less than differences."""
    return max(decimals_of(estimate.half_width) - 1, 0)


# --- differences -----------------------------------------------------------------------------------


def signed_points(value: float, half_width: float) -> str:
    """Word a difference in [-1, 1] as points with a sign, rounded by the half width of its interval."""
    shown = f"{value * 100:+.{decimals_of(half_width)}f}"
    return shown.lstrip("+-") if float(shown) == 0 else shown.replace("-", MINUS)


def change_alone(change: Change) -> str:
    """Word the difference of a change for a table: "−16"."""
    return signed_points(change.difference, (change.upper - change.lower) / 2)


def change_interval(change: Change) -> str:
    """Word the interval of a change: "−6.0 to −0.2"."""
    half = (change.upper - change.lower) / 2
    return f"{signed_points(change.lower, half)} to {signed_points(change.upper, half)}"


def change_words(change: Change) -> str:
    """Word a change: "−3.1 points (−6.0 to −0.2, n 180)"."""
    return f"{change_alone(change)} points ({change_interval(change)}, n {change.n:,})"


def short_verdict(change: Change) -> str:
    """Word a verdict for a narrow table; an arrow never stands alone."""
    if change.verdict is Verdict.CANNOT_TELL:
        return f"cannot tell{_needed(change)}"
    return {Verdict.WORSE: "▼ worse", Verdict.BETTER: "▲ better"}.get(change.verdict, "no difference")


def verdict_words(change: Change) -> str:
    """Word a verdict: like the short one, with what is needed named."""
    return short_verdict(change) + (" items" if change.verdict is Verdict.CANNOT_TELL and _needed(change) else "")


def _needed(change: Change) -> str:
    """Say how many items would decide, to two digits."""
    if change.needed is None:
        return ""
    digits = max(len(str(change.needed)) - 2, 0)
    return f", needs about {round(change.needed, -digits):,}"


# --- everything else -------------------------------------------------------------------------------


def counted(count: int, noun: str, nouns: str = "") -> str:
    """Give a number with its noun: "1 item", "1,200 items"; `nouns` is the plural of one that takes no s."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {nouns or noun + 's'}"


def money_words(usd: float | None) -> str:
    """Word a cost in US dollars; an unknown cost is unknown, not nothing."""
    if usd is None:
        return "cost unknown"
    return "under $0.01" if 0 < usd < 0.01 else f"${usd:,.2f}"


def spent_words(summary: RunSummary) -> str:
    """Word what a run cost: "at most $0.12" where some calls count with the most that they may have cost."""
    if not summary.cost_usd or summary.cost_exact:
        return money_words(summary.cost_usd)
    return f"at most ${math.ceil(summary.cost_usd * 100 - 1e-6) / 100:,.2f}"


def duration_words(seconds: float) -> str:
    """Word a duration: "1 min 12 s"."""
    whole = round(seconds)
    if whole < 1:
        return "under 1 s"
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60:,} h {minutes % 60} min"
