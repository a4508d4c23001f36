"""A target that answers with what it was asked; for trying a suite out without a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalbot.asking.ask import Answer, Question
from evalbot.runs.outputs import Usage


class Echo:
    """Gives the last user message back; costs nothing."""

    async def ask(self, question: Question) -> Answer:
        """Give the last user message, empty when there is none."""
        said = (message.content for message in reversed(question.messages) if message.role == "user")
        return Answer(next(said, ""), Usage(0.0, None, None, 0.0))

    async def ask_json(self, question: Question, schema: Mapping[str, Any]) -> Answer:
        """Give the last user message; it is no JSON, so a verdict asked for this way is unreadable."""
        return await self.ask(question)

    async def close(self) -> None:
        """Hold nothing, close nothing."""
