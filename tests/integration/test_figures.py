"""Logs and figures of a bot and of a worker at work: what operators need is there, and no text or key."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from evalbot.app import open_program, open_store
from evalbot.errors import OutsideError
from evalbot.logs import JsonLines
from evalbot.metrics.stored import SharedFigures
from evalbot.people import Person, PersonId, Role
from evalbot.runs.requests import RunRequest
from evalbot.settings import Settings, load_settings
from evalbot.slack.http_app import build_http_app, serve_http
from evalbot.workflows.starting import start_run
from evalbot.working import open_worker
from tests.integration.cli.cli_world import KEY, ChatServer, Reply, serving
from tests.integration.slack.slack_world import open_world

SUITE = """
name: sums
defaults: {graders: [{type: contains, value: canary-reference}]}
targets: [{id: "openai:anything", label: any}]
items:
"""
QUESTIONS = 6


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    """A model that answers a canary, and refuses the last question."""
    with serving(lambda question: Reply("canary-answer", 400 if question.endswith("5") else 200)) as server:
        yield server


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that evalbot logs, as JSON."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines())
    ours, root = logging.getLogger("evalbot"), logging.getLogger()
    before = ours.level
    ours.setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield written
    root.removeHandler(handler)
    ours.setLevel(before)


def make_settings(url: str, folder: Path, chat: ChatServer) -> Settings:
    """Write a project full of canaries and give the settings of who works on it."""
    (folder / "suites").mkdir()
    items = "".join(f"  - {{id: i{n}, vars: {{question: canary-question {n}}}}}\n" for n in range(QUESTIONS))
    (folder / "suites" / "sums.yaml").write_text(SUITE + items)
    return load_settings(
        database_url=url, engine="procrastinate", project=folder, openai_base_url=chat.base_url, openai_api_key=KEY
    )


async def get(url: str) -> str:
    """Get a page."""
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 200
        return await answer.text()


async def test_a_worker_shows_names_and_no_texts(
    postgresql_url: str, tmp_path: Path, chat: ChatServer, log: io.StringIO
) -> None:
    """Neither questions, answers and references nor the key are in the log or in the figures, which count every call."""
    settings = make_settings(postgresql_url, tmp_path, chat)
    ending = asyncio.Event()
    async with open_store(settings) as store, open_program(settings, store) as program:
        assert program.project.problems == []
        ann = Person(PersonId("U1"), program.services.team, "Ann", Role.ADMIN)
        run = await start_run(program.services, RunRequest("sums", ann))
        await program.engine.submit(run.id)
        async with open_worker(settings, 1) as worker:
            web = build_http_app(worker.health, metrics=worker.page.write)
            working = asyncio.create_task(worker.work(ending))
            lagging = asyncio.create_task(worker.page.process.watch_loop())
            async with serve_http(web, "127.0.0.1", 0) as url:
                await asyncio.wait_for(program.engine.wait(), 20)
                await asyncio.sleep(0.6)
                figures, health = await get(f"{url}/metrics"), json.loads(await get(f"{url}/health"))
            ending.set()
            await working
            lagging.cancel()
    assert 'evalbot_calls_ended_total{target="openai:anything",result="answered"} 5\n' in figures
    assert 'evalbot_calls_ended_total{target="openai:anything",result="bad_request"} 1\n' in figures
    assert 'evalbot_calls_in_flight{target="openai:anything"} 0\n' in figures
    assert "evalbot_event_loop_lag_seconds_count" in figures
    assert "evalbot_runs" not in figures, "the bot alone counts what all share"
    assert health == {"mode": "worker", "ok": True, "shards": 0, "at_once": 1}
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [line["run_id"] for line in lines if line.get("action") == "run_ended"] == [run.id]
    for planted in ("canary", KEY):
        assert planted not in log.getvalue()
        assert planted not in figures


async def test_the_bot_shows_what_all_processes_do(tmp_path: Path) -> None:
    """Beside the health page there are the figures: runs, outputs, outbox, acknowledgements; a database away is told."""
    async with open_world(tmp_path, http=True) as world:
        parts = urlsplit(world.bot.url)
        await world.send({"type": "url_verification", "challenge": "canary-challenge"})
        figures = await get(f"{parts.scheme}://{parts.netloc}/metrics")
    for wanted in (
        'evalbot_runs{state="running"} 0',
        'evalbot_recent_tokens{direction="input"} 0',
        "evalbot_recent_cost_usd 0",
        "evalbot_outbox_length 0",
        'evalbot_ack_seconds_bucket{le="3"} 1',
        "evalbot_database_up 1",
    ):
        assert f"{wanted}\n" in figures
    assert "canary" not in figures


async def test_the_queue_is_shown(postgresql_url: str, tmp_path: Path, chat: ChatServer) -> None:
    """What waits for workers is there with its age, by queue and state."""
    settings = make_settings(postgresql_url, tmp_path, chat)
    async with open_store(settings) as store, open_program(settings, store) as program:
        ann = Person(PersonId("U1"), program.services.team, "Ann", Role.ADMIN)
        run = await start_run(program.services, RunRequest("sums", ann))
        await program.engine.submit(run.id)
        found = {
            (metric.name, *sample.labels.values()): sample.value
            for metric in await SharedFigures(store, program.services.now, program.queue_depth).metrics()
            for sample in metric.samples
        }
    assert found["evalbot_queue_jobs", "shards", "todo"] == 1
    assert 0 <= found["evalbot_queue_oldest_seconds", "shards", "todo"] < 30
    assert found["evalbot_runs", "running"] == 1


async def test_figures_without_a_database_say_so() -> None:
    """The page comes all the same when the database is away, and says that it is."""

    class Away:
        async def read(self, work: object) -> None:
            raise OutsideError("The database cannot be reached.")

    figures = SharedFigures(Away(), lambda: None)  # type: ignore[arg-type, return-value]
    assert [(one.name, one.samples[0].value) for one in await figures.metrics()] == [("evalbot_database_up", 0)]


def test_the_page_on_scale_names_what_there_is() -> None:
    """Each figure and setting in the documentation exists, and each figure that exists is there."""
    root = Path(__file__).parents[2]
    page = (root / "docs" / "running-at-scale.md").read_text(encoding="utf-8")
    source = "".join(path.read_text(encoding="utf-8") for path in (root / "evalbot" / "metrics").glob("*.py"))
    figures = set(re.findall(r'"(evalbot_[a-z_]+)"', source))
    assert set(re.findall(r"`(evalbot_[a-z_]+)`", page)) == figures
    named = {name.lower() for name in re.findall(r"EVALBOT_([A-Z_]+)", page)}
    assert named <= set(Settings.model_fields)
