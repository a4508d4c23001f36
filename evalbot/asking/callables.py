"""Targets and checks that are functions of the project: `python:module:function`, plain or async."""

from __future__ import annotations

import asyncio
import inspect
import json
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from evalbot.asking.ask import Answer, Question, question_values, with_system
from evalbot.asking.code_threads import CodeLeft, CodeThreads, LoopThread
from evalbot.asking.failures import too_large
from evalbot.asking.project_code import ProjectCode, place_of
from evalbot.asking.replies import believable
from evalbot.asking.throttle import Limits, Throttle, persist
from evalbot.errors import EvalbotError, ModelUnavailable
from evalbot.runs.outputs import Usage

MOST_THREADS = 64
"""So many calls may go on at once, those that nobody waits for any more counted."""


class PythonFunction:
    """Asks a function of the project, which is given the prompt and, if it takes two, what is known about the question.

    The file is run at the first question, in a thread and within its deadline too.

    As a check it is given the output and what is known about that. It runs in a thread; an answer later than the deadline is a
    failure. It may give a text, or a mapping with `output` and perhaps `input_tokens`, `output_tokens`, `cost_usd`.
    """

    def __init__(
        self, code: ProjectCode, name: str, limits: Limits, throttle: Throttle, system: str | None = None
    ) -> None:
        self._path = code.find(name)
        self._code = code
        self._name = name
        self._function: Callable[..., Any] | None = None
        self._system = system
        self._limits = limits
        self._throttle = throttle
        self._rng = random.Random()
        self._loops = LoopThread()
        self._threads = CodeThreads(MOST_THREADS)

    async def ask(self, question: Question) -> Answer:
        """Give the function's answer."""
        values = question_values(replace(question, messages=with_system(question.messages, self._system)))

        async def attempt() -> Answer:
            loop = asyncio.get_running_loop()
            begun_at = loop.time()
            said = await self._called(values["prompt"], values)
            return read_code_answer(said, loop.time() - begun_at, self._name, self._limits.max_bytes)

        return await persist(attempt, self._throttle, self._limits, self._rng)

    async def ask_json(self, question: Question, schema: Mapping[str, Any]) -> Answer:
        """Give the function's answer; it is not told the schema."""
        return await self.ask(question)

    async def grade(self, text: str, about: Mapping[str, Any]) -> object:
        """Give what the function says of an output."""

        async def attempt() -> object:
            return await self._called(text, about)

        return await persist(attempt, self._throttle, self._limits, self._rng)

    async def close(self) -> None:
        """End the thread of an async function."""
        await self._loops.close()

    async def _called(self, first: str, about: Mapping[str, Any]) -> object:
        """Call the function with what it takes; whatever it raises becomes a failure with the line, not with its words."""
        if self._function is None:
            self._function = await self._threads.run(partial(load_function, self._code, self._name))
        call = partial(self._function, *((first, dict(about)) if _takes_two(self._function) else (first,)))
        try:
            if inspect.iscoroutinefunction(self._function):
                return await self._loops.run(call)
            said = await self._threads.run(call)
            if inspect.iscoroutine(said):
                return await self._loops.run(lambda: said)
            return said
        except EvalbotError:
            raise
        except Exception as error:  # the project's code may raise anything
            raised = error.original if isinstance(error, CodeLeft) else error
            raise ModelUnavailable(
                f"{self._name} failed: {place_of(raised, self._path)}.", "Mend the project's code.", kind="code"
            ) from None


def load_function(code: ProjectCode, name: str) -> Callable[..., Any]:
    """Load the function `module:name`; raises ModelUnavailable for what is none."""
    found: Callable[..., Any] = code.load(name)
    if not callable(found) or isinstance(found, type):
        raise ModelUnavailable(f"{name} is no function.", "Name a function.", kind="code")
    return found


def _takes_two(function: Callable[..., Any]) -> bool:
    """Tell whether a function takes a second argument by position."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    placed = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    return len(placed) >= 2 or any(one.kind is one.VAR_POSITIONAL for one in parameters)


def read_code_answer(said: object, latency_s: float, name: str, max_bytes: int) -> Answer:
    """Read what code gave as an answer; raises ModelUnavailable for what is no text."""
    if not isinstance(said, Mapping) or "output" not in said:
        return Answer(_text_of(said, name, max_bytes), Usage(latency_s))
    put, got, cost = said.get("input_tokens"), said.get("output_tokens"), said.get("cost_usd")
    usage = Usage(latency_s, believable(put), believable(got), _dollars(cost))
    return Answer(_text_of(said["output"], name, max_bytes), usage)


def _dollars(value: object) -> float | None:
    """Give a believable amount of money."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None


def _text_of(said: object, name: str, max_bytes: int) -> str:
    """Give a text as it is, and lists and mappings as JSON."""
    if isinstance(said, list | dict):
        try:
            said = json.dumps(said, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError):
            said = None
    if not isinstance(said, str):
        raise ModelUnavailable(
            f"{name} gave {type(said).__name__} instead of a text.", "Let it return a text.", kind="bad_reply"
        )
    if len(said.encode("utf-8", "surrogatepass")) > max_bytes:
        raise too_large(max_bytes)
    return said
