"""Calls to Slack, and which are made again: those it turned away for coming too fast, when it says and never sooner.

A call whose answer was lost is not made again here, as it may have been carried out; the outbox looks before it repeats one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

log = logging.getLogger(__name__)

MOST_TRIES = 5
LONGEST_WAIT_S = 60.0
"""Slack may ask for more; then the call fails."""

HURRIED = frozenset({"views.open", "views.push"})
"""What opens a modal works within three seconds of a click or not at all."""

HURRIED_WAIT_S = 1.0

TOO_MANY = 429


class CarefulClient(AsyncWebClient):
    """A Web API client for which an answer that is no JSON, as a proxy may give it, is a failed call and no bug."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"logger": _sdk_log(), **options})

    async def api_call(self, *args: Any, **kwargs: Any) -> AsyncSlackResponse:
        """Call a method; raises SlackRequestError for an answer that cannot be read."""
        try:
            return await super().api_call(*args, **kwargs)
        except AttributeError:
            raise SlackRequestError("Slack's answer is no JSON.") from None


def _sdk_log() -> logging.Logger:
    """Give the log of the SDK. It writes out every call as soon as its own log has no level, whether anybody reads that or not."""
    quiet = logging.getLogger("evalbot.slack.sdk")
    quiet.setLevel(logging.INFO)
    return quiet


class PatientRetry(AsyncRetryHandler):
    """Makes a call again that was refused with 429, after the pause that Slack asks for."""

    def __init__(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        super().__init__(max_retry_count=MOST_TRIES)
        self._sleep = sleep

    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        """Tell whether a call may be made again."""
        if response is None or response.status_code != TOO_MANY:
            return False
        wait_s = retry_after_s(response.headers)
        if _method(request) in HURRIED:
            return state.current_attempt == 0 and wait_s <= HURRIED_WAIT_S
        return wait_s <= LONGEST_WAIT_S

    async def prepare_for_next_attempt_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> None:
        """Wait as long as Slack asks for."""
        wait_s = retry_after_s(response.headers if response is not None else {})
        log.info("%s is too fast; again in %.0f s", _method(request), wait_s, extra={"action": "call_again"})
        state.next_attempt_requested = True
        await self._sleep(wait_s)
        state.increment_current_attempt()


def retry_after_s(headers: Mapping[str, Any]) -> float:
    """Read how long Slack asks to wait; a second where it does not say."""
    for name, value in headers.items():
        if name.lower() == "retry-after":
            text = str(value[0] if isinstance(value, list) and value else value)
            return float(text) if text.isdigit() else 1.0
    return 1.0


def refusal_code(error: SlackApiError) -> str:
    """Give Slack's word for a refusal; the HTTP status where the answer is no JSON, as in an outage."""
    told = error.response.data
    return str((told.get("error") if isinstance(told, dict) else None) or error.response.status_code)


def _method(request: HttpRequest) -> str:
    """Give the name of the method that a request calls."""
    return str(request.url).partition("?")[0].rstrip("/").rpartition("/")[2]
