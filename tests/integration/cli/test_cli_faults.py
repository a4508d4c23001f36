"""Whole runs against a model server that misbehaves in every way it knows: they end, and failures are no wrong answers."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from evalbot.playground.model_server import ModelServer
from evalbot.playground.simulated.faults import Fault
from evalbot.reports.json import summary_data
from evalbot.terminal.runs import DoneRun, RunOptions, run_suite
from tests.integration.cli.cli_world import Said, one_sentence

Call = Callable[..., Said]

ITEMS = 4
MODEL = "sim-steady"

CHECKED = "name: small\ndefaults: {graders: [{type: contains}]}\ntargets: ['openai:sim-steady']\nitems:\n" + "".join(
    f"  - {{id: i{n}, input: 'Say {n} please', reference: 'Simulated'}}\n" for n in range(ITEMS)
)
JUDGED = CHECKED.replace("{type: contains}", "{type: contains}, {type: rubric, rubric: helpfulness}")


@pytest.fixture
async def models(monkeypatch: pytest.MonkeyPatch, project: Path) -> AsyncIterator[ModelServer]:
    """The simulated models, with a deadline for every call."""
    async with ModelServer(latency_ms=0) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-31415926")
        monkeypatch.setenv("EVALBOT_CALL_DEADLINE_S", "5")
        yield server


async def run_small(project: Path, text: str, **options: int) -> DoneRun:
    """Write the suite `small` and run it to its end."""
    (project / "suites" / "small.yaml").write_text(text)
    asked = RunOptions("small", (), None, options.get("repeats"), options.get("concurrency"), False)
    return await run_suite(asked, Console(file=io.StringIO()))


def counted(report: dict[str, Any]) -> tuple[int, int, int]:
    """Give outputs, errors and ungraded of a report."""
    counts = report["counts"]
    return counts["outputs"], counts["errors"], counts["ungraded"]


@pytest.mark.parametrize("fault", list(Fault))
async def test_a_run_ends_whatever_every_call_meets(
    project: Path, models: ModelServer, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With every call failing in one way the run is done, each output has its reason, and nothing is scored."""
    if fault is Fault.HANG:
        monkeypatch.setenv("EVALBOT_CALL_DEADLINE_S", "0.4")
    models.simulation.apply({"faults": {fault.value: 1.0}, "retry_after_s": 0.02})
    done = await run_small(project, CHECKED)
    report = summary_data(done.run, done.summary)
    assert report["status"] == "done"
    assert counted(report) == (ITEMS, ITEMS, 0)
    assert report["estimates"] == []
    assert len(done.first_error) > 20
    assert "sk-canary" not in done.first_error
    assert models.simulation.faults.met[fault.value] >= ITEMS


async def test_failures_are_not_wrong_answers(project: Path, models: ModelServer) -> None:
    """With some calls failing for good the score is that of the answers alone, and n says how many they are."""
    models.simulation.apply({"faults": {"malformed": 1.0}, "fault_limit": 4})
    done = await run_small(project, CHECKED, concurrency=1)
    (row,) = done.summary.rows
    assert done.summary.outputs == ITEMS
    assert done.summary.errors == 1, "three tries of the first item, one of the second"
    assert (row.estimate.n, row.estimate.score) == (ITEMS - 1, 1.0)


async def test_what_passes_is_waited_out(project: Path, models: ModelServer) -> None:
    """Rate limits and a server error that pass cost no answer."""
    models.simulation.apply(
        {"faults": {"rate_limit": 0.7, "server_error": 0.3}, "fault_limit": 5, "retry_after_s": 0.02}
    )
    done = await run_small(project, CHECKED)
    assert (done.summary.outputs, done.summary.errors) == (ITEMS, 0)
    assert done.summary.rows[0].estimate.n == ITEMS


@pytest.mark.parametrize("said", ['{"opinion": "rather nice"}', '{"grade": 40, "reason": "off the scale"}', "{4 of 4"])
async def test_a_judge_that_talks_nonsense_leaves_outputs_ungraded(
    project: Path, models: ModelServer, said: str
) -> None:
    """A verdict that cannot be read is no grade: the outputs are counted apart, neither passed nor failed."""
    models.simulation.apply({"script": {"sim-judge": {"BEGIN TASK": said}}})
    done = await run_small(project, JUDGED + "run: {judge: 'openai:sim-judge'}\n")
    report = summary_data(done.run, done.summary)
    assert report["status"] == "done"
    assert counted(report) == (ITEMS, 0, ITEMS)
    assert report["estimates"] == []


async def test_a_judge_that_is_away_leaves_outputs_ungraded(project: Path, models: ModelServer) -> None:
    """A judge whose every call fails spoils no answer: the run is done, its outputs wait for a grade."""
    models.simulation.apply({"faults": {"server_error": 1.0}, "fault_models": ["sim-judge"]})
    done = await run_small(project, JUDGED + "run: {judge: 'openai:sim-judge'}\n")
    assert (done.summary.outputs, done.summary.errors, done.summary.ungraded) == (ITEMS, 0, ITEMS)


async def test_a_judge_that_answers_grades(project: Path, models: ModelServer) -> None:
    """The same suite with a judge that works is scored by check and judge."""
    models.simulation.apply({"script": {"sim-judge": {"BEGIN TASK": '{"grade": 4, "reason": "It does."}'}}})
    done = await run_small(project, JUDGED + "run: {judge: 'openai:sim-judge'}\n")
    assert (done.summary.errors, done.summary.ungraded) == (0, 0)
    overall = done.summary.rows[0].estimate
    assert (overall.n, overall.score, overall.how.value) == (ITEMS, 1.0, "check and judge")


@pytest.mark.parametrize(
    ("judge", "named"),
    [("opnai:gpt", "openai"), ("anthropic:claude", "pip install"), ("openai:gpt-4.1", "OPENAI_API_KEY")],
)
def test_a_judge_that_cannot_be_asked_is_refused_before_the_run(
    evalbot: Call, project: Path, judge: str, named: str
) -> None:
    """An unknown provider, a missing package or a missing key of the judge stops the run before its first call."""
    (project / "suites" / "small.yaml").write_text(JUDGED + f"run: {{judge: '{judge}'}}\n")
    said = evalbot("run", "small", "--target", "echo")
    assert (said.code, said.out) == (2, "")
    assert one_sentence(said.err), said.err
    assert named in said.err


def test_a_judge_without_work_is_not_needed(evalbot: Call, project: Path) -> None:
    """Where no item has a rubric, a judge that cannot be asked hinders nobody."""
    (project / "suites" / "small.yaml").write_text(CHECKED + "run: {judge: 'openai:gpt-4.1'}\n")
    said = evalbot("run", "small", "--target", "echo", "--json")
    assert (said.code, said.json["counts"]["outputs"]) == (0, ITEMS)
