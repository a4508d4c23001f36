"""Runs that are killed, interrupted or started twice: the same command goes on, and nothing counts twice."""

from __future__ import annotations

import asyncio
import os
import pty
import random
import re
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from evalbot.app import open_program, open_store
from evalbot.people import Person, PersonId, Role
from evalbot.runs.requests import RunRequest
from evalbot.settings import load_settings
from evalbot.workflows.starting import start_run
from tests.integration.cli.cli_world import PATIENCE_S, ChatServer, Reply, Said, finish, start, write_problems

Call = Callable[..., Said]

ITEMS = 30
IN_FLIGHT = 5
COMMAND = ("run", "sums", "--target", "openai:anything", "--concurrency", str(IN_FLIGHT), "--json")


def make_suite(evalbot: Call, project: Path, chat: ChatServer, items: int) -> None:
    """Make the suite `sums`; the server answers everything right."""
    rows = write_problems(project / "problems.jsonl", items)
    said = evalbot("import", "problems.jsonl", "--map", "question=vars.question,answer=reference", "--suite", "sums")
    assert said.code == 0, said.err
    replies = {question: Reply(answer.splitlines()[-1]) for question, answer in rows}
    chat.script = lambda question: replies[question]


def stored() -> tuple[list[int], list[int]]:
    """Read from the database how many outputs and grades each run has."""
    with closing(sqlite3.connect("evalbot.db")) as database:
        outputs = (
            "SELECT count(*), count(DISTINCT item_id || ':' || repeat) FROM outputs GROUP BY run_id ORDER BY run_id"
        )
        found = database.execute(outputs).fetchall()
        assert all(rows == different for rows, different in found), "an item has two outputs"
        grades = database.execute(
            "SELECT count(*) FROM grades g JOIN outputs o ON o.id = g.output_id GROUP BY o.run_id"
        )
        return sorted(rows for rows, _ in found), sorted(rows for (rows,) in grades.fetchall())


def is_complete(said: Said, items: int) -> bool:
    """Tell whether a report is of a whole run in which every answer is right."""
    report = said.json
    counts = {"items": items, "outputs": items, "errors": 0, "ungraded": 0}
    return (
        said.code == 0
        and (report["run"], report["status"], said.counts) == (1, "done", counts)
        and [(row["n"], row["score"]) for row in report["estimates"]] == [(items, 1.0)]
    )


@pytest.mark.short
def test_a_run_killed_twice_ends_with_one_result_per_item(evalbot: Call, project: Path, chat: ChatServer) -> None:
    """After kill -9 in the middle the same command goes on with what is missing; only calls in flight are made again."""
    make_suite(evalbot, project, chat, ITEMS)
    for _ in range(2):
        chat.allow(9)
        child = start(*COMMAND)
        chat.wait_for(lambda server: server.left == 0 and server.waiting == IN_FLIGHT)
        child.kill()
        assert finish(child).out == ""
        chat.forget_waiting()
    chat.allow(None)
    said = evalbot(*COMMAND)
    assert is_complete(said, ITEMS), said
    assert said.err == "Going on with run 1: 18 of 30 outputs are there.\n", "no bar where there is no terminal"
    assert chat.calls == ITEMS + 2 * IN_FLIGHT
    assert stored() == ([ITEMS], [ITEMS])
    assert evalbot(*COMMAND).json["run"] == 2, "a run that has ended is not gone on with"


@pytest.mark.drill
def test_a_run_killed_fifty_times_ends_with_one_result_per_item(evalbot: Call, project: Path, chat: ChatServer) -> None:
    """Fifty kills at random moments of 500 items: 500 results, and at most kills times calls in flight are repeated."""
    make_suite(evalbot, project, chat, 500)
    answered = chat.script

    def slowly(question: str) -> Reply:
        time.sleep(0.01)
        return answered(question)

    chat.script = slowly
    rng, kills = random.Random(50), 0
    for kill in range(50):
        before, some = chat.calls, rng.randint(1, 9)
        child = start(*COMMAND)
        with chat.changed:
            there = chat.changed.wait_for(_reached(before + some, chat), 2 * PATIENCE_S)
        if not there:
            child.send_signal(signal.SIGABRT)
        assert there, (kill, before, some, chat.calls, child.poll(), finish(child))
        time.sleep(rng.uniform(0, 0.08))
        kills += child.poll() is None
        child.kill()
        finish(child)
    said = evalbot(*COMMAND)
    assert is_complete(said, 500), said
    assert kills == 50
    assert 500 <= chat.calls <= 500 + kills * IN_FLIGHT
    assert stored() == ([500], [500])


@pytest.mark.short
def test_interrupting_a_run_is_quiet_and_it_goes_on(evalbot: Call, project: Path, chat: ChatServer) -> None:
    """On a terminal there is a bar; Ctrl+C ends with exit code 130 and one sentence; the same command goes on."""
    make_suite(evalbot, project, chat, ITEMS)
    chat.allow(7)
    screen, terminal = pty.openpty()
    child = start(*COMMAND, stderr=terminal, env={**os.environ, "TERM": "xterm"})
    os.close(terminal)
    chat.wait_for(lambda server: server.left == 0 and server.waiting == IN_FLIGHT)
    child.send_signal(signal.SIGINT)
    said = finish(child)
    assert (said.code, said.out) == (130, "")
    shown = os.read(screen, 1_000_000).decode()
    os.close(screen)
    assert "Run 1: sums" in shown
    assert "7/30" in shown
    assert re.search(r"Run 1 is paused: \d+ of 30 outputs are there\. The same command goes on with it\.", shown)
    assert shown.endswith("evalbot: Interrupted.\r\n")
    assert "Traceback" not in shown
    chat.forget_waiting()
    chat.allow(None)
    assert is_complete(evalbot(*COMMAND), ITEMS)
    assert chat.calls <= ITEMS + IN_FLIGHT
    assert stored() == ([ITEMS], [ITEMS])


@pytest.mark.short
def test_two_processes_do_not_carry_out_the_same_run(
    evalbot: Call, project: Path, chat: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two that want to go on with one run, one does; the other makes a run of its own. The database has two addresses."""
    make_suite(evalbot, project, chat, ITEMS)
    asyncio.run(_leave_a_run_undone())
    chat.allow(0)
    first = start(*COMMAND)
    chat.wait_for(lambda server: server.waiting == IN_FLIGHT)
    monkeypatch.setenv("EVALBOT_DATABASE_URL", f"sqlite:///{project / 'evalbot.db'}")
    opener = threading.Thread(target=_open_when_waiting, args=(chat, 2 * IN_FLIGHT))
    opener.start()
    second = evalbot(*COMMAND)
    opener.join()
    ended = [finish(first), second]
    assert [(said.code, said.json["run"], said.json["counts"]["outputs"]) for said in ended] == [
        (0, 1, ITEMS),
        (0, 2, ITEMS),
    ]
    assert "Going on with run 1: 0 of 30" in ended[0].err
    assert set(chat.asked.values()) == {2}, "each run asked each item once"
    assert stored() == ([ITEMS, ITEMS], [ITEMS, ITEMS])
    assert not list(project.glob("*-claims")), "ended runs leave no claims behind"


def _reached(calls: int, chat: ChatServer) -> Callable[[], bool]:
    """Give the condition that the server was called so often."""
    return lambda: chat.calls >= calls


def _open_when_waiting(chat: ChatServer, calls: int) -> None:
    """Open the server's door once so many calls wait at it."""
    with chat.changed:
        chat.changed.wait_for(lambda: chat.waiting == calls, PATIENCE_S)
    chat.allow(None)


async def _leave_a_run_undone() -> None:
    """Start a run as the command line would, and carry out nothing of it."""
    settings = load_settings()
    async with open_store(settings) as store, open_program(settings, store) as program:
        person = Person(PersonId("ann"), program.services.team, "ann", Role.ADMIN)
        request = RunRequest("sums", person, ("openai:anything",), concurrency=IN_FLIGHT)
        await start_run(program.services, request)
