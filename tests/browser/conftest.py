"""One Chromium for all browser tests, and a stage for each; without a Chromium they are skipped loudly."""

from __future__ import annotations

import logging
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, async_playwright, expect
from sqlalchemy import create_engine

from evalbot.playground.simulated.simulation import Simulation
from evalbot.store.migrate import upgrade
from tests.browser.browser_stage import (
    FLAGS,
    PATIENCE_MS,
    SCRIPT,
    Stage,
    find_chromium,
    open_bot_stage,
    open_page_stage,
)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def profile() -> AsyncIterator[BrowserContext]:
    """A Chromium without a screen, with one profile for the windows of all tests."""
    path = find_chromium()
    if path is None:
        pytest.skip("NOT TESTED IN A BROWSER: there is no chromium on PATH")
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=path, args=[*FLAGS])
        yield await running.new_context(reduced_motion="reduce")
        await running.close()


@pytest.fixture(scope="session")
def port() -> int:
    """A free port for one page after the other: at the same address the browser keeps the page's parts."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables and no rows, to be copied."""
    path = tmp_path_factory.mktemp("browser") / "empty.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        upgrade(connection)
    engine.dispose()
    return path


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Remember on the test whether it failed, so that the stage can take pictures."""
    outcome: Any = yield
    report = outcome.get_result()
    if report.when == "call":
        item.stash[FAILED] = report.failed


FAILED = pytest.StashKey[bool]()


async def _finish(stage: Stage, request: pytest.FixtureRequest, folder: Path) -> None:
    """After a test: pictures of the windows when it failed; else nothing may be left to complain of."""
    if request.node.stash.get(FAILED, True):
        for number, window in enumerate(stage.windows):
            path = folder / f"window-{number}.png"
            await window.page.screenshot(path=path)
            logging.getLogger(__name__).warning("window %d of the failed test: %s", number, path)
        return
    assert stage.complaints() == []
    assert [one.text for one in stage.slack.violations()] == []


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bot_stage(
    profile: BrowserContext, empty_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    """A stage with the real bot, one for all tests of a file: starting and ending a bot takes seconds."""
    simulation = Simulation(latency_ms=0)
    simulation.apply({"script": dict(SCRIPT)})
    database = tmp_path_factory.mktemp("bot") / "browser.db"
    shutil.copy(empty_database, database)
    async with open_bot_stage(profile, database, simulation) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def stage(bot_stage: Stage, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """The stage with the bot and a channel of the test's own; it must leave no violation and no complaint behind."""
    bot_stage.slack.emulation.violations.clear()
    await bot_stage.new_channel()
    yield bot_stage
    await _finish(bot_stage, request, tmp_path)
    await bot_stage.close_windows()


@pytest_asyncio.fixture(loop_scope="session")
async def page_stage(
    profile: BrowserContext, port: int, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Stage]:
    """A stage without a bot: the page and the simulated Slack alone."""
    async with open_page_stage(profile, port=port, ack_seconds=0.5) as opened:
        yield opened
        await _finish(opened, request, tmp_path)
