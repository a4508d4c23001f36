"""Numbers found by what people type, and explained from what is stored."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalbot.errors import BadRequest, UnknownName
from evalbot.people import Role, TeamId
from evalbot.reporting.estimates import How
from evalbot.runs.runs import Run
from evalbot.store.database import Store
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.targets import Target
from evalbot.workflows.explaining import explain_judges, explain_key, explain_number
from tests.integration.judge_world import ANN, HELPFULNESS, JudgeWorld, make_desk

TARGETS = (Target("test:gpt-model", "new model"), Target("test:gpt-model", "old", {"seed": 1}))


@pytest.fixture
async def world(sqlite_store: Store) -> JudgeWorld:
    """A world on an empty store."""
    return JudgeWorld(sqlite_store)


@pytest.fixture
async def run(world: JudgeWorld) -> Run:
    """A run of two targets over two skills, with a check beside the judge, which people graded."""
    desk = make_desk()
    items = tuple(replace(one, skill="gift cards" if n % 2 else "refunds") for n, one in enumerate(desk.items))
    checked = (*desk.graders, GraderSpec(GraderType.CONTAINS, value="number"))
    ran = await world.ran(replace(desk, items=items, targets=TARGETS, graders=checked))
    await world.graded_by_people(ran)
    return ran


WORDS = {
    (): "new model · all items",
    ("overall",): "new model · all items",
    ("OLD",): "old · all items",
    ("refunds",): "new model · refunds",
    ("gift", "cards"): "new model · gift cards",
    ("old", "gift cards"): "old · gift cards",
    ("old", "refunds", "helpfulness"): "old · refunds · helpfulness",
    ("new model", "correct"): "new model · all items · correct",
}


async def test_words_name_a_number(world: JudgeWorld, run: Run) -> None:
    """Targets, skills and criteria in any case, alone or together; what is not said is the overall pass rate of the first."""
    for words, about in WORDS.items():
        explanation = await explain_number(world.services, ANN, run, words)
        assert explanation.title == f"Run {run.number} of desk · {about}"
        assert explanation.shown is not None, words
        assert await explain_key(world.services, ANN, run, explanation.key) == explanation, words


async def test_checks_and_judge_and_people_are_all_named(world: JudgeWorld, run: Run) -> None:
    """A number of mixed origin names each, by itself and in the ways beside."""
    explanation = await explain_number(world.services, ANN, run)
    facts = {fact.name: fact.text for fact in explanation.facts}
    assert facts["Code checks"] == "contains (60 answers)"
    assert facts["Judge"].startswith(
        f"judge (test:judge), rubric {HELPFULNESS.name} version 1, prompt rubric version 1"
    )
    assert facts["People"].startswith("2 people graded 60 answers, 120 of 120 grades blind")
    assert explanation.shown is not None
    assert explanation.shown.how is How.CORRECTED
    assert {one.name for one in explanation.beside} >= {"by the judge alone, unverified", "by code checks alone"}


async def test_what_is_not_there_is_said(world: JudgeWorld, run: Run) -> None:
    """A wrong name gets the nearest one, a stranger's run looks like none, a number that is gone says so."""
    with pytest.raises(UnknownName, match="Did you mean refunds"):
        await explain_number(world.services, ANN, run, ("refnds",))
    with pytest.raises(UnknownName, match="no number of that name"):
        await explain_number(world.services, ANN, run, ("old", "new model"))
    for stranger in (replace(ANN, team=TeamId("T2")), replace(ANN, role=Role.OUTSIDER)):
        with pytest.raises(UnknownName, match="no such run"):
            await explain_number(world.services, stranger, run)
    with pytest.raises(BadRequest, match="not there any more"):
        await explain_key(world.services, ANN, run, "0123456789abcdef")


async def test_a_judge_is_explained_with_its_bar(world: JudgeWorld, run: Run) -> None:
    """What is said of a judge rests on the answers that people graded, and shows how it was held against the bar."""
    [explanation] = await explain_judges(world.services, "desk")
    assert explanation.facts[0].text == "120 answers that people graded blind, drawn by chance"
    assert explanation.shown is not None
    assert explanation.shown.n == 120
    assert explanation.formulas[0].steps[-1].endswith("is under the bar: unverified")
