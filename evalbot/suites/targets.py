"""Targets: the systems under test."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue


@dataclass(frozen=True, slots=True)
class Target:
    """A system under test, named `provider:model` with parameters; `label` is what people call it."""

    id: str
    label: str
    config: Mapping[str, JsonValue] = field(default_factory=dict)

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
        """A hash of id and parameters: two targets with equal identity are the same system."""
        text = json.dumps([self.id, dict(self.config)], sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def short_target(name: str) -> Target:
    """Give the target of a short form such as `openai:gpt-4.1-mini`."""
    return Target(id=name, label=name.partition(":")[2] or name)
