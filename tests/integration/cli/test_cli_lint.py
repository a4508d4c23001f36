"""`evalbot lint`: hostile files are refused with file and place, in little memory."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.cli.cli_world import SHARED, Said, clean_environment

Call = Callable[..., Said]

HOSTILE = SHARED / "hostile" / "suites"

LINT_EACH = """
import json, os, sys
from pathlib import Path
from evalbot import cli
import evalbot.terminal.files, evalbot.terminal.printing
for name in sys.argv[1:]:
    folder = Path(name)
    child = os.fork()
    if child == 0:
        for number, stream in ((1, "out"), (2, "err")):
            os.dup2(os.open(folder / stream, os.O_WRONLY | os.O_CREAT), number)
        sys.argv = ["evalbot", "lint", str(folder / "project")]
        cli.main()
    _, status, used = os.wait4(child, 0)
    print(json.dumps([os.waitstatus_to_exitcode(status), used.ru_maxrss // 1024]), flush=True)
"""
"""Lints each project in a child of its own and tells what the child used."""


@dataclass(frozen=True, slots=True)
class Linted:
    """What lint said of a project, and what it used."""

    said: Said
    megabytes: int


def lint_each(folders: list[Path]) -> list[Linted]:
    """Lint the folder `project` in each of some folders, each in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", LINT_EACH, *map(str, folders)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env=clean_environment(),
    )
    used = [json.loads(line) for line in done.stdout.splitlines()]
    return [
        Linted(Said(code, (folder / "out").read_text("utf-8"), (folder / "err").read_text("utf-8")), megabytes)
        for folder, (code, megabytes) in zip(folders, used, strict=True)
    ]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, Linted]]:
    """What lint makes of each hostile file in a project of its own, with what is expected."""
    if not (HOSTILE / "manifest.jsonl").is_file():
        pytest.skip("THE FOLDER shared/hostile/suites BESIDE THE CHECKOUT IS MISSING: hostile projects were not linted")
    rows = [json.loads(line) for line in (HOSTILE / "manifest.jsonl").read_text().splitlines()]
    folders = []
    for row in rows:
        folder = tmp_path_factory.mktemp("hostile")
        suites = folder / "project" / "suites"
        place = suites / "items" if row["file"].endswith(".jsonl") else suites
        place.mkdir(parents=True)
        (place / row["file"]).write_bytes((HOSTILE / row["file"]).read_bytes())
        if place != suites:
            (suites / "around.yaml").write_text(f"name: around\nitems: [file://items/{row['file']}]\n")
        folders.append(folder)
    return {row["file"]: (row["expect"], linted) for row, linted in zip(rows, lint_each(folders), strict=True)}


def test_hostile_projects_are_refused_or_accepted(hostile: dict[str, tuple[str, Linted]]) -> None:
    """The exit code says whether all is well, and there is never a traceback."""
    assert len(hostile) >= 23
    for name, (expected, linted) in hostile.items():
        codes = {"accept": (0,), "reject": (2,), "either": (0, 2)}[expected]
        assert linted.said.code in codes, (name, linted.said)
        assert linted.said.err == "", (name, linted.said)
        assert "Traceback" not in linted.said.out, name


def test_a_refusal_names_file_and_place_in_one_short_message(hostile: dict[str, tuple[str, Linted]]) -> None:
    """Each refused file is one line with its path in the project and, for files with content, the line of the fault."""
    for name, (_, linted) in hostile.items():
        lines = [line for line in linted.said.out.splitlines() if line.startswith("wrong")]
        if linted.said.code == 0:
            assert lines == [], name
            continue
        (line,) = lines
        assert re.match(rf"wrong  suites/(items/)?{re.escape(name)}:\d+: .", line), line
        assert len(line) < 250, line
        assert line.endswith((".", "?")), line


def test_no_hostile_file_takes_much_memory(hostile: dict[str, tuple[str, Linted]]) -> None:
    """Every one is done within 400 MB, measured at the process that read it."""
    for name, (_, linted) in hostile.items():
        assert linted.megabytes < 400, name


def test_a_project_at_every_limit_is_linted_within_bounds(tmp_path: Path) -> None:
    """Many large files of one project together stay within 400 MB."""
    suites = tmp_path / "project" / "suites"
    (suites / "items").mkdir(parents=True)
    (suites / "aliases.yaml").write_text("a: &a [x]\n" + "".join(f"k{n}: [*a, *a, *a]\n" for n in range(60_000)))
    (suites / "deep.yaml").write_text("a: " + "[" * 900_000)
    (suites / "long.yaml").write_text("name: " + "x" * 3_000_000)
    (suites / "rows.yaml").write_text("name: rows\nitems: [file://items/rows.jsonl]\n")
    (suites / "items" / "rows.jsonl").write_text(
        "".join(f'{{"id":"i{n}","input":"question {n}","reference":"{n}"}}\n' for n in range(10_000))
    )
    (linted,) = lint_each([tmp_path])
    assert linted.said.code == 2
    wrong = [line for line in linted.said.out.splitlines() if line.startswith("wrong")]
    assert len(wrong) == 3
    assert "ok  rows: 10000 items" in linted.said.out
    assert linted.megabytes < 400, linted.megabytes


def test_lint_speaks_json(evalbot: Call, project: Path) -> None:
    """With --json the problems and suites are one object; the exit code is the same."""
    (project / "suites" / "good.yaml").write_text("name: good\nitems: [{input: 'How many?', reference: '2'}]\n")
    (project / "suites" / "bad.yaml").write_text("name: bad\nitmes: []\n")
    said = evalbot("lint", "--json")
    assert (said.code, said.err) == (2, "")
    assert said.json["suites"] == {"good": 1}
    (problem,) = said.json["problems"]
    assert problem["message"].startswith("suites/bad.yaml:2: ")
    assert "items" in problem["message"]


def test_a_folder_is_named_or_the_working_folder_is_taken(evalbot: Call, project: Path, tmp_path: Path) -> None:
    """A project elsewhere is linted by its path; an empty one is an exit code of its own."""
    other = tmp_path / "other"
    (other / "suites").mkdir(parents=True)
    (other / "suites" / "good.yaml").write_text("name: good\nitems: [{input: 'How many?', reference: '2'}]\n")
    assert evalbot("lint", other).code == 0
    empty = evalbot("lint")
    assert (empty.code, empty.err) == (3, "")
    assert "no suite" in empty.out


def test_the_shipped_files_are_without_fault(evalbot: Call, project: Path) -> None:
    """Without suites of one's own the shipped project is linted, and all of it is well."""
    (project / "suites").rmdir()
    said = evalbot("lint", "--json")
    assert (said.code, said.json["problems"]) == (0, [])
    assert set(said.json["suites"]) == {"support-desk", "word-problems", "straight-answers"}
    assert set(said.json["rubrics"]) >= {"helpfulness", "truthfulness", "engagement", "humanness"}
