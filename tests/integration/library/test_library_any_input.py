"""Whatever stands in a project's files, loading gives a value or BadFile."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from evalbot.errors import BadFile
from evalbot.library.documents import OTHER_NAMES
from evalbot.library.grader_format import GraderFile
from evalbot.library.item_format import ItemFile
from evalbot.library.project import Project, load_suite
from evalbot.library.project_files import ProjectFiles
from evalbot.library.prompts import load_judge_prompt
from evalbot.library.rubric_format import RubricFile
from evalbot.library.rubrics import load_rubric
from evalbot.library.suite_format import SuiteFile
from evalbot.suites.graders import GraderType
from tests.integration.library.library_files import JUDGE, RUBRIC, make_project

REPOSITORY = Path(__file__).parents[3]
SUITES = [path.read_bytes() for path in sorted((REPOSITORY / "prompts" / "suites").glob("*.yaml"))]

KEYS = sorted(
    {name for model in (SuiteFile, ItemFile, GraderFile, RubricFile) for name in model.model_fields}
    | {other for names in OTHER_NAMES.values() for other in names}
    | {"id", "label", "config", "api_key", "usd", "holdout", "by", "1", "2", "anchor", "role", "content", "$ref"}
)
WORDS = ["user", "file://items/*.jsonl", "file://../x", "{{ x }}", "${X}", "25%", "500k", "5s", "a:b", "", "(", "good"]
leaves = st.none() | st.booleans() | st.integers(-3, 30) | st.floats(-1, 2) | st.sampled_from([*WORDS, *GraderType])
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=25,
)


def told(load: Callable[[], object]) -> str | None:
    """Give the words with which a file is refused, None when it loads; every other exception passes."""
    try:
        load()
    except BadFile as error:
        return str(error)
    return None


def assert_calm(name: str, data: bytes, load: Callable[[Path, ProjectFiles], object]) -> None:
    """Check that a file in a project loads, or is refused in one short line that names a file of the project."""
    with tempfile.TemporaryDirectory() as folder:
        files = {
            "rubrics/good.yaml": RUBRIC,
            "prompts/judge/rubric.md": JUDGE,
            "suites/items/a.jsonl": '{"input": "q"}\n',
        }
        project = make_project(Path(folder), files)
        path = Path(folder) / name
        path.write_bytes(data)
        message = told(lambda: load(path, project.files))
    assert message is None or (message.startswith(("suites/", "rubrics/", "prompts/")) and len(message) < 500)
    assert message is None or "\n" not in message


WHOLE = {
    "name": "x",
    "prompts": [
        "file://prompts/judge/rubric.md",
        {"name": "p", "inputs": ["x"], "messages": [{"role": "user", "content": "{{ x }}"}]},
    ],
    "targets": ["a:b", {"id": "http", "label": "c", "config": {"url": "${X}"}}],
    "baseline": "b",
    "skills": {"s": {"description": "d", "levels": ["l"]}},
    "defaults": {"graders": [{"type": "rubric", "rubric": "good", "threshold": 2}], "vars": {"v": 1}},
    "items": [
        "file://items/*.jsonl",
        {
            "id": "i",
            "vars": {"question": "q"},
            "reference": ["a"],
            "skill": "s",
            "level": "l",
            "graders": [{"type": "contains-any"}],
        },
        {
            "input": [{"role": "user", "content": "q"}],
            "graders": [{"type": "json-schema", "value": {"type": "object"}}],
        },
    ],
    "split": {"holdout": "25%", "by": "skill", "seed": 7},
    "run": {"epochs": 1, "budget": {"usd": 2.0, "tokens": "5k"}, "judge": {"target": "a:b"}},
    "review": {"strategy": "uncertain"},
    "digest": {"cron": "0 9 * * mon", "tz": "UTC"},
}


def places(value: object, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Give the paths of all values inside plain data."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, one in inside for path in ((*at, key), *places(one, (*at, key)))]


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(places(WHOLE)), anything, st.sampled_from(KEYS), anything)
def test_any_value_anywhere_in_a_suite(path: tuple[str | int, ...], put: object, key: str, more: object) -> None:
    """A value of any kind in place of another, and any key beside it, never leads to another exception."""
    data = copy.deepcopy(WHOLE)
    inside: Any = data
    for part in path[:-1]:
        inside = inside[part]
    inside[path[-1]] = put
    if isinstance(inside, dict):
        inside.setdefault(key, more)
    assert_calm("suites/x.yaml", json.dumps(data).encode(), lambda path, files: load_suite(path, Project(files.folder)))


def test_the_suite_that_is_changed_is_sound(tmp_path: Path) -> None:
    """Without a change the suite of the test above loads."""
    files = {"rubrics/good.yaml": RUBRIC, "prompts/judge/rubric.md": JUDGE, "suites/items/a.jsonl": '{"input": "q"}\n'}
    project = make_project(tmp_path, {**files, "suites/x.yaml": json.dumps(WHOLE)})
    assert len(load_suite(tmp_path / "suites/x.yaml", project).items) == 3


@settings(max_examples=25, deadline=None)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(RubricFile.model_fields, anything)))
@example(
    {"name": "x", "version": 1, "question": "q", "scale": {"1": {"label": "a"}, "01": {"label": "b"}}, "pass_from": 1}
)
@example({"name": "x", "version": 1, "question": "q", "scale": [], "pass_from": True})
def test_any_values_in_a_rubric(data: dict[str, object]) -> None:
    """Rubrics hold against values of any kind too."""
    assert_calm("rubrics/x.yaml", json.dumps(data).encode(), load_rubric)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(SUITES), st.integers(0, 10_000), st.integers(0, 30), st.binary(max_size=8))
def test_damaged_suites(suite: bytes, at: int, cut: int, put: bytes) -> None:
    """A shipped suite with a piece replaced by other bytes loads or is refused."""
    at %= len(suite)
    damaged = suite[:at] + put + suite[at + cut :]
    assert_calm("suites/x.yaml", damaged, lambda path, files: load_suite(path, Project(files.folder, REPOSITORY)))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "---\n",
                "name: x\n",
                "## user\n",
                "## system\n",
                "{{",
                "}}",
                "{%",
                "%}",
                " x ",
                "|",
                "if",
                "endif",
                "(",
                "\r\n",
                "é",
            ]
        ),
        max_size=25,
    )
)
def test_any_prompt(pieces: list[str]) -> None:
    """Prompts made of their own signs load or are refused."""
    data = "".join(pieces).encode()
    assert_calm("prompts/x.md", data, lambda path, files: load_judge_prompt(path, files.name_of(path)))
