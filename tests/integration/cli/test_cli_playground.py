"""`evalbot playground` as a process, and the quick parts of the demo."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from evalbot.demo.children import Stage
from evalbot.demo.history import MovedClock, pretend_level
from evalbot.demo.opening import demo_settings
from evalbot.demo.script import STEPS
from evalbot.library.assets import assets_folder
from evalbot.library.project import load_project
from evalbot.workflows.announcer import ReviewState
from tests.integration.cli.cli_world import PATIENCE_S, Said, finish, one_sentence, start

Call = Callable[..., Said]


def test_playground_says_where_it_is_and_ends_on_sigterm(project: Path) -> None:
    """One line of JSON with everything an app needs; the page answers; SIGTERM ends it without a word."""
    child = start("playground", "--json")
    assert child.stdout is not None
    said = json.loads(child.stdout.readline())
    assert set(said) >= {"api_url", "page_url", "bot_token", "app_token", "signing_secret", "channels", "users"}
    with urlopen(said["page_url"], timeout=10) as page:
        assert page.status == 200
    child.send_signal(signal.SIGTERM)
    assert finish(child) == Said(0, "", "")


def test_playground_prints_exports_for_a_shell(project: Path) -> None:
    """Without --json the environment comes as lines for a shell, and Ctrl+C ends it without a word."""
    child = start("playground")
    assert child.stdout is not None
    lines = [child.stdout.readline() for _ in range(5)]
    names = [line.removeprefix("export ").partition("=")[0] for line in lines[:4]]
    assert names == ["SLACK_API_URL", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"]
    assert lines[4].startswith("# A simulated Slack workspace.")
    child.send_signal(signal.SIGINT)
    assert finish(child) == Said(0, "", "")


def test_a_port_that_is_taken_is_told(evalbot: Call) -> None:
    """The playground names the port and the option, in one sentence."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = evalbot("playground", "--port", str(port))
    assert (said.code, said.out) == (2, "")
    assert one_sentence(said.err), said.err
    assert str(port) in said.err
    assert "--port" in said.err


def test_a_playground_that_the_demo_starts_tells_the_same_in_a_line(project: Path) -> None:
    """As a child of the demo it names the port on standard error, without a traceback; the demo adds what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        words = [sys.executable, "-m", "evalbot.playground.server", "--port", port]
        done = subprocess.run(
            words, stdin=subprocess.PIPE, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert f"port {port} cannot be used" in done.stderr


STAGE = Stage(
    api_url="http://127.0.0.1:1/api/",
    page_url="http://127.0.0.1:1/",
    bot_token="xoxb-simulated",
    app_token="xapp-simulated",
    signing_secret="simulated",
    channels={"evals-stewards": "C1"},
    users={},
    models_url="http://127.0.0.1:2/v1",
)


def test_demo_takes_no_setting_of_a_real_workspace(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens, keys, addresses and the database of the environment have no part in the demo."""
    names = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_API_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL")
    for name in (*names, "EVALBOT_DATABASE_URL", "EVALBOT_STEWARDS_CHANNEL"):
        monkeypatch.setenv(name, "https://canary.example")
    settings = demo_settings(STAGE, project)
    secrets = (settings.slack_bot_token, settings.slack_app_token, settings.openai_api_key)
    shown = [str(secret.get_secret_value()) for secret in secrets if secret] + [str(settings.model_dump())]
    assert not any("canary" in text for text in shown)
    assert settings.project == assets_folder()
    assert STAGE.simulation_url == "http://127.0.0.1:2/simulation"


def test_the_demo_clock_moves_with_every_look() -> None:
    """History has no two moments alike, and the clock can be put anywhere."""
    clock = MovedClock(datetime(2026, 1, 5, tzinfo=UTC))
    first, second = clock(), clock()
    assert first < second
    clock.at = first - timedelta(weeks=1)
    assert clock() < first


def test_pretend_people_are_near_the_truth_and_on_the_scale() -> None:
    """A pretend grade is mostly the true quality, else one step off, never off the scale."""
    rubric = load_project(assets_folder()).rubrics["helpfulness"]

    async def grades(true: int) -> list[int]:
        async def quality(text: str) -> int:
            return true

        state: Any = type("State", (), {"rubric": rubric, "output": type("Output", (), {"text": "x"})})
        rng = random.Random(5)
        return [await pretend_level(_as_review(state), quality, rng) for _ in range(400)]

    for true in (rubric.scale.lowest, 3, rubric.scale.highest):
        given = asyncio.run(grades(true))
        assert 0.8 < sum(level == true for level in given) / len(given) < 0.99
        assert all(abs(level - true) <= 1 for level in given)
        assert min(given) >= rubric.scale.lowest
        assert max(given) <= rubric.scale.highest


def _as_review(state: Any) -> ReviewState:
    """Take what has the two parts of a review that a pretend person looks at."""
    review: ReviewState = state
    return review


def test_every_step_of_the_story_says_what_it_does() -> None:
    """The printed story is made of the steps' own first sentences."""
    told = [(step.__doc__ or "").strip() for step in STEPS]
    assert len(told) >= 15
    assert all(text.endswith(".") and "\n" not in text for text in told)
    assert len(set(told)) == len(told)
