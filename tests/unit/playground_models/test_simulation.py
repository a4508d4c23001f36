"""The simulation's settings, its fallback answers, its faults and its JSON."""

from __future__ import annotations

import json
import re

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.playground.simulated import wire
from evalbot.playground.simulated.fallback import fallback_answer
from evalbot.playground.simulated.faults import Fault, FaultPlan
from evalbot.playground.simulated.simulation import JUDGE, Simulation, SimulationError

PROBLEM = "Zed has 17 kites and gives away 5. How many kites are left?"


def ask(simulation: Simulation, model: str, text: str, **body: object) -> str:
    """Put one question."""
    return simulation.answer(model, [{"role": "user", "content": text}], body)


def test_unknown_word_problem_gets_a_guess_that_is_called_simulated() -> None:
    """The fallback ends with a number and is the same every time."""
    answer = fallback_answer("sim-swift", PROBLEM)
    assert answer.startswith("Simulated answer:")
    assert re.search(r"\nA: \d+$", answer)
    assert answer == fallback_answer("sim-swift", PROBLEM)


def test_unknown_other_question_gets_no_made_up_answer() -> None:
    """Without a sum to guess, the model says that it is not a real one."""
    assert "not a real model" in fallback_answer("sim-novice", "What do you think of jazz?")


@given(st.text(max_size=300))
def test_fallback_answers_anything(text: str) -> None:
    """No text breaks it."""
    assert fallback_answer("sim-steady", text).startswith("Simulated answer:")


def test_script_answers_first_but_not_for_the_judge() -> None:
    """Plain lines hold for all models but the judge, whose prompt quotes the question; the longest match wins."""
    simulation = Simulation()
    simulation.apply({"script": {"kites": "Short.", "kites are left": "Long.", JUDGE: {"kites": "Mine."}}})
    assert ask(simulation, "sim-swift", PROBLEM) == "Long."
    assert ask(simulation, JUDGE, PROBLEM) == "Mine."


def test_seed_and_temperature_fix_the_repeat() -> None:
    """The same seed gives the same answer, temperature 0 never varies, otherwise repeats are drawn anew."""
    simulation = Simulation()
    questions = [question.question for question in simulation.bank.questions]
    assert [ask(simulation, "sim-swift", q, seed=5) for q in questions] == [
        ask(simulation, "sim-swift", q, seed=5) for q in questions
    ]
    cold = [[ask(simulation, "sim-swift", q, temperature=0) for q in questions] for _ in range(2)]
    assert cold[0] == cold[1]
    free = [[ask(simulation, "sim-swift", q) for q in questions] for _ in range(2)]
    assert free[0] != free[1]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"week_ago": 3}, "did you mean weeks_ago"),
        ({"weeks_ago": 12}, "from 0"),
        ({"weeks_ago": True}, "from 0"),
        ({"latency_ms": -1}, "at least 0"),
        ({"faults": {"rate_limits": 1}}, "names: rate_limit"),
        ({"faults": {"hang": 0.6, "html": 0.6}}, "above 1"),
        ({"fault_models": "sim-swift"}, "list of models"),
        ({"fault_limit": 1.5}, "whole number"),
        ({"script": ["x"]}, "object"),
    ],
)
def test_bad_settings_are_refused_whole(changes: dict[str, object], told: str) -> None:
    """The message says what is allowed, and nothing changes."""
    simulation = Simulation()
    before = simulation.state()
    with pytest.raises(SimulationError, match=told):
        simulation.apply({"latency_ms": 99, **changes})
    assert simulation.state() == before


def test_faults_come_at_their_rates_and_the_same_way_again() -> None:
    """The n-th request of a plan always meets the same fate, and the shares are near the rates."""
    plans = [FaultPlan({Fault.RATE_LIMIT: 0.2, Fault.HTML: 0.1}) for _ in range(2)]
    fates = [[plan.next_fault("m") for _ in range(3000)] for plan in plans]
    assert fates[0] == fates[1]
    assert fates[0].count(Fault.RATE_LIMIT) == pytest.approx(600, abs=80)
    assert fates[0].count(Fault.HTML) == pytest.approx(300, abs=60)
    assert plans[0].met == {"rate_limit": fates[0].count(Fault.RATE_LIMIT), "html": fates[0].count(Fault.HTML)}


def test_fault_limit_and_models_confine_faults() -> None:
    """Only so many requests of the named models fail."""
    plan = FaultPlan({Fault.SERVER_ERROR: 1.0}, frozenset({"a"}), limit=2)
    assert [plan.next_fault(model) for model in "baaa"] == [None, Fault.SERVER_ERROR, Fault.SERVER_ERROR, None]


SCHEMAS = st.recursive(
    st.sampled_from(
        [
            {"type": "string"},
            {"type": "boolean"},
            {"type": "null"},
            {"type": ["string", "null"]},
            {"enum": ["yes", "no"]},
            {"const": 3},
            {"type": "integer", "minimum": 1, "maximum": 4},
            {"type": "number", "maximum": 0.5},
        ]
    ),
    lambda inner: st.one_of(
        st.builds(lambda items: {"type": "array", "items": items, "minItems": 2}, inner),
        st.dictionaries(st.sampled_from("abcd"), inner, max_size=3).map(
            lambda p: {"type": "object", "properties": p, "required": list(p), "additionalProperties": False}
        ),
    ),
    max_leaves=6,
)


@given(SCHEMAS, st.text(max_size=40))
def test_structured_answers_fit_their_schema(schema: dict[str, object], answer: str) -> None:
    """Whatever the answer says, the JSON made of it is valid."""
    jsonschema.validate(wire.filled(schema, answer), schema)


@given(st.text(max_size=80))
def test_completion_is_json_whatever_the_answer(answer: str) -> None:
    """The body that is put together by hand parses back to the answer."""
    body = json.loads(wire.completion(7, "sim-swift", "ask", answer))
    assert body["choices"][0]["message"]["content"] == answer
    assert body["usage"]["total_tokens"] == 1 + wire.tokens(answer)


@given(st.text(max_size=80))
def test_chunks_add_up_to_the_answer(answer: str) -> None:
    """The pieces of a stream, joined, are the answer; the last event ends the stream."""
    events = list(wire.chunks(7, "sim-swift", "ask", answer, with_usage=True))
    assert events[-1] == b"data: [DONE]\n\n"
    parts = [json.loads(event.removeprefix(b"data: ")) for event in events[:-1]]
    assert "".join(c["delta"].get("content", "") for part in parts for c in part["choices"]) == answer
    assert parts[-1]["choices"] == []
