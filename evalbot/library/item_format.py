"""The file format of items."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, JsonValue, Tag, model_validator

from evalbot.library.field_types import Id, Line, Reference, Text, complain, form_of
from evalbot.library.grader_format import MAX_GRADERS, GraderFile
from evalbot.library.strict_model import FileModel


class MessageFile(FileModel):
    """One turn: who speaks and what they say."""

    role: Literal["system", "user", "assistant"]
    content: Text


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
