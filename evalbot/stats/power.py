"""How many items a question needs, and what a given number of items can show."""

from __future__ import annotations

from math import ceil, sqrt

from evalbot.stats.quantiles import one_sided_z, two_sided_z


def items_for_change(sd: float, change: float, level: float = 0.95, power: float = 0.80) -> int:
    """How many items show a mean paired difference of `change` with the given power; sd is that of the differences.

    Source: Lachin 1981, doi:10.1016/0197-2456(81)90001-5.
    """
    return ceil(((two_sided_z(level) + one_sided_z(power)) * sd / _positive(change)) ** 2)


def items_for_flips(discordant: float, change: float, level: float = 0.95, power: float = 0.80) -> int:
    """How many pass/fail items show a change when a share `discordant` of items flips either way.

    Source: Connor 1987, doi:10.2307/2531961.
    """
    change = _positive(change)
    if not change <= discordant <= 1:
        raise ValueError("The share of flips is at least the change and at most 1.")
    spread = two_sided_z(level) * sqrt(discordant) + one_sided_z(power) * sqrt(discordant - change**2)
    return ceil((spread / change) ** 2)


def items_for_half_width(sd: float, half_width: float, level: float = 0.95) -> int:
    """How many items give an interval of this half width."""
    return ceil((two_sided_z(level) * sd / _positive(half_width)) ** 2)


def smallest_change(sd: float, n: int, level: float = 0.95, power: float = 0.80) -> float:
    """The smallest true paired difference that n items show with the given power."""
    return (two_sided_z(level) + one_sided_z(power)) * sd / sqrt(n)


def expected_half_width(sd: float, n: int, level: float = 0.95) -> float:
    """The half width to expect from n items."""
    return two_sided_z(level) * sd / sqrt(n)


def sd_with_repeats(between: float, within: float, repeats: int) -> float:
    """The standard deviation of item means over so many repeats, from the two variances.

    Source: Miller 2024, arXiv:2411.00640, section 3.1.
    """
    if repeats < 1:
        raise ValueError("At least one repeat is needed.")
    return sqrt(between + within / repeats)


def _positive(size: float) -> float:
    if size == 0:
        raise ValueError("A change of zero needs endlessly many items.")
    return abs(size)
