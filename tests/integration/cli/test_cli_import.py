"""`evalbot import`: a data file becomes a suite, once, with every row that was left out named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.cli.cli_world import SHARED, Said, one_sentence, write_problems

Call = Callable[..., Said]

MAP = ("--map", "question=vars.question,answer=reference")


def test_import_makes_a_suite_that_lints_and_a_second_one_adds_nothing(evalbot: Call, project: Path) -> None:
    """Rows become items with a check that fits their references; the same file again changes no file."""
    write_problems(project / "problems.jsonl", 12)
    first = evalbot("import", "problems.jsonl", *MAP, "--suite", "sums", "--json")
    assert (first.code, first.err) == (0, "")
    assert first.json | {"file": ""} == {
        "suite": "sums",
        "file": "",
        "mapping": {"question": "vars.question", "answer": "reference"},
        "rows": 12,
        "items": 12,
        "new": 12,
        "skipped": [],
    }
    files = sorted((project / "suites").rglob("*.*"))
    assert [path.name for path in files] == ["sums.jsonl", "sums.yaml"]
    assert "type: numeric" in (project / "suites" / "sums.yaml").read_text("utf-8")
    before = [path.read_bytes() for path in files]
    second = evalbot("import", "problems.jsonl", *MAP, "--suite", "sums", "--json")
    assert (second.code, second.json["items"], second.json["new"]) == (0, 12, 0)
    assert [path.read_bytes() for path in files] == before
    linted = evalbot("lint", "--json")
    assert (linted.code, linted.json["suites"], linted.json["problems"]) == (0, {"sums": 12}, [])


def test_import_adds_what_is_new(evalbot: Call, project: Path) -> None:
    """A longer file of the same rows adds the rows that were not there."""
    write_problems(project / "problems.jsonl", 6)
    evalbot("import", "problems.jsonl", *MAP, "--suite", "sums")
    write_problems(project / "problems.jsonl", 10)
    said = evalbot("import", "problems.jsonl", *MAP, "--suite", "sums", "--json")
    assert (said.json["items"], said.json["new"]) == (10, 4)
    assert evalbot("lint", "--json").json["suites"] == {"sums": 10}


def test_public_word_problems_import(evalbot: Call, project: Path) -> None:
    """The 673 problems of the shared data set become 673 items."""
    source = SHARED / "data" / "gsm8k_qa.jsonl"
    if not source.is_file():
        pytest.skip("THE FILE shared/data/gsm8k_qa.jsonl BESIDE THE CHECKOUT IS MISSING: its import was not tested")
    said = evalbot("import", source, *MAP, "--suite", "gsm8k")
    assert (said.code, said.err) == (0, "")
    assert "673 rows, 673 items, 673 of them new." in said.out
    assert "Run it: evalbot run gsm8k --target openai:MODEL" in said.out
    assert evalbot("lint", "--json").json["suites"] == {"gsm8k": 673}


def test_dry_run_writes_nothing(evalbot: Call, project: Path) -> None:
    """`--dry-run` shows mapping and counts, and leaves the folder as it was."""
    write_problems(project / "problems.jsonl", 3)
    said = evalbot("import", "problems.jsonl", *MAP, "--suite", "sums", "--dry-run")
    assert said.code == 0
    assert "vars.question" in said.out
    assert "3 rows, 3 items, 3 of them new." in said.out
    assert "Written" not in said.out
    assert list((project / "suites").iterdir()) == []


@pytest.mark.parametrize(
    "data",
    [
        b'\xef\xbb\xbfquestion,answer\r\n"How many, of 3?",3\r\n\r\nAnd of 4?,4\r\n',
        b"question,answer\nHow many of 3?,3\nAnd of 4?,4",
        b'"question","answer"\n"How ""many"" of\n3?","3"\n"And of 4?","4"\n',
    ],
    ids=["mark-and-crlf", "plain", "quotes-over-lines"],
)
def test_csv_comes_as_spreadsheets_write_it(evalbot: Call, project: Path, data: bytes) -> None:
    """A byte order mark, CRLF, blank lines and quotes are no obstacle; the columns are guessed by their names."""
    (project / "rows.csv").write_bytes(data)
    said = evalbot("import", "rows.csv", "--suite", "counts", "--json")
    assert (said.code, said.json["items"], said.json["skipped"]) == (0, 2, [])
    assert said.json["mapping"] == {"question": "vars.question", "answer": "reference"}
    item = json.loads((project / "suites" / "items" / "counts.jsonl").read_text("utf-8").splitlines()[1])
    assert (item["vars"]["question"], item["reference"]) == ("And of 4?", "4")


def test_every_row_left_out_is_named(evalbot: Call, project: Path) -> None:
    """Empty and repeated rows are left out with their line and the reason; the rest is imported."""
    rows = [{"question": q, "answer": a} for q, a in [("One?", "1"), ("", "2"), ("One?", "1"), ("Four?", "4")]]
    (project / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    said = evalbot("import", "rows.jsonl", *MAP, "--suite", "few", "--json")
    assert (said.code, said.json["rows"], said.json["items"]) == (0, 4, 2)
    assert [row["line"] for row in said.json["skipped"]] == [2, 3]
    printed = evalbot("import", "rows.jsonl", *MAP, "--suite", "few")
    assert "line 2 left out: has nothing in the column `question`" in printed.out


def test_nothing_to_import_is_an_exit_code_of_its_own(evalbot: Call, project: Path) -> None:
    """Rows of which none can be an item end with exit code 3 and write nothing."""
    (project / "rows.jsonl").write_text('{"question": "", "answer": "1"}\n{"other": 1}\n', encoding="utf-8")
    said = evalbot("import", "rows.jsonl", *MAP, "--suite", "none")
    assert said.code == 3
    assert one_sentence(said.err), said.err
    assert list((project / "suites").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "data", "options", "named"),
    [
        ("r.jsonl", '{"question": "One?"}', ("--map", "question"), "column=field"),
        ("r.jsonl", '{"question": "One?"}', ("--map", "question=vras.question"), "vars.question"),
        ("r.jsonl", '{"question": "One?"}', ("--map", "question=reference"), "what is asked"),
        ("r.jsonl", '{"alpha": "One?"}', (), "alpha"),
        ("r.jsonl", '{"question": "One?"\n', (), "r.jsonl:1"),
        ("r.jsonl", "", (), "no rows"),
        ("r.csv", 'question,answer\n"One?,1\n', (), "r.csv:2"),
        ("r.csv", "question,question\nOne?,1\n", (), "r.csv:1"),
        ("r.xlsx", "PK", (), ".csv"),
        ("r.jsonl", '{"question": "One?"}', ("--suite", "Not A Name"), "Not A Name"),
        ("r.jsonl", '{"question": "One?"}', ("--suite", "../up"), "../up"),
    ],
)
def test_what_cannot_be_imported_gets_one_sentence(
    evalbot: Call, project: Path, name: str, data: str, options: tuple[str, ...], named: str
) -> None:
    """A wrong mapping, name or file is told in one sentence that says where; nothing is written."""
    (project / name).write_text(data, encoding="utf-8")
    said = evalbot("import", name, *(("--suite", "few") if "--suite" not in options else ()), *options)
    assert said.out == ""
    assert said.code == 2
    assert one_sentence(said.err), said.err
    assert named in said.err
    assert list((project / "suites").iterdir()) == []
    assert not (project / "up.yaml").exists()


def test_a_suite_of_another_file_is_not_overwritten(evalbot: Call, project: Path) -> None:
    """A suite of that name elsewhere in the project stops the import."""
    (project / "suites" / "other.yaml").write_text("name: sums\nitems: [{input: 'How many?', reference: '2'}]\n")
    write_problems(project / "problems.jsonl", 2)
    said = evalbot("import", "problems.jsonl", *MAP, "--suite", "sums")
    assert (said.code, said.out) == (2, "")
    assert one_sentence(said.err), said.err


def test_import_never_writes_into_the_shipped_files(
    evalbot: Call, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder without suites an import makes the folder's own suites."""
    (project / "suites").rmdir()
    write_problems(project / "problems.jsonl", 2)
    said = evalbot("import", "problems.jsonl", *MAP, "--suite", "sums", "--json")
    assert said.json["file"] == str(project / "suites" / "sums.yaml")


PROMPTFOO = """
description: Capitals
prompts: ["Where lies {{place}}?"]
providers: [echo]
tests:
  - vars: {place: Oslo}
    assert: [{type: contains, value: Oslo}]
  - vars: {place: Bergen}
    assert: [{type: contains, value: Oslo}]
"""


def test_promptfoo_suite_is_brought_in_whole_and_run(project: Path, evalbot: Call) -> None:
    """A promptfoo file becomes a suite of the project that runs at once; it is never written over."""
    file = project / "promptfooconfig.yaml"
    file.write_text(PROMPTFOO)
    said = evalbot("import", str(file), "--suite", "capitals", "--json")
    assert (said.code, said.json["items"], said.json["new"]) == (0, 2, 2)
    run = evalbot("run", "capitals", "-q", "--json")
    assert (run.code, run.json["estimates"][0]["score"]) == (0, 0.5)
    again = evalbot("import", str(file), "--suite", "capitals")
    assert again.code == 2
    assert one_sentence(again.err)
    assert "already" in again.err
    mapped = evalbot("import", str(file), "--suite", "other", "--map", "a=vars.b")
    assert one_sentence(mapped.err)
    assert "--map" in mapped.err


def test_foreign_yaml_is_no_promptfoo_suite(project: Path, evalbot: Call) -> None:
    """A YAML file of something else is refused in a sentence, and nothing is written."""
    file = project / "other.yaml"
    file.write_text("services: {web: {}}\n")
    said = evalbot("import", str(file), "--suite", "other")
    assert said.code == 2
    assert one_sentence(said.err)
    assert "services" in said.err
    assert not (project / "suites" / "other.yaml").exists()
