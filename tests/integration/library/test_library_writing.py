"""Suites written into a project folder load back the same."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalbot.errors import BadFile
from evalbot.library.file_text import FORBIDDEN
from evalbot.library.project import Project, load_project, load_suite
from evalbot.library.writing import write_suite
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import Item, ItemId, ItemStatus, Message, Source, Split
from evalbot.suites.skills import Skill
from evalbot.suites.suites import DigestPolicy, ReviewPolicy, RunDefaults, Suite
from evalbot.suites.targets import Target
from tests.integration.library.library_files import RUBRIC, make_project

REPOSITORY = Path(__file__).parents[3]


def written_and_loaded(suite: Suite, folder: Path) -> Suite:
    """Write a suite and load it."""
    return load_suite(write_suite(folder, suite), Project(folder))


def test_shipped_suites_survive(tmp_path: Path) -> None:
    """Every shipped suite, its rubrics and judge prompts, written into an empty project, is the same."""
    suites = load_project(REPOSITORY).suites
    assert suites
    for suite in suites.values():
        assert written_and_loaded(suite, tmp_path) == suite


def test_every_field_survives(tmp_path: Path) -> None:
    """Nothing of a suite is lost."""
    item = Item(
        id=ItemId("a:1"),
        vars={"question": "q", "n": 3, "deep": {"x": [1.5, None, True]}},
        reference=["a", "b"],
        skill="tone",
        level="low",
        split=Split.HOLDOUT,
        status=ItemStatus.PROBATION,
        graders=(GraderSpec(GraderType.CONTAINS_ANY, ["x"], None, 0.5, 0.0, "last", True, 2.0, "m"),),
        tags=("t",),
        source=Source("feedback", "U1", "https://x.example", "2026-11-21"),
        metadata={"k": {}},
    )
    chat = Item(ItemId("b"), messages=(Message("system", "s"), Message("user", "no")), reference={"a": 1})
    suite = Suite(
        name="desk",
        items=(item, chat),
        description="no",
        owner="#desk",
        targets=(Target("openai:x", "x"), Target("http", "y", {"url": "${URL}", "timeout": 1e-05})),
        baseline="y",
        skills={"tone": Skill("tone", "Polite", ("low", "1"))},
        graders=(GraderSpec(GraderType.ICONTAINS, "12:30"),),
        run=RunDefaults(2, 3, Target("openai:j", "judge"), 0.25),
        review=ReviewPolicy(5, "fail", 3, False, "#x"),
        digest=DigestPolicy("#y", "0 9 * * fri", "Europe/Berlin", "changed"),
    )
    assert written_and_loaded(suite, tmp_path) == suite


texts = st.text(min_size=1, max_size=60).filter(lambda text: not FORBIDDEN.search(text))
marks = st.lists(
    st.sampled_from(
        ["a", " ", "\n", "\r", "\t", ":", "#", "'", '"', "|", "-", "{", "}", "no", "1e5", "é", "😀", "\u2028"]
    )
)


@settings(max_examples=60, deadline=None)
@given(st.lists(texts | marks.map("".join).filter(bool), min_size=4, max_size=4))
def test_any_text_survives(parts: list[str]) -> None:
    """Whatever people or models wrote comes back as it was."""
    question, reference, description, value = parts
    item = Item(ItemId("a"), {"question": question}, reference=reference, metadata={question[:50]: reference})
    suite = Suite("desk", (item,), description=description, graders=(GraderSpec(GraderType.EQUALS, value),))
    with tempfile.TemporaryDirectory() as folder:
        assert written_and_loaded(suite, Path(folder)) == suite


@pytest.mark.parametrize("text", ["a\x00b", "\x1b[0m", "\ud800"])
def test_what_could_not_be_read_is_not_written(tmp_path: Path, text: str) -> None:
    """Control characters and halves of characters are refused before any file is touched."""
    with pytest.raises(BadFile, match="item a:1: cannot be written: it holds the control character"):
        write_suite(tmp_path, Suite("desk", (Item(ItemId("a"), {"question": text}),)))
    assert list(tmp_path.iterdir()) == []


def test_a_rubric_of_the_project_is_not_overwritten(tmp_path: Path) -> None:
    """Another form of a rubric that is there is refused, since other suites may use it."""
    suite_text = "name: desk\nrubrics: [good]\nitems: [{id: a, input: q}]\n"
    project = make_project(tmp_path / "a", {"rubrics/good.yaml": RUBRIC, "suites/desk.yaml": suite_text})
    suite = load_suite(tmp_path / "a/suites/desk.yaml", project)
    assert written_and_loaded(suite, tmp_path / "b") == suite
    changed = replace(suite, rubrics={"good": replace(suite.rubrics["good"], version=3)})
    with pytest.raises(BadFile, match="has this rubric in another form"):
        write_suite(tmp_path / "b", changed)
