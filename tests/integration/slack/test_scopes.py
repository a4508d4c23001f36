"""Each scope of the manifest is needed: without it Slack refuses something that evalbot does, and with all of them nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from evalbot.playground.driver import DriverError
from evalbot.playground.violations import Kind
from evalbot.reporting.posts import Picture, Post
from evalbot.slack.manifest import EVENTS, SCOPES
from evalbot.slack.views.notices import notice_message
from tests.integration.slack.slack_world import World, open_world, until

PUBLIC, PRIVATE = "#support-evals", "#evals-stewards"
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


async def put(world: World, channel: str, picture: Picture | None = None) -> None:
    """Declare a post and wait until Slack has taken or refused it."""
    before = world.slack.emulation.calls["chat.postMessage"], len(world.slack.violations())
    await world.bot.outbox.put(
        Post(f"post {channel}", world.bot.program.services.team, channel, {**notice_message("posted")}, picture=picture)
    )
    await until(lambda: (world.slack.emulation.calls["chat.postMessage"], len(world.slack.violations())) != before)


async def post_and_lose_the_answer(world: World, channel: str) -> None:
    """Post something whose answer is lost, so that it is looked for."""
    world.slack.faults.next_call("lost_reply", "chat.postMessage")
    await put(world, channel)
    looks = world.slack.emulation.calls
    await until(lambda: looks["conversations.history"] + len(world.slack.violations()) > 0, timeout_s=10)


async def ask(world: World, channel: str) -> None:
    """Use the command where a run is to be posted."""
    dana = world.slack.driver("dana")
    await dana.slash("/evalbot run nothing", channel)
    await dana.see_ephemeral(channel, "There is no suite of that name")


async def list_suites(world: World) -> None:
    """Use the command for something that everybody may do."""
    dana = world.slack.driver("dana")
    await dana.slash("/evalbot suites", PUBLIC)
    await dana.see_ephemeral(PUBLIC, "There is no suite yet")


async def mention(world: World) -> None:
    """Speak to the bot in a channel."""
    dana = world.slack.driver("dana")
    await dana.mention(PUBLIC, "suites")
    await dana.see_ephemeral(PUBLIC, "There is no suite yet", timeout=4)


def channel_id(world: World, name: str) -> str:
    """Give the id of a channel."""
    return world.slack.channels[name.removeprefix("#")]


async def write_directly(world: World) -> None:
    """Write to the bot in a direct message."""
    dana = world.slack.driver("dana")
    await dana.say("@evalbot", "suites")
    await dana.see_message("@evalbot", "There is no suite yet", timeout=4)


REFUSED: dict[str, Callable[[World], Awaitable[None]]] = {
    "channels:history": lambda world: post_and_lose_the_answer(world, channel_id(world, PUBLIC)),
    "channels:read": lambda world: ask(world, PUBLIC),
    "chat:write": lambda world: put(world, channel_id(world, PUBLIC)),
    "files:read": lambda world: put(world, channel_id(world, PUBLIC), Picture("a.png", PIXEL, "A pixel")),
    "files:write": lambda world: put(world, channel_id(world, PUBLIC), Picture("a.png", PIXEL, "A pixel")),
    "groups:history": lambda world: post_and_lose_the_answer(world, channel_id(world, PRIVATE)),
    "groups:read": lambda world: ask(world, PRIVATE),
    "im:history": lambda world: post_and_lose_the_answer(world, world.slack.users["dana"]),
    "im:write": lambda world: put(world, world.slack.users["dana"]),
    "users:read": list_suites,
}
"""What each scope is needed for, where Slack says missing_scope without it."""

UNHEARD: dict[str, Callable[[World], Awaitable[None]]] = {
    "app_mentions:read": mention,
    "commands": lambda world: ask(world, PUBLIC),
    "im:history": write_directly,
}
"""What Slack never delivers without a scope."""


@asynccontextmanager
async def world_without(folder: Path, *missing: str) -> AsyncIterator[World]:
    """Start the bot with the manifest's scopes and events, some scopes taken away."""
    async with open_world(folder, scopes=set(SCOPES) - {*missing}, events=EVENTS) as world:
        world.slack.emulation.space.join(
            world.slack.emulation.space.channels[channel_id(world, PRIVATE)], world.slack.users["dana"]
        )
        yield world


def missing_scopes(world: World) -> list[str]:
    """Give what Slack refused for a missing scope."""
    return [one.text for one in world.slack.violations(Kind.REFUSED_CALL) if "missing_scope" in one.text]


def test_every_scope_is_proven() -> None:
    """No scope is asked for without a test that needs it."""
    assert REFUSED.keys() | UNHEARD.keys() == SCOPES.keys()


async def test_with_all_scopes_nothing_is_refused(folder: Path) -> None:
    """With the scopes of the manifest everything works, and nothing is a violation."""
    async with world_without(folder) as world:
        for one in (ask(world, PUBLIC), ask(world, PRIVATE), mention(world), write_directly(world)):
            await one
        await put(world, channel_id(world, PUBLIC), Picture("a.png", PIXEL, "A pixel"))
        await put(world, world.slack.users["dana"])
        await post_and_lose_the_answer(world, channel_id(world, PRIVATE))
        assert world.slack.violations() == []


@pytest.mark.parametrize("scope", sorted(REFUSED))
async def test_scope_is_needed(folder: Path, scope: str) -> None:
    """Without the scope Slack refuses a call with missing_scope."""
    async with world_without(folder, scope) as world:
        await REFUSED[scope](world)
        assert missing_scopes(world)


@pytest.mark.parametrize("scope", sorted(UNHEARD))
async def test_nothing_is_heard_without_the_scope(folder: Path, scope: str) -> None:
    """Without the scope Slack never delivers what people say to the bot."""
    async with world_without(folder, scope) as world:
        with pytest.raises(DriverError):
            await UNHEARD[scope](world)
