"""Workers as processes of their own: started, killed, told to end; runs come out the same."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from evalbot.store.urls import parse_url
from tests.integration.cli.cli_world import (
    ChatServer,
    Reply,
    Said,
    finish,
    one_sentence,
    start,
    write_problems,
)

Call = Callable[..., Said]

IN_FLIGHT = 5
COMMAND = ("run", "sums", "--target", "openai:anything", "--concurrency", str(IN_FLIGHT), "--json")


@pytest.fixture
def shared(project: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose runs are given to workers, which count as dead after two seconds."""
    monkeypatch.setenv("EVALBOT_DATABASE_URL", postgresql_url)
    monkeypatch.setenv("EVALBOT_ENGINE", "procrastinate")
    monkeypatch.setenv("EVALBOT_WORKER_STALL_S", "2")
    return project


def make_suite(evalbot: Call, project: Path, chat: ChatServer, items: int) -> None:
    """Make the suite `sums`; the server answers everything right."""
    rows = write_problems(project / "problems.jsonl", items)
    said = evalbot("import", "problems.jsonl", "--map", "question=vars.question,answer=reference", "--suite", "sums")
    assert said.code == 0, said.err
    replies = {question: Reply(answer.splitlines()[-1]) for question, answer in rows}
    chat.script = lambda question: replies[question]


@contextmanager
def working(concurrency: int = 1, *more: str) -> Iterator[subprocess.Popen[str]]:
    """Start a worker and wait until it is there."""
    child = start("worker", "--concurrency", str(concurrency), *more)
    assert child.stderr is not None
    try:
        assert "works on up to" in child.stderr.readline()
        yield child
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate(timeout=10)
        child.stderr.close()
        if child.stdout is not None:
            child.stdout.close()


def stored(url: str) -> tuple[int, int]:
    """Count the outputs in the database, and the different units among them."""
    engine = create_engine(parse_url(url))
    with engine.connect() as connection:
        query = "SELECT count(*), count(DISTINCT (run_id, target, item_id, repeat)) FROM outputs"
        rows, units = connection.exec_driver_sql(query).one()
    engine.dispose()
    return rows, units


def assert_whole(said: Said, items: int) -> None:
    """Assert that a report is of a whole run in which every answer is right."""
    assert said.code == 0, said.err
    report = said.json
    assert (report["status"], report["counts"]["outputs"], report["counts"]["errors"]) == ("done", items, 0)
    assert [row["score"] for row in report["estimates"]] == [1.0]


@pytest.mark.short
def test_a_killed_worker_is_replaced_without_a_person(
    evalbot: Call, shared: Path, chat: ChatServer, postgresql_url: str
) -> None:
    """A run waits for workers and says so. One of two dies by kill -9: all results once, only its calls in flight made again."""
    make_suite(evalbot, shared, chat, 520)
    chat.allow(10)
    run = start(*COMMAND)
    assert run.stderr is not None
    said_so = "No worker is there yet: start one with evalbot worker. The run waits for it.\n"
    assert any(line == said_so for line in iter(run.stderr.readline, ""))
    with working(), working() as victim:
        chat.wait_for(lambda server: server.left == 0 and server.waiting == 2 * IN_FLIGHT)
        assert re.search(r"2 at work; \d shards wait", evalbot("doctor").out)
        victim.kill()
        victim.wait(10)
        chat.forget_waiting()
        chat.allow(None)
        said = finish(run)
    assert_whole(said, 520)
    assert stored(postgresql_url) == (520, 520)
    assert 520 <= chat.calls <= 520 + IN_FLIGHT


@pytest.mark.drill
def test_two_of_three_workers_killed_in_the_middle(
    evalbot: Call, shared: Path, chat: ChatServer, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of three workers die at random moments of 2,000 answers: the third one does the rest, and nothing counts twice."""
    monkeypatch.setenv("EVALBOT_WORKER_STALL_S", "6")
    make_suite(evalbot, shared, chat, 2000)
    answered, rng = chat.script, random.Random(3)

    def slowly(question: str) -> Reply:
        time.sleep(0.03)
        return answered(question)

    chat.script = slowly
    with ExitStack() as stack:
        workers = [stack.enter_context(working(2)) for _ in range(3)]
        run = start(*COMMAND)
        for share, victim in zip((0.2, 0.5), workers, strict=False):
            goal = round(2000 * (share + rng.uniform(0, 0.1)))
            chat.wait_for(lambda server, goal=goal: server.calls >= goal)  # type: ignore[misc]
            victim.kill()
        said = finish(run)
    assert_whole(said, 2000)
    assert stored(postgresql_url) == (2000, 2000)
    assert 2000 <= chat.calls <= 2000 + 2 * 2 * IN_FLIGHT


@pytest.mark.drill
def test_a_worker_told_to_end_gives_its_shard_to_another(
    evalbot: Call, shared: Path, chat: ChatServer, postgresql_url: str
) -> None:
    """SIGTERM ends a worker with exit code 0 while its endpoint still lets it wait; the shard it had goes on elsewhere at once."""
    make_suite(evalbot, shared, chat, 60)
    chat.allow(10)
    with working() as first:
        run = start(*COMMAND)
        chat.wait_for(lambda server: server.left == 0 and server.waiting == IN_FLIGHT)
        first.send_signal(signal.SIGTERM)
        assert first.wait(60) == 0
    chat.forget_waiting()
    chat.allow(None)
    with working():
        said = finish(run)
    assert_whole(said, 60)
    assert stored(postgresql_url) == (60, 60)
    assert chat.calls <= 60 + IN_FLIGHT


@pytest.mark.drill
def test_two_workers_keep_one_limit(evalbot: Call, shared: Path, chat: ChatServer) -> None:
    """A target that allows 1,200 requests a minute gets 20 a second from both workers together, after a burst of one second."""
    make_suite(evalbot, shared, chat, 560)
    limited = "targets:\n  - id: openai:anything\n    label: limited\n    config: {requests_per_minute: 1200}\n"
    with (shared / "suites" / "sums.yaml").open("a") as suite:
        suite.write(limited)
    times: list[float] = []
    answered = chat.script

    def note(question: str) -> Reply:
        times.append(time.monotonic())
        return answered(question)

    chat.script = note
    with working(), working():
        run = start("run", "sums", "--concurrency", "8")
        try:
            chat.wait_for(lambda server: server.calls >= 130)
        finally:
            run.kill()
            run.communicate()
    times.sort()
    seconds = times[-1] - times[0]
    assert seconds > 1
    assert len(times) <= 20 * seconds + 20 + 2 * 10 + 1, (len(times), seconds)
    assert len(times) >= 0.5 * 20 * seconds, "the limit is used"


@pytest.mark.parametrize(
    "engine, url, said",
    [
        ("embedded", None, "EVALBOT_ENGINE is embedded"),
        ("procrastinate", "sqlite:///evalbot.db", "needs PostgreSQL"),
        ("kafka", None, "The setting engine is wrong"),
    ],
)
def test_a_worker_without_a_queue_is_refused(
    evalbot: Call, shared: Path, monkeypatch: pytest.MonkeyPatch, engine: str, url: str | None, said: str
) -> None:
    """Where nothing can be given to workers, the command says in one sentence what to set."""
    monkeypatch.setenv("EVALBOT_ENGINE", engine)
    if url:
        monkeypatch.setenv("EVALBOT_DATABASE_URL", url)
    refused = evalbot("worker")
    assert refused.code == 2
    assert one_sentence(refused.err), refused.err
    assert said in refused.err


def test_a_run_on_sqlite_is_not_given_to_workers(
    evalbot: Call, shared: Path, chat: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine procrastinate with a SQLite file is refused before anything starts."""
    make_suite(evalbot, shared, chat, 6)
    monkeypatch.setenv("EVALBOT_DATABASE_URL", "sqlite:///evalbot.db")
    refused = evalbot(*COMMAND)
    assert refused.code == 2
    assert "The engine procrastinate needs PostgreSQL" in refused.err
    assert chat.calls == 0
