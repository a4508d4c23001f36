"""A crowd grades: 1,000 clicks of 200 people, a tenth of them twice, over HTTP and over Socket Mode.

Run `python -m tests.bench.clicks` for one click after the other and for 50 in flight, or `python -m tests.bench.clicks crowd` for
all of them spread over ten seconds, whether they are acknowledged or not. The bot and the floor (bolt alone, nothing stored) are
processes of their own, measured in one run; the simulated Slack and the crowd are this one. Times are from the click to its
acknowledgement as Slack sees it. The CPU is that of the whole process until it is quiet again: private answers, questions why and
cards too; what it uses while nobody clicks is taken off.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import uvicorn
from rich.console import Console
from rich.table import Table
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from evalbot.people import TeamId
from evalbot.playground.people import HOME_TEAM, Person
from evalbot.playground.server import Playground
from evalbot.playground.transport import Envelope
from evalbot.slack.ids import GRADE_ACTIONS
from evalbot.store.database import Store
from tests.integration.slack.slack_world import click_on, put_up_reviews

PEOPLE, REVIEWS, CLICKS, REPEATS, SECONDS = 200, 20, 1_000, 100, 10.0
READY_S = 30.0
IDLE_S, AFTER_S = 2.0, 7.0
"""How long a process is watched before the clicks and after them, the latter longer than confirmations are held back."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one crowd met: seconds to each acknowledgement, what was not acknowledged, CPU of the app, grades stored."""

    name: str
    waits: Sequence[float]
    missed: int
    cpu_s: float
    stored: int | None
    told_to_wait: int
    wall_s: float

    @property
    def cpu_ms(self) -> float:
        """CPU for each click, repeated ones among them."""
        return 1000 * self.cpu_s / (CLICKS + REPEATS)


async def main(paces: Sequence[int | None]) -> None:
    """Measure both transports at some paces, each beside its floor, and print the table."""
    console = Console(width=140)
    heads = ("path", "in flight", "p50 ms", "p99 ms", "longest ms", "not acked", "clicks/s", "CPU ms/click", "x floor")
    table = Table(*heads, "clicks/s per core", "grades", "told to wait")
    for http in (True, False):
        for in_flight in paces:
            floor = await measure("floor", http, in_flight)
            for one in (floor, await measure("evalbot", http, in_flight)):
                add_row(table, one, floor, in_flight)
    console.print(table)
    console.print(f"{CLICKS:,} clicks of {PEOPLE} people, {REPEATS} of them twice; {os.cpu_count()} cores.")


def add_row(table: Table, one: Measured, floor: Measured, in_flight: int | None) -> None:
    """Add one measurement beside its floor."""
    cuts = statistics.quantiles(one.waits, n=100)
    times = [f"{1000 * value:.1f}" for value in (cuts[49], cuts[98], max(one.waits))]
    speed, per_core = f"{len(one.waits) / one.wall_s:,.0f}", f"{1000 / one.cpu_ms:,.0f}"
    stored = "" if one.stored is None else f"{one.stored:,}"
    pace = str(in_flight) if in_flight else f"{CLICKS / SECONDS:g}/s"
    ratio = f"{one.cpu_s / floor.cpu_s:.1f}"
    table.add_row(
        *(one.name, pace, *times, str(one.missed), speed, f"{one.cpu_ms:.2f}", ratio),
        *(per_core, stored, str(one.told_to_wait)),
    )


async def measure(app: str, http: bool, in_flight: int | None) -> Measured:
    """Let the crowd click at an app over a transport; `in_flight` None spreads the clicks over the time."""
    with tempfile.TemporaryDirectory(prefix="evalbot-clicks-") as name:
        folder = Path(name)
        async with Playground() as slack:
            clicks = await set_the_scene(slack, folder)
            async with running(app, slack, folder, http) as process:
                idle = await idle_share(process.pid)
                began, at = cpu_s(process.pid), time.perf_counter()
                waits, missed = await click_all(slack, clicks, in_flight)
                wall_s = time.perf_counter() - at
                await asyncio.sleep(AFTER_S)
                used = cpu_s(process.pid) - began - idle * (wall_s + AFTER_S)
            stored = count_grades(folder) if app == "evalbot" else None
            told = sum("not saved yet" in str(one) for one in ephemerals(slack))
    return Measured(f"{app}, {'HTTP' if http else 'Socket Mode'}", waits, missed, used, stored, told, wall_s)


async def set_the_scene(slack: Playground, folder: Path) -> list[dict[str, Any]]:
    """Let the people in, put the answers up for grading, and give every click, those that come twice included."""
    space = slack.emulation.space
    channel = space.channels[slack.channels["support-evals"]]
    people = [f"U1{number:07d}" for number in range(PEOPLE)]
    for number, one in enumerate(people):
        space.add_person(Person(one, f"grader{number}", f"Grader {number}", "", "Europe/London", team=HOME_TEAM))
        space.join(channel, one)
    store = await Store.open(f"sqlite+aiosqlite:///{folder / 'evalbot.db'}")
    reviews = await put_up_reviews(store, TeamId(HOME_TEAM), REVIEWS)
    await store.close()
    rng = Random(1)
    clicks = []
    for number in range(CLICKS):
        who, place = people[number % PEOPLE], (number % PEOPLE + 4 * (number // PEOPLE)) % REVIEWS
        click = click_on(reviews[place], who, rng.randint(1, 5), number, channel.id)
        url = slack.emulation.response_url(slack.emulation.keys.make_url(channel.id, who))
        clicks.append(click | {"trigger_id": slack.emulation.keys.make_trigger(who), "response_url": url})
    order = clicks + rng.sample(clicks, REPEATS)
    rng.shuffle(order)
    return order


async def idle_share(pid: int) -> float:
    """Give the share of a core that a process uses while nobody clicks."""
    began = cpu_s(pid)
    await asyncio.sleep(IDLE_S)
    return (cpu_s(pid) - began) / IDLE_S


async def click_all(
    slack: Playground, clicks: Sequence[dict[str, Any]], in_flight: int | None
) -> tuple[list[float], int]:
    """Click evenly over the time, or so many at once; gives how long each acknowledgement took and how many never came."""
    delivery = slack.emulation.delivery
    transport = delivery.http if delivery.http.url else delivery.sockets
    waits: list[float] = []
    missed = 0

    async def click(payload: dict[str, Any]) -> None:
        nonlocal missed
        began = time.perf_counter()
        answer = await transport.send(Envelope("interactive", payload, "grade"))
        waits.append(time.perf_counter() - began)
        missed += not answer.is_acknowledged

    async def click_one_by_one(left: Iterator[dict[str, Any]]) -> None:
        for payload in left:
            await click(payload)

    start, left = time.perf_counter(), iter(clicks)
    async with asyncio.TaskGroup() as crowd:
        for _ in range(in_flight or 0):
            crowd.create_task(click_one_by_one(left))
        for number, payload in enumerate(clicks if in_flight is None else ()):
            await asyncio.sleep(max(0.0, start + number * SECONDS / len(clicks) - time.perf_counter()))
            crowd.create_task(click(payload))
    return waits, missed


@asynccontextmanager
async def running(app: str, slack: Playground, folder: Path, http: bool) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the bot, or bolt alone, as a child process that the simulated Slack reaches."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "project" / "suites").mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "EVALBOT_"))}
    environment |= {
        "EVALBOT_DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'evalbot.db'}",
        "EVALBOT_PROJECT": str(folder / "project"),
        "EVALBOT_HOST": "127.0.0.1",
        "EVALBOT_PORT": str(port),
        "EVALBOT_LOG_LEVEL": "ERROR",
        "SLACK_API_URL": slack.api_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        **({"SLACK_SIGNING_SECRET": slack.signing_secret} if http else {"SLACK_APP_TOKEN": slack.app_token}),
    }
    what = ["-m", "evalbot.cli", "serve"] if app == "evalbot" else ["-m", "tests.bench.clicks", "floor"]
    child = await asyncio.create_subprocess_exec(sys.executable, *what, env=environment)
    try:
        if http:
            await answering(port)
            slack.request_url = f"http://127.0.0.1:{port}/slack/events"
        else:
            await slack.wait_connected(READY_S)
        yield child
    finally:
        child.terminate()
        await child.wait()


async def answering(port: int) -> None:
    """Wait until an app listens."""
    async with asyncio.timeout(READY_S), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"http://127.0.0.1:{port}/health"):
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)


def cpu_s(pid: int) -> float:
    """Read how much CPU a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def count_grades(folder: Path) -> int:
    """Count the grades in the bot's database."""
    with closing(sqlite3.connect(folder / "evalbot.db")) as database:
        count: int = database.execute("SELECT count(*) FROM human_grades").fetchone()[0]
        return count


def ephemerals(slack: Playground) -> list[dict[str, Any]]:
    """Give every private answer that people saw."""
    return [message for shown in slack.emulation.space.ephemerals.values() for _, message in shown]


# --- the floor ---------------------------------------------------------------------------------------


async def floor() -> None:
    """Be bolt alone: every click is acknowledged, nothing is stored."""
    client = AsyncWebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"])
    secret = os.environ.get("SLACK_SIGNING_SECRET", "")
    app = AsyncApp(client=client, signing_secret=secret, process_before_response=True)

    @app.action(GRADE_ACTIONS)
    async def grade(ack: AsyncAck) -> None:
        await ack()

    if not secret:
        handler = AsyncSocketModeHandler(app, os.environ["SLACK_APP_TOKEN"])
        await handler.start_async()  # type: ignore[no-untyped-call]
        return
    requests = AsyncSlackRequestHandler(app)

    async def receive(request: Request) -> Response:
        return await requests.handle(request)

    async def health(request: Request) -> Response:
        return PlainTextResponse("ok")

    routes = [Route("/slack/events", receive, methods=["POST"]), Route("/health", health)]
    config = uvicorn.Config(
        Starlette(routes=routes), port=int(os.environ["EVALBOT_PORT"]), log_level="error", lifespan="off"
    )
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(floor() if sys.argv[1:] == ["floor"] else main([None] if sys.argv[1:] == ["crowd"] else [1, 50]))
