"""Services: the one bag that stories are given."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from evalbot.asking.ask import Answerers
from evalbot.asking.prices import NO_PRICES, PriceTable
from evalbot.people import TeamId
from evalbot.runs.budgets import NO_LIMITS, Limits
from evalbot.runs.outputs import RunId
from evalbot.store.database import Store
from evalbot.workflows.announcer import Announcer


class Engine(Protocol):
    """Where the shards of a run are executed. `submit` twice for one run executes it once."""

    async def submit(self, run_id: RunId) -> None:
        """Begin or go on with a run in the background."""

    async def cancel(self, run_id: RunId) -> None:
        """Stop asking for a run; what is there stays."""


@dataclass(frozen=True, slots=True)
class Services:
    """What stories need from outside: where things are kept, who is asked, who is told, the time, chance and names.

    `new_seed` gives fresh seeds for draws; `spawn` starts work that goes on after the answer to a person; `limits` are the
    workspace's budgets and `prices` what the operator says of prices. `reuse` not None has answers used again that were given
    before; it names where the operator's models are asked.
    """

    store: Store
    models: Answerers
    announcer: Announcer
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    new_seed: Callable[[], int]
    spawn: Callable[[Coroutine[Any, Any, None]], None]
    team: TeamId
    limits: Limits = NO_LIMITS
    prices: PriceTable = NO_PRICES
    reuse: str | None = None
