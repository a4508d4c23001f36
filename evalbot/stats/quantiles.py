"""Quantiles and tail probabilities of the few distributions the package needs."""

from __future__ import annotations

from statistics import NormalDist
from types import ModuleType

_STANDARD_NORMAL = NormalDist()


def _special() -> ModuleType:
    """scipy.special, imported late because it costs most of a second."""
    import scipy.special

    module: ModuleType = scipy.special
    return module


def two_sided_z(level: float) -> float:
    """The normal quantile that leaves (1 - level) / 2 in each tail; 1.96 for 0.95."""
    _check_level(level)
    return _STANDARD_NORMAL.inv_cdf(0.5 + level / 2)


def one_sided_z(level: float) -> float:
    """The normal quantile that leaves 1 - level in one tail; 0.84 for 0.80."""
    _check_level(level)
    return _STANDARD_NORMAL.inv_cdf(level)


def two_sided_t(level: float, df: float) -> float:
    """The Student t quantile that leaves (1 - level) / 2 in each tail. df may be fractional."""
    _check_level(level)
    return float(_special().stdtrit(df, 0.5 + level / 2))


def t_upper_tail(t: float, df: float) -> float:
    """The probability that a Student t variable exceeds t."""
    return float(_special().stdtr(df, -t))


def beta_quantile(probability: float, a: float, b: float) -> float:
    """The quantile of the Beta(a, b) distribution."""
    return float(_special().betaincinv(a, b, probability))


def beta_upper_tail(x: float, a: float, b: float) -> float:
    """The probability that a Beta(a, b) variable exceeds x."""
    return float(_special().betaincc(a, b, x))


def fair_coin_p(heads: int, tosses: int) -> float:
    """The two-sided exact p-value of so many heads when the coin is fair; 1.0 when nothing was tossed."""
    fewer = min(heads, tosses - heads)
    if 2 * fewer == tosses:
        return 1.0
    return min(1.0, 2 * float(_special().bdtr(fewer, tosses, 0.5)))


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"A level lies between 0 and 1, not {level}.")
