"""The README cannot drift: its suite loads, its settings exist, its commands are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evalbot.library.assets import assets_folder
from evalbot.library.project import load_project
from evalbot.settings import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_suite_in_the_readme_loads(tmp_path: Path) -> None:
    """The ten-line suite is a whole suite with two items, a rubric and a judge prompt."""
    text = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert text
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "refunds.yaml").write_text(text[1], encoding="utf-8")
    project = load_project(tmp_path, assets_folder())
    assert not project.problems
    suite = project.suites["refunds"]
    assert [item.id for item in suite.items] == ["r1", "r2"]
    assert suite.rubrics["helpfulness"].judge


def test_every_setting_in_the_readme_exists() -> None:
    """Each variable of the settings table is read by the program."""
    names = re.findall(r"`((?:SLACK|OPENAI|EVALBOT)_[A-Z_]+)`", README)
    known = {f"EVALBOT_{name.upper()}" for name in Settings.model_fields}
    known |= {name.upper() for name in Settings.model_fields if name.startswith(("slack_", "openai_"))}
    assert names
    assert set(names) <= known


@pytest.mark.parametrize("place", re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README))
def test_every_picture_in_the_readme_is_there(place: str) -> None:
    """A picture that the README shows is in the repository."""
    assert (ROOT / place).is_file()


def test_both_commands_are_the_ones_that_are_promised() -> None:
    """The two commands stand in the README word for word."""
    start = 'python3 -m venv .venv && .venv/bin/pip install -c constraints.txt -e ".[dev]" && .venv/bin/'
    assert f"{start}evalbot demo\n" in README
    assert f"{start}pytest\n" in README
