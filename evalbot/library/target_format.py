"""The file format of targets."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Field, JsonValue, Tag

from evalbot.library.field_types import Line, form_of
from evalbot.library.strict_model import FileModel


class TargetFile(FileModel):
    """A target in its long form; `prompt` names the one of the suite's prompts that it is asked with."""

    id: Annotated[str, Field(min_length=1, max_length=200)]
    label: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    prompt: Line = ""
    config: dict[Line, JsonValue] = Field(default_factory=dict)


TargetEntry = Annotated[
    Annotated[str, Field(min_length=1, max_length=200), Tag("<text>")] | Annotated[TargetFile, Tag("<mapping>")],
    Discriminator(form_of, custom_error_type="file", custom_error_message="must be `provider:model` or hold an `id`"),
]
