"""Streamed answers, the passing status of a thread, and the sessions of agents."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.models.messages.chunk import MarkdownTextChunk, TaskUpdateChunk
from slack_sdk.web.async_client import AsyncWebClient

from evalbot.playground.driver import DriverError
from evalbot.playground.server import Playground


async def refusal(action: Any) -> str:
    """Return the error code a call is refused with."""
    with pytest.raises(SlackApiError) as caught:
        await action
    return str(caught.value.response["error"])


@pytest.fixture
async def question(playground: Playground) -> dict[str, str]:
    """Where an answer may be streamed: a thread in #general, for Dana."""
    ts = await playground.driver("dana").say("#general", "What is the refund policy?")
    people = {"recipient_user_id": playground.users["dana"], "recipient_team_id": "T0ACME001"}
    return {"channel": "C0GENERAL", "thread_ts": ts, **people}


@pytest.fixture
async def agent() -> AsyncIterator[Playground]:
    """A playground whose app is an agent."""
    async with Playground(rate_limits=False, features={"is_agent": True}) as running:
        yield running


async def test_answer_grows_and_ends(client: AsyncWebClient, playground: Playground, question: Any) -> None:
    """Texts are joined, a task's texts continue, the end adds blocks and metadata, and then nothing more is taken."""
    ts = (await client.chat_startStream(**question, markdown_text="Thirty "))["ts"]
    place = {"channel": "C0GENERAL", "ts": ts}
    conflict = client.chat_update(**place, text="x")
    assert await refusal(conflict) == "streaming_state_conflict"
    task: dict[str, Any] = {"id": "t1", "title": "Search", "status": "in_progress"}
    await client.chat_appendStream(**place, chunks=[TaskUpdateChunk(**task, details="first, ")])
    await client.chat_appendStream(
        **place,
        chunks=[TaskUpdateChunk(**task | {"status": "complete"}, details="second"), MarkdownTextChunk(text="days.")],
    )
    dana = playground.driver("dana")
    shown = await dana.see_message("#general", "Thirty days.", thread=question["thread_ts"])
    assert "Search complete" in shown.text
    assert shown.body["streaming_state"] == "in_progress"
    metadata = {"event_type": "answer", "event_payload": {"id": 1}}
    done = await client.chat_stopStream(**place, blocks=[{"type": "divider"}], metadata=metadata)
    assert [one["type"] for one in done["message"]["blocks"]] == ["task_card", "markdown", "divider"]
    assert done["message"]["text"] == "Thirty days."
    assert done["message"]["metadata"] == metadata
    assert done["message"]["blocks"][0]["details"]["elements"][0]["elements"][0]["text"] == "first, second"
    late = client.chat_appendStream(**place, markdown_text="more")
    assert await refusal(late) == "message_not_in_streaming_state"


async def test_stream_dies_after_five_minutes_until_it_is_updated(
    client: AsyncWebClient, playground: Playground, question: Any
) -> None:
    """Appends do not keep it alive; both append and stop fail then, and chat.update mends the bubble."""
    ts = (await client.chat_startStream(**question, markdown_text="a"))["ts"]
    place = {"channel": "C0GENERAL", "ts": ts}
    playground.clock.advance(290)
    await client.chat_appendStream(**place, markdown_text="b")
    playground.clock.advance(11)
    dana = playground.driver("dana")
    broken = await dana.see_message(
        "#general", "ab", thread=question["thread_ts"], where=lambda one: one.body["streaming_state"] == "interrupted"
    )
    assert broken.ts == ts
    assert await refusal(client.chat_appendStream(**place, markdown_text="c")) == "message_not_in_streaming_state"
    assert await refusal(client.chat_stopStream(**place)) == "message_not_in_streaming_state"
    mended = await client.chat_update(**place, text="abc")
    assert "streaming_state" not in mended["message"]


@pytest.mark.parametrize(
    "change,code",
    [
        ({"recipient_user_id": ""}, "missing_recipient_user_id"),
        ({"recipient_team_id": ""}, "missing_recipient_team_id"),
        ({"recipient_user_id": "U0NOBODY1"}, "user_not_found"),
        ({"recipient_team_id": "T0NOWHERE"}, "team_not_found"),
        ({"thread_ts": ""}, "channel_type_not_supported"),
        ({"thread_ts": "1.000001"}, "cannot_reply_to_message"),
        ({"task_display_mode": "wild"}, "invalid_arguments"),
        ({"chunks": [{"type": "video"}]}, "invalid_chunks"),
        ({"chunks": [{"type": "task_update", "id": "1", "title": "x", "status": "odd"}]}, "invalid_chunks"),
        ({"chunks": [{"type": "blocks", "blocks": [{"type": "header"}]}]}, "invalid_blocks"),
        ({"chunks": [{"type": "blocks", "blocks": [{"type": "divider"}] * 51}]}, "msg_blocks_too_many"),
        ({"chunks": [{"type": "plan_update", "title": "x"}], "markdown_text": "y"}, "markdown_text_conflict"),
        ({"markdown_text": "x" * 12_001}, "msg_too_long"),
    ],
)
async def test_bad_starts_are_refused(client: AsyncWebClient, question: Any, change: Any, code: str) -> None:
    """Each thing that Slack asks of a new stream has its error."""
    assert await refusal(client.api_call("chat.startStream", json=question | change)) == code


async def test_refused_chunks_leave_the_answer_as_it_was(client: AsyncWebClient, question: Any) -> None:
    """A chunk list with one bad entry adds nothing, and an empty append is refused."""
    ts = (await client.chat_startStream(**question, markdown_text="a"))["ts"]
    place = {"channel": "C0GENERAL", "ts": ts}
    chunks = [{"type": "markdown_text", "text": "b"}, {"type": "odd"}]
    assert await refusal(client.chat_appendStream(**place, chunks=chunks)) == "invalid_chunks"
    assert await refusal(client.chat_appendStream(**place, chunks=[])) == "no_text"
    assert (await client.chat_stopStream(**place, chunks=[]))["message"]["text"] == "a"


async def test_only_own_streams_take_chunks(client: AsyncWebClient, playground: Playground, question: Any) -> None:
    """Other people's messages, plain ones and unknown ones are told apart."""
    append: dict[str, Any] = {"channel": "C0GENERAL", "markdown_text": "x"}
    plain = (await client.chat_postMessage(channel="C0GENERAL", text="x"))["ts"]
    assert await refusal(client.chat_appendStream(**append, ts=question["thread_ts"])) == "message_not_owned_by_app"
    assert await refusal(client.chat_appendStream(**append, ts=plain)) == "message_not_in_streaming_state"
    assert await refusal(client.chat_appendStream(**append, ts="1.000001")) == "message_not_found"


async def test_person_stops_an_answer(client: AsyncWebClient, playground: Playground, question: Any) -> None:
    """After somebody stopped it the next append fails, the app may still end it, and it can not be stopped twice."""
    ts = (await client.chat_startStream(**question, markdown_text="on and on"))["ts"]
    dana, place = playground.driver("dana"), {"channel": "C0GENERAL", "ts": ts}
    await dana.do("stop_stream", **place)
    with pytest.raises(DriverError, match="complete already"):
        await dana.do("stop_stream", **place)
    assert await refusal(client.chat_appendStream(**place, markdown_text="x")) == "stopped_by_user"
    assert (await client.chat_stopStream(**place))["message"]["text"] == "on and on"


async def test_sdk_helper_streams_in_a_direct_message(client: AsyncWebClient, playground: Playground) -> None:
    """chat_stream of slack_sdk works from start to end."""
    dana = playground.driver("dana")
    ts = await dana.say("@evalbot", "tell me")
    opened = await client.conversations_open(users=playground.users["dana"])
    streamer = await client.chat_stream(channel=opened["channel"]["id"], thread_ts=ts)
    await streamer.append(markdown_text="word " * 60)
    await streamer.append(markdown_text="end")
    await streamer.stop()
    await dana.see_message("@evalbot", "word end", thread=ts)
    assert playground.violations() == []


async def test_status_goes_with_the_reply_or_after_two_minutes(
    client: AsyncWebClient, playground: Playground, question: Any
) -> None:
    """The page's state names the status until the app answers, or until the clock has moved on."""
    dana = playground.driver("dana")
    place = {"channel_id": "C0GENERAL", "thread_ts": question["thread_ts"]}

    async def shown() -> list[str]:
        return [one["status"] for one in (await dana.do("whoami"))["threads"]]

    assert await refusal(client.assistant_threads_setStatus(**place | {"thread_ts": "1.0"}, status="x")) == (
        "invalid_thread_ts"
    )
    many = client.assistant_threads_setStatus(**place, status="x", loading_messages=["a"] * 11)
    assert await refusal(many) == "invalid_arguments"
    await client.assistant_threads_setStatus(**place, status="is thinking", loading_messages=["Reading", "Writing"])
    assert await shown() == ["is thinking"]
    await client.chat_postMessage(channel="C0GENERAL", thread_ts=question["thread_ts"], text="Thirty days.")
    assert await shown() == []
    await client.assistant_threads_setStatus(**place, status="thinks again")
    playground.clock.advance(119)
    assert await shown() == ["thinks again"]
    playground.clock.advance(2)
    over = asyncio.Event()
    playground.emulation.threads.listen(lambda thread: over.set())
    await asyncio.wait_for(over.wait(), 3)
    assert await shown() == []


async def test_suggested_prompts_stand_until_a_person_writes(client: AsyncWebClient, agent: Playground) -> None:
    """Prompts need an agent, a title and a message each, and a thread that is there; writing takes them away."""
    bot, dana = AsyncWebClient(token=agent.bot_token, base_url=agent.api_url), agent.driver("dana")
    ts = await dana.say("@evalbot", "hello")
    place = {"channel_id": (await bot.conversations_open(users=agent.users["dana"]))["channel"]["id"], "thread_ts": ts}
    prompts = [{"title": "Run a suite", "message": "run support-desk"}]

    async def shown() -> list[Any]:
        return [
            (one["prompts_title"], one["prompts"]) for one in (await dana.do("whoami"))["threads"] if one["prompts"]
        ]

    refused = client.assistant_threads_setSuggestedPrompts(channel_id="C0GENERAL", thread_ts=ts, prompts=prompts)
    assert await refusal(refused) == "not_agent_app"
    ask = bot.assistant_threads_setSuggestedPrompts
    assert await refusal(ask(**place | {"thread_ts": "1.0"}, prompts=prompts)) == "invalid_thread_ts"
    assert await refusal(ask(**place, prompts=[{"title": "Run a suite"}])) == "invalid_arguments"
    assert await refusal(ask(**place, prompts=prompts * 5)) == "invalid_arguments"
    assert await shown() == []
    await ask(**place, prompts=prompts, title="What next?")
    assert await shown() == [("What next?", prompts)]
    await dana.say("@evalbot", "run support-desk", thread=ts)
    assert await shown() == []


async def test_sessions_belong_to_agents(client: AsyncWebClient, agent: Playground) -> None:
    """An app that is no agent is refused; an agent sets state and title, in a thread of a channel only."""
    refused = client.agents_sessions_setStatus(channel_id="C0GENERAL", status="active")
    assert await refusal(refused) == "feature_disabled"
    bot = AsyncWebClient(token=agent.bot_token, base_url=agent.api_url)
    ts = await agent.driver("dana").say("#general", "help")
    place = {"channel_id": "C0GENERAL", "thread_ts": ts}
    assert await refusal(bot.agents_sessions_rename(**place, title="x")) == "session_not_found"
    nowhere = bot.agents_sessions_setStatus(channel_id="C0GENERAL", status="active")
    assert await refusal(nowhere) == "thread_ts_required"
    assert await refusal(bot.agents_sessions_setStatus(**place, status="asleep")) == "invalid_status"
    await bot.agents_sessions_setStatus(**place, status="processing", title="Refunds")
    await bot.agents_sessions_rename(**place, title="Refund policy")
    assert await refusal(bot.agents_sessions_rename(**place, title=" ")) == "invalid_name"
    threads = (await agent.driver("dana").do("whoami"))["threads"]
    assert [(one["state"], one["title"]) for one in threads] == [("processing", "Refund policy")]
