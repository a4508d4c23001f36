"""JSON Schemas of the file formats, for editors that complete and check."""

from __future__ import annotations

from typing import Any

from evalbot.errors import BadRequest
from evalbot.library.item_format import ItemFile
from evalbot.library.prompt_format import PromptFront
from evalbot.library.rubric_format import RubricFile
from evalbot.library.strict_model import FileModel, did_you_mean
from evalbot.library.suite_format import SuiteFile

FORMATS: dict[str, type[FileModel]] = {
    "suite": SuiteFile,
    "rubric": RubricFile,
    "prompt": PromptFront,
    "items": ItemFile,
}
"""Name of a schema -> its format; `items` describes one line of an items file, `prompt` the front matter."""


def json_schema(name: str) -> dict[str, Any]:
    """Give the JSON Schema of a format (suite, rubric, prompt, items). Raises BadRequest for another name."""
    if name not in FORMATS:
        raise BadRequest(f"There is no schema {name[:40]!r}{did_you_mean(name, list(FORMATS))}.", "Name one of them.")
    made = FORMATS[name].model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}
