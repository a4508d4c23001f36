"""Outputs: what a target answered to one item in one repeat of a run, or the error it met."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from evalbot.suites.items import ItemId

RunId = NewType("RunId", str)
OutputId = NewType("OutputId", str)


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing to ask: an item put to a target once. `repeat` counts from 0."""

    target: str
    item_id: ItemId
    repeat: int


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer: a short machine-readable kind and a sentence."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer took; None where the provider did not say. One from the cache took nothing now: its cost is 0."""

    latency_s: float = 0.0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Output:
    """The answer (or failure) of one unit of a run; exactly what the model sent, nothing cut or cleaned."""

    id: OutputId
    run_id: RunId
    unit: Unit
    text: str | None
    failure: Failure | None
    usage: Usage
    at: datetime

    @property
    def answered(self) -> bool:
        """Tell whether the target gave an answer (an empty one counts)."""
        return self.failure is None


def output_id(run_id: RunId, unit: Unit) -> OutputId:
    """Give the id of a unit's output: the same unit of a run always has the same id."""
    parts = (run_id, unit.target, unit.item_id, str(unit.repeat))
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return OutputId(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=10).hexdigest())
