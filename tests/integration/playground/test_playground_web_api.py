"""The Web API refuses what Slack refuses, and remembers what it takes."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from evalbot.playground.server import Playground

MODAL = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "T"},
    "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x"}}],
}


async def call(
    session: aiohttp.ClientSession, playground: Playground, method: str, *, token: str | None = None, **body: Any
) -> dict[str, Any]:
    """Call a method with a JSON body and return the reply."""
    headers = {"Content-Type": "application/json; charset=utf-8"}
    if token != "":
        headers["Authorization"] = f"Bearer {playground.bot_token if token is None else token}"
    async with session.post(playground.api_url + method, data=json.dumps(body), headers=headers) as response:
        found: dict[str, Any] = await response.json()
        return found


async def refusal(action: Any) -> str:
    """Return the error code a call is refused with."""
    with pytest.raises(SlackApiError) as caught:
        await action
    return str(caught.value.response["error"])


async def test_tokens_are_told_apart(session: aiohttp.ClientSession, playground: Playground) -> None:
    """No token, a wrong one, the wrong kind and a revoked one each have their error."""
    assert (await call(session, playground, "auth.test"))["user_id"] == playground.users["evalbot"]
    assert (await call(session, playground, "auth.test", token=""))["error"] == "not_authed"
    assert (await call(session, playground, "auth.test", token="xoxb-no"))["error"] == "invalid_auth"
    app_token = playground.app_token
    assert (await call(session, playground, "auth.test", token=app_token))["error"] == "not_allowed_token_type"
    assert (await call(session, playground, "apps.connections.open"))["error"] == "not_allowed_token_type"
    assert (await call(session, playground, "no.such"))["error"] == "unknown_method"
    await call(session, playground, "auth.revoke")
    assert (await call(session, playground, "auth.test"))["error"] == "token_revoked"


async def test_token_may_come_in_the_form(session: aiohttp.ClientSession, playground: Playground) -> None:
    """A form field works as well as the header."""
    async with session.post(f"{playground.api_url}auth.test", data={"token": playground.bot_token}) as response:
        assert (await response.json())["ok"]


async def test_json_is_read_only_where_slack_reads_it(session: aiohttp.ClientSession, playground: Playground) -> None:
    """users.info ignores a JSON body, so its argument is missing; chat.postMessage reads it."""
    reply = await call(session, playground, "users.info", user=playground.users["dana"])
    assert reply["error"] == "invalid_arguments"
    assert reply["response_metadata"]["messages"] == ["[ERROR] missing required field: user"]
    assert (await call(session, playground, "chat.postMessage", channel="C0GENERAL", text="x"))["ok"]


async def test_missing_scope_names_what_is_needed(session: aiohttp.ClientSession) -> None:
    """A call without its scope is refused with needed and provided."""
    async with Playground(scopes=["chat:write", "channels:read"]) as playground:
        reply = await call(session, playground, "pins.add", channel="C0GENERAL", timestamp="1770000000.000001")
        assert reply == {
            "ok": False,
            "error": "missing_scope",
            "needed": "pins:write",
            "provided": "chat:write,channels:read",
        }
        client = AsyncWebClient(token=playground.bot_token, base_url=playground.api_url)
        assert await refusal(client.conversations_list(types="private_channel")) == "missing_scope"
        assert await refusal(client.conversations_history(channel="C0GENERAL")) == "missing_scope"


async def test_membership_decides_where_the_bot_may_write(client: AsyncWebClient, playground: Playground) -> None:
    """A channel without the bot, an unknown one and an archived one are refused differently."""
    assert await refusal(client.chat_postMessage(channel="C0RANDOM1", text="x")) == "not_in_channel"
    assert await refusal(client.chat_postMessage(channel="C0NOTHING", text="x")) == "channel_not_found"
    dana = playground.driver("dana")
    secret = (await dana.do("add_channel", name="secret", private=True, bot=False, members=["dana"]))["id"]
    assert await refusal(client.chat_postMessage(channel=secret, text="x")) == "channel_not_found"
    await dana.do("archive", channel="#general")
    assert await refusal(client.chat_postMessage(channel="C0GENERAL", text="x")) == "is_archived"
    await client.conversations_join(channel="C0RANDOM1")
    assert (await client.chat_postMessage(channel="#random", text="x"))["ok"]


async def test_direct_message_is_opened_by_user_id(client: AsyncWebClient, playground: Playground) -> None:
    """conversations.open and posting to a user id reach the same conversation."""
    opened = await client.conversations_open(users=playground.users["lee"])
    posted = await client.chat_postMessage(channel=playground.users["lee"], text="hello")
    assert posted["channel"] == opened["channel"]["id"]
    assert (await playground.driver("lee").see_message("@evalbot", "hello")).body["bot_id"]


async def test_thread_keeps_its_rules(client: AsyncWebClient, playground: Playground) -> None:
    """A reply has its parent, the parent counts it, replies to replies are refused, history leaves them out."""
    parent = (await client.chat_postMessage(channel="C0GENERAL", text="parent"))["ts"]
    reply = await client.chat_postMessage(channel="C0GENERAL", text="reply", thread_ts=parent)
    assert reply["message"]["parent_user_id"] == playground.users["evalbot"]
    nested = client.chat_postMessage(channel="C0GENERAL", text="x", thread_ts=reply["ts"])
    assert await refusal(nested) == "cannot_reply_to_message"
    history = await client.conversations_history(channel="C0GENERAL")
    assert [one["text"] for one in history["messages"]] == ["parent"]
    assert history["messages"][0]["reply_count"] == 1
    thread = await client.conversations_replies(channel="C0GENERAL", ts=parent)
    assert [one["text"] for one in thread["messages"]] == ["parent", "reply"]
    assert await refusal(client.conversations_replies(channel="C0GENERAL", ts="1.000000")) == "thread_not_found"


async def test_history_pages_give_everything_once(client: AsyncWebClient) -> None:
    """Paging by cursor and narrowing by time work together."""
    sent = [(await client.chat_postMessage(channel="C0GENERAL", text=str(number)))["ts"] for number in range(7)]
    found: list[str] = []
    cursor = ""
    while True:
        page = await client.conversations_history(channel="C0GENERAL", limit=3, cursor=cursor, oldest=sent[0])
        found += [one["ts"] for one in page["messages"]]
        cursor = page["response_metadata"]["next_cursor"]
        if not cursor:
            break
    assert found == list(reversed(sent[1:]))
    assert await refusal(client.conversations_history(channel="C0GENERAL", cursor="x")) == "invalid_cursor"
    assert await refusal(client.conversations_list(limit=1000)) == "invalid_limit"


async def test_own_messages_only_are_changed(client: AsyncWebClient, playground: Playground) -> None:
    """Other people's messages are refused; text without blocks takes the blocks away; metadata stays."""
    ts = await playground.driver("dana").say("#general", "mine")
    assert await refusal(client.chat_update(channel="C0GENERAL", ts=ts, text="x")) == "cant_update_message"
    assert await refusal(client.chat_delete(channel="C0GENERAL", ts=ts)) == "cant_delete_message"
    metadata = {"event_type": "run", "event_payload": {"id": 1}}
    own = (
        await client.chat_postMessage(channel="C0GENERAL", text="x", blocks=[{"type": "divider"}], metadata=metadata)
    )["ts"]
    changed = await client.chat_update(channel="C0GENERAL", ts=own, text="plain")
    assert "blocks" not in changed["message"]
    history = await client.conversations_history(channel="C0GENERAL", include_all_metadata=True)
    assert history["messages"][0]["metadata"] == metadata
    assert "metadata" not in (await client.conversations_history(channel="C0GENERAL"))["messages"][0]
    assert await refusal(client.chat_update(channel="C0GENERAL", ts=own, text="x" * 4001)) == "msg_too_long"
    await client.chat_delete(channel="C0GENERAL", ts=own)
    assert await refusal(client.chat_delete(channel="C0GENERAL", ts=own)) == "message_not_found"


async def test_bad_blocks_get_the_published_reply(session: aiohttp.ClientSession, playground: Playground) -> None:
    """The reply names every problem twice, and the refusal is on the list of violations."""
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "a" * 3001}}]
    reply = await call(session, playground, "chat.postMessage", channel="C0GENERAL", text="x", blocks=blocks)
    problems = [
        "failed to match all allowed schemas [json-pointer:/blocks/0/text]",
        "must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
    ]
    messages = [f"[ERROR] {one}" for one in problems]
    expected = {"error": "invalid_blocks", "errors": problems, "response_metadata": {"messages": messages}}
    assert reply == {"ok": False, **expected}
    assert [one.kind for one in playground.violations()] == ["refused_call"]
    long = [{"type": "section", "text": {"type": "mrkdwn", "text": "a" * 2900}}] * 5
    assert (await call(session, playground, "chat.postMessage", channel="C0GENERAL", text="x", blocks=long))[
        "error"
    ] == ("msg_blocks_too_long")
    assert (await call(session, playground, "chat.postMessage", channel="C0GENERAL", blocks="{"))["error"] == (
        "invalid_blocks_format"
    )


async def test_views_need_a_fresh_trigger_and_the_right_hash(client: AsyncWebClient, playground: Playground) -> None:
    """A trigger opens one modal; a stale hash is refused; a closed modal is not found."""
    keys, dana = playground.emulation.keys, playground.users["dana"]
    trigger = keys.make_trigger(dana)
    view = (await client.views_open(trigger_id=trigger, view=MODAL))["view"]
    assert await refusal(client.views_open(trigger_id=trigger, view=MODAL)) == "exchanged_trigger_id"
    late = keys.make_trigger(dana)
    playground.clock.advance(4)
    assert await refusal(client.views_open(trigger_id=late, view=MODAL)) == "expired_trigger_id"
    await client.views_update(view_id=view["id"], hash=view["hash"], view=MODAL)
    stale = client.views_update(view_id=view["id"], hash=view["hash"], view=MODAL)
    assert await refusal(stale) == "hash_conflict"
    for _ in range(2):
        await client.views_push(trigger_id=keys.make_trigger(dana), view=MODAL)
    assert await refusal(client.views_push(trigger_id=keys.make_trigger(dana), view=MODAL)) == "push_limit_reached"
    await playground.driver("dana").close(clear=True)
    assert await refusal(client.views_update(view_id=view["id"], view=MODAL)) == "not_found"


async def test_refused_view_gives_its_trigger_back(client: AsyncWebClient, playground: Playground) -> None:
    """A modal that Slack refuses does not use the trigger up."""
    trigger = playground.emulation.keys.make_trigger(playground.users["dana"])
    bad = {**MODAL, "title": {"type": "plain_text", "text": "t" * 25}}
    assert await refusal(client.views_open(trigger_id=trigger, view=bad)) == "invalid_arguments"
    assert (await client.views_open(trigger_id=trigger, view=MODAL))["ok"]


async def test_ephemeral_message_is_for_one_member(client: AsyncWebClient, playground: Playground) -> None:
    """Only the person sees it, and strangers to the channel are refused."""
    dana, pia = playground.users["dana"], playground.users["pia"]
    reply = await client.chat_postEphemeral(channel="C0GENERAL", user=dana, text="psst")
    assert "ts" not in reply.data
    assert (await playground.driver("dana").messages("#general"))[-1].is_ephemeral
    assert await playground.driver("lee").messages("#general") == []
    assert await refusal(client.chat_postEphemeral(channel="C0GENERAL", user=pia, text="x")) == "user_not_in_channel"
    update = client.chat_update(channel="C0GENERAL", ts=reply["message_ts"], text="x")
    assert await refusal(update) == "message_not_found"


async def test_upload_takes_three_steps_and_a_little_time(
    client: AsyncWebClient, session: aiohttp.ClientSession, playground: Playground
) -> None:
    """The last step answers without type and shares; the message comes a little later."""
    start = await client.files_getUploadURLExternal(filename="chart.png", length=4, alt_txt="Pass rate")
    async with session.post(start["upload_url"], data=b"too long") as response:
        assert response.status == 400
    async with session.post(start["upload_url"], data=b"\x89PNG") as response:
        assert (response.status, await response.text()) == (200, "OK - 4")
    done = await client.files_completeUploadExternal(
        files=[{"id": start["file_id"], "title": "Chart"}], channel_id="C0GENERAL", initial_comment="Here"
    )
    assert done["files"][0]["mimetype"] == ""
    assert "shares" not in done["files"][0]
    seen = await playground.driver("dana").see_message("#general", "[file chart.png: Pass rate]")
    assert seen.body["subtype"] == "file_share"
    info = await client.files_info(file=start["file_id"])
    assert [one["ts"] for one in info["file"]["shares"]["public"]["C0GENERAL"]] == [seen.ts]
    async with session.get(info["file"]["url_private"]) as response:
        assert await response.read() == b"\x89PNG"
    assert playground.violations() == []


async def test_picture_without_alt_text_is_a_violation(client: AsyncWebClient, playground: Playground) -> None:
    """The SDK's upload works, and forgetting the alt text is noted."""
    await client.files_upload_v2(channel="C0GENERAL", content=b"\x89PNG", filename="chart.png")
    await playground.driver("dana").see_message("#general", "chart.png")
    assert [one.kind for one in playground.violations()] == ["no_alt_text"]


async def test_marks_on_messages(client: AsyncWebClient, playground: Playground) -> None:
    """Reactions, pins and bookmarks are kept and refused a second time."""
    ts = await playground.driver("dana").say("#general", "look")
    await client.reactions_add(channel="C0GENERAL", timestamp=ts, name="eyes")
    assert await refusal(client.reactions_add(channel="C0GENERAL", timestamp=ts, name="eyes")) == "already_reacted"
    assert await refusal(client.reactions_add(channel="C0GENERAL", timestamp=ts, name="not an emoji")) == "invalid_name"
    found = await client.reactions_get(channel="C0GENERAL", timestamp=ts)
    assert found["message"]["reactions"][0]["users"] == [playground.users["evalbot"]]
    await client.reactions_remove(channel="C0GENERAL", timestamp=ts, name="eyes")
    await client.pins_add(channel="C0GENERAL", timestamp=ts)
    assert await refusal(client.pins_add(channel="C0GENERAL", timestamp=ts)) == "already_pinned"
    bookmark = {"channel_id": "C0GENERAL", "title": "Report", "type": "link"}
    assert await refusal(client.bookmarks_add(**bookmark, link="report")) == "invalid_link"
    assert (await client.bookmarks_add(**bookmark, link="https://example.com"))["bookmark"]["title"] == "Report"


async def test_scheduled_message_waits_for_the_clock(client: AsyncWebClient, playground: Playground) -> None:
    """It is posted when its moment comes, and a moment in the past is refused."""
    now = int(playground.clock.now())
    assert await refusal(client.chat_scheduleMessage(channel="C0GENERAL", post_at=now - 1, text="x")) == "time_in_past"
    far = client.chat_scheduleMessage(channel="C0GENERAL", post_at=now + 121 * 86_400, text="x")
    assert await refusal(far) == "time_too_far"
    await client.chat_scheduleMessage(channel="C0GENERAL", post_at=now + 3600, text="later")
    dana = playground.driver("dana")
    assert await dana.messages("#general") == []
    await asyncio.sleep(0)
    playground.clock.advance(3601)
    await dana.see_message("#general", "later")


async def test_people_and_channels_are_described(client: AsyncWebClient, playground: Playground) -> None:
    """Time zones, guests, outsiders and shared channels show in the objects an app reads."""
    users = playground.users
    assert (await client.users_info(user=users["lee"]))["user"]["tz_offset"] == 8 * 3600
    assert (await client.users_info(user=users["gus"]))["user"]["is_restricted"]
    pia = (await client.users_info(user=users["pia"]))["user"]
    assert pia["team_id"] != (await client.team_info())["team"]["id"]
    assert users["pia"] not in [one["id"] for one in (await client.users_list())["members"]]
    info = (await client.conversations_info(channel=playground.channels["partner-acme"]))["channel"]
    assert info["is_ext_shared"]
    listed = await client.conversations_list(types="public_channel,private_channel")
    assert {one["name"]: one["is_member"] for one in listed["channels"]} == {
        "general": True,
        "support-quality": True,
        "support-evals": True,
        "evals-stewards": True,
        "partner-acme": True,
        "random": False,
    }
    members = await client.conversations_members(channel="C0GENERAL", limit=2)
    assert len(members["members"]) == 2
    assert members["response_metadata"]["next_cursor"]


async def test_429_names_the_seconds_to_wait(session: aiohttp.ClientSession) -> None:
    """The fourth message at once is refused with Retry-After, and noted apart from refused calls."""
    async with Playground() as playground:
        headers = {"Authorization": f"Bearer {playground.bot_token}"}
        body = {"channel": "C0GENERAL", "text": "x"}
        for _ in range(3):
            async with session.post(f"{playground.api_url}chat.postMessage", json=body, headers=headers) as response:
                assert response.status == 200
        async with session.post(f"{playground.api_url}chat.postMessage", json=body, headers=headers) as response:
            assert (response.status, await response.json()) == (429, {"ok": False, "error": "ratelimited"})
            assert response.headers["Retry-After"] == "1"
        assert [one.kind for one in playground.violations()] == ["rate_limited"]


async def test_blocks_can_be_validated_without_posting(client: AsyncWebClient) -> None:
    """blocks.validate answers for blocks, views and messages."""
    assert (await client.api_call("blocks.validate", json={"blocks": '[{"type": "divider"}]'}))["ok"]
    bad = client.api_call("blocks.validate", json={"view": json.dumps({"type": "modal", "blocks": []})})
    assert await refusal(bad) == "invalid_view"
    assert await refusal(client.api_call("blocks.validate", json={})) == "invalid_arguments"
