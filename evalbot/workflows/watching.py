"""Endpoints watched during a run: one that fails again and again stops the run before every item has failed with it."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from evalbot.asking.ask import Answer, Answerer, Answerers, CodeGrader, Embedded, Embedder, Question
from evalbot.errors import EndpointDown, ModelUnavailable
from evalbot.suites.targets import Target

T = TypeVar("T")

IN_A_ROW = 10
"""So many failures of one endpoint without an answer between them pause a run."""

ENDPOINTS_OWN = frozenset({"auth", "connection", "not_found", "quota", "server_error", "timeout"})
"""Kinds of failure that speak of the endpoint; the others may be about what was asked, or ask for patience."""


@dataclass(slots=True)
class Health:
    """How one endpoint does: answers so far, whether the last call failed, and failures of calls begun since the last answer."""

    answers: int = 0
    doubtful: bool = False
    failures: int = 0


class EndpointWatch:
    """Counts failures in a row, by endpoint.

    A call that an answer to another call overtook does not count: items that fail each time take longest, as they are tried
    again, so at the end of a run nothing but failures comes in.
    """

    def __init__(self) -> None:
        self._health: dict[str, Health] = {}

    @property
    def doubtful(self) -> bool:
        """Tell whether the last call to any endpoint failed in a way that may be the endpoint's."""
        return any(one.doubtful for one in self._health.values())

    def health(self, endpoint: str) -> Health:
        """Give how an endpoint does."""
        return self._health.setdefault(endpoint, Health())


def note_answer(health: Health) -> None:
    """Note that an endpoint works."""
    health.answers += 1
    health.doubtful = False
    health.failures = 0


def note_failure(health: Health, answers_before: int, label: str, failure: ModelUnavailable) -> None:
    """Note the failure of a call that began after so many answers; raises EndpointDown when it is one too many."""
    if failure.kind not in ENDPOINTS_OWN:
        return
    health.doubtful = True
    health.failures += health.answers == answers_before
    if health.failures >= IN_A_ROW:
        said = failure.message.rstrip(".")
        hint = failure.hint or "Mend that and resume."
        raise EndpointDown(f"{label} failed {IN_A_ROW} times in a row: {said}.", hint) from failure


class WatchedAnswerers:
    """Answerers whose failures are counted by a watch."""

    def __init__(self, models: Answerers, watch: EndpointWatch) -> None:
        self._models = models
        self._watch = watch
        self._open: dict[str, WatchedAnswerer] = {}

    def answerer(self, target: Target) -> WatchedAnswerer:
        """Give the answerer of a target."""
        endpoint = target.endpoint
        known = self._open.get(endpoint)
        if known is None:
            known = self._open[endpoint] = WatchedAnswerer(self._models.answerer(target), target, self._watch)
        return known

    async def close(self) -> None:
        """Leave the answerers open: they belong to the program."""


class WatchedAnswerer:
    """An answerer whose failures are counted."""

    def __init__(self, inner: Answerer, target: Target, watch: EndpointWatch) -> None:
        self._inner = inner
        self._health = watch.health(target.endpoint)
        self._label = target.label

    async def ask(self, question: Question) -> Answer:
        """Give the answer."""
        return await self._watched(self._inner.ask(question))

    async def ask_json(self, question: Question, schema: Mapping[str, Any]) -> Answer:
        """Give the answer in the form of a JSON Schema."""
        return await self._watched(self._inner.ask_json(question, schema))

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """Give vectors; raises ModelUnavailable for an answerer that has none."""
        inner = self._inner
        if not isinstance(inner, Embedder):
            raise ModelUnavailable("This target gives no embeddings.", "Name an embedding model.", kind="bad_request")
        return await self._watched(inner.embed(texts))

    async def grade(self, text: str, about: Mapping[str, Any]) -> object:
        """Give what code says of a text; raises ModelUnavailable for an answerer that is no code."""
        if not isinstance(self._inner, CodeGrader):
            raise ModelUnavailable("This target is no code that grades.", "Name a function.", kind="bad_request")
        return await self._inner.grade(text, about)

    async def close(self) -> None:
        """Leave the answerer open: it belongs to the program."""

    async def _watched(self, call: Awaitable[T]) -> T:
        """Make a call and note how it went."""
        health = self._health
        before = health.answers
        try:
            found = await call
        except ModelUnavailable as failure:
            note_failure(health, before, self._label, failure)
            raise
        note_answer(health)
        return found
