"""Items: one thing asked, with its reference, skill, split and status."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NewType

from pydantic import JsonValue

from evalbot.suites.graders import GraderSpec

ItemId = NewType("ItemId", str)


class Split(StrEnum):
    """Who may see an item: practice is open, holdout is kept back."""

    PRACTICE = "practice"
    HOLDOUT = "holdout"


class ItemStatus(StrEnum):
    """Where an item is in its life; probation lasts until people have graded it once."""

    ACTIVE = "active"
    PROBATION = "probation"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn put to a target; role is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where an item came from: kind is file, import or feedback; `by` a person id; `at` an ISO date; `url` a link."""

    kind: str
    by: str = ""
    url: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing asked: either `vars` filled into the suite's prompt, or whole `messages`."""

    id: ItemId
    vars: Mapping[str, JsonValue] = field(default_factory=dict)
    messages: tuple[Message, ...] = ()
    reference: JsonValue = None
    skill: str | None = None
    level: str | None = None
    split: Split = Split.PRACTICE
    status: ItemStatus = ItemStatus.ACTIVE
    graders: tuple[GraderSpec, ...] = ()
    tags: tuple[str, ...] = ()
    source: Source = field(default_factory=lambda: Source(kind="file"))
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)

    @property
    def question(self) -> str:
        """The text that people see as what was asked: the last user turn, or the variables."""
        for message in reversed(self.messages):
            if message.role == "user":
                return message.content
        for name in ("question", "input", "prompt", "message"):
            if isinstance(self.vars.get(name), str):
                return str(self.vars[name])
        return "\n".join(f"{name}: {value}" for name, value in self.vars.items())

    @property
    def references(self) -> tuple[str, ...]:
        """The acceptable answers as texts; empty when the item has no reference."""
        if self.reference is None:
            return ()
        if isinstance(self.reference, list):
            return tuple(str(one) for one in self.reference)
        return (str(self.reference),)

    def asking(self, question: str) -> Item:
        """Give the item with another question in place of its own; the same question changes nothing."""
        if question == self.question:
            return self
        return replace(self, vars={**self.vars, "question": question}, messages=())


def split_of(item_id: str, seed: int, holdout: float) -> Split:
    """Place an item by a stable hash of its id: `holdout` is the share in [0, 1] that is kept back."""
    digest = hashlib.blake2b(f"{seed}:{item_id}".encode(), digest_size=8).digest()
    return Split.HOLDOUT if int.from_bytes(digest) / 2**64 < holdout else Split.PRACTICE
