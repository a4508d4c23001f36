"""The file format of rubrics."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator

from evalbot.library.field_types import Line, Slug, Text, complain, form_of
from evalbot.library.strict_model import FileModel

_STEP = re.compile(r"[0-9]|10")


class StepFile(FileModel):
    """One step of a scale."""

    label: Annotated[str, Field(min_length=1, max_length=40)]
    anchor: Line = ""


class ExampleFile(FileModel):
    """A graded example."""

    input: Text
    output: Text
    grade: int
    why: Line = ""


class RubricJudgeFile(FileModel):
    """The prompt an LLM judge is asked with, and the form of its answer."""

    prompt: Line
    output: Literal["json"] = "json"


def _check_steps(scale: dict[str, StepFile]) -> dict[str, StepFile]:
    """Check the numbers and words of a scale."""
    wrong = next((key for key in scale if not _STEP.fullmatch(key)), None)
    if wrong is not None:
        raise complain("its steps are whole numbers from 0 to 10")
    labels = [step.label.casefold() for step in scale.values()]
    if len(set(labels)) < len(labels):
        raise complain("two steps have the same label")
    return scale


ScaleField = Annotated[
    dict[str, StepFile],
    Field(min_length=2, max_length=5),
    AfterValidator(_check_steps),
]
JudgeField = Annotated[
    Annotated[Literal[False], Tag("<off>")] | Annotated[RubricJudgeFile, Tag("<mapping>")],
    Discriminator(lambda value: "<off>" if isinstance(value, bool) else form_of(value)),
    WithJsonSchema({"anyOf": [{"const": False}, {"type": "object"}]}),
]


class RubricFile(FileModel):
    """A rubric: one question about an output, its scale, and from which step an output passes."""

    name: Slug
    version: Annotated[int, Field(ge=1, le=1_000_000)]
    description: Line = ""
    question: Line
    scale: ScaleField
    pass_from: int
    not_applicable: bool = True
    ask_reason: Literal["never", "on_fail", "on_disagreement", "always"] = "on_fail"
    examples: Annotated[list[ExampleFile], Field(max_length=50)] = Field(default_factory=list)
    judge: JudgeField | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Check the numbers against the scale."""
        steps = sorted(int(key) for key in self.scale)
        if self.pass_from not in steps[1:]:
            raise complain(f"must be a step above the lowest: {', '.join(map(str, steps[1:]))}", "pass_from")
        wrong = next((number for number, one in enumerate(self.examples) if one.grade not in steps), None)
        if wrong is not None:
            raise complain("is not a step of the scale", "examples", wrong, "grade")
        return self
