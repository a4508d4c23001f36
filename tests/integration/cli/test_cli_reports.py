"""Runs seen from the command line: lists, details, comparisons, files for others, and the gate's exit code."""

from __future__ import annotations

import csv
import html
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from evalbot.reports.csv_file import plain_cell
from tests.integration.cli.cli_world import SHARED, ChatServer, Reply, Said, one_sentence

Call = Callable[..., Said]

RIGHT, WRONG = "Within 30 days.", "I do not know."


def write_suite(
    folder: Path,
    count: int = 20,
    holdout: int = 2,
    name: str = "desk",
    graders: Sequence[object] = ({"type": "contains"},),
    **parts: object,
) -> None:
    """Write a suite of questions on two skills, of which the last few are held back; `parts` are further parts of the file."""
    items = [
        {
            "id": f"q-{n:02d}",
            "skill": "tone" if n % 2 else "refunds",
            "vars": {"question": f"Question {n:02d}{' HELD' if n >= count - holdout else ''}: until when?"},
            "reference": "30 days",
            "split": "holdout" if n >= count - holdout else "practice",
            "graders": list(graders),
        }
        for n in range(count)
    ]
    found = {"name": name, "targets": ["openai:main"], "items": items, **parts}
    (folder / "suites" / f"{name}.yaml").write_text(json.dumps(found), encoding="utf-8")


def wrong_on(*numbers: int) -> Callable[[str], Reply]:
    """Give a script that is wrong on these questions and right on all others."""
    return lambda question: Reply(WRONG if int(question[9:11]) in numbers else RIGHT)


@pytest.fixture
def desk(project: Path, chat: ChatServer) -> Path:
    """A project with the suite desk and a model that is always right."""
    write_suite(project)
    chat.script = wrong_on()
    return project


def test_a_gate_that_holds_passes_and_one_that_is_met_fails(desk: Path, evalbot: Call, chat: ChatServer) -> None:
    """The exit code is 100 exactly when a condition is met, also with --json; the report names the condition."""
    chat.script = wrong_on(0, 1, 2)
    assert evalbot("run", "desk", "-q", "--fail-if", "overall.score < 0.5").code == 0
    said = evalbot("run", "desk", "-q", "--fail-if", "overall.score < 0.5", "--fail-if", "overall.lower < 0.8")
    assert said.code == 100
    assert "Gate failed: 1 of 2 conditions." in said.out
    assert "✗ overall.lower < 0.8: main passes 83 % (61 to 94, n 18)" in said.out
    as_json = evalbot("run", "desk", "-q", "--json", "--fail-if", "overall.lower < 0.8")
    assert (as_json.code, as_json.json["gate"]["failed"]) == (100, True)


def test_the_gate_of_a_suites_file_holds_beside_what_is_asked_for(desk: Path, evalbot: Call, chat: ChatServer) -> None:
    """A condition in the suite's file fails a run without any option; one of the command line comes on top."""
    write_suite(desk, gate={"fail_if": ["skills.tone.lower < 0.9"]})
    said = evalbot("run", "desk", "-q")
    assert said.code == 100
    assert "Gate failed: 1 of 1 condition" in said.out
    more = evalbot("run", "desk", "-q", "--fail-if", "overall.score < 0.1")
    assert "Gate failed: 1 of 2 conditions." in more.out


@pytest.mark.parametrize(
    ("condition", "said"), [("overall.lowest < 0.8", "lower"), ("skills.tones.lower < 0.5", "Did you mean tone?")]
)
def test_a_wrong_gate_in_a_suites_file_is_named_by_its_line(
    desk: Path, evalbot: Call, condition: str, said: str
) -> None:
    """A condition that is none, or is about a skill that there is not, is refused with file and field before any call."""
    write_suite(desk, gate={"fail_if": [condition]})
    found = evalbot("lint", str(desk))
    assert found.code == 2
    assert "gate.fail_if" in found.out + found.err
    assert said in found.out + found.err


def test_stored_answers_are_graded_again_without_asking(desk: Path, evalbot: Call, chat: ChatServer) -> None:
    """After the checks have changed, the same answers get new grades and nobody is asked."""
    assert evalbot("run", "desk", "-q", "--json").json["estimates"][0]["score"] == 1.0
    write_suite(desk, graders=[{"type": "contains", "value": "never"}])
    asked = chat.calls
    again = evalbot("regrade", "latest", "-q", "--json")
    assert again.code == 0
    assert again.json["estimates"][0]["score"] == 0.0
    assert chat.calls == asked
    missing = evalbot("regrade", "77")
    assert missing.code == 2
    assert one_sentence(missing.err)


def test_a_real_drop_fails_the_gate_from_the_second_run_on(desk: Path, evalbot: Call, chat: ChatServer) -> None:
    """The first run has nothing to be compared with and passes, saying so; after a real drop the gate fails."""
    gate = ("--fail-if", "overall.delta.significant_drop")
    first = evalbot("run", "desk", "-q", *gate)
    assert first.code == 0
    assert "nothing to be compared with, so this was not checked" in first.out
    chat.script = wrong_on(*range(12))
    assert evalbot("run", "desk", "-q", *gate).code == 100


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--fail-if", "skills.tones.lower < 0.5"], "Did you mean tone?"),
        (["--fail-if", "targets.other.overall.lower < 0.5"], "names a target"),
        (["--fail-if", "overall.lower < 80"], "Write a share"),
        (["--junit", "nowhere/j.xml"], "There is no folder nowhere"),
        (["--html", "suites"], "is a folder"),
        (["--github-summary"], "GITHUB_STEP_SUMMARY is not set"),
    ],
)
def test_what_cannot_be_had_is_told_before_anything_is_asked(
    desk: Path, evalbot: Call, chat: ChatServer, monkeypatch: pytest.MonkeyPatch, options: list[str], named: str
) -> None:
    """A wrong gate or place costs no call."""
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    said = evalbot("run", "desk", "-q", *options)
    assert said.code == 2
    assert one_sentence(said.err), said.err
    assert named in said.err
    assert chat.calls == 0


def test_a_run_leaves_its_files_and_annotations(
    desk: Path, evalbot: Call, chat: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JUnit, page and job summary are written, the summary added to what is there; the holdout is in none of them."""
    summary = desk / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    chat.script = wrong_on(0, 1, 2, 18)
    options = ("--junit", "j.xml", "--html", "r.html", "--github-summary", "--fail-if", "overall.lower < 0.9")
    said = evalbot("run", "desk", "-q", "--holdout", *options)
    assert said.code == 100
    assert "\n::error title=desk%2C run 1::overall.lower < 0.9: main passes 80 %25 (58 to 92, n 20)\n" in said.out
    suite = ET.parse(desk / "j.xml").getroot()[0]
    assert (suite.attrib["name"], suite.attrib["tests"], suite.attrib["failures"]) == ("main", "18", "3")
    assert "2 holdout answers not listed" in (desk / "r.html").read_text(encoding="utf-8")
    told = summary.read_text(encoding="utf-8")
    assert told.startswith("before\n## desk: ")
    for text in (told, (desk / "r.html").read_text(), (desk / "j.xml").read_text()):
        assert "HELD" not in text


def test_json_stays_json_beside_annotations(
    desk: Path, evalbot: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With --json, annotations go to standard error."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "s.md"))
    said = evalbot("run", "desk", "-q", "--json", "--github-summary", "--fail-if", "overall.n < 100")
    assert said.json["gate"]["failed"] is True
    assert said.err.startswith("::error title=desk%2C run 1::overall.n < 100")


def test_runs_are_listed_newest_first(desk: Path, evalbot: Call) -> None:
    """Each run has a line with its pass rate, interval and n; a suite that there is not is named with the nearest one."""
    assert evalbot("runs").code == 3
    write_suite(desk, name="other")
    for suite in ("desk", "other", "desk"):
        assert evalbot("run", suite, "-q").code == 0
    listed = evalbot("runs", "--json").json["runs"]
    assert [(run["run"], run["suite"], run["outputs"]) for run in listed] == [
        (3, "desk", 18),
        (2, "other", 18),
        (1, "desk", 18),
    ]
    assert listed[0]["estimates"]["main"]["n"] == 18
    assert [run["run"] for run in evalbot("runs", "--suite", "desk", "--limit", "1", "--json").json["runs"]] == [3]
    assert "100 % (82 to 100, n 18)" in evalbot("runs").out
    said = evalbot("runs", "--suite", "dsk")
    assert (said.code, "Did you mean desk?" in said.err) == (2, True)


def test_a_run_is_shown_with_its_failures(desk: Path, evalbot: Call, chat: ChatServer) -> None:
    """Failures show what was asked, answered and why it fails; holdout ones only when they are asked for."""
    chat.script = wrong_on(3, 19)
    evalbot("run", "desk", "-q", "--holdout")
    said = evalbot("show", "latest", "--failures")
    assert said.code == 0
    assert "desk: 90 % (70 to 97, n 20) passed" in said.out
    assert "│ Question 03: until when?" in said.out
    assert f"│ {WRONG}" in said.out
    assert "HELD" not in said.out
    assert "HELD" in evalbot("show", "1", "--failures", "--include-holdout").out
    found = evalbot("show", "1", "--failures", "--json").json
    assert [one["item"] for one in found["failures"]] == ["q-03"]
    assert evalbot("show", found["run_id"], "--json").json["run"] == 1


def test_hostile_answers_cannot_steer_a_terminal_or_a_ci_log(desk: Path, evalbot: Call, chat: ChatServer) -> None:
    """Escape sequences are shown as marks, and no line of an answer begins like a workflow command."""
    chat.script = lambda question: Reply(
        "\x1b[2J\x1b]0;title\x07\n::error::pwned\n  ::stop-commands::x\n##[error]x\r\n\u202eabc"
    )
    evalbot("run", "desk", "-q")
    out = evalbot("show", "latest", "--failures").out
    assert "␛[2J" in out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert not any(line.lstrip().startswith("::") or "##[" in line for line in out.splitlines())


def test_two_runs_are_compared_on_the_items_they_share(desk: Path, evalbot: Call, chat: ChatServer) -> None:
    """A drop on shared items is called worse, with interval, n and the items that fell."""
    evalbot("run", "desk", "-q")
    chat.script = wrong_on(*range(10))
    evalbot("run", "desk", "-q")
    said = evalbot("compare", "1", "2")
    assert said.code == 0
    assert "Paired on the 18 items that both were scored on" in said.out
    assert "▼ worse" in said.out
    assert "Fell on 10 items: q-00, q-01" in said.out
    (found,) = evalbot("compare", "1", "2", "--json").json["targets"]
    assert (found["paired"], found["shared_items"], found["changes"][0]["verdict"]) == (True, 18, "worse")
    (back,) = evalbot("compare", "2", "1", "--json").json["targets"]
    assert (back["changes"][0]["verdict"], back["rose"]["count"]) == ("better", 10)


def test_runs_of_different_items_are_compared_unpaired(desk: Path, evalbot: Call, chat: ChatServer) -> None:
    """Runs of two suites share no item: the comparison says that it is not paired."""
    (desk / "suites" / "else.yaml").write_text(
        (desk / "suites" / "desk.yaml").read_text().replace("desk", "else").replace("q-", "z-")
    )
    evalbot("run", "desk", "-q")
    chat.script = wrong_on(*range(15))
    evalbot("run", "else", "-q")
    said = evalbot("compare", "1", "2")
    assert (
        "Not paired: the runs asked different items (0 shared, 18 only scored in run 1, 18 only in run 2)." in said.out
    )
    assert "▼ worse" in said.out
    assert evalbot("compare", "1", "2", "--json").json["targets"][0]["pairing"] == "not paired: different items"


MISTAKES = {
    "show 7": "There is no run '7'",
    "show nonsense-": "There is no run",
    "show abc": "There is no such run",
    "compare 1 1": "cannot be compared with itself",
    "report 1 --to pdf": "There are: html, junit",
    "report 1 -o nowhere/x.html": "There is no folder nowhere",
}


def test_mistakes_get_one_sentence(desk: Path, evalbot: Call) -> None:
    """What cannot be shown is told in one sentence with exit code 2."""
    evalbot("run", "desk", "-q", "--limit", "2")
    for words, named in MISTAKES.items():
        said = evalbot(*words.split())
        assert (said.code, said.out) == (2, ""), words
        assert one_sentence(said.err), said.err
        assert named in said.err


def test_every_report_holds_hostile_answers_as_they_are(desk: Path, evalbot: Call, chat: ChatServer) -> None:
    """The hostile outputs go through a model, the database and each report: all can be read, and CSV and JSON are exact."""
    source = SHARED / "hostile" / "outputs.jsonl"
    if not source.is_file():
        pytest.skip(f"HOSTILE TEXTS NOT TESTED: there is no {source}")
    rows = [json.loads(line)["parts"] for line in source.read_text(encoding="utf-8").splitlines() if line.strip()]
    texts = ["".join(text * times for text, times in parts) for parts in rows]
    write_suite(desk, count=len(texts), holdout=0)
    chat.script = lambda question: Reply(texts[int(question[9:11])])
    assert evalbot("run", "desk", "-q").code == 0
    for form in ("html", "junit", "github", "csv", "json"):
        assert evalbot("report", "latest", "--to", form, "-o", f"report.{form}").code == 0, form
    answers = [one["answer"] for one in json.loads((desk / "report.json").read_bytes())["answers"]]
    assert answers == texts
    with (desk / "report.csv").open(encoding="utf-8", newline="") as file:
        assert [plain_cell(row["answer"]) for row in csv.DictReader(file)] == texts
    assert int(ET.parse(desk / "report.junit").getroot()[0].attrib["tests"]) == len(texts)
    page = (desk / "report.html").read_text(encoding="utf-8")
    assert "<b>bold?</b>" not in page
    assert "<b>bold?</b>" in html.unescape(page)
    assert "<b>bold?</b>" not in (desk / "report.github").read_text(encoding="utf-8")


def test_a_report_goes_to_standard_output(desk: Path, evalbot: Call) -> None:
    """Without a file the report is what the command prints."""
    evalbot("run", "desk", "-q")
    assert evalbot("report", "1", "--to", "json").json["run"] == 1
