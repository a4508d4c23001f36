"""Asking through LangChain's chat models, for providers with another protocol. LangChain itself is imported late."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalbot.asking.ask import Answer, Question
from evalbot.asking.cost import cost_usd
from evalbot.asking.failures import retry_after, safe_excerpt, status_failure, too_large
from evalbot.asking.target_config import TargetConfig
from evalbot.asking.throttle import Limits, Throttle, persist
from evalbot.errors import EvalbotError, ModelUnavailable
from evalbot.runs.outputs import Usage
from evalbot.runs.tool_calls import text_with_calls
from evalbot.suites.items import Message

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage, BaseMessage


@dataclass(frozen=True, slots=True)
class Listed:
    """What a model is called in the price list; without a provider it has no list price."""

    provider: str | None
    model: str


class LangChainChat:
    """Asks one LangChain chat model; `secrets` never show in errors."""

    def __init__(
        self,
        model: BaseChatModel,
        listed: Listed,
        config: TargetConfig,
        limits: Limits,
        throttle: Throttle,
        secrets: tuple[str, ...] = (),
    ) -> None:
        self._model = model
        self._listed = listed
        self._config = config
        self._limits = limits
        self._throttle = throttle
        self._secrets = secrets
        self._rng = random.Random()

    async def ask(self, question: Question) -> Answer:
        """Give the model's answer; raises ModelUnavailable when there is none after the retries."""

        async def call(messages: list[BaseMessage]) -> AIMessage:
            return await self._model.ainvoke(messages)

        return await self._asked(question, call, message_text)

    async def ask_json(self, question: Question, schema: Mapping[str, Any]) -> Answer:
        """Give the model's answer, asked for as an object of a schema; a tool call's arguments count as its text."""
        structured = self._model.with_structured_output({"title": "verdict", **schema}, include_raw=True)

        async def call(messages: list[BaseMessage]) -> AIMessage:
            both: Any = await structured.ainvoke(messages)
            raw: AIMessage = both["raw"]
            return raw

        return await self._asked(question, call, _object_text)

    async def close(self) -> None:
        """Close the connections that the model was given; clients of its own close with it."""
        connections = getattr(self._model, "http_async_client", None)
        if connections is not None:
            await connections.aclose()

    async def _asked(
        self, question: Question, call: Callable[[list[BaseMessage]], Any], read: Callable[[AIMessage], str]
    ) -> Answer:
        """Put the question, several times if need be; `read` gives the text of a reply."""
        system = () if self._config.system is None else (Message("system", self._config.system),)
        turns = (*system, *question.messages)
        messages = as_langchain(turns)

        async def attempt() -> Answer:
            loop = asyncio.get_running_loop()
            begun_at = loop.time()
            try:
                reply = await call(messages)
            except EvalbotError:
                raise
            except Exception as error:  # every provider package brings exceptions of its own
                raise self._explained(error, turns) from None
            return self._answer(reply, read(reply), loop.time() - begun_at)

        return await persist(attempt, self._throttle, self._limits, self._rng)

    def _answer(self, reply: AIMessage, text: str, latency_s: float) -> Answer:
        """Put text, tokens and price of a reply together; a refusal is a failure."""
        if not text and reply.additional_kwargs.get("refusal"):
            raise ModelUnavailable("The model refused to answer.", "Look at the item's wording.", kind="refused")
        if len(text.encode("utf-8", "surrogatepass")) > self._limits.max_bytes:
            raise too_large(self._limits.max_bytes)
        said = reply.usage_metadata
        put, got = (said["input_tokens"], said["output_tokens"]) if said else (None, None)
        cost = cost_usd(self._listed.provider, self._listed.model, put, got, self._config.price)
        return Answer(text, Usage(latency_s, put, got, cost))

    def _explained(self, error: Exception, turns: tuple[Message, ...]) -> ModelUnavailable:
        """Give the failure behind a provider's exception, by its HTTP status if it has one."""
        response = getattr(error, "response", None)
        status = getattr(error, "status_code", None) or getattr(response, "status_code", None)
        if not isinstance(status, int):
            status = getattr(error, "code", None)
        if not isinstance(status, int) or not 300 <= status < 600:
            return _unknown_failure(error)
        headers = getattr(response, "headers", None)
        wait = retry_after(headers) if isinstance(headers, Mapping) else None
        texts = (turn.content for turn in turns)
        excerpt = "" if status in (401, 403) else safe_excerpt(str(error), self._secrets, texts)
        return status_failure(status, wait, str(getattr(error, "code", "") or ""), excerpt)


def message_text(reply: AIMessage) -> str:
    """Give the text of a reply; one that calls tools is kept as the JSON of content and calls."""
    said = str(reply.text)
    if not reply.tool_calls:
        return said
    return text_with_calls(said or None, [{"name": one["name"], "arguments": one["args"]} for one in reply.tool_calls])


def _object_text(reply: AIMessage) -> str:
    """Give the text of a reply that was asked for as an object; a tool call's arguments count as its text."""
    said = str(reply.text)
    return json.dumps(reply.tool_calls[0]["args"], ensure_ascii=False) if not said and reply.tool_calls else said


def as_langchain(messages: tuple[Message, ...]) -> list[BaseMessage]:
    """Give the messages as LangChain's; texts are never templates."""
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

    kinds = {"system": SystemMessage, "assistant": AIMessage}
    return [kinds.get(message.role, HumanMessage)(content=message.content) for message in messages]


def make_model(make: Callable[[], BaseChatModel]) -> BaseChatModel:
    """Make a model; whatever its package says against it becomes a failure of the target, without the package's words."""
    try:
        return make()
    except Exception as error:  # every provider package brings exceptions of its own, and some repeat keys
        raise ModelUnavailable(
            f"The model's package refused its settings ({type(error).__name__}).",
            "Check the target's config, and whether its key is set.",
            kind="bad_request",
        ) from None


def _unknown_failure(error: Exception) -> ModelUnavailable:
    """Give the failure of an exception without a status; its words are not repeated, since they may hold anything."""
    name = type(error).__name__
    if isinstance(error, OSError) or "Connect" in name or "Timeout" in name or "Transport" in name:
        return ModelUnavailable(
            f"The connection to the model failed ({name}).", "Check the network and the address.", kind="connection"
        )
    return ModelUnavailable(
        f"The model's package failed ({name}).",
        "Check the target's config and the package's version.",
        kind="bad_reply",
    )
