"""The file format of what stands before a prompt's text."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from evalbot.library.field_types import Line
from evalbot.library.strict_model import FileModel


class PromptFront(FileModel):
    """The front matter of a prompt file; without `messages`, role headings make messages if there are any."""

    name: Annotated[str, Field(min_length=1, max_length=120)] | None = None
    version: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    description: Line = ""
    inputs: list[Line] | None = None
    messages: bool | None = None
    langchain: bool = False
