"""Troubles between the bot and Slack: connections that go, calls that are refused or lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from evalbot.people import Role
from evalbot.playground.violations import Kind
from evalbot.reporting.posts import Post
from evalbot.slack.views.notices import notice_message
from tests.integration.slack.slack_world import World, click_on, open_world, put_up_reviews, until
from tests.integration.slack.test_deliveries import deliver


async def reconnected(world: World, before: int) -> None:
    """Wait until the bot has a new connection."""
    await until(lambda: world.bot.health()["connections_opened"] > before and world.bot.health()["ok"])


async def answers(world: World) -> None:
    """Let Dana ask something and see the answer."""
    dana = world.slack.driver("dana")
    await dana.slash("/evalbot suites", "#general")
    await dana.see_ephemeral("#general", "There is no suite yet")


async def test_silent_socket_is_noticed(folder: Path) -> None:
    """A connection that looks open and carries nothing is replaced without anybody's help, and what it lost comes again."""
    async with open_world(folder, ack_seconds=0.5) as world:
        assert world.slack.faults.silence_sockets() == 1
        dana = world.slack.driver("dana")
        await dana.mention("#general", "suites")
        await reconnected(world, 1)
        async with asyncio.timeout(10):
            while not any("There is no suite yet" in one.text for one in await dana.messages("#general")):
                world.slack.clock.advance(60)
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("reason", ["refresh_requested", "warning", "link_disabled"])
async def test_socket_that_is_sent_away_comes_back(socket_world: World, reason: str) -> None:
    """Whatever reason Slack gives for a goodbye, a new connection follows."""
    await socket_world.slack.disconnect(reason)
    if reason != "link_disabled":
        await reconnected(socket_world, 1)
        await answers(socket_world)
    else:
        await until(lambda: not socket_world.bot.health()["ok"])
        assert socket_world.bot.health()["trouble"] == "link_disabled"


async def test_dropped_socket_comes_back_when_asking_for_an_address_fails(socket_world: World) -> None:
    """A cut connection is replaced although Slack refuses, limits, loses and resets the calls that ask for a new one."""
    faults = socket_world.slack.faults
    for trouble in ("error", "server_error", "reset", "lost_reply"):
        faults.next_call(trouble, "apps.connections.open")
    faults.drop_sockets()
    await reconnected(socket_world, 1)
    await answers(socket_world)


async def test_outage_is_survived(world: World) -> None:
    """After an outage the bot answers again by itself, and what was to be posted meanwhile is there once."""
    slack = world.slack
    slack.faults.outage(0.6)
    channel = slack.channels["support-evals"]
    for number in range(3):
        text = notice_message(f"post {number}")
        await world.bot.outbox.put(Post(f"p{number}", world.bot.program.services.team, channel, {**text}))
    dana = slack.driver("dana")
    await dana.see_message("#support-evals", "post 2", timeout=10)
    posts = [one.text for one in await dana.messages("#support-evals") if "post " in one.text]
    assert [text.split()[1] for text in posts] == ["0", "1", "2"]
    if not slack.request_url:
        await reconnected(world, 1)
    await answers(world)


@pytest.mark.parametrize("trouble", ["lost_reply", "timeout", "rate_limited", "server_error"])
async def test_post_is_there_once(socket_world: World, trouble: str) -> None:
    """A post whose call failed, or whose answer was lost after it was stored, is there exactly once."""
    slack = socket_world.slack
    slack.faults.next_call(trouble, "chat.postMessage", seconds=1)
    post = Post(
        "p", socket_world.bot.program.services.team, slack.channels["support-evals"], {**notice_message("only once")}
    )
    await socket_world.bot.outbox.put(post)
    dana = slack.driver("dana")
    await dana.see_message("#support-evals", "only once", timeout=10)
    await socket_world.bot.outbox.unposted()
    assert len([one for one in await dana.messages("#support-evals") if "only once" in one.text]) == 1


async def test_crowd_does_not_wait_for_names(socket_world: World) -> None:
    """A member's click says that it is a member's: the grade is stored, and Slack is not asked who that is."""
    reviews = await put_up_reviews(socket_world.store, socket_world.bot.program.services.team, 3)
    socket_world.slack.faults.next_call("rate_limited", "users.info", times=9, seconds=30)
    async with asyncio.timeout(25):
        for number, review in enumerate(reviews):
            await deliver(socket_world, click_on(review, socket_world.slack.users["dana"], 4, number))
    assert len(await socket_world.human_grades()) == 3
    assert socket_world.slack.emulation.calls["users.info"] == 0


async def test_people_are_looked_up_anew_after_a_while(socket_world: World) -> None:
    """What Slack said of somebody counts for a quarter of an hour; while it says nothing the last word counts on."""
    now, calls = [0.0], socket_world.slack.emulation.calls
    directory = replace(socket_world.bot.door.directory, known={}, missed_at={}, pause_s=30.0, clock=lambda: now[0])
    dana = socket_world.slack.users["dana"]
    found = [await directory.person(dana) for _ in range(3)]
    assert (found[0].name, calls["users.info"]) == ("Dana Osei", 1)
    now[0] = 901.0
    socket_world.slack.faults.next_call("server_error", "users.info")
    assert [await directory.person(dana) for _ in range(3)] == found
    assert calls["users.info"] == 2, "not asked again at once"
    now[0] = 932.0
    assert await directory.person(dana) == found[0]
    assert calls["users.info"] == 3
    stranger = await directory.grader("U0NEW", "new", "T0OTHER")
    assert stranger.role is Role.OUTSIDER
    assert (await directory.grader("U0NEW", "new", found[0].team)).role is Role.GRADER
    assert calls["users.info"] == 3


@pytest.mark.parametrize("method", ["conversations.info", "chat.postEphemeral", "users.info"])
async def test_call_that_was_too_fast_is_made_again(socket_world: World, method: str) -> None:
    """A call that Slack refuses with 429 is made again after the pause it asks for, or done without."""
    socket_world.slack.faults.next_call("rate_limited", method, seconds=1)
    dana = socket_world.slack.driver("dana")
    if method == "chat.postEphemeral":
        await dana.mention("#support-evals", "run nothing")
    else:
        await dana.slash("/evalbot run nothing", "#support-evals")
    await dana.see_ephemeral("#support-evals", "There is no suite of that name")
    assert socket_world.slack.emulation.calls[method] == 2
    assert [one.kind for one in socket_world.slack.violations() if one.kind != Kind.RATE_LIMITED] == []
