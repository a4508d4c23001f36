"""Slack and the terminal are two doors of one house: what is run through one is the same, and seen, through the other."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from tests.integration.cli.cli_world import Said, finish, start
from tests.stories.story_stage import CHANNEL, PATIENCE_S, Stage

CHANGING = ("run_id", "run", "started_at", "duration_s", "review")
"""What two runs of one thing may differ in; only in Slack are answers put up for grading."""


async def evalbot(stage: Stage, *arguments: str) -> Said:
    """Give a command of the terminal on the stage's database and models."""
    settings = stage.settings
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("EVALBOT_", "SLACK_"))}
    environment |= {
        "EVALBOT_DATABASE_URL": settings.database_url,
        "EVALBOT_PROJECT": str(settings.project),
        "OPENAI_BASE_URL": settings.openai_base_url or "",
        "OPENAI_API_KEY": "simulated",
    }
    said = await asyncio.to_thread(lambda: finish(start(*arguments, env=environment)))
    assert said.code == 0, said.err
    return said


def alike(said: dict[str, Any], *names: str) -> dict[str, Any]:
    """Give what two runs of one thing must have in common."""
    return {name: value for name, value in said.items() if name in names and name not in CHANGING}


async def test_run_from_slack_equals_the_run_from_the_terminal(stage: Stage) -> None:
    """The same suite gives the same numbers through both doors; either door shows both runs."""
    await stage.finished()
    second = (await evalbot(stage, "run", "shop", "--json", "-q")).json
    first = (await evalbot(stage, "show", "1", "--json")).json
    names = set(first) & set(second) - {"changes", "other_changes"}
    assert names >= {"suite", "version", "status", "targets", "counts", "estimates", "judge", "cost_usd"}
    assert alike(first, *names) == alike(second, *names)
    assert {one["verdict"] for one in second["changes"]} <= {"no difference", "cannot tell"}
    for number in (1, 2):
        await stage.dana.slash(f"/evalbot status {number}", CHANNEL)
        await stage.dana.see_ephemeral(CHANNEL, f"Run {number}", timeout=PATIENCE_S)
