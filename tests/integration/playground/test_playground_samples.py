"""The published samples and the cases, through the calls of slack_sdk: same answers, same fields."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession as AsyncSession
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from evalbot.playground.server import Playground
from evalbot.playground.web_api import METHODS

SAMPLES = Path(__file__).parents[3] / ".." / "shared" / "slack" / "samples"
REPLIES = SAMPLES / "upstream" / "slack-api-ref" / "response_examples"

ABSENT = {
    "bookmarks.add": {"bookmark.icon_url"},
    "chat.postMessage": {"message.subtype", "message.username"},
    "chat.scheduleMessage": {"message.subtype", "message.username"},
    "chat.stopStream": {"message.subtype"},
    "conversations.info": {"channel.is_frozen", "channel.properties"},
    "conversations.replies": {"messages[].last_read", "messages[].subscribed", "messages[].unread_count"},
    "files.info": {
        "file.deanimate_gif",
        "file.image_exif_rotation",
        "file.is_starred",
        "file.pjpeg",
        "file.thumb_360_gif",
        "file.thumb_360_h",
        "file.thumb_360_w",
        "response_metadata",
        "file.shares.public.*[].channel_name",
        "file.shares.public.*[].latest_reply",
        "file.shares.public.*[].team_id",
        "file.shares.public.*[].thread_ts",
    },
    "oauth.v2.access": {"authed_user.access_token", "authed_user.scope", "authed_user.token_type", "enterprise.*"},
    "team.info": {"team.enterprise_id", "team.enterprise_name"},
    "users.info": {"user.profile.image_original"},
    "users.list": {"members[].profile.image_original", "members[].profile.image_1024"},
    "views.open": {"view.blocks[].*"},
    "views.publish": {"view.blocks[].*", "view.submit"},
    "views.update": {"view.blocks[].*"},
}
"""Fields of a sample that stand for something else (an organisation, a user token, a bot of the old kind), not for every reply."""


def samples(*parts: str) -> Path:
    """Return a place among the samples; the test is skipped when they are not beside the checkout."""
    path = SAMPLES.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"NOT TESTED AGAINST THE SAMPLES: {path} is missing")
    return path


def cases(name: str) -> Iterator[dict[str, Any]]:
    """Give the cases of a file."""
    for line in samples("cases", name).read_text("utf-8").splitlines():
        yield json.loads(line)


async def send_case(client: AsyncWebClient, playground: Playground, case: dict[str, Any]) -> dict[str, Any]:
    """Send a case by the method it is meant for and return the reply, refused or not."""
    dana = playground.users["dana"]
    try:
        if "message" in case:
            return dict((await client.chat_postMessage(**case["message"])).data)  # type: ignore[arg-type]
        if case["surface"] == "home":
            return dict((await client.views_publish(user_id=dana, view=case["view"])).data)  # type: ignore[arg-type]
        trigger = playground.emulation.keys.make_trigger(dana)
        return dict((await client.views_open(trigger_id=trigger, view=case["view"])).data)  # type: ignore[arg-type]
    except SlackApiError as error:
        return dict(error.response.data)


@pytest.mark.filterwarnings("ignore:The top-level `text` argument is missing")
@pytest.mark.parametrize("name", ["accept.jsonl", "reject.jsonl"])
async def test_every_case_gets_its_answer_through_the_sdk(
    client: AsyncWebClient, playground: Playground, name: str
) -> None:
    """Each case is taken, or refused with its error and, where the words are recorded, with these words."""
    wrong = []
    for case in cases(name):
        reply, expected = await send_case(client, playground, case), case["expect"]
        words = json.dumps(reply)
        missing = [one for one in expected.get("pointer_contains", []) if json.dumps(one)[1:-1] not in words]
        if (reply["ok"], reply.get("error")) != (expected["ok"], expected.get("error")) or missing:
            wrong.append((case["id"], case["what"], reply.get("error"), missing))
    assert wrong == []


@pytest.mark.filterwarnings("ignore:The top-level `text` argument is missing")
async def test_every_case_is_judged_alike_without_posting(client: AsyncWebClient) -> None:
    """blocks.validate takes and refuses the blocks and views of the cases as the posting methods do."""
    wrong = []
    for case in [*cases("accept.jsonl"), *cases("reject.jsonl")]:
        given = {"view": case["view"]} if "view" in case else {"blocks": case["message"].get("blocks")}
        if not given.get("blocks", True) or case["expect"].get("error") in ("no_text", "markdown_text_conflict"):
            continue
        try:
            is_taken = bool(
                (await client.blocks_validate(**{key: json.dumps(one) for key, one in given.items()}))["ok"]
            )
        except SlackApiError:
            is_taken = False
        if is_taken is not case["expect"]["ok"] and case["expect"].get("error") not in ("too_many_attachments",):
            wrong.append((case["id"], case["what"]))
    assert wrong == []


def fields_of(value: Any, path: str = "") -> Iterator[str]:
    """Give the path of every field; ids used as keys are written as a star, items of lists as []."""
    if isinstance(value, list):
        for one in value:
            yield from fields_of(one, f"{path}[]")
    elif isinstance(value, dict):
        for key, one in value.items():
            name = "*" if path.endswith("shares.public") else key
            here = f"{path}.{name}" if path else name
            yield here
            yield from fields_of(one, here)


def is_absent(method: str, field: str) -> bool:
    """Whether a field is one of those that need not be there, or lies below one."""
    for one in ABSENT.get(method, ()):
        stem = one.removesuffix("*").removesuffix(".")
        if field == stem or field.startswith(f"{stem}."):
            return True
    return False


MODAL = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "T"},
    "submit": {"type": "plain_text", "text": "Go"},
    "close": {"type": "plain_text", "text": "No"},
    "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x"}}],
}
HOME = {"type": "home", "blocks": MODAL["blocks"]}


class Caller:
    """Calls each method once, in an order in which the later ones find what the earlier ones made."""

    def __init__(self, client: AsyncWebClient, playground: Playground) -> None:
        """Start with nothing in #general."""
        self.client, self.playground = client, playground
        self.replies: dict[str, dict[str, Any]] = {}

    async def call(self, method: str, **args: Any) -> dict[str, Any]:
        """Call a method in the way slack_sdk does and keep the reply."""
        reply = await getattr(self.client, method.replace(".", "_"))(**args)
        self.replies[method] = dict(reply.data)
        return self.replies[method]

    async def messages(self) -> None:
        """Call the methods about messages."""
        here: dict[str, Any] = {"channel": "C0GENERAL"}
        dana = self.playground.users["dana"]
        attachment = [{"text": "more", "fallback": "more"}]
        ts = (await self.call("chat.postMessage", **here, text="one", attachments=attachment))["ts"]
        await self.call("chat.postEphemeral", **here, user=dana, text="psst")
        await self.call("chat.update", **here, ts=ts, text="two")
        await self.call("chat.getPermalink", **here, message_ts=ts)
        at = int(self.playground.clock.now()) + 3600
        planned = await self.call("chat.scheduleMessage", **here, text="x", post_at=at, attachments=attachment)
        await self.call("chat.scheduledMessages.list")
        await self.call("chat.deleteScheduledMessage", **here, scheduled_message_id=planned["scheduled_message_id"])
        await self.call("reactions.add", **here, timestamp=ts, name="eyes")
        await self.call("reactions.get", **here, timestamp=ts)
        await self.call("pins.add", **here, timestamp=ts)
        await self.call("pins.list", **here)
        await self.call("pins.remove", **here, timestamp=ts)
        await self.client.chat_postMessage(**here, text="reply", thread_ts=ts)
        await self.call("conversations.replies", **here, ts=ts)
        await self.call("conversations.history", **here)
        await self.call("assistant.threads.setStatus", channel_id="C0GENERAL", thread_ts=ts, status="thinks")
        await self.call(
            "assistant.threads.setSuggestedPrompts", channel_id="C0GENERAL", prompts=[{"title": "a", "message": "b"}]
        )
        own = await self.client.chat_postMessage(channel=dana, text="question")
        stream = await self.call("chat.startStream", channel=own["channel"], thread_ts=own["ts"], markdown_text="a")
        await self.call("chat.appendStream", channel=stream["channel"], ts=stream["ts"], markdown_text="b")
        await self.call("chat.stopStream", channel=stream["channel"], ts=stream["ts"])
        other = (await self.client.chat_postMessage(**here, text="gone"))["ts"]
        await self.call("chat.delete", **here, ts=other)

    async def links_and_files(self) -> None:
        """Call the methods about bookmarks, links and files."""
        bookmark = {"channel_id": "C0GENERAL", "title": "Report", "type": "link", "link": "https://example.com"}
        kept = (await self.call("bookmarks.add", **bookmark))["bookmark"]["id"]
        await self.call("bookmarks.edit", channel_id="C0GENERAL", bookmark_id=kept, title="Other")
        await self.call("bookmarks.list", channel_id="C0GENERAL")
        await self.call("bookmarks.remove", channel_id="C0GENERAL", bookmark_id=kept)
        ts = await self.playground.driver("dana").say("#general", "see https://evals.example/run/1")
        unfurls = {"https://evals.example/run/1": {"text": "Run 1"}}
        await self.call("chat.unfurl", channel="C0GENERAL", ts=ts, unfurls=unfurls)
        start = await self.call("files.getUploadURLExternal", filename="a.png", length=33, alt_txt="a chart")
        picture = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + b"\0\0\0\x02" * 2 + b"\0" * 9
        async with self.client.session.post(start["upload_url"], data=picture):  # type: ignore[union-attr]
            pass
        files = [{"id": start["file_id"], "title": "A"}]
        await self.call("files.completeUploadExternal", files=files, channel_id="C0GENERAL")
        await self.playground.driver("dana").see_message("#general", "a chart")
        await self.call("files.info", file=start["file_id"])

    async def people_and_places(self) -> None:
        """Call the methods about people, channels, views and the app."""
        dana = self.playground.users["dana"]
        for method in ("auth.test", "team.info", "users.list", "emoji.list", "bots.info", "usergroups.list"):
            await self.call(method)
        await self.call("users.info", user=dana)
        await self.call("users.lookupByEmail", email="dana@t0acme001.example")
        await self.call("usergroups.users.list", usergroup="S0GRADERS")
        for method in ("conversations.info", "conversations.members", "conversations.join"):
            await self.call(method, channel="C0GENERAL")
        await self.call("conversations.list")
        await self.call("users.conversations")
        await self.call("conversations.open", users=dana)
        keys = self.playground.emulation.keys
        view = (await self.call("views.open", trigger_id=keys.make_trigger(dana), view=MODAL))["view"]
        await self.call("views.update", view_id=view["id"], view=MODAL)
        await self.call("views.push", trigger_id=keys.make_trigger(dana), view=MODAL)
        await self.call("views.publish", user_id=dana, view=HOME)
        await self.call("blocks.validate", blocks=json.dumps([{"type": "divider"}]))
        await self.call("apps.connections.open", app_token=self.playground.app_token)
        app = self.playground.emulation.app
        code = self.playground.oauth_code("dana")
        secrets = {"client_id": self.playground.client_id, "client_secret": self.playground.client_secret}
        await self.call("oauth.v2.access", **secrets, code=code)
        manifest = json.dumps({"display_information": {"name": "x"}})
        await self.call("apps.manifest.validate", manifest=manifest, token=app.config_token)
        await self.call("auth.revoke")


@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated")
async def test_replies_hold_the_fields_of_the_published_samples() -> None:
    """For every method with a sample, each field of the sample is in the reply."""
    samples("upstream")
    scopes = sorted({scope for one in METHODS.values() for scope in one.scopes})
    scopes += [
        f"{kind}:{verb}" for kind in ("channels", "groups", "im", "mpim") for verb in ("read", "history", "write")
    ]
    features = {"is_agent": True, "unfurl_domains": ("evals.example",)}
    async with (
        Playground(rate_limits=False, scopes=scopes, features=features) as playground,
        AsyncSession() as session,
    ):
        client = AsyncWebClient(token=playground.bot_token, base_url=playground.api_url, session=session)
        caller = Caller(client, playground)
        await caller.messages()
        await caller.links_and_files()
        await caller.people_and_places()
    missing = {}
    for path in sorted(REPLIES.glob("*.json")):
        example = next((one for one in json.loads(path.read_text("utf-8")) if one.get("ok")), None)
        if example is None:
            continue
        assert path.stem in caller.replies, f"{path.stem} has a sample and was not called"
        there = set(fields_of(caller.replies[path.stem]))
        lost = [one for one in fields_of(example) if one not in there and not is_absent(path.stem, one)]
        if lost:
            missing[path.stem] = lost
    assert missing == {}
