"""A bot for each test, connected by Socket Mode or by HTTP."""

from __future__ import annotations

import logging
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.integration.slack.slack_world import World, open_world


@pytest.fixture
def folder(sqlite_template: Path, tmp_path: Path) -> Path:
    """A folder with a migrated database."""
    shutil.copy(sqlite_template, tmp_path / "evalbot.db")
    return tmp_path


@pytest.fixture
async def http_world(folder: Path) -> AsyncIterator[World]:
    """A bot that takes signed requests."""
    async with open_world(folder, http=True) as world:
        yield world


@pytest.fixture
async def socket_world(folder: Path) -> AsyncIterator[World]:
    """A bot that is connected by Socket Mode."""
    async with open_world(folder) as world:
        yield world


@pytest.fixture(params=["socket", "http"])
async def world(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[World]:
    """A bot on Socket Mode, and then on HTTP."""
    async with open_world(folder, http=request.param == "http") as opened:
        yield opened


@pytest.fixture
def no_traceback(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Nothing may be logged as an error or with a traceback."""
    yield caplog
    loud = [one for one in caplog.get_records("call") if one.levelno >= logging.ERROR or one.exc_info]
    assert [one.getMessage() for one in loud] == []
