"""The simulated models: their skill, their drift over twelve weeks, and that they repeat themselves exactly."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

import pytest

from evalbot.playground.simulated.bank import load_questions
from evalbot.playground.simulated.personas import WEEKS, Cast, load_personas, uniform

QUESTIONS = load_questions()
CAST = Cast(load_personas(), QUESTIONS)


def rate(model: str, weeks: Sequence[int], skill: str | None = None) -> float:
    """Give the share of truly good answers over some weeks."""
    asked = [question for question in QUESTIONS if skill in (None, question.skill)]
    return mean(CAST.quality(model, question, week, 0) >= 3 for question in asked for week in weeks)


def test_models_differ_as_their_names_say() -> None:
    """The steady one is best, the novice is far behind, in every week."""
    for week in range(WEEKS):
        assert rate("sim-steady", [week]) > rate("sim-novice", [week]) + 0.2
    everything = range(WEEKS)
    assert rate("sim-steady", everything) > rate("sim-swift", everything) > rate("sim-novice", everything)


def test_swift_loses_citations_four_weeks_ago_at_one_step() -> None:
    """Weeks 0 to 3 are after the drop, weeks 4 to 11 before it, and within each part nothing moves much."""
    before = [rate("sim-swift", [week], "citations") for week in range(4, WEEKS)]
    after = [rate("sim-swift", [week], "citations") for week in range(4)]
    assert mean(before) - mean(after) > 0.25
    assert min(before) > max(after)


def test_swift_gains_tone_slowly() -> None:
    """The last quarter is clearly better than the first."""
    assert rate("sim-swift", range(3), "tone") - rate("sim-swift", range(9, WEEKS), "tone") >= 0.15


@pytest.mark.parametrize("skill", sorted({question.skill for question in QUESTIONS}))
def test_steady_stays_where_it_is(skill: str) -> None:
    """The older and the newer six weeks of the steady model differ by little in every skill."""
    assert abs(rate("sim-steady", range(6), skill) - rate("sim-steady", range(6, WEEKS), skill)) < 0.15


def test_an_item_is_mostly_as_hard_next_week() -> None:
    """From week to week few items change between good and bad, so runs can be compared in pairs."""
    same = [
        (CAST.quality("sim-steady", question, week, 0) >= 3) == (CAST.quality("sim-steady", question, week + 1, 0) >= 3)
        for question in QUESTIONS
        for week in range(WEEKS - 1)
    ]
    assert 0.85 < mean(same) < 1.0


def test_harder_levels_are_failed_more_often_by_the_novice() -> None:
    """A progression shows: the first level of a skill goes better than the last."""
    easy = [question for question in QUESTIONS if question.difficulty == 0]
    hard = [question for question in QUESTIONS if question.difficulty == 1]
    rates = [
        mean(CAST.quality("sim-novice", question, week, 0) >= 3 for question in group for week in range(WEEKS))
        for group in (easy, hard)
    ]
    assert rates[0] - rates[1] > 0.15


def test_same_question_week_and_repeat_give_the_same_answer() -> None:
    """Two casts built apart answer alike, and another repeat changes some answers only."""
    again = Cast(load_personas(), load_questions())
    first = [CAST.answer("sim-swift", question, 2, 0) for question in QUESTIONS]
    assert first == [again.answer("sim-swift", question, 2, 0) for question in QUESTIONS]
    repeated = [CAST.quality("sim-swift", question, 2, 1) for question in QUESTIONS]
    kept = mean(a == CAST.quality("sim-swift", q, 2, 0) for a, q in zip(repeated, QUESTIONS, strict=True))
    assert 0.6 < kept < 1.0


def test_every_persona_says_that_it_is_simulated() -> None:
    """The description names what the model is."""
    assert all(persona.description.startswith("Simulated model") for persona in load_personas())


def test_uniform_fills_the_unit_interval() -> None:
    """The draws of many names spread evenly."""
    draws = [uniform("x", number) for number in range(4000)]
    assert 0 < min(draws) < 0.01
    assert 0.99 < max(draws) < 1
    assert abs(mean(draws) - 0.5) < 0.02
