"""The file format of items and their graders."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, JsonValue, Tag, WithJsonSchema, model_validator

from evalbot.library.field_types import Id, Line, Reference, Text, complain
from evalbot.library.strict_model import FileModel, did_you_mean
from evalbot.suites.graders import GraderType

OTHER_TYPES = {
    "exact": GraderType.EQUALS,
    "llm-rubric": GraderType.RUBRIC,
    "g-eval": GraderType.RUBRIC,
}
"""What other tools call our kinds of grader."""

LATER_TYPES = frozenset(
    {
        "is-json",
        "fuzzy",
        "similar",
        "closedqa",
        "model-graded-closedqa",
        "factuality",
        "model-graded-fact",
        "pairwise",
        "battle",
        "select-best",
        "faithfulness",
        "answer-relevance",
        "context-recall",
        "refusal",
        "is-refusal",
        "toxicity",
        "tool-calls",
        "latency",
        "cost",
        "word-count",
        "human",
    }
)
"""Kinds of grader that are known but not there yet."""

ONE_TEXT = {GraderType.EQUALS, GraderType.CONTAINS, GraderType.ICONTAINS, GraderType.STARTS_WITH}
SOME_TEXTS = {GraderType.CONTAINS_ANY, GraderType.CONTAINS_ALL}
MAX_GRADERS = 50


def form_of(value: object) -> str:
    """Tell which form of a field a value has, as a tag in angle brackets (left out of field names in errors)."""
    if isinstance(value, str):
        return "<text>"
    return "<list>" if isinstance(value, list) else "<mapping>"


def _grader_type(name: str) -> str:
    """Give the canonical name of a kind of grader."""
    known = [*GraderType, *OTHER_TYPES]
    if name in OTHER_TYPES:
        return OTHER_TYPES[name].value
    if name in LATER_TYPES or name.startswith(("python:", "javascript")):
        raise complain(f"graders of type `{name[:60]}` are not in this version; use one of {', '.join(GraderType)}")
    if name not in known:
        raise complain(f"`{name[:60]}` is not a grader type{did_you_mean(name, known)}")
    return name


class MessageFile(FileModel):
    """One turn: who speaks and what they say."""

    role: Literal["system", "user", "assistant"]
    content: Text


class GraderFile(FileModel):
    """One grader; `value` is what is compared with, else the item's reference."""

    type: Annotated[str, AfterValidator(_grader_type), WithJsonSchema({"enum": [*GraderType, *OTHER_TYPES]})]
    value: JsonValue = None
    rubric: Line | None = None
    threshold: Annotated[float, Field(ge=0, le=10)] | None = None
    tolerance: Annotated[float, Field(ge=0, le=1e12)] = 0.0
    extract: Literal["last", "first", "only"] = "last"
    negate: bool = False
    weight: Annotated[float, Field(gt=0, le=1_000)] = 1.0
    metric: Line | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Check what belongs together."""
        kind = GraderType(self.type)
        if kind is GraderType.RUBRIC:
            if (self.rubric is None) == (self.value is None) or not isinstance(self.value, str | None):
                raise complain("a rubric grader names a `rubric`, or holds its question as text in `value`")
            return self
        if self.rubric is not None:
            raise complain("only graders of type `rubric` have one", "rubric")
        if self.threshold is not None and self.threshold > 1:
            raise complain("of a check lies between 0 and 1", "threshold")
        _check_value(kind, self.value)
        return self


def _check_value(kind: GraderType, value: JsonValue) -> None:
    """Check that a check's value is of the kind it compares with."""
    if kind is GraderType.REGEX and not (isinstance(value, str) or _is_texts(value)):
        raise complain("must be the pattern, as text", "value")
    if kind is GraderType.JSON_SCHEMA and not isinstance(value, dict):
        raise complain("must be a JSON Schema", "value")
    if value is None:
        return
    if kind in ONE_TEXT and not (isinstance(value, str) or _is_texts(value)):
        raise complain(f"of `{kind}` must be text or a list of texts; put numbers in quotes", "value")
    if kind in SOME_TEXTS and not _is_texts(value):
        raise complain(f"of `{kind}` must be a list of texts", "value")
    if kind is GraderType.CHOICE and not (isinstance(value, str) or _is_texts(value)):
        raise complain("of `choice` must be a letter or a list of letters, in quotes", "value")
    if kind is GraderType.NUMERIC and (isinstance(value, bool) or not isinstance(value, (int, float, str))):
        raise complain("of `numeric` must be a number", "value")


def _is_texts(value: JsonValue) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, str) and one for one in value)


class SourceFile(FileModel):
    """Where an item came from."""

    kind: Line
    by: Line = ""
    url: Line = ""
    at: Line = ""


Input = Annotated[
    Annotated[Text, Tag("<text>")] | Annotated[list[MessageFile], Field(min_length=1), Tag("<list>")],
    Discriminator(form_of, custom_error_type="file", custom_error_message="must be text or a list of messages"),
]


class ItemFile(FileModel):
    """One item: what is asked (`vars`, `messages` or `input`), what would be right, and how it is graded."""

    id: Id | None = None
    vars: dict[Line, JsonValue] | None = None
    messages: Annotated[list[MessageFile], Field(min_length=1)] | None = None
    input: Input | None = None
    reference: Reference | None = None
    skill: Line | None = None
    level: Line | None = None
    tags: list[Line] = Field(default_factory=list)
    split: Literal["practice", "holdout"] | None = None
    status: Literal["active", "probation", "retired"] = "active"
    graders: Annotated[list[GraderFile], Field(max_length=MAX_GRADERS)] = Field(default_factory=list)
    source: SourceFile | None = None
    metadata: dict[Line, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Check that the item asks something, once."""
        asks = [name for name in ("vars", "messages", "input") if getattr(self, name)]
        if not asks:
            raise complain("asks nothing; give it `vars`, `messages` or `input`")
        if "input" in asks and "vars" in asks and isinstance(self.input, str) and "question" not in (self.vars or {}):
            return self
        if len(asks) > 1:
            raise complain(f"asks twice, with `{asks[0]}` and `{asks[1]}`; keep one")
        turns = self.messages or (self.input if isinstance(self.input, list) else None)
        if turns and not any(turn.role == "user" for turn in turns):
            raise complain("has messages but none of the role `user`")
        return self
