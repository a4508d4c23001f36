"""Deliveries of Slack handed to bolt, whichever way they came; every one gets an answer."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from slack_bolt.async_app import AsyncApp, AsyncBoltRequest

from evalbot.slack.guard import Body
from evalbot.slack.payload_forms import find_misfit

log = logging.getLogger(__name__)

UNANSWERED = frozenset({"url_verification", "ssl_check", "app_rate_limited"})
"""What Slack sends about itself; no listener hears of it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back to Slack: an HTTP status, and a body that is empty or JSON or a text."""

    status: int
    body: str = ""

    @property
    def content_type(self) -> str:
        """Name the kind of the body."""
        return "application/json" if self.body.startswith("{") else "text/plain; charset=utf-8"


Retry = Sequence[tuple[str, str]]
"""The headers by which Slack marks another try, empty for a first one."""

Receive = Callable[[Body, Retry], Awaitable[Reply]]


def receive_with(app: AsyncApp) -> Receive:
    """Give what takes deliveries for an app. The reply is 200 for everything that is acknowledged, 400 for what is broken."""

    async def receive(body: Body, retry: Retry) -> Reply:
        misfit = find_misfit(body)
        if misfit is not None:
            log.warning("a delivery is broken at %s", misfit, extra={"action": "delivery_broken"})
            return Reply(400, "broken")
        kind = body.get("type")
        if "command" not in body and kind in UNANSWERED:
            return _answer_slack(body)
        # The mode says that the body was read and its sender is known: bolt reads and verifies only what it gets raw.
        request = AsyncBoltRequest(mode="socket_mode", body=_without_nulls(body), headers=dict(retry))
        answer = await app.async_dispatch(request)
        if answer.status == 404:
            log.info("nobody listens to %r", _name(body), extra={"action": "delivery_unknown"})
            return Reply(200)
        if answer.status >= 400:
            log.error("a delivery was not acknowledged: %r", _name(body), extra={"action": "delivery_failed"})
            return Reply(400, "failed")
        return Reply(200, answer.body or "")

    return receive


def _answer_slack(body: Body) -> Reply:
    """Answer what concerns the connection alone."""
    if body["type"] == "url_verification":
        return Reply(200, json.dumps({"challenge": body["challenge"]}))
    if body["type"] == "app_rate_limited":
        log.warning("Slack holds events back: there were too many", extra={"action": "events_rate_limited"})
    return Reply(200)


def _without_nulls(body: Body) -> Body:
    """Leave fields out that hold nothing; bolt looks into some of them."""
    return {name: value for name, value in body.items() if value is not None}


def _name(body: Body) -> str:
    """Name a delivery for the log, without anything a person wrote."""
    event = body.get("event")
    kind = body.get("type") or "command"
    return f"{kind} {event.get('type')}"[:80] if isinstance(event, dict) else str(kind)[:80]
