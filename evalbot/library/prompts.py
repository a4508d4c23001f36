"""Prompt files: front matter and role headings into prompts and judge prompts."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evalbot.library.documents import Document, Place, Problem, refusal, refuse
from evalbot.library.file_text import PROMPT_BYTES, read_text
from evalbot.library.item_format import MessageFile
from evalbot.library.prompt_format import PromptFront
from evalbot.library.strict_model import validate
from evalbot.library.template_rules import check_template, from_braces
from evalbot.library.yaml_text import parse_yaml
from evalbot.suites.items import Message
from evalbot.suites.prompts import Prompt
from evalbot.suites.rubrics import JudgePrompt

_FRONT = re.compile(r"---[ \t]*\n(.*?\n)??---[ \t]*(?:\n|\Z)", re.DOTALL)
_HEADING = re.compile(r"^##[ \t]+(system|user|assistant)[ \t]*$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PromptText:
    """A prompt file taken apart: its front matter, the text after it and the line where that begins."""

    name: str
    front: PromptFront
    body: str
    body_line: int


def load_prompt(path: Path, name: str) -> Prompt:
    """Load the prompt put to targets; `name` is how errors call the file. Raises BadFile."""
    found = read_prompt(path, name)
    messages = _messages(found)
    return make_prompt(found.front.name or path.stem, messages, tuple(found.front.inputs or ()))


def load_judge_prompt(path: Path, name: str) -> JudgePrompt:
    """Load the prompt of a judge; its template keeps the role headings. Raises BadFile."""
    found = read_prompt(path, name)
    _messages(found)
    title, version, template = found.front.name or path.stem, found.front.version, found.body.strip()
    return JudgePrompt(title, version, template, digest_of([title, version, template]))


def read_prompt(path: Path, name: str) -> PromptText:
    """Read a prompt file (.md with optional front matter, or .txt) and check its templates. Raises BadFile."""
    text = read_text(path, name, PROMPT_BYTES)
    front, body, line = PromptFront(), text, 1
    match = _FRONT.match(text) if path.suffix != ".txt" else None
    if match:
        line = text.count("\n", 0, match.end()) + 1
        body = text[match.end() :]
        document = parse_yaml(match[1].encode(), name) if (match[1] or "").strip() else None
        front = validate(PromptFront, _one_down(document)) if document else front
    elif text.startswith("---\n") and path.suffix != ".txt":
        raise refuse(name, 1, "the front matter has no closing line `---`")
    if not body.strip():
        raise refuse(name, line, "the prompt is empty")
    if front.langchain:
        body = from_braces(body, name, line)
    check_template(body, name, line, front.inputs)
    return PromptText(name, front, body, line)


def _one_down(document: Document) -> Document:
    """Give the front matter with its lines counted as in the whole file."""

    def moved(place: Place) -> Place:
        return Place(place.line + 1, {key: moved(one) for key, one in place.inside.items()})

    return Document(document.name, document.data, moved(document.place))


def _messages(found: PromptText) -> tuple[Message, ...]:
    """Give the messages of a prompt file: by role headings, else one user message."""
    if found.front.messages is False:
        return (Message("user", found.body.strip()),)
    try:
        messages = split_messages(found.body)
    except ValueError as error:
        raise refuse(found.name, found.body_line, str(error)) from None
    if found.front.messages and not _HEADING.search(found.body):
        raise refuse(found.name, found.body_line, "`messages: true` needs headings `## system` and `## user`")
    return messages


def split_messages(body: str) -> tuple[Message, ...]:
    """Split a prompt's text at the headings `## system`, `## user`, `## assistant`; without any it is one user message.

    Raises ValueError for text before the first heading and for headings without text.
    """
    parts = _HEADING.split(body)
    if len(parts) == 1:
        return (Message("user", body.strip()),)
    if parts[0].strip():
        raise ValueError("there is text before the first heading; put it under `## system` or `## user`")
    messages = tuple(Message(role.lower(), text.strip()) for role, text in zip(parts[1::2], parts[2::2], strict=True))
    empty = next((message.role for message in messages if not message.content), None)
    if empty:
        raise ValueError(f"nothing stands under the heading `## {empty}`")
    return messages


def inline_prompt(
    name: str, written: Sequence[MessageFile], inputs: Sequence[str], document: Document, at: int
) -> Prompt:
    """Give a prompt that stands in the suite itself, its templates checked. Raises BadFile."""
    messages = tuple(Message(one.role, one.content) for one in written)
    line, _ = document.at(("prompts", at))
    for message in messages:
        check_template(message.content, document.name, line, list(inputs) or None)
    if not any(message.role == "user" for message in messages):
        raise refusal(document, [Problem(("prompts", at), "has no message of the role `user`")])
    return make_prompt(name, messages, tuple(inputs))


def make_prompt(name: str, messages: tuple[Message, ...], inputs: tuple[str, ...]) -> Prompt:
    """Give a prompt with the digest of its messages."""
    return Prompt(name, messages, inputs, digest_of([[one.role, one.content] for one in messages]))


def digest_of(value: object) -> str:
    """Give a short hash of plain data."""
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=8).hexdigest()
