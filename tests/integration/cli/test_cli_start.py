"""What a command loads: those that only look something up need no model, no chat and no loop beside the database."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from evalbot.commands.speaking import wait_for
from tests.integration.cli.cli_world import Said, clean_environment

LOOKS = (
    ("runs",),
    ("show", "latest", "--failures"),
    ("compare", "1", "2"),
    ("explain", "latest"),
    ("judge", "tiny"),
    ("report", "latest", "--to", "json", "-o", "report.json"),
)

SUITE = "name: tiny\nitems: [{input: 'How many?', reference: '2'}]\ndefaults: {graders: [{type: equals}]}\n"

STRANGERS = (
    *("aiohttp", "aiosqlite", "alembic", "apscheduler", "genai_prices", "langchain", "langchain_core", "matplotlib"),
    *("openai", "scipy", "slack_bolt", "slack_sdk", "sqlalchemy.ext.asyncio", "yaml"),
    *("evalbot.app", "evalbot.library", "evalbot.slack", "evalbot.store.database"),
)
"""What only those need who run something."""

PROBE = """
import json, sys
from evalbot.cli import main
codes = []
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["evalbot", *arguments]
    try:
        main()
    except SystemExit as ended:
        codes.append(ended.code)
sys.stderr.write("\\n" + json.dumps([codes, sorted(sys.modules)]))
"""


def test_looking_something_up_loads_nothing_of_a_run(evalbot: Callable[..., Said], project: Path) -> None:
    """Commands that read stored runs import no client of a model or a chat, no migration, no chart and no rare numbers."""
    (project / "suites" / "tiny.yaml").write_text(SUITE)
    for _ in range(2):
        assert evalbot("run", "tiny", "-t", "echo", "-q").code == 0
    command = [sys.executable, "-c", PROBE, json.dumps(LOOKS)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=project, env=clean_environment())
    *lines, last = said.stderr.splitlines()
    codes, loaded = json.loads(last)
    assert codes == [0, 0, 0, 0, 2, 0], lines  # the suite has no judge
    assert [name for name in STRANGERS if name in loaded] == []
    assert "evalbot.store.reading" in loaded


def test_garbage_is_collected_while_work_goes_on(evalbot: Callable[..., Said]) -> None:
    """Only loading goes without: what a command does for long, and what comes after it, is looked through again."""

    async def collecting() -> bool:
        return gc.isenabled()

    gc.disable()
    assert wait_for(collecting())
    gc.disable()
    evalbot("version")
    assert gc.isenabled()
