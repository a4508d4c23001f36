"""Paid calls: each attempt at a call waits until money is put aside for it, and says what became of it."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol

from evalbot.errors import ModelUnavailable

UNBILLED = frozenset({"rate_limited", "server_error", "auth", "bad_request", "not_found", "quota", "redirected"})
"""Failures with which the provider says that it did not answer, and for which none asks money."""


def may_cost(failure: ModelUnavailable) -> bool:
    """Tell whether a failed call may have been billed: it came to the provider, who did not refuse it."""
    return failure.reached and failure.kind not in UNBILLED


class Meter(Protocol):
    """Counts the attempts at one call."""

    async def begin(self) -> None:
        """Wait until the money of the next attempt is put aside; raises BudgetUsedUp when there is none."""

    def fail(self, failure: ModelUnavailable) -> None:
        """Note how the attempt that was begun failed."""


METER: ContextVar[Meter | None] = ContextVar("meter", default=None)
"""The meter of the call that the current task makes, None for calls that nobody counts."""
