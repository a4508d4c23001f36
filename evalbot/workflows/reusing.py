"""Answers used again: what was asked before in exactly the same way is not asked once more, where somebody wants that."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from evalbot.asking.ask import Answer, Answerer, CodeGrader, Embedded, Embedder, Question
from evalbot.errors import ModelUnavailable
from evalbot.store import answers
from evalbot.suites.targets import Target
from evalbot.workflows.services import Services

NEVER_KEPT = frozenset({"echo", "replay", "python", "langchain"})
"""Providers that cost nothing, or whose code may have changed since."""

SEES_ITEM = frozenset({"http"})
"""Providers that are told more of an item than its messages."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long answers are kept, and how many characters of them together."""

    days: float
    characters: int


async def forget_kept(services: Services, keeping: Keeping) -> int:
    """Forget the answers that are kept for too long, and the oldest of too many; tell how many there were."""
    before = services.now() - timedelta(days=keeping.days)
    return await services.store.record(lambda tx: answers.forget_answers(tx, before, keeping.characters))


class CachedAnswerers:
    """Answerers that give what they gave before; `place` tells where the operator's models are asked."""

    def __init__(self, services: Services, place: str) -> None:
        self._services = services
        self._place = place
        self._open: dict[str, Answerer] = {}

    def answerer(self, target: Target) -> Answerer:
        """Give the answerer of a target."""
        known = self._open.get(target.endpoint)
        if known is None:
            inner = self._services.models.answerer(target)
            kept = target.provider not in NEVER_KEPT
            known = CachedAnswerer(inner, target, self._services, self._place) if kept else inner
            self._open[target.endpoint] = known
        return known

    async def close(self) -> None:
        """Leave the answerers open: they belong to the program."""


class CachedAnswerer:
    """An answerer that is asked only what it has not answered yet: same target, messages, form and repeat.

    Failures are not kept.
    """

    def __init__(self, inner: Answerer, target: Target, services: Services, place: str) -> None:
        self._inner = inner
        self._services = services
        self._same = [1, place, target.id, dict(target.config)]
        self._sees_item = target.provider in SEES_ITEM

    async def ask(self, question: Question) -> Answer:
        """Give the answer."""
        return await self._known(question, None, lambda: self._inner.ask(question))

    async def ask_json(self, question: Question, schema: Mapping[str, Any]) -> Answer:
        """Give the answer in the form of a JSON Schema."""
        return await self._known(question, schema, lambda: self._inner.ask_json(question, schema))

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """Give vectors, which are not kept; raises ModelUnavailable for an answerer that has none."""
        if not isinstance(self._inner, Embedder):
            raise ModelUnavailable("This target gives no embeddings.", "Name an embedding model.", kind="bad_request")
        return await self._inner.embed(texts)

    async def grade(self, text: str, about: Mapping[str, Any]) -> object:
        """Give what code says of a text; raises ModelUnavailable for an answerer that is no code."""
        if not isinstance(self._inner, CodeGrader):
            raise ModelUnavailable("This target is no code that grades.", "Name a function.", kind="bad_request")
        return await self._inner.grade(text, about)

    async def close(self) -> None:
        """Leave the answerer open: it belongs to the program."""

    async def _known(
        self, question: Question, schema: Mapping[str, Any] | None, ask: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """Give the answer that is kept, else ask and keep it."""
        store, key = self._services.store, self._key(question, schema)
        found = await store.read(lambda tx: answers.find_answer(tx, key))
        if found is not None:
            return Answer(*found)
        answer = await ask()
        now = self._services.now()
        await store.record(lambda tx: answers.keep_answer(tx, key, answer.text, answer.usage, now))
        return answer

    def _key(self, question: Question, schema: Mapping[str, Any] | None) -> str:
        """Give a hash of all that an answer depends on."""
        messages = question.messages if question.plain is None else question.plain()
        item = question.item if self._sees_item else None
        parts = [
            self._same,
            [[message.role, message.content] for message in messages],
            [item.id, dict(item.vars)] if item else None,
            question.repeat,
            schema,
        ]
        return hashlib.blake2b(json.dumps(parts, sort_keys=True).encode("ascii"), digest_size=20).hexdigest()
