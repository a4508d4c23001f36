"""What a target is asked through."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from evalbot.runs.outputs import Usage
from evalbot.suites.items import Item, Message
from evalbot.suites.targets import Target


@dataclass(frozen=True, slots=True)
class Question:
    """What is put to a target: the filled messages, the item they came from (for replay) and the repeat, counting from 0.

    Messages that hold chance, as a mark does that is random on purpose, come with `plain`: the same messages without it.
    """

    messages: Sequence[Message]
    item: Item | None = None
    repeat: int = 0
    plain: Callable[[], Sequence[Message]] | None = None


def with_system(messages: Sequence[Message], system: str | None) -> Sequence[Message]:
    """Give the messages with the target's own system text first."""
    return messages if system is None else (Message("system", system), *messages)


def question_values(question: Question) -> dict[str, Any]:
    """Give the variables of a body: those of the item, and `prompt` (the last user turn), `messages`, `item_id`, `repeat`."""
    turns = [{"role": message.role, "content": message.content} for message in question.messages]
    said = [turn["content"] for turn in turns if turn["role"] == "user"]
    item = question.item
    own = {} if item is None else {"question": item.question, **item.vars}
    asked = {"prompt": said[-1] if said else "", "messages": turns, "repeat": question.repeat}
    return {**asked, "item_id": item.id if item else "", **own}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, exactly as sent, and what it took."""

    text: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class Embedded:
    """One vector for each text, in their order, and what it took."""

    vectors: tuple[tuple[float, ...], ...]
    usage: Usage


@runtime_checkable
class Embedder(Protocol):
    """An answerer that can turn texts into vectors as well."""

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """Give a vector for each text; raises ModelUnavailable when there are none."""


@runtime_checkable
class CodeGrader(Protocol):
    """An answerer that is the project's own code and can grade an output as well."""

    async def grade(self, text: str, about: Mapping[str, Any]) -> object:
        """Give what the code says of a text; raises ModelUnavailable when it fails or is late."""


class Answerer(Protocol):
    """Asks one target. Safe for many calls at once; every call ends within its deadline.

    `ask` raises ModelUnavailable (with `kind`) when there is no usable answer after its retries.
    `ask_json` asks for an object that fits a JSON Schema and gives the text as sent, unparsed.
    """

    async def ask(self, question: Question) -> Answer:
        """Give the target's answer."""

    async def ask_json(self, question: Question, schema: Mapping[str, Any]) -> Answer:
        """Give the target's answer, asked for in the form of a JSON Schema."""

    async def close(self) -> None:
        """Release connections."""


class Answerers(Protocol):
    """Opens answerers: one per target, shared by all runs until closed."""

    def answerer(self, target: Target) -> Answerer:
        """Give the answerer of a target; raises BadRequest for a provider or model that cannot be asked."""

    async def close(self) -> None:
        """Close every answerer."""
