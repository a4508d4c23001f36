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

_QUESTION_NAMES = ("question", "input", "prompt", "message")


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
        place = self._last_user_turn
        if place is not None:
            return self.messages[place].content
        name = self._question_variable
        if name is not None:
            return str(self.vars[name])
        return "\n".join(f"{name}: {value}" for name, value in self.vars.items())

    @property
    def _last_user_turn(self) -> int | None:
        """The place of the last user turn among the messages."""
        places = [place for place, message in enumerate(self.messages) if message.role == "user"]
        return places[-1] if places else None

    @property
    def _question_variable(self) -> str | None:
        """The variable that alone holds the question: one of the usual names, or the only one there is."""
        names = _QUESTION_NAMES if len(self.vars) != 1 else tuple(self.vars)
        return next((name for name in names if isinstance(self.vars.get(name), str)), None)

    @property
    def references(self) -> tuple[str, ...]:
        """The acceptable answers as texts; empty when the item has no reference."""
        if self.reference is None:
            return ()
        if isinstance(self.reference, list):
            return tuple(str(one) for one in self.reference)
        return (str(self.reference),)

    def asking(self, question: str) -> Item:
        """Give the item with another question in place of its own; the same question changes nothing.

        The earlier turns of a conversation stay. A question made of several variables becomes a turn of its own.
        """
        if question == self.question:
            return self
        asked, place = Message("user", question), self._last_user_turn
        if place is not None:
            return replace(self, messages=(*self.messages[:place], asked, *self.messages[place + 1 :]))
        name = self._question_variable
        if self.messages or (self.vars and name is None):
            return replace(self, messages=(*self.messages, asked))
        return replace(self, vars={**self.vars, name or "question": question})


def split_of(item_id: str, seed: int, holdout: float) -> Split:
    """Place an item by a stable hash of its id: `holdout` is the share in [0, 1] that is kept back."""
    digest = hashlib.blake2b(f"{seed}:{item_id}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return Split.HOLDOUT if int.from_bytes(digest) / 2**64 < holdout else Split.PRACTICE
