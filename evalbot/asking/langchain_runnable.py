"""Targets that are LangChain runnables of the project: `langchain:module:runnable`. LangChain is imported late."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import jmespath
from jmespath.exceptions import JMESPathError

from evalbot.asking.ask import Answer, Question, question_values, with_system
from evalbot.asking.callables import MOST_THREADS, read_code_answer
from evalbot.asking.code_threads import CodeThreads, LoopThread
from evalbot.asking.langchain_chat import as_langchain, message_text
from evalbot.asking.project_code import ProjectCode, place_of
from evalbot.asking.target_config import TargetConfig
from evalbot.asking.throttle import Limits, Throttle, persist
from evalbot.errors import EvalbotError, ModelUnavailable
from evalbot.runs.outputs import Usage

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable

TAKES = ("messages", "text", "vars", "state")
"""What a runnable may take: a list of messages, the prompt, a mapping of the item's variables, or `{messages: [...]}`."""


class LangChainRunnable:
    """Asks a runnable with `ainvoke`, in an event loop of its own.

    Config: `takes` says what it is given (messages unless told otherwise), `output` where the answer stands in a mapping.
    """

    def __init__(self, code: ProjectCode, name: str, config: TargetConfig, limits: Limits, throttle: Throttle) -> None:
        self._runnable: Runnable[Any, Any] | None = None
        self._path = code.find(name)
        self._code = code
        self._name = name
        self._takes, self._output = _options(name, config)
        self._system = config.system
        self._limits = limits
        self._throttle = throttle
        self._rng = random.Random()
        self._loops = LoopThread()
        self._threads = CodeThreads(MOST_THREADS)

    async def ask(self, question: Question) -> Answer:
        """Give the runnable's answer."""
        given = self._given(replace(question, messages=with_system(question.messages, self._system)))

        async def attempt() -> Answer:
            loop = asyncio.get_running_loop()
            begun_at = loop.time()
            said = await self._invoked(given)
            return self._answer(said, loop.time() - begun_at)

        return await persist(attempt, self._throttle, self._limits, self._rng)

    async def ask_json(self, question: Question, schema: Mapping[str, Any]) -> Answer:
        """Give the runnable's answer; it is not told the schema."""
        return await self.ask(question)

    async def close(self) -> None:
        """End the runnable's event loop."""
        await self._loops.close()

    def _given(self, question: Question) -> Any:
        """Give what the runnable takes."""
        values = question_values(question)
        if self._takes == "text":
            return values["prompt"]
        if self._takes == "vars":
            return values
        messages = as_langchain(tuple(question.messages))
        return messages if self._takes == "messages" else {"messages": messages}

    async def _invoked(self, given: Any) -> Any:
        """Invoke the runnable; whatever it raises becomes a failure, without its words."""
        if self._runnable is None:
            self._runnable = await self._threads.run(partial(load_runnable, self._code, self._name))
        try:
            return await self._loops.run(partial(_invoke, self._runnable, given))
        except EvalbotError:
            raise
        except Exception as error:  # the project's code may raise anything
            raise ModelUnavailable(
                f"{self._name} failed: {place_of(error, self._path)}.", "Mend the project's code.", kind="code"
            ) from None

    def _answer(self, said: Any, latency_s: float) -> Answer:
        """Read text and tokens from what came back: a message, a text, or a mapping with the answer at `output`."""
        from langchain_core.messages import AIMessage

        if self._output:
            said = _at(said, self._output, self._name)
        elif isinstance(said, Mapping) and isinstance(said.get("messages"), list) and said["messages"]:
            said = said["messages"][-1]
        if not isinstance(said, AIMessage):
            return read_code_answer(said, latency_s, self._name, self._limits.max_bytes)
        put, got = (
            (said.usage_metadata["input_tokens"], said.usage_metadata["output_tokens"])
            if said.usage_metadata
            else (None, None)
        )
        plain = read_code_answer(message_text(said), latency_s, self._name, self._limits.max_bytes)
        return Answer(plain.text, Usage(latency_s, put, got))


async def _invoke(runnable: Runnable[Any, Any], given: Any) -> Any:
    return await runnable.ainvoke(given)


def load_runnable(code: ProjectCode, name: str) -> Runnable[Any, Any]:
    """Load the runnable `module:name`; raises ModelUnavailable for what is none."""
    from langchain_core.runnables import Runnable

    found = code.load(name)
    if not isinstance(found, Runnable):
        raise ModelUnavailable(f"{name} is no LangChain runnable.", "Name a runnable of the module.", kind="code")
    return found


def _options(name: str, config: TargetConfig) -> tuple[str, str]:
    """Read the options of a runnable's config; raises ModelUnavailable for any other key."""
    options = dict(config.parameters)
    takes, output = options.pop("takes", "messages"), options.pop("output", "")
    if options or takes not in TAKES or not isinstance(takes, str) or not isinstance(output, str):
        raise ModelUnavailable(
            f"{name} has a config that is not understood.",
            f"Use takes ({', '.join(TAKES)}) and output.",
            kind="bad_request",
        )
    return takes, output


def _at(said: Any, path: str, name: str) -> Any:
    """Give what stands at a JMESPath of a mapping."""
    try:
        found = jmespath.search(path, json.loads(json.dumps(said, default=_plain)))
    except (JMESPathError, TypeError, ValueError, RecursionError):
        found = None
    if found is None:
        raise ModelUnavailable(f"{name} gave nothing at `{path[:80]}`.", "Correct output.", kind="bad_reply")
    return found


def _plain(value: Any) -> Any:
    """Give a message as its text, anything else that is not JSON by its name."""
    text = getattr(value, "text", None)
    return str(text) if isinstance(text, str) else type(value).__name__
