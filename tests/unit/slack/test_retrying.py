"""Calls that Slack refuses for their speed come again when Slack says; lost ones do not."""

from __future__ import annotations

import pytest
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState

from evalbot.slack.retrying import MOST_TRIES, PatientRetry, retry_after_s


def call(method: str) -> HttpRequest:
    """Give a call of a method."""
    return HttpRequest(method="POST", url=f"https://slack.com/api/{method}?x=1", headers={})


def too_many(seconds: object = 7) -> HttpResponse:
    """Give a refusal that asks for a pause."""
    return HttpResponse(status_code=429, headers={"Retry-After": [str(seconds)]})


async def comes_again(
    method: str, response: HttpResponse | None, tried: int = 0, error: Exception | None = None
) -> bool:
    """Tell whether a call is made again."""
    state = RetryState(current_attempt=tried)
    return await PatientRetry().can_retry_async(state=state, request=call(method), response=response, error=error)


async def test_too_fast_call_comes_again_after_the_pause() -> None:
    """Slack's own number of seconds is waited."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    state = RetryState()
    assert await comes_again("conversations.info", too_many())
    await PatientRetry(sleep).prepare_for_next_attempt_async(
        state=state, request=call("conversations.info"), response=too_many()
    )
    assert (waited, state.next_attempt_requested, state.current_attempt) == ([7.0], True, 1)


async def test_tries_and_pauses_are_limited() -> None:
    """After some tries, or for a very long pause, the call fails."""
    assert not await comes_again("users.info", too_many(), tried=MOST_TRIES)
    assert not await comes_again("users.info", too_many(3_600))


@pytest.mark.parametrize("method", ["views.open", "views.push"])
async def test_modals_are_hurried(method: str) -> None:
    """A modal is tried once more if that is within its three seconds."""
    assert await comes_again(method, too_many(1))
    assert not await comes_again(method, too_many(2))
    assert not await comes_again(method, too_many(1), tried=1)


async def test_lost_and_broken_calls_do_not_come_again() -> None:
    """A call that may have been carried out is not repeated blindly."""
    assert not await comes_again("chat.postMessage", None, error=ConnectionResetError())
    assert not await comes_again("chat.postMessage", HttpResponse(status_code=503, headers={}))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [({}, 1.0), ({"retry-after": "30"}, 30.0), ({"Retry-After": ["2"]}, 2.0), ({"Retry-After": "soon"}, 1.0)],
)
def test_pause_is_read(headers: dict[str, object], expected: float) -> None:
    """The header is found in every spelling; one that is no number is a second."""
    assert retry_after_s(headers) == expected
