"""The story of hostile text: whatever a model answers or a person types, it stays text wherever it is quoted."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hostile_texts import COMMANDS, OUTPUTS, all_texts, complaints
from story_stage import CHANNEL, PATIENCE_S, POOR, STEWARDS, Stage, open_stage

from evalbot.playground.driver import Seen
from evalbot.playground.simulated.simulation import Simulation
from evalbot.store import candidates

Told = dict[str, list[str]]
"""What is wrong, by the name of the text."""


@pytest.fixture
def outputs() -> dict[str, str]:
    """Every hostile answer, the inline ones when the shared file is missing."""
    return OUTPUTS


@pytest.fixture
async def hostile_stage(
    database: Path, simulation: Simulation, tmp_path: Path, quiet_log: None, outputs: dict[str, str]
) -> AsyncIterator[Stage]:
    """A stage whose suite asks one question for each hostile text, and whose model answers with it."""
    asked = {f"number-{place}": text for place, text in enumerate(outputs.values(), 1)}
    suite = {
        "name": "hostile",
        "targets": ["openai:sim-steady"],
        "defaults": {"graders": [{"type": "rubric", "rubric": "helpfulness"}]},
        "run": {"judge": {"target": "openai:sim-judge"}},
        "review": {"sample": 20, "strategy": "random", "graders_per_item": 1},
        "items": [{"id": name, "input": f"Please answer question {name}!"} for name in asked],
    }
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "hostile.yaml").write_text(json.dumps(suite))
    answers: dict[str, Any] = {f"question {name}!": text for name, text in asked.items()}
    simulation.apply({"script": answers | {"sim-judge": {"BEGIN TASK": POOR}}})
    async with open_stage(database, simulation, project=tmp_path) as stage:
        yield stage
        assert [one.text for one in stage.slack.violations()] == []


@pytest.mark.parametrize("outputs", [OUTPUTS, "shared"], ids=["inline", "shared"], indirect=False)
async def test_placeholder(outputs: Any) -> None:
    """Nothing."""
