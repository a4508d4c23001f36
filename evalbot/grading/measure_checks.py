"""Checks of what an answer took: time and money. Pure."""

from __future__ import annotations

from evalbot.grading.findings import Answered, CannotCheck, Finding
from evalbot.suites.graders import GraderSpec


def check_latency(spec: GraderSpec, answered: Answered) -> Finding:
    """Compare the seconds the answer took with the threshold."""
    if spec.threshold is None:
        raise CannotCheck("latency needs a threshold, such as 5s.")
    if answered.usage is None:
        raise CannotCheck("Nobody knows how long this answer took.")
    took = answered.usage.latency_s
    quick = took <= spec.threshold
    return Finding(float(quick), f"It took {took:.3g} s, {spec.threshold:g} s are allowed.", quick)


def check_cost(spec: GraderSpec, answered: Answered) -> Finding:
    """Compare the dollars the answer cost with the threshold; an unknown cost is an error, never cheap."""
    if spec.threshold is None:
        raise CannotCheck("cost needs a threshold in dollars, such as 0.01.")
    cost = None if answered.usage is None else answered.usage.cost_usd
    if cost is None:
        raise CannotCheck("Nobody knows what this answer cost; give its target a price.")
    cheap = cost <= spec.threshold
    return Finding(float(cheap), f"It cost ${cost:.6f}, ${spec.threshold:g} are allowed.", cheap)
