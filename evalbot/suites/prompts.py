"""Prompts: versioned message templates."""

from __future__ import annotations

from dataclasses import dataclass

from evalbot.suites.items import Message


@dataclass(frozen=True, slots=True)
class Prompt:
    """A named list of message templates; `digest` is a hash of its text."""

    name: str
    messages: tuple[Message, ...]
    inputs: tuple[str, ...] = ()
    digest: str = ""


PLAIN_PROMPT = Prompt(name="plain", messages=(Message("user", "{{ question }}"),), inputs=("question",))
"""What is asked with when a suite names no prompt: the question alone."""
