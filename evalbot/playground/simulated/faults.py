"""Faults on demand: which requests of the simulated server fail, and how."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from evalbot.playground.simulated.personas import uniform


class Fault(StrEnum):
    """What can go wrong with a request."""

    RATE_LIMIT = "rate_limit"
    SERVER_ERROR = "server_error"
    HANG = "hang"
    MALFORMED = "malformed"
    EMPTY_CHOICES = "empty_choices"
    HTML = "html"


@dataclass
class FaultPlan:
    """Rates by fault in [0, 1] (together at most 1) for some models (empty: all); limit: at most so many more."""

    rates: Mapping[Fault, float] = field(default_factory=dict)
    models: frozenset[str] = frozenset()
    limit: int | None = None
    retry_after_s: float = 1.0
    met: Counter[str] = field(default_factory=Counter)
    asked: int = 0

    def next_fault(self, model: str) -> Fault | None:
        """Decide the next request's fate; the n-th request after setting the rates always meets the same one."""
        if not self.rates or self.limit == 0 or (self.models and model not in self.models):
            return None
        self.asked += 1
        draw = uniform("fault", self.asked)
        for fault, rate in self.rates.items():
            if draw < rate:
                self.met[fault.value] += 1
                self.limit = None if self.limit is None else self.limit - 1
                return fault
            draw -= rate
        return None
