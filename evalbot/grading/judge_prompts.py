"""The request to an LLM judge, from a rubric and what it is shown. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evalbot.errors import BadFile
from evalbot.suites.filling import fill_template
from evalbot.suites.items import Message
from evalbot.suites.rubrics import Rubric

LEAST_MARK = 8
MAX_MATERIAL = 100_000
"""So many characters of a task, a reference or an answer are put before a judge; a cut is stated."""

_HEADING = re.compile(r"^##[ \t]+(system|user|assistant)[ \t]*$", re.MULTILINE | re.IGNORECASE)
_UNSENDABLE = re.compile("[\ud800-\udfff\x00]")


@dataclass(frozen=True, slots=True)
class Material:
    """What a judge is shown of one output; `context` is what a target was given to answer from, `rival` another answer."""

    prompt: str
    output: str
    references: tuple[str, ...] = ()
    context: str = ""
    rival: str = ""


def judge_messages(
    rubric: Rubric, prompt_text: str, reference: str | Sequence[str] | None, output_text: str, mark: str
) -> tuple[Message, ...]:
    """Give the request to a judge about an answer to a prompt, with the references there are; see `fill_judge_prompt`."""
    references = (reference,) if isinstance(reference, str) else tuple(reference or ())
    return fill_judge_prompt(rubric, Material(prompt_text, output_text, references), mark)


def fill_judge_prompt(rubric: Rubric, material: Material, mark: str) -> tuple[Message, ...]:
    """Give the request to a judge; `mark` is drawn at random for this request and frames all foreign text.

    Foreign text is never part of the template, cannot hold the mark, and cannot begin a turn of its own. Raises BadFile for a
    rubric without a judge prompt or with one that cannot be filled.
    """
    if rubric.judge is None:
        raise BadFile(f"Rubric {rubric.name} has no judge prompt.", "Add `judge: {prompt: file://...}` to it.")
    if len(mark) < LEAST_MARK:
        raise ValueError(f"a mark needs at least {LEAST_MARK} characters")
    values = {
        "mark": mark,
        "question": rubric.question,
        "scale": [{"value": one.value, "label": one.label, "anchor": one.anchor} for one in rubric.scale.steps],
        "examples": [
            {"input": one.input, "output": one.output, "grade": one.grade, "why": one.why} for one in rubric.examples
        ],
        "prompt": _material(material.prompt, mark),
        "reference": _material("\n\nor:\n\n".join(material.references), mark),
        "output": _material(material.output, mark),
        "context": _material(material.context, mark),
        "rival": _material(material.rival, mark),
    }
    where = f"Judge prompt {rubric.judge.name} of rubric {rubric.name}"
    return tuple(
        Message(role, fill_template(part, values, where).strip()) for role, part in _turns(rubric.judge.template)
    )


def verdict_schema(rubric: Rubric) -> dict[str, Any]:
    """Give the JSON Schema of a verdict: a grade from the scale, and a reason."""
    return {
        "type": "object",
        "properties": {
            "grade": {"type": "integer", "enum": [step.value for step in rubric.scale.steps]},
            "reason": {"type": "string"},
        },
        "required": ["grade", "reason"],
        "additionalProperties": False,
    }


def _turns(template: str) -> list[tuple[str, str]]:
    """Split a template at its role headings, before anything is filled in; without headings it is one user turn."""
    parts = _HEADING.split(template)
    if len(parts) == 1:
        return [("user", template)]
    return [(role.lower(), text) for role, text in zip(parts[1::2], parts[2::2], strict=True)]


def _material(text: str, mark: str) -> str:
    """Give foreign text fit to be framed: without the mark, without characters that cannot be sent, and without its middle if
    it is very long, so that neither beginning nor end can be pushed out of sight."""
    safe = _UNSENDABLE.sub("\ufffd", text).replace(mark, "…")
    if len(safe) <= MAX_MATERIAL:
        return safe
    half = MAX_MATERIAL // 2
    return f"{safe[:half]}\n[cut here: {MAX_MATERIAL:,} of {len(safe):,} characters are shown]\n{safe[-half:]}"
