"""The real bot in a simulated Slack, without models: for tests of what stands between the two."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp

from evalbot.grading.grades import Grade, GraderKind
from evalbot.grading.reviews import Review, ReviewId, Round, RoundId
from evalbot.people import PersonId, TeamId
from evalbot.playground.server import Playground
from evalbot.runs.runs import RunStatus, finish
from evalbot.serving import Bot, open_bot
from evalbot.settings import Settings, load_settings
from evalbot.slack.guard import sign
from evalbot.slack.ids import GradeClick, encode, grade_action
from evalbot.slack.sockets import Timing
from evalbot.store import grades, outputs, reviews, runs, suites
from evalbot.store.database import Store, Transaction
from evalbot.suites.suites import Strategy
from tests.factories import make_item, make_output, make_review, make_rubric, make_run, make_suite

QUICK = Timing(ping_s=0.1, silent_s=0.5, connect_s=2.0, linger_s=1.0, pause_s=0.05, longest_pause_s=0.2, settled_s=0.5)
FORM = "application/x-www-form-urlencoded"
ABOUT_OTHERS = ("error_", "manifest_", "socket_hello", "socket_disconnect")
AUTHORED = Path(__file__).parents[3] / ".." / "shared" / "slack" / "samples" / "authored"


@dataclass(frozen=True, slots=True)
class World:
    """A simulated Slack and the bot in it; `session` makes the requests of whoever reaches the bot's door."""

    slack: Playground
    bot: Bot
    session: aiohttp.ClientSession

    @property
    def store(self) -> Store:
        """The bot's database."""
        return self.bot.program.services.store

    async def post(self, body: bytes, kind: str = "application/json", **changes: str) -> tuple[int, str]:
        """Send a signed request to the bot's door; gives status and text of the answer. `changes` are other headers."""
        stamp = changes.pop("stamp", str(int(time.time())))
        headers = {
            "Content-Type": kind,
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": sign(self.slack.signing_secret, stamp, body),
        }
        async with self.session.post(self.bot.url, data=body, headers=headers | changes) as answer:
            return answer.status, await answer.text()

    async def send(self, payload: Mapping[str, Any]) -> tuple[int, str]:
        """Send a payload as Slack does: events as JSON, the rest as a form."""
        body, kind = encode_delivery(payload)
        return await self.post(body, kind)

    async def human_grades(self) -> list[Grade]:
        """Give the grades of people that are stored."""
        found = await self.store.read(lambda tx: runs.find_run(tx, self.bot.program.services.team, 1))
        assert found is not None
        return await self.store.read(lambda tx: grades.list_grades(tx, found.id, GraderKind.HUMAN))


def encode_delivery(payload: Mapping[str, Any]) -> tuple[bytes, str]:
    """Give the body of a request that carries a payload, and its content type."""
    if "command" in payload:
        return urlencode(payload, errors="surrogatepass").encode(), FORM
    if payload.get("type") in ("event_callback", "url_verification", "app_rate_limited"):
        return json.dumps(payload).encode(), "application/json"
    return urlencode({"payload": json.dumps(payload)}).encode(), FORM


def world_settings(slack: Playground, database: Path, project: Path, *, http: bool) -> Settings:
    """Give the settings of the bot for one of the two transports."""
    return load_settings(
        database_url=f"sqlite+aiosqlite:///{database}",
        project=project,
        slack_bot_token=slack.bot_token,
        slack_app_token=None if http else slack.app_token,
        slack_signing_secret=slack.signing_secret if http else None,
        slack_api_url=slack.api_url,
        host="127.0.0.1",
        port=0,
    )


@asynccontextmanager
async def open_world(
    folder: Path,
    *,
    http: bool = False,
    scopes: Iterable[str] | None = None,
    events: Iterable[str] | None = None,
    ack_seconds: float = 3.0,
) -> AsyncIterator[World]:
    """Start both on an empty project and the database `evalbot.db` of the folder."""
    project = folder / "project"
    (project / "suites").mkdir(parents=True, exist_ok=True)
    async with Playground(rate_limits=False, scopes=scopes, events=events, ack_seconds=ack_seconds) as slack:
        settings = world_settings(slack, folder / "evalbot.db", project, http=http)
        async with open_bot(settings, timing=QUICK) as bot, aiohttp.ClientSession() as session:
            if http:
                slack.request_url = bot.url
            else:
                await slack.wait_connected()
            yield World(slack, bot, session)


async def until(condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
    """Wait until a condition comes true that nobody tells of."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def put_up_reviews(store: Store, team: TeamId, size: int) -> list[Review]:
    """Save run 1 with so many answers that wait for grades of nine people each; no card is posted."""
    items = [make_item(f"item-{n}") for n in range(size)]
    suite = make_suite(*items, rubrics={"helpful": make_rubric(5)}, version=2)
    asked = make_run(team=team, number=1, item_ids=tuple(item.id for item in items))
    run = finish(asked, RunStatus.DONE, asked.created_at)
    given = [make_output(str(item.id)) for item in items]
    opened = Round(
        RoundId("round-1"), team, run.id, PersonId("U0ANN"), "", size, Strategy.RANDOM, 9, opened_at=datetime.now(UTC)
    )
    waiting = [
        make_review(9, id=ReviewId(f"review-{n}"), team=team, output_id=one.id, position=n)
        for n, one in enumerate(given)
    ]

    async def save(tx: Transaction) -> None:
        await suites.add_suite(tx, team, suite, run.created_at, run.started_by, "for a test")
        await runs.add_run(tx, run)
        await outputs.add_outputs(tx, given)
        await reviews.add_round(tx, opened)
        await reviews.add_reviews(tx, waiting)

    await store.write(save)
    return waiting


def click_on(review: Review, person: str, level: int, number: int = 0, channel: str = "C0SUPPORT1") -> dict[str, Any]:
    """Give the payload of a grade button that somebody presses."""
    action_id = grade_action(level)
    return {
        "type": "block_actions",
        "user": {"id": person, "username": person.lower(), "name": person.lower(), "team_id": review.team},
        "api_app_id": "A0EVALBOT",
        "token": "verification",
        "trigger_id": f"1.2.{number:032x}",
        "team": {"id": review.team, "domain": "acme"},
        "enterprise": None,
        "is_enterprise_install": False,
        "container": {"type": "message", "message_ts": "1770000400.000900", "channel_id": channel},
        "channel": {"id": channel, "name": "support-evals"},
        "message": {"type": "message", "ts": "1770000400.000900", "text": "Grade"},
        "state": {"values": {}},
        "actions": [
            {
                "type": "button",
                "block_id": "grade",
                "action_id": action_id,
                "text": {"type": "plain_text", "text": str(level), "emoji": True},
                "value": encode(GradeClick(review.id, level)),
                "action_ts": f"1770000500.{number:06d}",
            }
        ],
    }


def samples() -> list[Path]:
    """Give the published samples of what Slack sends to an app."""
    found = sorted(AUTHORED.glob("*.json")) if AUTHORED.is_dir() else []
    return [path for path in found if not path.name.startswith(ABOUT_OTHERS)]


def deliveries(world: World) -> dict[str, dict[str, Any]]:
    """Load the payloads of the samples, their addresses turned to the simulated Slack."""
    text = {path.stem: path.read_text().replace("https://hooks.slack.com", world.slack.base_url) for path in samples()}
    loaded = {name: json.loads(one) for name, one in text.items()}
    return {name: one.get("payload", one) for name, one in loaded.items()}
