"""The embedded engine and the claims on runs: each run is carried out by one process, and goes on after trouble."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from evalbot.app import claims_folder
from evalbot.engines import embedded
from evalbot.engines.claims import RunClaims
from evalbot.engines.embedded import EmbeddedEngine
from evalbot.errors import BadRequest, OutsideError
from evalbot.runs.outputs import RunId

ONE, TWO = RunId("run-1"), RunId("run-2")

HOLD = """
import sys, time
from pathlib import Path
from evalbot.engines.claims import RunClaims
claims = RunClaims(Path(sys.argv[1]))
print(claims.take(sys.argv[2]), flush=True)
time.sleep(60)
"""

RACE = """
import sys
from pathlib import Path
from evalbot.engines.claims import RunClaims
claims, inside = RunClaims(Path(sys.argv[1])), Path(sys.argv[2])
won = 0
for turn in range(int(sys.argv[3])):
    if claims.take("run"):
        inside.mkdir()      # fails when somebody else is inside too
        inside.rmdir()
        claims.release("run")
        won += 1
print(won)
"""


def test_one_of_two_has_the_claim(tmp_path: Path) -> None:
    """A claimed run is refused to others until it is released, and taking it twice is no harm."""
    first, second = RunClaims(tmp_path / "claims"), RunClaims(tmp_path / "claims")
    assert first.take(ONE)
    assert first.take(ONE)
    assert not second.take(ONE)
    assert second.take(TWO)
    first.release(ONE)
    first.release(ONE)
    assert second.take(ONE)
    second.release(ONE)
    second.release(TWO)
    assert not (tmp_path / "claims").exists(), "the folder goes with the last claim"


def test_a_claim_dies_with_its_process(tmp_path: Path) -> None:
    """After kill -9 the claim is free at once."""
    folder = tmp_path / "claims"
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(folder), ONE], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "True\n"
    claims = RunClaims(folder)
    assert not claims.take(ONE)
    child.send_signal(signal.SIGKILL)
    child.communicate(timeout=10)
    assert claims.take(ONE)
    claims.release(ONE)


def test_a_file_that_was_taken_away_meanwhile_is_no_claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who opened the file of a claim that ends, while a third makes a new one, does not believe to have the run."""
    first, second, third = (RunClaims(tmp_path / "claims") for _ in range(3))
    assert first.take(ONE)
    lock = fcntl.flock

    def lock_late(handle: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        first.release(ONE)
        assert third.take(ONE)
        lock(handle, how)

    monkeypatch.setattr(fcntl, "flock", lock_late)
    assert not second.take(ONE)
    third.release(ONE)
    assert second.take(ONE)
    second.release(ONE)


def test_claims_exclude_while_many_come_and_go(tmp_path: Path) -> None:
    """Four processes take and release one claim thousands of times, the folder going and coming: never two have it."""
    arguments = [sys.executable, "-c", RACE, str(tmp_path / "claims"), str(tmp_path / "inside"), "1500"]
    children = [
        subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)
    ]
    ended = [child.communicate(timeout=60) for child in children]
    assert [err for _, err in ended] == [""] * 4
    assert all(int(out) > 0 for out, _ in ended)


def test_one_database_has_one_place_for_claims(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However a SQLite file is named, its claims lie beside it; a password never shows in a place's name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.db").symlink_to("evalbot.db")
    spelt = ("sqlite:///evalbot.db", f"sqlite+aiosqlite:///{tmp_path}/evalbot.db", "sqlite:///link.db")
    assert {claims_folder(url) for url in spelt} == {tmp_path.resolve() / "evalbot.db-claims"}
    server = "postgresql://bot:canary@host/evals"
    assert claims_folder(server) != claims_folder("postgresql://bot:canary@host/other")
    assert "canary" not in str(claims_folder(server))
    assert str(os.getuid()) in claims_folder(server).name


class Work:
    """The work of runs, done when it is let; it fails as often as it is told to."""

    def __init__(self, *failures: Exception) -> None:
        self.begun: Counter[RunId] = Counter()
        self.done: Counter[RunId] = Counter()
        self.cancelled: Counter[RunId] = Counter()
        self.failures = list(failures)
        self.let = asyncio.Event()
        self.let.set()

    async def __call__(self, run_id: RunId) -> None:
        """Do the work of a run."""
        self.begun[run_id] += 1
        try:
            await self.let.wait()
        except asyncio.CancelledError:
            self.cancelled[run_id] += 1
            raise
        if self.failures:
            raise self.failures.pop(0)
        self.done[run_id] += 1


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of a hundredth of a second."""
    monkeypatch.setattr(embedded, "FIRST_PAUSE_S", 0.01)


def engine_of(work: Work, folder: Path, patience_s: float = 5.0) -> EmbeddedEngine:
    """Give an engine that does this work."""
    return EmbeddedEngine(work, RunClaims(folder / "claims"), patience_s)


async def test_a_run_that_goes_on_is_not_begun_again(tmp_path: Path) -> None:
    """Submitting twice is submitting once; after its end a run may be submitted anew."""
    work = Work()
    work.let.clear()
    engine = engine_of(work, tmp_path)
    for _ in range(3):
        await engine.submit(ONE)
    await engine.submit(TWO)
    await asyncio.sleep(0)
    work.let.set()
    await engine.wait()
    assert (work.begun, work.done) == (Counter({ONE: 1, TWO: 1}), Counter({ONE: 1, TWO: 1}))
    await engine.submit(ONE)
    await engine.wait()
    assert work.done[ONE] == 2


async def test_a_run_of_another_engine_is_left_alone(tmp_path: Path) -> None:
    """Of two engines on one database the first carries a run out; the other may, once the first has let go of it."""
    work = Work()
    work.let.clear()
    first, second = engine_of(work, tmp_path), engine_of(work, tmp_path)
    await first.submit(ONE)
    assert not second.can_take(ONE)
    await second.submit(ONE)
    await second.wait()
    await asyncio.sleep(0)
    assert work.begun[ONE] == 1
    await first.close()
    assert work.cancelled[ONE] == 1
    assert second.can_take(ONE)
    work.let.set()
    await second.submit(ONE)
    await second.wait()
    assert work.done[ONE] == 1


async def test_cancelling_waits_until_the_calls_are_gone(tmp_path: Path) -> None:
    """After cancel nothing of the run is going on, and its claim is free."""
    work = Work()
    work.let.clear()
    engine = engine_of(work, tmp_path)
    await engine.submit(ONE)
    await engine.submit(TWO)
    await asyncio.sleep(0)
    await engine.cancel(ONE)
    assert work.cancelled == Counter({ONE: 1})
    await engine.cancel(RunId("unknown"))
    work.let.set()
    await engine.wait()
    assert work.done == Counter({TWO: 1})
    assert RunClaims(tmp_path / "claims").take(ONE)


@pytest.mark.usefixtures("quick")
async def test_trouble_outside_is_waited_out(tmp_path: Path) -> None:
    """A run that the database stops is tried again by itself until it succeeds."""
    work = Work(*(OutsideError("The database is busy.", "Try again.") for _ in range(4)))
    engine = engine_of(work, tmp_path)
    await engine.submit(ONE)
    await engine.wait()
    assert (work.begun[ONE], work.done[ONE]) == (5, 1)
    assert engine.failure(ONE) is None


@pytest.mark.usefixtures("quick")
async def test_trouble_that_lasts_is_kept_as_the_reason(tmp_path: Path) -> None:
    """When patience is at its end the run stops and the reason can be asked for; a new submit tries again."""
    work = Work(*(OutsideError("The database is busy.", "Try again.") for _ in range(99)))
    engine = engine_of(work, tmp_path, patience_s=0.05)
    await engine.submit(ONE)
    await engine.wait()
    assert 2 <= work.begun[ONE] <= 6
    assert isinstance(engine.failure(ONE), OutsideError)
    work.failures.clear()
    await engine.submit(ONE)
    await engine.wait()
    assert engine.failure(ONE) is None
    assert work.done[ONE] == 1


@pytest.mark.parametrize("failure", [BadRequest("No.", "Mend it."), ZeroDivisionError("bug")])
async def test_what_time_does_not_mend_is_not_tried_again(tmp_path: Path, failure: Exception) -> None:
    """Other failures stop the run at once, are kept, and leave other runs alone."""
    work = Work(failure)
    engine = engine_of(work, tmp_path)
    await engine.submit(ONE)
    await engine.wait()
    await engine.submit(TWO)
    await engine.wait()
    assert engine.failure(ONE) is failure
    assert (work.begun[ONE], work.done[TWO]) == (1, 1)
    assert RunClaims(tmp_path / "claims").take(ONE)
