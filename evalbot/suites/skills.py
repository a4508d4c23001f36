"""Skills and the levels of their progressions."""

from __future__ import annotations

from dataclasses import dataclass

OVERALL = "overall"
"""What the estimate over all items is called where skills are named; no skill may be called so."""


@dataclass(frozen=True, slots=True)
class Skill:
    """Something items exercise; `levels` are the steps of its progression, easiest first, possibly none."""

    name: str
    description: str = ""
    levels: tuple[str, ...] = ()

    def rung(self, level: str | None) -> int | None:
        """Give the 1-based step of a level in the progression, None when it has none."""
        return self.levels.index(level) + 1 if level in self.levels else None
