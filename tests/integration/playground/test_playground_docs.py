"""The guide of the playground: its example runs, and what it names exists."""

import re
from pathlib import Path
from typing import Any

from evalbot.playground.driver import Driver
from evalbot.playground.faults import Faults, Trouble
from evalbot.playground.violations import Kind

GUIDE = Path(__file__).parents[3] / "docs" / "playground.md"


async def test_example_of_the_guide_runs() -> None:
    """The first Python block is a passing test."""
    code = re.search(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {}
    exec(compile(code[1], str(GUIDE), "exec"), names)
    await names["test_bot_counts_a_vote"]()


def test_guide_names_what_there_is() -> None:
    """Every method of the driver, every fault, every trouble and every kind of violation is in the guide."""
    text = GUIDE.read_text("utf-8")
    wanted = [name for name in vars(Driver) if not name.startswith("_") and name not in ("close_door", "id")]
    wanted += ["outage", "next_call", "duplicate", "delay_events", "reorder", "slow_down", "clear"]
    wanted += [one.value for one in (*Trouble, *Kind)]
    assert [name for name in wanted if f"{name}" not in text] == []
    assert all(hasattr(Faults, name) for name in ("outage", "next_call", "duplicate", "delay_events", "reorder"))


def test_pictures_of_the_guide_are_there_and_small() -> None:
    """Each picture exists, is a PNG, and is below 250 kB."""
    for name in re.findall(r"\(images/([^)]+)\)", GUIDE.read_text("utf-8")):
        content = (GUIDE.parent / "images" / name).read_bytes()
        assert content[:8] == b"\x89PNG\r\n\x1a\n"
        assert len(content) < 250_000
