"""The file format of graders, in our words and in those of other tools."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, JsonValue, PlainValidator, WithJsonSchema, model_validator

from evalbot.grading.text_checks import FUZZY_MODES
from evalbot.grading.tool_checks import TOOL_MODES
from evalbot.library.field_types import Line, complain
from evalbot.library.grader_words import CALL, MODES, OTHER_TYPES, canonical, refused_type
from evalbot.library.strict_model import FileModel, did_you_mean
from evalbot.library.target_format import TargetEntry
from evalbot.suites.graders import JUDGED, GraderType

MAX_GRADERS = 50

ONE_TEXT = {GraderType.EQUALS, GraderType.CONTAINS, GraderType.ICONTAINS, GraderType.STARTS_WITH, GraderType.FUZZY}
SOME_TEXTS = {GraderType.CONTAINS_ANY, GraderType.CONTAINS_ALL}
TAKES_CASE = {*ONE_TEXT, *SOME_TEXTS} - {GraderType.ICONTAINS}
NO_VALUE = {
    GraderType.REFUSAL,
    GraderType.LATENCY,
    GraderType.COST,
    GraderType.SET,
    GraderType.HUMAN,
    GraderType.FAITHFULNESS,
    GraderType.ANSWER_RELEVANCE,
    GraderType.TOXICITY,
}
"""Kinds whose verdict is not a matter of comparing with a value."""

MODES_OF = {GraderType.FUZZY: FUZZY_MODES, GraderType.TOOL_CALLS: TOOL_MODES}

_LIMIT = re.compile(r"(\$?)\s*(\d{1,12}(?:\.\d{1,9})?)\s*(%|ms|s|min|m|usd)?", re.IGNORECASE)
_SECONDS = {"": 0.001, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0}


@dataclass(frozen=True, slots=True)
class Limit:
    """A threshold as written: a number and its unit, empty for a bare number."""

    number: float
    unit: str = ""

    @property
    def seconds(self) -> float | None:
        """The duration in seconds; a bare number counts milliseconds, as it does elsewhere. None for what is no duration."""
        return self.number * _SECONDS[self.unit] if self.unit in _SECONDS else None

    @property
    def dollars(self) -> float | None:
        """The amount of money, None for what is none."""
        return self.number if self.unit in ("", "$") else None

    @property
    def share(self) -> float | None:
        """The score in [0, 1], None for what is none."""
        found = {"": self.number, "%": self.number / 100}.get(self.unit)
        return found if found is not None and found <= 1 else None


def _limit(value: Any) -> Limit | None:
    """Read `0.8`, `80%`, `5s`, `800ms` or `$0.01`."""
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and 0 <= value <= 1e12:
        return Limit(float(value))
    found = _LIMIT.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found or (found[1] and found[3]):
        raise complain("must be a number, or a text such as `80%`, `5s` or `$0.01`")
    unit = "$" if found[1] or (found[3] or "").lower() == "usd" else (found[3] or "").lower()
    return Limit(float(found[2]), unit)


def _grader_type(name: str) -> str:
    """Check the name of a kind of grader; other names of it were replaced before."""
    if name in tuple(GraderType):
        return name
    refused = refused_type(name)
    if refused:
        raise complain(refused)
    raise complain(f"`{name[:60]}` is not a grader type{did_you_mean(name, [*GraderType, *OTHER_TYPES])}")


def _function(name: str) -> str:
    if not CALL.fullmatch(name):
        raise complain("must be written `module:function`, like `checks.tone:is_polite`")
    return name


TypeName = Annotated[
    str,
    AfterValidator(_grader_type),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": [*GraderType, *OTHER_TYPES]},
                {"type": "string", "pattern": "^(python:.+|not-.+)$"},
            ]
        }
    ),
]


class GraderFile(FileModel):
    """One grader; `value` is what is compared with, else the item's reference."""

    type: TypeName
    value: JsonValue = None
    rubric: Line | None = None
    threshold: Annotated[
        Limit | None,
        PlainValidator(_limit),
        WithJsonSchema({"type": ["number", "string", "null"], "examples": [0.8, "80%", "5s", "$0.01"]}),
    ] = None
    tolerance: Annotated[float, Field(ge=0, le=1e12)] = 0.0
    extract: Literal["last", "first", "only"] = "last"
    negate: bool = False
    weight: Annotated[float, Field(gt=0, le=1_000)] = 1.0
    metric: Line | None = None
    mode: Annotated[str, Field(max_length=40), WithJsonSchema({"enum": [*FUZZY_MODES, *TOOL_MODES]})] = ""
    ignore_case: bool = False
    function: Annotated[str, AfterValidator(_function)] | None = None
    against: Line = ""
    target: TargetEntry | None = None
    graders: Annotated[list[GraderFile], Field(max_length=MAX_GRADERS)] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _in_our_words(cls, data: Any) -> Any:
        """Put our words in place of another tool's: `not-contains`, `levenshtein`, `python:module:function`."""
        return canonical(data) if isinstance(data, Mapping) else data

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Check what belongs together."""
        kind = GraderType(self.type)
        if kind is GraderType.RUBRIC:
            if (self.rubric is None) == (self.value is None) or not isinstance(self.value, str | None):
                raise complain("a rubric grader names a `rubric`, or holds its question as text in `value`")
        elif kind is GraderType.CLOSEDQA:
            if (self.rubric is None) == (self.value is None) or not isinstance(self.value, str | None):
                raise complain("a closedqa grader holds its criterion as text in `value`, or names a `rubric`")
        elif kind is GraderType.PAIRWISE and self.rubric is not None and self.value is not None:
            raise complain("names a `rubric` or says in `value` which answer is better; keep one")
        elif self.rubric is not None and kind not in (*JUDGED, GraderType.HUMAN):
            raise complain("only graders that a judge or people carry out have one", "rubric")
        _check_value(kind, self.value)
        _check_threshold(kind, self.mode, self.threshold)
        _check_options(kind, self)
        return self


def _is_texts(value: JsonValue) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, str) and one for one in value)


def _is_text(value: JsonValue) -> bool:
    return isinstance(value, str)


def _is_text_or_texts(value: JsonValue) -> bool:
    return isinstance(value, str) or _is_texts(value)


def _is_object(value: JsonValue) -> bool:
    return isinstance(value, dict)


def _is_number(value: JsonValue) -> bool:
    """Tell whether a value is a number, also one written as text."""
    return isinstance(value, int | float | str) and not isinstance(value, bool)


def _is_word_count(value: JsonValue) -> bool:
    """Tell whether a value says how many words."""
    bounds = list(value.values()) if isinstance(value, dict) else [value]
    named = set(value) <= {"min", "max"} if isinstance(value, dict) else True
    return (
        named
        and bool(bounds)
        and all(isinstance(one, int) and not isinstance(one, bool) and one >= 0 for one in bounds)
    )


@dataclass(frozen=True, slots=True)
class ValueRule:
    """What the value of a kind of grader must be, in code and in words, and whether it may be left out."""

    holds: Callable[[JsonValue], bool]
    words: str
    is_needed: bool = False


def _value_rules() -> Iterator[tuple[GraderType, ValueRule]]:
    """Give the rule for the value of each kind that has one."""
    yield GraderType.REGEX, ValueRule(_is_text_or_texts, "must be the pattern, as text", is_needed=True)
    yield GraderType.JSON_SCHEMA, ValueRule(_is_object, "must be a JSON Schema", is_needed=True)
    count = "must be a number of words, or `{min: 10, max: 50}`"
    yield GraderType.WORD_COUNT, ValueRule(_is_word_count, count, is_needed=True)
    yield GraderType.IS_JSON, ValueRule(_is_object, "of `is-json` is a JSON Schema, or left out")
    yield (
        GraderType.CHOICE,
        ValueRule(_is_text_or_texts, "of `choice` must be a letter or a list of letters, in quotes"),
    )
    yield GraderType.NUMERIC, ValueRule(_is_number, "of `numeric` must be a number")
    better = "of `pairwise` says in words which answer is better, or is left out"
    yield GraderType.PAIRWISE, ValueRule(_is_text, better)
    for kind in NO_VALUE:
        yield kind, ValueRule(lambda value: False, f"of `{kind}` has no meaning; leave it out")
    for kind in ONE_TEXT:
        words = f"of `{kind}` must be text or a list of texts; put numbers in quotes"
        yield kind, ValueRule(_is_text_or_texts, words)
    for kind in SOME_TEXTS:
        yield kind, ValueRule(_is_texts, f"of `{kind}` must be a list of texts")
    for kind in (GraderType.SIMILAR, GraderType.FACTUALITY, GraderType.CONTEXT_RECALL):
        yield kind, ValueRule(_is_text_or_texts, f"of `{kind}` must be text or a list of texts")


VALUE_RULES = dict(_value_rules())


def _check_value(kind: GraderType, value: JsonValue) -> None:
    """Check that a grader's value is of the sort it compares with."""
    rule = VALUE_RULES.get(kind)
    if rule is None or (value is None and not rule.is_needed):
        return
    if not rule.holds(value):
        raise complain(rule.words, "value")


def _check_threshold(kind: GraderType, mode: str, limit: Limit | None) -> None:
    """Check that a threshold has the unit that its kind counts in."""
    fault = _threshold_fault(kind, mode, limit)
    if fault:
        raise complain(fault, "threshold")


def _threshold_fault(kind: GraderType, mode: str, limit: Limit | None) -> str:
    """Say what is wrong with a threshold, empty when nothing is."""
    match kind:
        case GraderType.LATENCY:
            is_right = limit is not None and bool(limit.seconds)
            words = "of `latency` must be a duration, like `5s` or `800ms` (a bare number counts ms)"
        case GraderType.COST:
            is_right = limit is not None and limit.dollars is not None
            words = "of `cost` must be an amount in dollars, like `0.01`"
        case _ if limit is None:
            return ""
        case GraderType.HUMAN:
            return "people need none"
        case GraderType.RUBRIC:
            is_right = limit.share is not None or (not limit.unit and limit.number <= 10)
            words = "of a rubric is one of its steps"
        case GraderType.FUZZY if mode == "distance":
            is_right = not limit.unit and limit.number == int(limit.number)
            words = "of `fuzzy` by distance is a whole number of edits"
        case _:
            is_right = limit.share is not None
            who = "a judge's score" if kind in JUDGED else "a check"
            words = f"of {who} lies between 0 and 1"
    return "" if is_right else words


def _check_options(kind: GraderType, written: GraderFile) -> None:
    """Check that options stand only where they mean something."""
    if written.mode and written.mode not in MODES_OF.get(kind, ()):
        known = MODES_OF.get(kind)
        text = f"of `{kind}` is one of {', '.join(known)}" if known else "only `fuzzy` and `tool-calls` have one"
        raise complain(text, "mode")
    if written.ignore_case and kind not in TAKES_CASE:
        raise complain(f"has no meaning for `{kind}`", "ignore_case")
    if (written.function is not None) != (kind is GraderType.PYTHON):
        raise complain("a python check is written `python:module:function`, and no other grader has a `function`")
    if written.against and kind is not GraderType.PAIRWISE:
        raise complain("only `pairwise` compares with another target", "against")
    if written.target is not None and kind not in (*JUDGED, GraderType.SIMILAR):
        raise complain("only graders that ask a model have one", "target")
    _check_members(kind, written.graders)


def _check_members(kind: GraderType, members: list[GraderFile]) -> None:
    """Check the members of a set: checks in code, and no set in a set."""
    if kind is not GraderType.SET:
        if members:
            raise complain("only an `assert-set` holds graders", "graders")
        return
    if not members:
        raise complain("an `assert-set` holds at least one check", "graders")
    for place, one in enumerate(members):
        member = GraderType(one.type)
        if member in JUDGED or member in (GraderType.SET, GraderType.HUMAN, *CALLING):
            raise complain(f"a set holds checks in code only, not `{member}`", "graders", place, "type")


CALLING = (GraderType.SIMILAR, GraderType.PYTHON)

assert set(MODES.values()) <= {*FUZZY_MODES, *TOOL_MODES}
