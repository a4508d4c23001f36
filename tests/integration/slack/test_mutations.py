"""Whatever comes signed, the bot gives an answer and keeps its temper; whatever comes unsigned does nothing."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from evalbot.playground.transport import Envelope
from evalbot.playground.violations import Kind
from tests.integration.slack.mutations import change, scramble
from tests.integration.slack.slack_world import (
    AUTHORED,
    World,
    click_on,
    deliveries,
    encode_delivery,
    open_world,
    put_up_reviews,
)

pytestmark = pytest.mark.skipif(
    not AUTHORED.is_dir(), reason="NOT TESTED: the published samples are not beside this checkout"
)

SHORT, FULL = 500, 10_000


async def seeds(world: World) -> list[dict[str, Any]]:
    """Give what is mutated: the published samples, and presses and forms that the bot knows."""
    reviews = await put_up_reviews(world.store, world.bot.program.services.team, 1)
    click = click_on(reviews[0], "U0DANA001", 4)
    form = {"id": "V1", "type": "modal", "callback_id": "reason", "private_metadata": click["actions"][0]["value"]}
    values = {"reason": {"field": {"type": "plain_text_input", "value": "too short"}}}
    blocks = [{"type": "input", "block_id": "reason"}]
    submission = {"type": "view_submission", "user": click["user"], "trigger_id": "1.2.form"}
    submission["view"] = form | {"state": {"values": values}, "blocks": blocks}
    command = {"command": "/evalbot", "text": "status 1", "user_id": "U0DANA001", "channel_id": "C1"}
    known = [click, click, submission, command, command | {"text": "digest status"}]
    return [*deliveries(world).values(), *known]


async def drill(world: World, count: int, seed: int) -> Counter[int]:
    """Send so many mutated requests, each signed; one in ten again without a right signature. Gives the statuses."""
    rng = Random(seed)
    originals = await seeds(world)
    statuses: Counter[int] = Counter()
    for number in range(count):
        payload = rng.choice(originals)
        body, kind = encode_delivery(change(payload, rng) if rng.random() < 0.75 else payload)
        if rng.random() < 0.3:
            body = scramble(body, rng)
        if rng.random() < 0.05:
            kind = rng.choice(["application/json", "application/x-www-form-urlencoded", "text/plain", ""])
        statuses[(await world.post(body, kind))[0]] += 1
        if number % 10 == 0:
            await be_refused(world, body, kind, rng)
    return statuses


async def be_refused(world: World, body: bytes, kind: str, rng: Random) -> None:
    """Send a request that is forged, stale or says so itself; it goes no further."""
    taken = world.bot.health()["taken"]
    wrong = rng.choice(["forged", "stale", "unsigned"])
    if wrong == "stale":
        status, _ = await world.post(body, kind, stamp=str(int(time.time()) - rng.randint(301, 10**6)))
    else:
        signature = "v0=" + f"{rng.getrandbits(256):064x}" if wrong == "forged" else ""
        status, _ = await world.post(body, kind, **{"X-Slack-Signature": signature})
    assert 400 <= status < 500
    assert world.bot.health()["taken"] == taken


def loud(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Give what was logged as an error or with a traceback."""
    return [
        f"{one.getMessage()} {one.exc_info}" for one in caplog.records if one.levelno >= logging.ERROR or one.exc_info
    ]


@pytest.fixture
async def quiet_world(folder: Path) -> AsyncIterator[World]:
    """A bot to which Slack sends nothing by itself, so that what it takes can be counted."""
    async with open_world(folder, http=True, events=()) as world:
        yield world


@pytest.mark.short
async def test_mutated_requests_are_answered(quiet_world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Signed requests, changed at random, are acknowledged or refused; none breaks anything."""
    statuses = await drill(quiet_world, SHORT, seed=1)
    assert max(statuses) < 500
    assert loud(caplog) == []
    assert statuses[200] > SHORT / 5
    assert statuses[400] > SHORT / 5


@pytest.mark.drill
async def test_very_many_mutated_requests_are_answered(quiet_world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The same with ten thousand requests."""
    statuses = await drill(quiet_world, FULL, seed=int(time.time()))
    assert max(statuses) < 500
    assert loud(caplog) == []


@pytest.mark.short
async def test_mutated_envelopes_are_acknowledged(socket_world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Over Socket Mode every mutated delivery is acknowledged, and carries no answer where none is taken."""
    rng = Random(2)
    originals = await seeds(socket_world)
    sockets = socket_world.slack.emulation.delivery.sockets
    for _ in range(SHORT // 2):
        kind = rng.choice(["events_api", "slash_commands", "interactive"])
        payload = change(rng.choice(originals), rng)
        answer = await sockets.send(Envelope(kind, payload, "mutated", rng.random() < 0.5))
        assert answer.is_acknowledged, (answer.problem, payload)
    acks = (Kind.MISSING_ACK, Kind.LATE_ACK, Kind.BAD_ACK, Kind.ACK_WITH_PAYLOAD)
    assert socket_world.slack.violations(*acks) == []
    assert loud(caplog) == []
