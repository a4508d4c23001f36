"""A budget through kills: a run of the command line is killed again and again, and never asks for more than was agreed."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from evalbot.playground.model_server import ModelServer
from evalbot.playground.simulated.simulation import Simulation
from evalbot.playground.simulated.wire import tokens
from evalbot.runs.budgets import BILLION, Spent
from evalbot.runs.outputs import Unit
from evalbot.runs.runs import Run, RunStatus
from evalbot.store import budgets, outputs, runs, workspaces
from evalbot.store.database import Store, Transaction

ANSWER = "A fine answer of a few words, always the same one."
TOKENS = tokens(ANSWER)
AT_ONCE = 16
SUITE = """
name: bulk
targets:
  - id: openai:sim-steady
    label: steady
    config: {max_tokens: MOST, price: {input: 0, output: PRICE}}
run: {max_concurrency: 16}
defaults: {graders: [{type: contains, value: fine}]}
items: ["file://bulk.jsonl"]
"""


def write_project(folder: Path, items: int, call: int) -> None:
    """Write a suite of many items, of which each costs the same when it is asked: so many billionths of a dollar."""
    suites = folder / "suites"
    suites.mkdir(parents=True)
    lines = [json.dumps({"id": f"i{n}", "input": f"Question {n}?"}) for n in range(items)]
    (suites / "bulk.jsonl").write_text("\n".join(lines))
    suite = SUITE.replace("MOST", str(2 * TOKENS)).replace("PRICE", f"{call / TOKENS / 1_000:g}")
    (suites / "bulk.yaml").write_text(suite)


async def begin(models: ModelServer, folder: Path) -> asyncio.subprocess.Process:
    """Begin the run, or go on with it, as a person would."""
    given = {
        "EVALBOT_DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'evalbot.db'}",
        "EVALBOT_PROJECT": str(folder),
        "OPENAI_BASE_URL": models.base_url,
        "OPENAI_API_KEY": "simulated",
    }
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "evalbot.cli", "run", "bulk", "--budget", "1.00", "--quiet"),
        env={**os.environ, **given},
        cwd=folder,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )


async def asked_more(models: ModelServer, count: int, process: asyncio.subprocess.Process) -> None:
    """Wait until so many more calls were made."""
    goal = models.simulation.requests["sim-steady"] + count
    async with asyncio.timeout(60):
        while models.simulation.requests["sim-steady"] < goal:
            assert process.returncode is None, f"the run ended: {await process.communicate()}"
            await asyncio.sleep(0.005)


async def stored(folder: Path) -> tuple[Run, Spent, list[Unit]]:
    """Give the run, what it was billed and the units that were answered."""

    async def load(tx: Transaction) -> tuple[Run, Spent, list[Unit]]:
        team = await workspaces.home_team(tx)
        [run] = await runs.list_runs(tx, team)
        found = await outputs.list_outputs(tx, run.id)
        return run, await budgets.spent(tx, team, run.id) or Spent(), [output.unit for output in found]

    store = await Store.open(f"sqlite+aiosqlite:///{folder / 'evalbot.db'}")
    try:
        return await store.read(load)
    finally:
        await store.close()


async def spent_through_kills(folder: Path, kills: int, items: int, call: int) -> None:
    """Kill a run of one dollar so often, let it end, and count what the models really gave."""
    write_project(folder, items, call)
    simulation = Simulation(latency_ms=20)
    simulation.apply({"script": {"Question": ANSWER}})
    async with ModelServer(simulation=simulation) as models:
        for _ in range(kills):
            process = await begin(models, folder)
            await asked_more(models, BILLION // (4 * call * kills), process)
            process.kill()
            await process.communicate()
        process = await begin(models, folder)
        _, said = await asyncio.wait_for(process.communicate(), 90)
        real = simulation.requests["sim-steady"] * call
    run, spent, units = await stored(folder)
    assert real <= BILLION + AT_ONCE * call, "the overshoot is at most the calls under way, at the price of the dearest"
    assert spent.total >= real, "what is billed is never less than what was spent"
    assert spent.total <= BILLION
    assert run.status is RunStatus.CANCELLED
    there = f"{len(units)} of {items:,} answers are there"
    assert run.note == f"The budget of $1.00 is used up: {there}. Type rerun 1 with a larger budget to go on."
    assert run.note in said.decode()
    assert len(set(units)) == len(units) >= 100
    assert simulation.requests["sim-steady"] <= len(units) + kills * AT_ONCE


@pytest.mark.short
async def test_killed_twice_within_a_budget(tmp_path: Path) -> None:
    """After two kills what was really spent is within the budget, and the run ends with what it has."""
    await spent_through_kills(tmp_path, 2, 500, 4_400_000)


@pytest.mark.drill
async def test_killed_ten_times_within_a_budget(tmp_path: Path) -> None:
    """The same with ten kills."""
    await spent_through_kills(tmp_path, 10, 2_000, 1_100_000)
