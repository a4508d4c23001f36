"""Group messages, links, marks, planned messages, forms with files, channels one may join, and addresses of messages."""

from pathlib import Path
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from evalbot.playground.driver import DriverError
from evalbot.playground.installed_app import DEFAULT_EVENTS, DEFAULT_SCOPES
from evalbot.playground.server import Playground

MORE_SCOPES = [
    *DEFAULT_SCOPES,
    *("mpim:write", "mpim:read", "mpim:history", "links:read", "links:write", "bookmarks:read", "pins:read"),
]
FORM = {
    "type": "modal",
    "callback_id": "files",
    "title": {"type": "plain_text", "text": "Evidence"},
    "submit": {"type": "plain_text", "text": "Save"},
    "blocks": [
        {
            "type": "input",
            "block_id": "evidence",
            "label": {"type": "plain_text", "text": "Screenshot"},
            "element": {"type": "file_input", "action_id": "files", "filetypes": ["png"], "max_files": 2},
        }
    ],
}


async def refusal(action: Any) -> str:
    """Return the error code a call is refused with."""
    with pytest.raises(SlackApiError) as caught:
        await action
    return str(caught.value.response["error"])


@pytest.fixture
async def playground() -> Any:
    """A playground whose app may do more than evalbot needs."""
    async with Playground(
        rate_limits=False,
        ack_seconds=0.35,
        scopes=MORE_SCOPES,
        events=[*DEFAULT_EVENTS, "message.mpim", "link_shared"],
        features={"unfurl_domains": ("evals.example",)},
    ) as running:
        yield running


async def test_group_message_reaches_its_members(client: AsyncWebClient, raw_app: Any, playground: Playground) -> None:
    """Opening twice gives the same group; its messages are events of their own kind; a stranger can not read it."""
    users = playground.users
    opened = await client.conversations_open(users=[users["dana"], users["lee"]], return_im=True)
    group = opened["channel"]["id"]
    assert opened["channel"]["is_mpim"]
    again = await client.conversations_open(users=[users["lee"], users["dana"]])
    assert (again["channel"]["id"], again["already_open"]) == (group, True)
    own = client.conversations_open(users=[users["evalbot"], users["lee"]])
    assert await refusal(own) == "invalid_user_combination"
    await raw_app.connect()
    await raw_app.read()
    await playground.driver("lee").say(group, "all of us")
    envelope = await raw_app.read()
    await raw_app.ack(envelope)
    assert envelope["payload"]["event"]["channel_type"] == "mpim"
    history = await client.conversations_history(channel=group)
    assert [one["text"] for one in history["messages"]] == ["all of us"]
    listed = await client.conversations_list(types="mpim")
    assert [one["id"] for one in listed["channels"]] == [group]
    with pytest.raises(DriverError, match="is not in"):
        await playground.driver("kim").messages(group)
    dana = next(one for one in (await playground.driver("dana").do("whoami"))["channels"] if one["id"] == group)
    assert (dana["kind"], dana["mentions"]) == ("mpim", 1)


async def test_own_links_are_told_and_unfurled(client: AsyncWebClient, raw_app: Any, playground: Playground) -> None:
    """link_shared names the app's own domains only; the unfurl shows under the message; other links are refused."""
    await raw_app.connect()
    await raw_app.read()
    url = "https://app.evals.example/run/1"
    await playground.driver("dana").say("#general", f"{url} and https://other.example/")
    events = [await raw_app.read() for _ in range(2)]
    for envelope in events:
        await raw_app.ack(envelope)
    shared = next(one["payload"]["event"] for one in events if one["payload"]["event"]["type"] == "link_shared")
    assert shared["links"] == [{"domain": "evals.example", "url": url}]
    place = {"unfurl_id": shared["unfurl_id"], "source": shared["source"]}
    stranger = {"https://other.example/": {"text": "x"}}
    assert await refusal(client.chat_unfurl(**place, unfurls=stranger)) == "cannot_unfurl_url"
    bad = {url: {"blocks": [{"type": "header"}]}}
    assert await refusal(client.chat_unfurl(**place, unfurls=bad)) == "cannot_parse_attachment"
    assert await refusal(client.chat_unfurl(**place | {"unfurl_id": "1"}, unfurls=stranger)) == "invalid_unfurl_id"
    nowhere = client.chat_unfurl(channel="C0GENERAL", ts="1.000001", unfurls=stranger)
    assert await refusal(nowhere) == "cannot_find_message"
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "Run 1 passed"}}
    await client.chat_unfurl(**place, unfurls={url: {"blocks": [block]}})
    seen = (await playground.driver("dana").messages("#general"))[0]
    assert seen.body["attachments"][0]["from_url"] == url
    assert [one.kind for one in playground.violations() if one.kind != "refused_call"] == []


async def test_pins_and_bookmarks_are_listed_changed_and_removed(client: AsyncWebClient) -> None:
    """What was marked can be read back, and what is gone is refused."""
    ts = (await client.chat_postMessage(channel="C0GENERAL", text="card"))["ts"]
    await client.pins_add(channel="C0GENERAL", timestamp=ts)
    pins = (await client.pins_list(channel="C0GENERAL"))["items"]
    assert [one["message"]["text"] for one in pins] == ["card"]
    await client.pins_remove(channel="C0GENERAL", timestamp=ts)
    assert await refusal(client.pins_remove(channel="C0GENERAL", timestamp=ts)) == "not_pinned"
    assert (await client.pins_list(channel="C0GENERAL"))["items"] == []
    added = await client.bookmarks_add(
        channel_id="C0GENERAL", title="Report", type="link", link="https://example.com", emoji=":chart:"
    )
    place = {"channel_id": "C0GENERAL", "bookmark_id": added["bookmark"]["id"]}
    changed = await client.bookmarks_edit(**place, title="Digest")
    assert (changed["bookmark"]["title"], changed["bookmark"]["link"]) == ("Digest", "https://example.com")
    assert await refusal(client.bookmarks_edit(**place, link="nowhere")) == "invalid_link"
    assert await refusal(client.bookmarks_edit(**place, emoji="chart")) == "invalid_emoji"
    assert [one["title"] for one in (await client.bookmarks_list(channel_id="C0GENERAL"))["bookmarks"]] == ["Digest"]
    await client.bookmarks_remove(**place)
    assert await refusal(client.bookmarks_remove(**place)) == "not_found"


async def test_planned_messages_are_listed_and_called_off(client: AsyncWebClient, playground: Playground) -> None:
    """The next one comes first; one that was called off is never posted; in the last minute it is too late."""
    now = int(playground.clock.now())
    ids = []
    for minutes in (30, 10, 20):
        planned = await client.chat_scheduleMessage(
            channel="C0GENERAL", post_at=now + 60 * minutes, text=f"in {minutes}"
        )
        ids.append(planned["scheduled_message_id"])
    rows = (await client.chat_scheduledMessages_list(channel="C0GENERAL"))["scheduled_messages"]
    assert [one["text"] for one in rows] == ["in 10", "in 20", "in 30"]
    assert (await client.chat_scheduledMessages_list(channel="C0RANDOM1"))["scheduled_messages"] == []
    await client.chat_deleteScheduledMessage(channel="C0GENERAL", scheduled_message_id=ids[2])
    other = client.chat_deleteScheduledMessage(channel="C0EVALS01", scheduled_message_id=ids[0])
    assert await refusal(other) == "invalid_scheduled_message_id"
    playground.clock.advance(9.5 * 60)
    late = client.chat_deleteScheduledMessage(channel="C0GENERAL", scheduled_message_id=ids[1])
    assert await refusal(late) == "invalid_scheduled_message_id"
    playground.clock.advance(60 * 60)
    dana = playground.driver("dana")
    await dana.see_message("#general", "in 30")
    assert {one.text for one in await dana.messages("#general")} == {"in 10", "in 30"}
    assert await refusal(client.chat_scheduledMessages_list(channel="C9")) == "invalid_channel"


async def test_files_of_a_form_are_stored(
    client: AsyncWebClient, raw_app: Any, playground: Playground, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """The submission names the file by id and the app can read it; a wrong type and a bad encoding are refused."""
    (tmp_path / "seen.png").write_bytes(b"\x89PNG seen")
    (tmp_path / "notes.txt").write_text("no")
    await raw_app.connect()
    await raw_app.read()
    dana = playground.driver("dana")
    trigger = playground.emulation.keys.make_trigger(await dana.id())
    view = (await client.views_open(trigger_id=trigger, view=FORM))["view"]
    assert await dana.submit_with_errors() == {"evidence": "Please complete this required field."}
    await dana.fill("Screenshot", tmp_path / "notes.txt")
    with pytest.raises(DriverError, match="allowed are png"):
        await dana.submit()
    broken = {"evidence": {"files": {"files": [{"name": "a.png", "content_base64": "%%%"}]}}}
    with pytest.raises(DriverError, match="could not be read"):
        await dana.do("view_submit", view_id=view["id"], values=broken)
    await dana.fill("Screenshot", tmp_path / "seen.png")
    submitting = playground.emulation.delivery.spawn(dana.submit())
    envelope = await raw_app.read()
    await raw_app.ack(envelope)
    await submitting
    file = envelope["payload"]["view"]["state"]["values"]["evidence"]["files"]["files"][0]
    assert (file["name"], file["user"], file["size"]) == ("seen.png", await dana.id(), 9)
    info = (await client.files_info(file=file["id"]))["file"]
    async with session.get(info["url_private"]) as response:
        assert await response.read() == b"\x89PNG seen"


async def test_public_channels_are_found_before_they_are_joined(playground: Playground) -> None:
    """Somebody inside sees and reads a public channel and can join it; guests and outsiders do not; nobody may write yet."""
    dana, gus = playground.driver("dana"), playground.driver("gus")
    lee = playground.driver("lee")
    await lee.do("add_channel", name="lounge", members=["lee"])
    await lee.say("#lounge", "anybody here?")
    listed = {one["name"]: one for one in (await dana.do("whoami"))["channels"]}
    assert await dana.id() not in listed["lounge"]["members"]
    assert [one.text for one in await dana.messages("#lounge")] == ["anybody here?"]
    with pytest.raises(DriverError, match="join it first"):
        await dana.say("#lounge", "yes")
    await dana.do("join", channel="#lounge")
    await dana.say("#lounge", "yes")
    assert "lounge" not in {one["name"] for one in (await gus.do("whoami"))["channels"]}
    with pytest.raises(DriverError, match="join it first"):
        await gus.messages("#lounge")


async def test_address_of_a_message_serves_the_page(
    client: AsyncWebClient, session: aiohttp.ClientSession, playground: Playground
) -> None:
    """A permalink of the API leads to the page, as does that of a channel; a picture of a person is there too."""
    ts = await playground.driver("dana").say("#general", "look")
    link = (await client.chat_getPermalink(channel="C0GENERAL", message_ts=ts))["permalink"]
    assert link == f"{playground.base_url}/archives/C0GENERAL/p{ts.replace('.', '')}"
    picture = (await client.users_info(user=playground.users["dana"]))["user"]["profile"]["image_48"]
    for url, kind in ((link, "text/html"), (link.rpartition("/")[0], "text/html"), (picture, "image/svg+xml")):
        async with session.get(url) as response:
            assert (response.status, response.content_type) == (200, kind)


async def test_charset_of_a_call_is_warned_about(session: aiohttp.ClientSession, playground: Playground) -> None:
    """JSON without a charset and a form with one give a warning, refused or not; an odd one is refused."""
    headers = {"Authorization": f"Bearer {playground.bot_token}"}
    url = f"{playground.api_url}auth.test"

    async def call(kind: str, body: str) -> dict[str, Any]:
        async with session.post(url, data=body, headers=headers | {"Content-Type": kind}) as response:
            found: dict[str, Any] = await response.json()
            return found

    bare = await call("application/json", "{}")
    assert (bare["ok"], bare["warning"]) == (True, "missing_charset")
    assert bare["response_metadata"]["warnings"] == ["missing_charset"]
    assert "warning" not in await call("application/json; charset=utf-8", "{}")
    assert (await call("application/x-www-form-urlencoded; charset=utf-8", "a=b"))["warning"] == "superfluous_charset"
    assert (await call("application/json; charset=koi8-r", "{}"))["error"] == "invalid_charset"
    headers["Authorization"] = "Bearer no"
    refused = await call("application/json", "{}")
    assert (refused["error"], refused["warning"]) == ("invalid_auth", "missing_charset")
