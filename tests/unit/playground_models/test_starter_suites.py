"""The starter suites: they load whole, and their checks, references and the answer bank fit together."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from evalbot.grading.checks import run_check
from evalbot.grading.judge_prompts import judge_messages
from evalbot.grading.judging import parse_verdict
from evalbot.library.project import load_project
from evalbot.playground.simulated.bank import KnownQuestion, load_questions
from evalbot.playground.simulated.judge import read_judge_prompt, verdict
from evalbot.playground.simulated.simulation import JUDGE, Simulation
from evalbot.suites.filling import fill_prompt
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import Item, Split
from evalbot.suites.suites import Suite

ROOT = Path(__file__).parents[3]
PROJECT = load_project(ROOT)
BANK: dict[str, KnownQuestion] = {question.item: question for question in load_questions()}
SIZES = {"support-desk": 48, "word-problems": 44, "straight-answers": 42}
ITEMS = [(PROJECT.suites[name], item) for name in sorted(SIZES) for item in PROJECT.suites[name].items]
SIMULATION = Simulation()
ARTICLE = re.compile(r"HC-\d+")


def checks_of(suite: Suite, item: Item) -> list[GraderSpec]:
    """Give an item's code checks."""
    return [spec for spec in suite.graders_of(item) if spec.type is not GraderType.RUBRIC]


def passes(suite: Suite, item: Item, text: str) -> bool:
    """Tell whether a text passes all code checks of an item, none of which may be broken."""
    results = [run_check(spec, item, text) for spec in checks_of(suite, item)]
    assert [result.error for result in results if result.error] == []
    return all(result.passed for result in results)


def test_everything_that_ships_loads_without_a_problem() -> None:
    """Suites, rubrics and prompts are valid by the product's own strict loader."""
    assert [str(problem) for problem in PROJECT.problems] == []
    assert PROJECT.suites.keys() == SIZES.keys()
    assert {"helpfulness", "truthfulness", "engagement", "humanness"} <= PROJECT.rubrics.keys()


@pytest.mark.parametrize("name", sorted(SIZES))
def test_suite_is_large_enough_and_every_level_has_items(name: str) -> None:
    """No rung of a progression is empty, so a broken one can be seen."""
    suite = PROJECT.suites[name]
    assert len(suite.items) >= SIZES[name]
    counts = Counter((item.skill, item.level) for item in suite.items)
    rungs = [(skill, level) for skill, about in suite.skills.items() for level in about.levels]
    assert len(rungs) >= 10
    assert all(counts[rung] >= 2 for rung in rungs)


@pytest.mark.parametrize("name", sorted(SIZES))
def test_every_skill_keeps_items_back(name: str) -> None:
    """About a quarter of the items is held out, from each skill some."""
    items = PROJECT.suites[name].items
    held = Counter(item.skill for item in items if item.split is Split.HOLDOUT)
    assert held.keys() == {item.skill for item in items}
    assert 0.2 <= sum(held.values()) / len(items) <= 0.3


@pytest.mark.parametrize("name", sorted(SIZES))
def test_targets_are_simulated_and_said_to_be(name: str) -> None:
    """The description says simulated; every target and judge is a model of the simulated server."""
    suite = PROJECT.suites[name]
    judge = [suite.run.judge] if suite.run.judge else []
    models = {target.id.removeprefix("openai:") for target in [*suite.targets, *judge]}
    assert "simulated" in suite.description
    assert models <= SIMULATION.models.keys()
    assert [target.label for target in suite.targets] == [suite.baseline, "candidate"]


@pytest.mark.parametrize(("suite", "item"), ITEMS, ids=[item.id for _, item in ITEMS])
def test_checks_pass_good_answers_and_fail_wrong_ones(suite: Suite, item: Item) -> None:
    """Good answers pass every check; where there are checks, at least one answer of low quality fails."""
    met = [(answer, passes(suite, item, answer.text)) for answer in BANK[item.id].answers]
    assert [answer.text for answer, ok in met if answer.quality >= 3 and not ok] == []
    low = [ok for answer, ok in met if answer.quality <= 2]
    assert low
    assert not checks_of(suite, item) or not all(low)


def test_word_problems_are_decided_by_the_number_alone() -> None:
    """In this suite every answer below 3 fails the numeric check, as there is no judge."""
    suite = PROJECT.suites["word-problems"]
    wrong = [(item, a.text) for item in suite.items for a in BANK[item.id].answers if a.quality <= 2]
    assert [text for item, text in wrong if passes(suite, item, text)] == []


def test_citation_items_fail_answers_without_the_right_article() -> None:
    """Whoever leaves out an article, or names another one, fails by code."""
    suite = PROJECT.suites["support-desk"]
    for item in suite.items:
        if item.skill == "citations":
            articles = set(ARTICLE.findall(str([spec.value for spec in item.graders])))
            assert articles
            texts = [answer.text for answer in BANK[item.id].answers]
            lacking = [text for text in texts if not articles <= set(ARTICLE.findall(text))]
            assert lacking
            assert not any(passes(suite, item, text) for text in lacking)


def test_articles_cited_by_good_answers_exist() -> None:
    """No good answer and no reference cites an article that the shop's policy does not have."""
    policy = set(re.findall(r"^HC-\d+", (ROOT / "prompts" / "support-reply.md").read_text("utf-8"), re.MULTILINE))
    texts = [str(item.reference) for _, item in ITEMS]
    texts += [answer.text for question in BANK.values() for answer in question.answers if answer.quality >= 3]
    assert len(policy) >= 25
    assert set(ARTICLE.findall(" ".join(texts))) <= policy


def test_bank_holds_exactly_the_items_of_the_suites() -> None:
    """Question, skill and suite of each line of the bank are those of the item of this id."""
    wanted = {item.id: (suite.name, item.skill, item.question) for suite, item in ITEMS}
    assert {key: (question.suite, question.skill, question.question) for key, question in BANK.items()} == wanted


def test_filled_prompts_are_recognised_by_the_simulated_models() -> None:
    """What a run puts to a target leads to the item's own answers, multi-turn items included."""
    bank = SIMULATION.bank
    for suite, item in ITEMS:
        question = bank.find(fill_prompt(suite.prompts[0], item)[-1].content)
        assert question is not None
        assert question.item == item.id


@pytest.mark.parametrize(
    ("suite", "item"),
    [one for one in ITEMS if one[0].run.judge][::7],
    ids=lambda value: value.name if isinstance(value, Suite) else value.id,
)
def test_product_and_simulated_judge_understand_each_other(suite: Suite, item: Item) -> None:
    """The product's judge request is read by the simulated judge, and its verdict by the product."""
    rubric = suite.rubric_of(item)
    assert rubric is not None
    for answer in BANK[item.id].answers:
        request = judge_messages(rubric, item.question, item.references, answer.text, "markmark42")
        task = read_judge_prompt("\n".join(message.content for message in request))
        assert task is not None
        assert task.answer == answer.text
        said = SIMULATION.answer(JUDGE, [{"role": one.role, "content": one.content} for one in request], {})
        assert said == verdict(task, SIMULATION.bank)
        assert rubric.scale.holds(parse_verdict(said, rubric).level)


@pytest.mark.parametrize("name", ["helpfulness", "truthfulness", "engagement", "humanness"])
def test_rubric_has_anchors_and_examples_on_both_sides(name: str) -> None:
    """Levels count from 1, each with label and anchor; examples show a pass and a fail, each with a reason."""
    rubric = PROJECT.rubrics[name]
    assert rubric.question.endswith("?")
    assert [step.value for step in rubric.scale.steps] == list(range(1, len(rubric.scale.steps) + 1))
    assert len(rubric.scale.steps) in (4, 5)
    assert all(step.label and step.anchor.endswith(".") for step in rubric.scale.steps)
    assert {rubric.passes(example.grade) for example in rubric.examples} == {True, False}
    assert all(example.why for example in rubric.examples)
    assert rubric.judge is not None
