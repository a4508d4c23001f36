"""A stage for each story, and what must hold after every one of them."""

from __future__ import annotations

import logging
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from evalbot.playground.simulated.simulation import Simulation
from evalbot.store.migrate import upgrade
from tests.stories.story_stage import SCRIPT, Stage, open_stage


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables and no rows, to be copied."""
    path = tmp_path_factory.mktemp("stories") / "empty.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        upgrade(connection)
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def loaded_simulation() -> Simulation:
    """The simulated models, loaded once."""
    return Simulation(latency_ms=0)


@pytest.fixture
def simulation(loaded_simulation: Simulation) -> Simulation:
    """The simulated models with nothing asked yet."""
    loaded_simulation.apply({"reset": True, "script": dict(SCRIPT), "latency_ms": 0})
    return loaded_simulation


@pytest.fixture
def database(empty_database: Path, tmp_path: Path) -> Path:
    """A migrated database file of this story alone."""
    path = tmp_path / "story.db"
    shutil.copy(empty_database, path)
    return path


@pytest.fixture(params=["socket", pytest.param("http", marks=pytest.mark.short)])
async def stage(
    request: pytest.FixtureRequest, database: Path, simulation: Simulation, quiet_log: None
) -> AsyncIterator[Stage]:
    """The stage with the bot connected by Socket Mode, and then by HTTP; the story must leave no violation behind."""
    async with open_stage(database, simulation, http=request.param == "http") as opened:
        yield opened
        assert [one.text for one in opened.slack.violations()] == []


@pytest.fixture
def quiet_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing may be logged as an error, and no traceback; a story that provokes one clears the log."""
    yield
    loud = [one for one in caplog.get_records("call") if one.levelno >= logging.ERROR or one.exc_info]
    assert [one.getMessage() for one in loud] == []
