"""A suite of promptfoo, taken over as it is: the same outputs, passes and scores as promptfoo's own."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from evalbot.asking.answerers import ModelAnswerers
from evalbot.asking.ask import Question
from evalbot.grading.checks import grade_with_checks
from evalbot.grading.grades import Grade
from evalbot.library.project import Project
from evalbot.library.promptfoo_suite import load_promptfoo
from evalbot.library.written_form import item_fields
from evalbot.reporting.scores import score_output
from evalbot.runs.outputs import Output, RunId, Unit, output_id
from evalbot.suites.filling import fill_prompt
from evalbot.suites.items import Item
from evalbot.suites.pairing import prompt_of
from evalbot.suites.suites import Suite
from evalbot.suites.targets import Target

FOLDER = Path(__file__).parents[3] / ".." / "shared" / "interop" / "promptfoo" / "echo-suite"
NOW = datetime(2026, 5, 4, tzinfo=UTC)


@pytest.fixture
def suite() -> Suite:
    """The suite of the practice material beside the checkout."""
    if not FOLDER.is_dir():
        pytest.skip(f"NOT TESTED: the practice material {FOLDER} is missing")
    folder = FOLDER.resolve()
    return load_promptfoo(folder / "promptfooconfig.yaml", Project(folder))


async def graded(suite: Suite, item: Item, target: Target) -> tuple[Output, list[Grade]]:
    """Ask one target with its prompt and run the item's checks."""
    models = ModelAnswerers(None, None, FOLDER)
    question = Question(fill_prompt(prompt_of(target, suite.prompts), item), item)
    answer = await models.answerer(target).ask(question)
    unit, run = Unit(target.label, item.id, 0), RunId("r")
    output = Output(output_id(run, unit), run, unit, answer.text, None, answer.usage, NOW)
    return output, grade_with_checks(output, item, suite.graders_of(item), NOW)


async def test_results_equal_promptfoos_own(suite: Suite) -> None:
    """Eight outputs, of which five pass, each with promptfoo's text, score and verdict by verdict."""
    own = json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))["results"]["results"]
    theirs: dict[tuple[int, int], Any] = {(one["testIdx"], one["promptIdx"]): one for one in own}
    passed = 0
    for (test, prompt), wanted in theirs.items():
        output, grades = await graded(suite, suite.items[test], suite.targets[prompt])
        assert output.text == wanted["response"]["output"]
        every = wanted["gradingResult"]["componentResults"]
        parts = [one for place, one in enumerate(every) if not _in_a_set(every, place)]
        assert [(grade.passed, grade.score) for grade in grades] == [(one["pass"], one["score"]) for one in parts]
        total = sum((grade.score or 0) * grade.weight for grade in grades) / sum(grade.weight for grade in grades)
        assert total == pytest.approx(wanted["score"])
        score = score_output(output, grades, len(grades))
        assert score is not None
        assert score.passed is wanted["success"]
        passed += score.passed
    assert (len(theirs), passed) == (8, 5)


def _in_a_set(parts: list[Any], place: int) -> bool:
    """Tell whether a result belongs to the set that stands before it: promptfoo lists a set, then its two members."""
    sets = [number for number, one in enumerate(parts) if not one.get("assertion")]
    return any(number < place <= number + 2 for number in sets)


async def test_named_scores_equal_promptfoos_own(suite: Suite) -> None:
    """The metric `policy` has promptfoo's score with each prompt."""
    own = json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))["results"]["results"]
    wanted = {one["promptIdx"]: one["namedScores"]["policy"] for one in own if "policy" in one["namedScores"]}
    assert wanted == {0: 1, 1: 0}
    for prompt, policy in wanted.items():
        output, grades = await graded(suite, suite.items[0], suite.targets[prompt])
        score = score_output(output, grades, len(grades))
        assert score is not None
        assert score.scores["policy"] == policy


def test_the_suite_can_be_written_in_our_form(suite: Suite) -> None:
    """Sets, edits and negations survive the way into an items file and back."""
    fields = [item_fields(item) for item in suite.items]
    assert fields[2]["graders"] == [
        {
            "type": "assert-set",
            "threshold": 0.5,
            "graders": [
                {"type": "starts-with", "value": "You are"},
                {"type": "fuzzy", "value": "Short answer to: one", "threshold": 3.0, "mode": "distance"},
            ],
        }
    ]
    assert fields[0]["graders"][1] == {"type": "contains", "value": "guarantee", "negate": True}  # type: ignore[index]
