"""An item that kills the program is set aside with its reason; the others finish."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.cli.cli_world import finish, start

KILLER = """
import os, time

def answer(said):
    if said == "Say 6.":
        os._exit(137)
    return said[4:-1]
"""
COMMAND = ("run", "deadly", "--concurrency", "4", "--json")


@pytest.fixture
def deadly(project: Path) -> Path:
    """A project with a suite of twelve items, one of which kills the program that asks it."""
    (project / "app.py").write_text(KILLER)
    items = [{"id": f"i{n:02}", "input": f"Say {n}.", "reference": str(n)} for n in range(12)]
    graders = {"graders": [{"type": "equals"}]}
    suite = {"name": "deadly", "items": items, "targets": ["python:app:answer"], "defaults": graders}
    (project / "suites" / "deadly.yaml").write_text(json.dumps(suite))
    return project


@pytest.mark.short
def test_an_item_that_kills_is_set_aside_after_three_tries(deadly: Path) -> None:
    """After three starts that died without getting further, it is kept as an error with its reason; the others are answered."""
    deaths, said = 0, finish(start(*COMMAND))
    while said.code == 137 and deaths < 6:
        deaths, said = deaths + 1, finish(start(*COMMAND))
    assert said.code == 0, said
    assert 3 <= deaths <= 4, "one more where the first of them got some way"
    assert said.counts == {"items": 12, "outputs": 12, "errors": 1, "ungraded": 0}
    with closing(sqlite3.connect("evalbot.db")) as database:
        failed = database.execute("SELECT item_id, failure_kind, failure_message FROM outputs WHERE text IS NULL")
        assert failed.fetchall() == [
            (
                "i06",
                "killed_program",
                "The program died 3 times while this was asked or checked, so it was set aside.",
            )
        ]
        assert database.execute("SELECT count(*) FROM shard_starts").fetchone() == (0,)
