"""Making project folders for tests."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

from evalbot.errors import BadFile
from evalbot.library.project import Project, load_suite
from evalbot.suites.suites import Suite

RUBRIC = """
name: good
version: 2
question: Is it good?
scale:
  1: {label: Bad, anchor: Wrong}
  2: {label: Fair}
  3: {label: Good, anchor: Right}
pass_from: 2
examples: [{input: a, output: b, grade: 3, why: c}]
"""
JUDGE = "---\nname: rubric\nversion: 4\n---\n## system\nGrade {{ question }}\n## user\n{{ output }}\n"
SUITE = """
name: desk
rubrics: [good]
items:
  - {id: a, vars: {question: One?}, reference: "1"}
"""


def make_project(folder: Path, files: Mapping[str, str]) -> Project:
    """Write files into a project folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    return Project(folder)


def load_text(folder: Path, text: str, **files: str) -> Suite:
    """Load a suite from its text; further files by name, `__` for `/` and a last `_` for the dot."""
    named = {name.replace("__", "/").replace("_", "."): body for name, body in files.items()}
    project = make_project(folder, {"suites/desk.yaml": text, **named})
    return load_suite(folder / "suites" / "desk.yaml", project)


def refusal_of(folder: Path, text: str, **files: str) -> str:
    """Give the words with which a suite is refused."""
    with pytest.raises(BadFile) as caught:
        load_text(folder, text, **files)
    return str(caught.value)
