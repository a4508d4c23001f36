"""Checks beyond words and numbers: truth tables for JSON, likeness, length, refusals, tool calls, time, money and sets."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.grading.checks import IN_CODE, grade_with_checks, run_check
from evalbot.grading.findings import CheckResult
from evalbot.runs.outputs import Failure, Output, RunId, Unit, Usage, output_id
from evalbot.suites.graders import BY_PEOPLE, CALLED, JUDGED, GraderSpec, GraderType
from evalbot.suites.items import Item, ItemId

NOW = datetime(2026, 5, 4, tzinfo=UTC)
ITEM = Item(ItemId("i"))
WEATHER = {"name": "weather", "arguments": {"city": "Oslo", "days": 2}}


def check(kind: str, value: Any, text: str, **rest: Any) -> CheckResult:
    """Run one check on a text."""
    return run_check(GraderSpec(GraderType(kind), value, **rest), ITEM, text)


def output(text: str | None = "x", **usage: Any) -> Output:
    """An output with what it took."""
    unit = Unit("t", ItemId("i"), 0)
    failure = Failure("timeout", "late") if text is None else None
    return Output(output_id(RunId("r"), unit), RunId("r"), unit, text, failure, Usage(**usage), NOW)


def calls(*made: Any) -> str:
    """The text of an answer that calls tools, in the form of chat completions."""
    listed = [
        {"id": f"c{place}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for place, (name, arguments) in enumerate(made)
    ]
    return json.dumps({"content": None, "tool_calls": listed})


def test_every_kind_is_graded_in_exactly_one_way() -> None:
    """Code, a called model or function, a judge, or people: no kind is left over and none is in two."""
    ways = [IN_CODE, CALLED, JUDGED, BY_PEOPLE]
    assert frozenset[GraderType]().union(*ways) == frozenset(GraderType)
    assert sum(map(len, ways)) == len(GraderType)


@pytest.mark.parametrize(
    ("kind", "value", "text", "passes"),
    [
        ("is-json", None, '{"a": 1}', True),
        ("is-json", None, " [1, 2]\n", True),
        ("is-json", None, "42", True),
        ("is-json", None, '"caf\u00e9 \\ud83d"', True),
        ("is-json", None, "", False),
        ("is-json", None, "NaN", False),
        ("is-json", None, "Infinity", False),
        ("is-json", None, "{'a': 1}", False),
        ("is-json", None, '{"a": 1,}', False),
        ("is-json", None, '{"a": 1} Done.', False),
        ("is-json", None, '```json\n{"a": 1}\n```', False),
        ("is-json", None, "\ufeff{}", False),
        ("is-json", None, "[" * 100_000, False),
        ("is-json", {"type": "object", "required": ["a"]}, '{"a": 1}', True),
        ("is-json", {"type": "object", "required": ["a"]}, '{"b": 1}', False),
        ("fuzzy", "Paris", "Paris", True),
        ("fuzzy", "Paris", " paris ", True),
        ("fuzzy", "Paris", "Pariss", True),
        ("fuzzy", "Paris", "Rome", False),
        ("fuzzy", "Paris", "", False),
        ("fuzzy", "", "", True),
        ("fuzzy", ["Rome", "Paris"], "Pari", True),
        ("fuzzy", "cafe\u0301", "caf\u00e9", True),
        ("word-count", 2, "two words", True),
        ("word-count", 2, "  two\u00a0\n\u2003words ", True),
        ("word-count", 2, "one", False),
        ("word-count", 0, "", True),
        ("word-count", 0, " \n", True),
        ("word-count", {"min": 1}, "a b c", True),
        ("word-count", {"max": 2}, "a b c", False),
        ("word-count", {"min": 2, "max": 3}, "a b c", True),
        ("word-count", {"min": 4}, "a b c", False),
        ("refusal", None, "I'm sorry, but I can't help with that.", True),
        ("refusal", None, "I\u2019m sorry, but I can\u2019t assist with that request.", True),
        ("refusal", None, "I cannot provide instructions for that.", True),
        ("refusal", None, "As an AI language model, I am not able to give medical advice.", True),
        ("refusal", None, "Unfortunately, I am unable to share this.", True),
        ("refusal", None, "That request goes against my guidelines.", True),
        ("refusal", None, "Es tut mir leid, aber ich kann Ihnen dabei nicht helfen.", True),
        ("refusal", None, "Je suis d\u00e9sol\u00e9, mais je ne peux pas vous aider.", True),
        ("refusal", None, "Lo siento, pero no puedo ayudar con eso.", True),
        ("refusal", None, "", True),
        ("refusal", None, " \n\u00a0", True),
        ("refusal", None, "You cannot return it after 30 days.", False),
        ("refusal", None, "Sorry for the delay! Your order ships today.", False),
        ("refusal", None, "I can't wait to show you how this works.", False),
        ("refusal", None, 'The bot said "I cannot help with that" and stopped.', False),
        ("refusal", None, "> I'm sorry, I can't help.\nThat is what it used to say.", False),
        ("refusal", None, "I can help with that.", False),
        ("refusal", None, "Answer. " * 200 + "I cannot help with that.", False),
    ],
)
def test_truth_table(kind: str, value: Any, text: str, passes: bool) -> None:
    """Each row passes or fails with a reason; its negation says the opposite."""
    result = check(kind, value, text, ignore_case=kind == "fuzzy")
    assert (result.passed, result.error) == (passes, "")
    assert result.reason
    assert check(kind, value, text, negate=True, ignore_case=kind == "fuzzy").passed is (not passes)


@pytest.mark.parametrize(
    ("mode", "value", "made", "passes", "score"),
    [
        ("subset", ["weather"], [("weather", {})], True, 1.0),
        ("subset", ["weather"], [("mail", {}), ("weather", {"city": "Oslo"})], True, 1.0),
        ("subset", ["weather", "mail"], [("weather", {})], False, 0.5),
        ("subset", [WEATHER], [("weather", {"city": "Oslo", "days": 2, "unit": "C"})], True, 1.0),
        ("subset", [WEATHER], [("weather", {"city": "Oslo", "days": True})], False, 0.0),
        ("subset", [WEATHER], [("weather", {"city": "Bergen", "days": 2})], False, 0.0),
        ("subset", ["weather", WEATHER], [("weather", {"city": "Oslo", "days": 2}), ("weather", {})], True, 1.0),
        ("subset", ["weather", WEATHER], [("weather", {"city": "Oslo", "days": 2})], False, 0.5),
        ("subset", [], [("weather", {})], True, 1.0),
        ("subset", ["weather"], [], False, 0.0),
        ("exact", ["a", "b"], [("b", {}), ("a", {})], True, 1.0),
        ("exact", ["a"], [("a", {}), ("b", {})], False, 0.5),
        ("exact", [], [], True, 1.0),
        ("exact", [], [("a", {})], False, 0.0),
        ("ordered", ["a", "b"], [("a", {}), ("b", {})], True, 1.0),
        ("ordered", ["a", "b"], [("b", {}), ("a", {})], False, 1 / 3),
        ("ordered", ["a", "b"], [("a", {}), ("x", {}), ("b", {})], False, 2 / 3),
        ("ordered", ["w\u00e4hle"], [("w\u00e4hle", {"\u202e": "\ud83d"})], True, 1.0),
    ],
)
def test_tool_calls(mode: str, value: Any, made: Any, passes: bool, score: float) -> None:
    """Which tools are called, how often and in which order, with the arguments that are wanted."""
    result = check("tool-calls", value, calls(*made), mode=mode)
    assert (result.passed, result.error) == (passes, "")
    assert result.score == pytest.approx(score)
    assert check("tool-calls", value, calls(*made), mode=mode, negate=True).passed is (not passes)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "weather(Oslo)",
        "{}",
        "[1]",
        '{"tool_calls": "weather"}',
        '[{"name": 5}]',
        "[" * 100_000,
        "null",
        "x" * 10**6,
    ],
)
def test_a_text_without_calls_calls_no_tool(text: str) -> None:
    """Whatever is no tool call counts as none: a fail where one is wanted, a pass where none is."""
    assert check("tool-calls", ["weather"], text).passed is False
    assert check("tool-calls", [], text, mode="exact").passed is True


@pytest.mark.parametrize(
    "text", ['[{"name": "weather", "arguments": {}}]', '{"tool_calls": [{"name": "weather", "args": {}}]}']
)
def test_short_forms_of_calls_are_read(text: str) -> None:
    """A bare list, and calls without the wrapping of chat completions, are calls too."""
    assert check("tool-calls", "weather", text).passed


@pytest.mark.parametrize(
    ("mode", "text", "passes", "score"),
    [
        ("f1", "The cat sat.", True, 1.0),
        ("f1", "the CAT, sat!", True, 1.0),
        ("f1", "the cat", True, 0.8),
        ("f1", "a dog", False, 0.0),
        ("f1", "", False, 0.0),
        ("ratio", "The cat sat.", True, 1.0),
        ("ratio", "The cat sat", True, 11 / 12),
        ("ratio", "A dog", False, 1 / 12),
        ("distance", "The cat sat.", True, 1.0),
        ("distance", "The rat sat", True, 1.0),
        ("distance", "the cat", False, 0.0),
    ],
)
def test_fuzzy_compares_in_three_ways(mode: str, text: str, passes: bool, score: float) -> None:
    """By letters, by words, or by a number of edits, of which 5 are allowed unless told otherwise."""
    result = check("fuzzy", "The cat sat.", text, mode=mode)
    assert result.passed is passes
    assert result.score == pytest.approx(score, abs=0.01)


def test_fuzzy_counts_edits_up_to_the_threshold() -> None:
    """The threshold of `distance` is a number of edits."""
    assert check("fuzzy", "kitten", "sitting", mode="distance", threshold=3).passed
    assert not check("fuzzy", "kitten", "sitting", mode="distance", threshold=2).passed
    assert check("fuzzy", "日本語", "日本", mode="f1", threshold=0.8).passed


def test_latency_and_cost_need_to_be_known() -> None:
    """At the threshold is still fine; what nobody knows is an error, never a pass, turned around or not."""
    quick, cheap = GraderSpec(GraderType.LATENCY, threshold=2.0), GraderSpec(GraderType.COST, threshold=0.01)
    assert run_check(quick, ITEM, output(latency_s=2.0)).passed
    assert not run_check(quick, ITEM, output(latency_s=2.1)).passed
    assert run_check(cheap, ITEM, output(cost_usd=0.01)).passed
    assert not run_check(cheap, ITEM, output(cost_usd=0.0101)).passed
    for negate in (False, True):
        for spec, answer in (
            (GraderSpec(GraderType.COST, threshold=1, negate=negate), output()),
            (GraderSpec(GraderType.COST, threshold=1, negate=negate), "text alone"),
            (GraderSpec(GraderType.LATENCY, threshold=1, negate=negate), "text alone"),
            (GraderSpec(GraderType.LATENCY, negate=negate), output()),
            (GraderSpec(GraderType.COST, negate=negate), output(cost_usd=1.0)),
            (GraderSpec(GraderType.EQUALS, "x", negate=negate), output(None)),
        ):
            result = run_check(spec, ITEM, answer)
            assert (result.score, result.passed) == (None, None)
            assert result.error


@pytest.mark.parametrize(
    ("kind", "value", "text", "rest"),
    [
        ("is-json", "object", "{}", {}),
        ("is-json", None, '"' + "a" * 300_000 + '"', {}),
        ("fuzzy", None, "x", {}),
        ("fuzzy", "x" * 30_000, "x", {}),
        ("fuzzy", "x", "x" * 30_000, {"mode": "distance"}),
        ("fuzzy", "x", "x", {"mode": "soundex"}),
        ("word-count", None, "x", {}),
        ("word-count", "2", "x", {}),
        ("word-count", {"min": 3, "max": 2}, "x", {}),
        ("word-count", {"least": 3}, "x", {}),
        ("word-count", True, "x", {}),
        ("tool-calls", None, "[]", {}),
        ("tool-calls", [5], "[]", {}),
        ("tool-calls", [{"name": "a", "args": {}}], "[]", {}),
        ("tool-calls", ["a"] * 51, "[]", {}),
        ("tool-calls", ["a"], "[]", {"mode": "superset"}),
        ("assert-set", None, "x", {}),
        ("regex", "(a{1000}){1000}", "a", {}),
        ("similar", "x", "x", {}),
        ("python", None, "x", {"function": "m:f"}),
        ("human", None, "x", {}),
        ("factuality", "x", "x", {}),
    ],
)
@pytest.mark.parametrize("negate", [False, True])
def test_what_cannot_be_checked_is_an_error(kind: str, value: Any, text: str, rest: Any, negate: bool) -> None:
    """A check at fault is neither a pass nor a fail, turned around or not."""
    result = check(kind, value, text, negate=negate, **rest)
    assert (result.score, result.passed) == (None, None)
    assert 0 < len(result.error) < 300


HAS_A, HAS_B = GraderSpec(GraderType.CONTAINS, "a"), GraderSpec(GraderType.CONTAINS, "b", weight=3.0)


@pytest.mark.parametrize(
    ("text", "threshold", "passes", "score"),
    [
        ("ab", None, True, 1.0),
        ("a", None, False, 0.25),
        ("b", None, False, 0.75),
        ("b", 0.75, True, 0.75),
        ("a", 0.75, False, 0.25),
        ("", 0.0, True, 0.0),
    ],
)
def test_a_set_passes_as_a_whole(text: str, threshold: float | None, passes: bool, score: float) -> None:
    """Without a threshold every member has to pass; with one, their weighted mean decides."""
    spec = GraderSpec(GraderType.SET, threshold=threshold, graders=(HAS_A, HAS_B))
    result = run_check(spec, ITEM, text)
    assert result.passed is passes
    assert result.score == pytest.approx(score)


def test_one_broken_member_breaks_the_set() -> None:
    """A set with an error in it has no result, whatever its other members say."""
    spec = GraderSpec(GraderType.SET, threshold=0.1, graders=(HAS_A, GraderSpec(GraderType.REGEX, "(")), negate=True)
    result = run_check(spec, ITEM, "a")
    assert (result.score, result.passed) == (None, None)
    assert result.error.startswith("In the set: ")


def test_case_is_left_aside_where_asked() -> None:
    """`ignore_case` works for every check of words."""
    for kind in ("equals", "contains", "contains-any", "contains-all", "starts-with"):
        assert not check(kind, ["STRASSE"], "stra\u00dfe").passed
        assert check(kind, ["STRASSE"], "stra\u00dfe", ignore_case=True).passed


def test_only_checks_in_code_bring_grades_here() -> None:
    """Judges, people, embeddings and functions are left to others; places are counted over all graders."""
    graders = (
        GraderSpec(GraderType.FACTUALITY, rubric="factuality"),
        GraderSpec(GraderType.HUMAN),
        GraderSpec(GraderType.PYTHON, function="m:f"),
        GraderSpec(GraderType.LATENCY, threshold=1.0, metric="speed"),
    )
    (grade,) = grade_with_checks(output("x", latency_s=0.5), ITEM, graders, NOW)
    assert (grade.grader.id, grade.criterion, grade.passed) == ("latency#4", "speed", True)


@given(
    st.sampled_from(sorted(IN_CODE)),
    st.none() | st.text(max_size=8) | st.integers(-3, 3) | st.lists(st.text(max_size=4), max_size=3) | st.just({}),
    st.text(max_size=80),
    st.sampled_from(["", "f1", "distance", "exact", "nonsense"]),
    st.none() | st.floats(0, 5),
)
def test_negation_mirrors_every_check(
    kind: GraderType, value: Any, text: str, mode: str, threshold: float | None
) -> None:
    """Whatever is asked of whatever text: a result or an error, and its mirror image."""
    members = (GraderSpec(GraderType.CONTAINS, "a"),) if kind is GraderType.SET else ()
    spec = GraderSpec(kind, value, mode=mode, threshold=threshold, graders=members)
    turned = GraderSpec(kind, value, mode=mode, threshold=threshold, graders=members, negate=True)
    one, two = run_check(spec, ITEM, output(text, latency_s=1.0)), run_check(turned, ITEM, output(text, latency_s=1.0))
    if one.error:
        assert one == two
        assert (one.score, one.passed) == (None, None)
    else:
        assert one.score is not None
        assert 0 <= one.score <= 1
        assert (two.score, two.passed) == (1 - one.score, not one.passed)
