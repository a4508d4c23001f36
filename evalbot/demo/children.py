"""The simulated outside of the demo, each part in a process of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from evalbot.errors import SetupError

READY_S = 30.0


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the simulated Slack and the simulated models answer. `models_url` ends in /v1."""

    api_url: str
    page_url: str
    bot_token: str
    app_token: str
    signing_secret: str
    channels: Mapping[str, str]
    users: Mapping[str, str]
    models_url: str

    @property
    def simulation_url(self) -> str:
        """Where the simulated models take settings."""
        return self.models_url.removesuffix("/v1") + "/simulation"


@asynccontextmanager
async def open_stage(port: int) -> AsyncIterator[Stage]:
    """Start the playground on a port (0: any) and the model server; both end with this process."""
    async with (
        _child("evalbot.playground.server", "--port", str(port)) as slack,
        _child("evalbot.playground.model_server", "--latency-ms", "8") as models,
    ):
        yield Stage(**slack, models_url=models["base_url"])


@asynccontextmanager
async def _child(module: str, *arguments: str) -> AsyncIterator[dict[str, Any]]:
    """Run a module as a child process and give the JSON object it prints when it is ready."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        line = await asyncio.wait_for(child.stdout.readline(), READY_S)
        if not line:
            raise SetupError(f"{module} did not start.", "Is the port taken? Choose another one with --port.")
        yield json.loads(line)
    finally:
        child.stdin.close()
        try:
            await asyncio.wait_for(child.wait(), 5)
        except TimeoutError:
            child.kill()
            await child.wait()
