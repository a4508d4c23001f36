"""Targets: the systems under test."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

RUNS_CODE = frozenset({"python", "langchain"})
"""Providers whose targets are functions or runnables of the project folder."""


@dataclass(frozen=True, slots=True)
class Target:
    """A system under test, named `provider:model` with parameters; `label` is what people call it.

    `prompt` names the suite's prompt that it is asked with, empty for the suite's first.
    """

    id: str
    label: str
    config: Mapping[str, JsonValue] = field(default_factory=dict)
    prompt: str = ""

    @property
    def provider(self) -> str:
        """The part before the first colon, e.g. `openai`."""
        return self.id.partition(":")[0]

    @property
    def model(self) -> str:
        """The part after the first colon, empty for targets without one."""
        return self.id.partition(":")[2]

    @property
    def identity(self) -> str:
        """A hash of id, parameters (the system text among them) and prompt: with equal identity, they are the same system."""
        return _digest([self.id, dict(self.config), *([self.prompt] if self.prompt else [])])

    @property
    def endpoint(self) -> str:
        """A hash of id and parameters alone: targets that differ only in their prompt are asked through one line."""
        return _digest([self.id, dict(self.config)])

    @property
    def runs_code(self) -> bool:
        """Tell whether asking it runs code of the project; such targets are the operator's to name, nobody else's."""
        return self.provider in RUNS_CODE


def short_target(name: str) -> Target:
    """Give the target of a short form such as `openai:gpt-4.1-mini`."""
    return Target(id=name, label=name.partition(":")[2] or name)


def _digest(parts: list[object]) -> str:
    return hashlib.blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=8).hexdigest()
