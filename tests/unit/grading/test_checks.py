"""Checks: truth tables for every type, and what an error, a turned-around check and a threshold mean."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.grading.checks import grade_with_checks, run_check
from evalbot.grading.findings import CheckResult
from evalbot.grading.grades import GraderKind
from evalbot.runs.outputs import Failure, Output, RunId, Unit, Usage, output_id
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import Item, ItemId

NOW = datetime(2026, 5, 4, tzinfo=UTC)
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "pattern": "^[a-z]+$"}, "age": {"type": "integer"}},
    "required": ["name"],
    "additionalProperties": False,
}


def check(kind: str, value: Any, text: str, reference: Any = None, **rest: Any) -> CheckResult:
    """Run one check on an item with a reference."""
    return run_check(GraderSpec(GraderType(kind), value, **rest), Item(ItemId("i"), reference=reference), text)


def make_output(text: str | None) -> Output:
    """An output with a text, or a failed one."""
    unit = Unit("t", ItemId("i"), 0)
    failure = Failure("timeout", "late") if text is None else None
    return Output(output_id(RunId("r"), unit), RunId("r"), unit, text, failure, Usage(), NOW)


@pytest.mark.parametrize(
    ("kind", "value", "text", "passes"),
    [
        ("equals", "Paris", "Paris", True),
        ("equals", "Paris", "  Paris\n", True),
        ("equals", "Paris", "paris", False),
        ("equals", "Paris", "Paris.", False),
        ("equals", "caf\u00e9", "cafe\u0301", True),
        ("equals", "a\nb", "a\r\nb", True),
        ("equals", "a b", "a\u00a0b", True),
        ("equals", "", " ", True),
        ("equals", "", "x", False),
        ("equals", 18, "18", True),
        ("equals", True, "true", True),
        ("equals", ["a", "b"], "b", True),
        ("equals", ["a", "b"], "c", False),
        ("contains", "30 days", "within 30 days.", True),
        ("contains", "30 days", "within 30\u202fdays.", True),
        ("contains", "30 days", "within 30 Days.", False),
        ("contains", "x", "", False),
        ("contains", ["x", "y"], "only y", True),
        ("contains", "\U0001f9ea", "a \U0001f9ea b", True),
        ("icontains", "PARIS", "in paris", True),
        ("icontains", "stra\u00dfe", "STRASSE", True),
        ("icontains", "\u0130", "i\u0307", True),
        ("icontains", "rome", "in paris", False),
        ("contains-any", ["30 days", "thirty days"], "thirty days", True),
        ("contains-any", ["30 days", "thirty days"], "a month", False),
        ("contains-any", "one", "one", True),
        ("contains-all", ["a", "b"], "b and a", True),
        ("contains-all", ["a", "b"], "only a", False),
        ("starts-with", "Yes", "  Yes, of course", True),
        ("starts-with", "Yes", "Oh. Yes", False),
        ("starts-with", ["No", "Yes"], "Yes", True),
        ("regex", r"HC-\d{3}", "see HC-101.", True),
        ("regex", r"^yes$", " yes\n", True),
        ("regex", r"(?i)YES", "yes", True),
        ("regex", r"\p{Lu}", "ábc", False),
        ("regex", [r"\d", "x"], "x", True),
        ("numeric", 18, "It is 18.", True),
        ("numeric", 18, "18 of 20", False),
        ("numeric", "18", "first 20, then 18.00", True),
        ("numeric", "1,234", "$1234", True),
        ("numeric", -5, "\u22125", True),
        ("numeric", 0.5, "50%", True),
        ("numeric", 0.5, "one half is 1/2", True),
        ("numeric", 1e3, "1,000", True),
        ("numeric", [1, 2], "2", True),
        ("numeric", 18, "eighteen", False),
        ("numeric", 18, "", False),
        ("choice", "B", "**B**", True),
        ("choice", "B", "Answer: B", True),
        ("choice", "B", "C", False),
        ("choice", "B", "A or B", False),
        ("choice", "B) Paris", "(b)", True),
        ("choice", ["A", "B"], "b", True),
        ("json-schema", PERSON, '{"name": "ann"}', True),
        ("json-schema", PERSON, '```json\n{"name": "ann", "age": 3}\n```', True),
        ("json-schema", PERSON, 'Here you are:\n```\n{"name": "ann"}\n```\nDone.', True),
        ("json-schema", PERSON, '{"name": "Ann"}', False),
        ("json-schema", PERSON, '{"age": 3}', False),
        ("json-schema", PERSON, '{"name": "ann", "x": 1}', False),
        ("json-schema", PERSON, "Ann", False),
        ("json-schema", PERSON, "", False),
        ("json-schema", {}, "NaN", False),
        ("json-schema", {}, "[" * 100_000, False),
        ("json-schema", {"patternProperties": {"^a": {"type": "integer"}}}, '{"ab": "x"}', False),
        ("json-schema", True, "1", True),
    ],
)
def test_truth_table(kind: str, value: Any, text: str, passes: bool) -> None:
    """Each row passes or fails with a reason; its negation says the opposite."""
    result = check(kind, value, text)
    assert (result.passed, result.error) == (passes, "")
    assert result.reason
    turned = check(kind, value, text, negate=True)
    assert turned.passed is (not passes)


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("equals", None, "x"),
        ("contains", "", "x"),
        ("icontains", " ", "x"),
        ("contains-any", [], "x"),
        ("contains-all", ["a", ""], "x"),
        ("starts-with", "", "x"),
        ("regex", "(", "x"),
        ("regex", "", "x"),
        ("regex", "(a|aa)+$", "a" * 5_000 + "b"),
        ("regex", "a" * 3_000, "x"),
        ("numeric", "none", "18"),
        ("numeric", None, "18"),
        ("choice", "Paris", "B"),
        ("json-schema", None, "{}"),
        ("json-schema", "object", "{}"),
        ("json-schema", {"type": "nonsense"}, "{}"),
        ("json-schema", {"$ref": "http://127.0.0.1:9/schema.json"}, "{}"),
        ("json-schema", {"$ref": "#"}, "{}"),
        ("json-schema", {"pattern": "("}, '"x"'),
        ("json-schema", {"pattern": "(a|aa)+$"}, '"' + "a" * 5_000 + 'b"'),
        ("json-schema", {}, '"' + "a" * 300_000 + '"'),
        ("rubric", "x", "x"),
    ],
)
@pytest.mark.parametrize("negate", [False, True])
def test_what_cannot_be_checked_is_an_error(kind: str, value: Any, text: str, negate: bool) -> None:
    """A check at fault is neither a pass nor a fail, turned around or not."""
    result = check(kind, value, text, negate=negate)
    assert (result.score, result.passed) == (None, None)
    assert result.error
    assert len(result.error) < 300


@pytest.mark.parametrize(
    ("extract", "text", "passes"),
    [
        ("last", "3 then 18", True),
        ("first", "3 then 18", False),
        ("first", "18 then 3", True),
        ("only", "18", True),
        ("only", "18 or 3", False),
        ("only", "none", False),
        ("first", "none", False),
    ],
)
def test_numeric_reads_the_number_asked_for(extract: str, text: str, passes: bool) -> None:
    """`extract` says which number of the answer counts."""
    assert check("numeric", 18, text, extract=extract).passed is passes


def test_numeric_tolerance_is_exact_and_absolute() -> None:
    """A difference of just the tolerance passes, in spite of binary fractions; a wrong tolerance is an error."""
    assert check("numeric", 1.0, "1.1", tolerance=0.1).passed
    assert not check("numeric", 1.0, "1.11", tolerance=0.1).passed
    assert check("numeric", 0.3, "0.2", tolerance=0.1).passed
    assert check("numeric", 1, "1", tolerance=-1).error
    assert check("numeric", 1, "1", tolerance=float("nan")).error
    assert check("numeric", 1, "1", extract="middle").error


def test_numeric_reads_references_in_prose() -> None:
    """A worked solution as reference gives its final number."""
    assert check("numeric", None, "She earns $18.", "She sells 9 for $2: 9 * 2 = 18\n#### 18").passed
    assert check("numeric", None, "1234", "Q: 3? A: 1,234").passed


def test_without_a_value_any_reference_will_do() -> None:
    """A list of references means any one of them."""
    assert check("equals", None, "b", ["a", "b"]).passed
    assert check("choice", None, "(B)", "B").passed
    assert check("json-schema", None, "3", {"type": "integer"}).passed
    assert check("equals", None, "", "").passed


def test_contains_all_scores_the_share() -> None:
    """Two of three are two thirds, which passes with a threshold of a half."""
    result = check("contains-all", ["a", "b", "c"], "a b", threshold=0.5)
    assert result.score == pytest.approx(2 / 3)
    assert result.passed
    assert not check("contains-all", ["a", "b", "c"], "a b").passed
    turned = check("contains-all", ["a", "b", "c"], "a b", negate=True)
    assert turned.score == pytest.approx(1 / 3)
    assert turned.passed


CHECKS = [kind for kind in GraderType if kind is not GraderType.RUBRIC]
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.text(max_size=8), st.integers(), st.lists(st.text(max_size=4), max_size=3), st.just({})
)


@given(st.sampled_from(CHECKS), VALUES, st.text(max_size=60), VALUES)
def test_negation_is_a_mirror(kind: GraderType, value: Any, text: str, reference: Any) -> None:
    """Turned around, score and pass are mirrored, an error stays the same error; turning twice changes nothing."""
    plain = check(kind, value, text, reference)
    turned = check(kind, value, text, reference, negate=True)
    if plain.error:
        assert turned == plain
        assert plain.passed is None
        assert plain.score is None
    else:
        assert plain.score is not None
        assert turned.score == 1 - plain.score
        assert turned.passed is (not plain.passed)
        assert 0 <= plain.score <= 1


@pytest.mark.parametrize("kind", CHECKS)
@pytest.mark.parametrize(
    "text", ["x" * 2_000_000, "\u0301" * 200_000, "(" * 500_000, "half \ud83d\x00", "\u202e1\u200b8"]
)
def test_huge_and_odd_answers_are_checked(kind: GraderType, text: str) -> None:
    """No answer stalls a check (quadratic work would never end here) or makes it raise."""
    result = check(kind, {"type": "object"} if kind is GraderType.JSON_SCHEMA else "1", text)
    assert bool(result.error) != (result.passed is not None)


def hostile_texts() -> list[str]:
    """Texts that a model may return to do harm, from the practice material beside the checkout."""
    path = Path(__file__).parents[3] / ".." / "shared" / "hostile" / "outputs.jsonl"
    if not path.is_file():
        pytest.skip(f"NOT TESTED: the practice material {path} is missing")
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return ["".join(piece * times for piece, times in row["parts"]) for row in rows]


def test_hostile_answers_are_graded_like_any_other() -> None:
    """No hostile answer makes a check raise; each one equals itself and contains itself unless it is blank."""
    for text in hostile_texts():
        for kind in CHECKS:
            result = check(kind, "x", text)
            assert bool(result.error) != (result.passed is not None)
        assert check("equals", text, text).passed
        assert check("contains", text, text).passed is (True if text.strip() else None)


def test_one_grade_per_check_with_ids_of_their_own() -> None:
    """Two checks of a type are two graders; a rubric among them is left to judges; errors stay errors."""
    graders = (
        GraderSpec(GraderType.CONTAINS, "a"),
        GraderSpec(GraderType.RUBRIC, rubric="helpful"),
        GraderSpec(GraderType.CONTAINS, "b", metric="style", weight=2.0, negate=True),
        GraderSpec(GraderType.REGEX, "("),
    )
    grades = grade_with_checks(make_output("a"), Item(ItemId("i")), graders, NOW)
    assert [grade.grader.id for grade in grades] == ["contains#1", "contains#3", "regex#4"]
    assert {grade.grader.kind for grade in grades} == {GraderKind.CHECK}
    assert [grade.criterion for grade in grades] == ["correct", "style", "correct"]
    assert [grade.passed for grade in grades] == [True, True, None]
    assert [grade.weight for grade in grades] == [1.0, 2.0, 1.0]
    assert grades[2].error
    assert not grades[2].counts
    assert all(grade.level is None and grade.at == NOW for grade in grades)


def test_a_failed_output_gets_no_grade() -> None:
    """Nothing was answered, so nothing is wrong; an empty answer, though, is graded."""
    graders = (GraderSpec(GraderType.CONTAINS, "a"),)
    assert grade_with_checks(make_output(None), Item(ItemId("i")), graders, NOW) == []
    assert grade_with_checks(make_output(""), Item(ItemId("i")), graders, NOW)[0].passed is False
