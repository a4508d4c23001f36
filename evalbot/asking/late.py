"""An answerer that is made at its first question, in a thread: importing a model's package takes seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evalbot.asking.ask import Answer, Answerer, CodeGrader, Embedded, Embedder, Question
from evalbot.errors import ModelUnavailable


class LateAnswerer:
    """Makes the real answerer once, when it is first asked. A making that fails is tried again with the next question."""

    def __init__(self, make: Callable[[], Answerer]) -> None:
        self._make = make
        self._making: asyncio.Task[Answerer] | None = None

    async def ask(self, question: Question) -> Answer:
        """Give the real answerer's answer."""
        return await (await self._made()).ask(question)

    async def ask_json(self, question: Question, schema: Mapping[str, Any]) -> Answer:
        """Give the real answerer's answer, asked for in the form of a JSON Schema."""
        return await (await self._made()).ask_json(question, schema)

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """Give the real answerer's vectors; raises ModelUnavailable for one that has none."""
        made = await self._made()
        if not isinstance(made, Embedder):
            raise ModelUnavailable("This target gives no embeddings.", "Name an embedding model.", kind="bad_request")
        return await made.embed(texts)

    async def grade(self, text: str, about: Mapping[str, Any]) -> object:
        """Give what the real answerer's code says of a text; raises ModelUnavailable for one that is no code."""
        made = await self._made()
        if not isinstance(made, CodeGrader):
            raise ModelUnavailable("This target is no code that grades.", "Name a function.", kind="bad_request")
        return await made.grade(text, about)

    async def close(self) -> None:
        """Close the real answerer, if it was ever made."""
        making, self._making = self._making, None
        if making is None:
            return
        await asyncio.wait([making])
        if not making.cancelled() and making.exception() is None:
            await making.result().close()

    async def _made(self) -> Answerer:
        """Wait for the making, which many calls share and none of them cancels."""
        making = self._making
        if making is None or (making.done() and (making.cancelled() or making.exception() is not None)):
            making = self._making = asyncio.create_task(asyncio.to_thread(self._make))
        return await asyncio.shield(making)
