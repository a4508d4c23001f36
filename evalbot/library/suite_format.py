"""The file format of suites."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, JsonValue, Tag, WithJsonSchema, model_validator

from evalbot.library.field_types import Cron, Line, Share, Slug, Text, Tokens, Zone, complain, form_of
from evalbot.library.grader_format import MAX_GRADERS, GraderFile
from evalbot.library.item_format import ItemFile, MessageFile
from evalbot.library.strict_model import FileModel, did_you_mean
from evalbot.library.target_format import TargetEntry
from evalbot.suites.gates import MOST_CONDITIONS
from evalbot.suites.suites import Strategy

OTHER_STRATEGIES = {
    "uncertain": Strategy.DISAGREE,
    "disagreements": Strategy.DISAGREE,
    "failures": Strategy.FAIL,
    "stratified": Strategy.RANDOM,
}
"""Other names of the ways to choose outputs for people."""


def _strategy(name: str) -> str:
    known = [*Strategy, *OTHER_STRATEGIES]
    if name not in known:
        raise complain(f"`{name[:60]}` is unknown{did_you_mean(name, known)}")
    return OTHER_STRATEGIES[name].value if name in OTHER_STRATEGIES else name


class PromptEntry(FileModel):
    """A prompt written into the suite, or one of a file (`file`, or `id` as elsewhere) under a name of its own."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    inputs: list[Line] = Field(default_factory=list)
    messages: Annotated[list[MessageFile], Field(min_length=1)] | None = None
    file: Line | None = None

    @model_validator(mode="before")
    @classmethod
    def _in_our_words(cls, data: Any) -> Any:
        """Read `{id: file://..., label: ...}`, as elsewhere."""
        names = {"id": "file", "label": "name"}
        if not isinstance(data, dict) or any(names.get(key, key) != key and names[key] in data for key in data):
            return data
        return {names.get(key, key): value for key, value in data.items()}

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Check that the prompt's text is here or in a file."""
        if (self.messages is None) == (self.file is None):
            raise complain("holds its `messages`, or names a `file`")
        if self.file is not None and (self.inputs or not self.file.startswith("file://")):
            raise complain("names a prompt file as `file://...`, which says itself what its inputs are", "file")
        return self


class SkillFile(FileModel):
    """What a skill is, and the levels of its progression, easiest first."""

    description: Line = ""
    levels: Annotated[list[Line], Field(max_length=20)] = Field(default_factory=list)


class DefaultsFile(FileModel):
    """What every item has: graders before its own, variables and metadata under its own."""

    graders: Annotated[list[GraderFile], Field(max_length=MAX_GRADERS)] = Field(default_factory=list)
    vars: dict[Line, JsonValue] = Field(default_factory=dict)
    metadata: dict[Line, JsonValue] = Field(default_factory=dict)


class SplitFile(FileModel):
    """The share of items that is kept back; `by: skill` keeps it within each skill."""

    holdout: Share
    by: Literal["skill", "item"] = "skill"
    seed: Annotated[int, Field(ge=0, le=2**31)] = 0


class BudgetFile(FileModel):
    """What a run may use before it stops."""

    usd: Annotated[float, Field(ge=0, le=1e6)] | None = None
    tokens: Tokens | None = None


class JudgeFile(FileModel):
    """Who judges."""

    target: TargetEntry
    calibrate: bool = True


class RunFile(FileModel):
    """How the suite is run unless the asker says otherwise."""

    epochs: Annotated[int, Field(ge=1, le=100)] = 1
    max_concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    cache: bool = True
    budget: BudgetFile | None = None
    judge: (
        Annotated[
            Annotated[str, Field(min_length=1, max_length=200), Tag("<text>")] | Annotated[JudgeFile, Tag("<mapping>")],
            Discriminator(form_of, custom_error_type="file", custom_error_message="must name a target"),
        ]
        | None
    ) = None


class ReviewFile(FileModel):
    """What people are asked to grade after a run."""

    sample: Annotated[int, Field(ge=0, le=500)] = 10
    strategy: Annotated[str, AfterValidator(_strategy), WithJsonSchema({"enum": [*Strategy, *OTHER_STRATEGIES]})] = (
        "mix"
    )
    graders_per_item: Annotated[int, Field(ge=1, le=20)] = 2
    blind: bool = True
    channel: Line = ""


class DigestFile(FileModel):
    """Where and when the digest goes."""

    channel: Line = ""
    cron: Cron = "0 9 * * mon"
    tz: Zone = "UTC"
    when: Literal["always", "changed", "regressions"] = "always"


class GateFile(FileModel):
    """When a run in CI fails: when any of these conditions holds."""

    fail_if: Annotated[list[Line], Field(min_length=1, max_length=MOST_CONDITIONS)]


PromptForm = Annotated[
    Annotated[Text, Tag("<text>")]
    | Annotated[PromptEntry, Tag("<mapping>")]
    | Annotated[list[MessageFile], Field(min_length=1), Tag("<list>")],
    Discriminator(form_of),
]
ItemForm = Annotated[
    Annotated[Line, Tag("<text>")] | Annotated[ItemFile, Tag("<mapping>")],
    Discriminator(form_of, custom_error_type="file", custom_error_message="must be an item or a `file://` pattern"),
]


class SuiteFile(FileModel):
    """A suite: what is asked of which targets, how it is graded, and who is told."""

    name: Slug
    description: Line = ""
    owner: Line = ""
    prompts: Annotated[list[PromptForm], Field(min_length=1, max_length=50)] | None = None
    targets: Annotated[list[TargetEntry], Field(max_length=50)] = Field(default_factory=list)
    baseline: Line = ""
    skills: Annotated[dict[Line, SkillFile], Field(max_length=200)] = Field(default_factory=dict)
    rubrics: Annotated[list[Line], Field(max_length=100)] = Field(default_factory=list)
    defaults: DefaultsFile = DefaultsFile()
    items: Annotated[list[ItemForm], Field(min_length=1)]
    split: SplitFile | None = None
    run: RunFile = RunFile()
    review: ReviewFile = ReviewFile()
    digest: DigestFile = DigestFile()
    retire: dict[str, JsonValue] | None = None
    schedule: list[JsonValue] | None = None
    gate: GateFile | None = None
