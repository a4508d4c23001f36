"""Prompts filled from an item's variables, in a sandbox."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import JsonValue

from evalbot.errors import BadFile
from evalbot.suites.items import Item, Message
from evalbot.suites.prompts import Prompt

MAX_PROMPT_CHARS = 400_000

_SANDBOX = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False)

_VARIABLE = re.compile(r"\{\{ *((?!(?:[Tt]rue|[Ff]alse|[Nn]one)\b)[A-Za-z][A-Za-z0-9]*) *\}\}")
"""A template that is one variable; filling it needs no template engine."""


@lru_cache(maxsize=256)
def compiled_template(template: str) -> Template:
    """Give a template ready to be filled; compiling costs far more than filling, so a run does it once."""
    return _SANDBOX.from_string(template)


@lru_cache(maxsize=256)
def _only_variable(template: str) -> str | None:
    """Give the variable that a template consists of, None for any other template."""
    found = _VARIABLE.fullmatch(template)
    return found[1] if found else None


def fill_template(template: str, values: Mapping[str, object], where: str) -> str:
    """Fill a Jinja2 template in the sandbox; raises BadFile with the missing variable's name. Values are never templates."""
    alone = _only_variable(template)
    value = values.get(alone) if alone else None
    try:
        text = value if isinstance(value, str) else compiled_template(template).render(values)
    except (TemplateError, TypeError, ValueError, LookupError, ArithmeticError, RecursionError) as error:
        reason = str(error).rstrip(".")
        raise BadFile(
            f"{where} could not be filled: {reason}.", "Give the item that variable or mend the prompt."
        ) from error
    if len(text) > MAX_PROMPT_CHARS:
        raise BadFile(f"{where} grew to {len(text):,} characters.", f"Keep it under {MAX_PROMPT_CHARS:,}.")
    return text


def fill_prompt(prompt: Prompt, item: Item) -> tuple[Message, ...]:
    """Give the messages put to the target for an item.

    An item with messages of its own follows the prompt's system turns, those with variables left out.
    """
    if item.messages:
        system = tuple(m for m in prompt.messages if m.role == "system" and "{{" not in m.content)
        return (*system, *item.messages)
    values: dict[str, JsonValue] = {"question": item.question, **item.vars}
    return tuple(Message(m.role, fill_template(m.content, values, f"Prompt {prompt.name}")) for m in prompt.messages)
