"""Judges and explanations from the command line: where one stands, its calibration, and where a number comes from."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from evalbot.errors import NotAllowed
from evalbot.grading.grades import Grade, Grader, GraderKind, Purpose
from evalbot.grading.reviews import Review, ReviewId, Round, RoundId
from evalbot.people import Person, PersonId, Role
from evalbot.store import grades, outputs, reviews, runs, workspaces
from evalbot.store.database import Store, Transaction
from evalbot.terminal.calibrating import CalibrateOptions, calibrate_suite
from evalbot.testing import make_services
from evalbot.workflows.digesting import digest_now
from tests.integration.cli.cli_world import ChatServer, Reply, Said, one_sentence

Call = Callable[..., Said]
POLITE, RIGHT = "Thank you kindly for asking!", "Within 30 days of delivery."
ITEMS = 40

SUITE = """\
name: desk
targets: ["openai:gpt-small"]
defaults: {graders: [{type: rubric, rubric: helpfulness}]}
run: {judge: {target: "openai:gpt-judge"}}
review: {sample: 1}
items:
"""


@pytest.fixture
def desk(project: Path, chat: ChatServer, evalbot: Call) -> Call:
    """A run of forty questions, every third of which is answered politely and not at all; its judge sees no difference."""
    lines = [
        f'  - {{id: q{n:02}, skill: {"tone" if n % 2 else "rules"}, input: "Question {n:02}?"}}' for n in range(ITEMS)
    ]
    (project / "suites" / "desk.yaml").write_text(SUITE + "\n".join(lines) + "\n")
    chat.script = lambda question: Reply(verdict(4) if "BEGIN ANSWER" in question else answer(question))
    assert evalbot("run", "desk", "--quiet").code == 0
    return evalbot


def answer(question: str) -> str:
    """What the target says."""
    return POLITE if int(question.split()[1].strip("?")) % 3 == 0 else RIGHT


def verdict(level: int) -> str:
    """What the judge says."""
    return json.dumps({"grade": level, "reason": "So it seems."})


def grade_all(project: Path, *, newest: bool = True) -> None:
    """Let two people grade every answer of the newest run, or of the first, as it deserves."""
    asyncio.run(_grade_all(f"sqlite+aiosqlite:///{project / 'evalbot.db'}", 0 if newest else -1))


async def _grade_all(url: str, place: int) -> None:
    store = await Store.open(url)
    try:
        await store.write(lambda tx: _save_grades(tx, place))
    finally:
        await store.close()


async def _save_grades(tx: Transaction, place: int) -> None:
    team, now = await workspaces.home_team(tx), datetime.now(UTC)
    run = (await runs.list_runs(tx, team))[place]
    found = await outputs.list_outputs(tx, run.id)
    opened = Round(RoundId("all"), team, run.id, PersonId("U1"), "", len(found), "random", 2, opened_at=now)
    await reviews.add_round(tx, opened)
    drawn = (
        Review(ReviewId(f"all-{place}"), opened.id, team, run.id, one.id, place, 2, 1.0, opened_at=now)
        for place, one in enumerate(found, 1)
    )
    await reviews.add_reviews(tx, list(drawn))
    for one in found:
        level = 1 if one.text == POLITE else 4
        for person in ("U1", "U2"):
            grader = Grader(GraderKind.HUMAN, person, "1")
            given = Grade(
                one.id, "helpfulness", grader, now, float(level > 1), level > 1, level, purpose=Purpose.ESTIMATE
            )
            await grades.put_human_grade(tx, given)


def test_a_judge_without_people_is_unmeasured(desk: Call) -> None:
    """Nobody graded yet: no number, and what to do."""
    said = desk("judge", "desk")
    assert said.code == 0
    assert "gpt-judge, not measured yet" in said.out
    assert "Next: Let two people grade 10 answers more" in said.out


def test_a_judge_is_held_against_people(desk: Call, project: Path) -> None:
    """Agreement with interval beside ceiling and blind guess, for people and for programs."""
    grade_all(project)
    said = desk("judge", "desk")
    assert "gpt-judge, unverified" in said.out
    assert "one person with the others" in said.out
    [told] = json.loads(desk("judge", "desk", "--json").out)["judges"]
    assert told["standing"] == "unverified"
    assert told["agreement"]["score"] == pytest.approx(26 / 40)
    assert (told["agreement"]["n"], told["agreement"]["ceiling"]) == (40, 1.0)
    assert told["agreement"]["lower"] < told["agreement"]["score"] < told["agreement"]["upper"]
    assert (told["model"], told["rubric"]) == ("openai:gpt-judge", {"name": "helpfulness", "version": 1})


def test_a_calibration_tells_whether_examples_help(desk: Call, project: Path, chat: ChatServer) -> None:
    """The held-back part is judged again, before and after are compared, and the examples are YAML to paste."""
    grade_all(project)
    calls = chat.calls
    chat.script = lambda question: Reply(verdict(1 if POLITE in question else 4))
    done = json.loads(desk("judge", "desk", "--calibrate", "--json").out)["calibrations"][0]
    assert done["gain"]["verdict"] == "better"
    assert done["gain"]["after"]["value"] == 1.0
    assert done["gain"]["difference"]["lower"] > 0
    assert 1 <= len(done["examples"]) <= 3
    assert yaml.safe_load(done["yaml"])["examples"] == done["examples"]
    assert chat.calls - calls == done["held_back"]
    assert "The examples help" in desk("judge", "desk", "--calibrate").out


def test_a_dear_calibration_needs_a_yes(
    desk: Call, project: Path, chat: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its preview says so and asks nothing; without an answer at the terminal it is refused, and agreed on it is done."""
    grade_all(project)
    monkeypatch.setenv("EVALBOT_APPROVAL_ABOVE", "0.01")
    calls = chat.calls
    assert desk("judge", "desk", "--calibrate", "--dry-run").out.startswith("desk: 40 answers graded by people, up to ")
    found = json.loads(desk("judge", "desk", "--calibrate", "--dry-run", "--json").out)
    assert (found["needs_approval"], found["cost_usd"]) == (True, None)
    refused = desk("judge", "desk", "--calibrate")
    assert refused.code == 2
    assert "Add --yes" in refused.err
    with pytest.raises(NotAllowed):
        asyncio.run(calibrate_suite(CalibrateOptions("desk"), lambda question: "cost unknown. Begin?" not in question))
    assert chat.calls == calls
    assert len(json.loads(desk("judge", "desk", "--calibrate", "--yes", "--json").out)["calibrations"]) == 1
    assert "go with --calibrate" in desk("judge", "desk", "--yes").err


def test_a_number_is_explained(desk: Call, project: Path) -> None:
    """A run, a skill or a judge: what it rests on, the formula, its source and the steps."""
    said = desk("explain", "latest").out
    for part in (
        "Run 1 of desk · gpt-small · all items",
        "40 items of version 1",
        "Source: Wilson 1927",
        "interval = ",
    ):
        assert part in said, part
    [told] = json.loads(desk("explain", "run", "1", "rules", "--json").out)["explanations"]
    assert told["title"].endswith("rules")
    assert told["estimate"]["n"] == 20
    grade_all(project)
    [corrected] = json.loads(desk("explain", "1", "--json").out)["explanations"]
    assert corrected["beside"][0]["name"] == "by the judge alone, unverified"
    assert corrected["estimate"]["score"] == pytest.approx(26 / 40)
    assert "bar = the higher of" in desk("explain", "judge", "desk").out


MISTAKES = {
    ("judge", "dusk"): "Did you mean desk?",
    ("explain", "9"): "There is no run '9'",
    ("explain", "1", "rule"): "Did you mean rules?",
    ("explain", "judge"): "The judge of which suite?",
    ("judge", "desk", "--calibrate"): "graded no answer of desk yet",
}


def test_what_cannot_be_told_is_one_sentence(desk: Call) -> None:
    """A wrong name or nothing to work on is said in a sentence with what to do, and exits 2."""
    for arguments, said in MISTAKES.items():
        done = desk(*arguments)
        assert done.code == 2, arguments
        assert one_sentence(done.err), arguments
        assert said in done.err, arguments


def test_no_gate_passes_on_an_unverified_judges_word(desk: Call, project: Path) -> None:
    """A gate that the judge would let pass is not decided: it exits with 100, and says why and what would decide it."""
    gate = ("run", "desk", "--quiet", "--fail-if", "overall.lower < 0.5")
    assert desk(*gate).code == 0, "while nobody has measured the judge, its number counts"
    grade_all(project, newest=False)
    said = desk(*gate)
    assert said.code == 100
    assert "Gate not decided, so it fails: 1 of 1 condition stands on a judge that is unverified." in said.out
    assert "unverified, so it decides nothing; 10 more graded answers would correct it" in said.out
    assert "calibrate it" in said.out.lower()
    told = json.loads(desk(*gate, "--json").out)["gate"]
    assert (told["failed"], told["decided"], told["conditions"][0]["state"]) == (True, False, "unverified")
    assert desk("run", "desk", "--quiet", "--fail-if", "errors > 0").code == 0


def test_runs_and_comparisons_mark_what_is_unverified(desk: Call, project: Path) -> None:
    """Lists, details and comparisons alike; nothing of it makes a headline."""
    grade_all(project)
    assert desk("run", "desk", "--quiet").code == 0
    assert ", unverified" in desk("runs").out
    assert "judge unverified: no headline" in desk("show", "latest").out
    compared = desk("compare", "2", "2", "--json")
    assert compared.code == 2
    grade_free = desk("run", "desk", "--quiet")
    assert grade_free.code == 0
    said = desk("compare", "2", "3")
    assert "judge unverified: no headline" in said.out
    assert said.out.count("% unverified") >= 2
    scores = json.loads(desk("compare", "2", "3", "--json").out)["targets"][0]["scores"]["overall"]
    assert (scores["before"]["verified"], scores["after"]["verified"]) == (False, False)


async def _digest(url: str) -> None:
    store = await Store.open(url)
    try:
        services = make_services(store, {}, now=lambda: datetime.now(UTC))
        person = Person(PersonId("U1"), services.team, "Ann", Role.ADMIN)
        await digest_now(services, person, "C1")
    finally:
        await store.close()


def test_a_line_of_a_digest_is_explained(desk: Call, project: Path) -> None:
    """What Slack shows of a digest is explained here as well, with its steps; without one it is said."""
    none = desk("explain", "digest")
    assert (none.code, "There is no digest yet" in none.err) == (2, True)
    asyncio.run(_digest(f"sqlite+aiosqlite:///{project / 'evalbot.db'}"))
    said = desk("explain", "digest", "rules").out
    for part in (
        " · rules",
        "run 1, the newest finished run",
        "Source: Wilson 1927",
        "interval = ",
        "Also: explain digest",
    ):
        assert part in said, part
    [told] = json.loads(desk("explain", "digest", "--json").out)["explanations"]
    assert told["title"].endswith("headline")
    assert told["said"]
    wrong = desk("explain", "digest", "rule")
    assert (wrong.code, "Did you mean rules?" in wrong.err) == (2, True)
