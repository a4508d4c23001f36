"""Runs as JSON: every text exactly, every number with interval and n."""

from __future__ import annotations

import json
from dataclasses import replace

from evalbot.reporting.gates import evaluate_gate
from evalbot.reports.json import run_json
from evalbot.suites.gates import parse_gate
from tests.unit.reports.report_samples import SECRET, hostile_texts, mixed_report, report_of


def test_hostile_answers_come_back() -> None:
    """The texts are what the model sent, half surrogate pairs and NUL included; the file is ASCII."""
    texts = list(dict.fromkeys(hostile_texts()))
    written = run_json(report_of(texts))
    assert written.isascii()
    assert [answer["answer"] for answer in json.loads(written)["answers"]] == texts


def test_numbers_and_states_are_there() -> None:
    """Estimates have interval, n and method; answers have state and grades; people are counted, not named."""
    written = run_json(mixed_report())
    data = json.loads(written)
    overall = data["estimates"][0]
    assert (overall["skill"], overall["score"], overall["n"]) == ("overall", 4 / 9, 9)
    assert 0 < overall["lower"] < 4 / 9 < overall["upper"] < 1
    assert data["counts"] == {"items": 12, "outputs": 11, "errors": 1, "ungraded": 1}
    answers = {answer["item"]: answer for answer in data["answers"]}
    assert answers["item-4"]["people"] == {"grades": 2, "passed": 1}
    assert answers["item-4"]["grades"][0]["reason"] == "Not found."
    assert answers["item-7"]["error"] == {"kind": "timeout", "message": "No answer in 60 s."}
    assert (answers["item-9"]["state"], answers["item-9"]["grades"]) == ("in review", [])
    assert "U0BOB" not in written
    assert (data["held_back"], SECRET in written) == (1, False)


def test_the_gate_is_in_it() -> None:
    """How each condition stands can be read by a program."""
    report = mixed_report()
    gate = evaluate_gate(
        parse_gate(["overall.lower < 0.8", "overall.delta.significant_drop"]), report.summary, ["main"]
    )
    found = json.loads(run_json(replace(report, gate=gate)))["gate"]
    assert found["failed"] is True
    assert [one["state"] for one in found["conditions"]] == ["met", "nothing to compare with"]
