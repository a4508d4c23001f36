"""Intervals by inverting a test: they hold the supposed values that the test does not refuse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ends:
    """The ends of an interval."""

    lower: float
    upper: float


def inverted(accepts: Callable[[float], bool], value: float, lowest: float, highest: float, halvings: int = 60) -> Ends:
    """The furthest points from a value towards both ends of a range that a test accepts; the ends where it accepts those.

    The value itself is accepted without asking. Where a test refuses, accepts and refuses again on one side, it may be
    cut at either place.
    """
    lower, upper = (_last_accepted(accepts, value, end, halvings) for end in (lowest, highest))
    return Ends(lower, upper)


def _last_accepted(accepts: Callable[[float], bool], start: float, end: float, halvings: int) -> float:
    """The point furthest from start towards end that a test accepts."""
    if accepts(end):
        return end
    near, far = start, end
    for _ in range(halvings):
        middle = (near + far) / 2
        near, far = (middle, far) if accepts(middle) else (near, middle)
    return near
