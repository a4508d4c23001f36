"""Targets that answer the same whatever is asked: whatever their score would be, it says nothing of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from evalbot.reporting.estimates import FEWEST, Degenerate
from evalbot.runs.outputs import Output
from evalbot.suites.graders import GraderType
from evalbot.suites.items import Item, ItemId
from evalbot.suites.suites import Suite

_EXPECTING = frozenset(
    {
        GraderType.EQUALS,
        GraderType.CONTAINS,
        GraderType.ICONTAINS,
        GraderType.CONTAINS_ANY,
        GraderType.CONTAINS_ALL,
        GraderType.STARTS_WITH,
        GraderType.REGEX,
        GraderType.NUMERIC,
        GraderType.CHOICE,
        GraderType.FUZZY,
    }
)
"""Checks whose value says what the answer should be."""


@dataclass(slots=True)
class OneAnswer:
    """Watches the answers of a target until two of them differ; those that are blank say nothing."""

    target: str
    answer: str = ""
    items: set[ItemId] = field(default_factory=set)
    differs: bool = False

    def take(self, item_id: ItemId, text: str | None) -> None:
        """Look at one more answer."""
        said = (text or "").strip()
        if said and not self.differs:
            self.answer = self.answer or said
            self.differs = said != self.answer
            self.items.add(item_id)

    @property
    def found(self) -> Degenerate | None:
        """The same answer to five different items or more, None where there is no such thing."""
        many = not self.differs and len(self.items) >= FEWEST
        return Degenerate(self.target, self.answer, len(self.items)) if many else None


@dataclass(slots=True)
class OneReference:
    """Watches what items expect: where all expect the same, one answer to all may be right."""

    suite: Suite
    expected: set[str] = field(default_factory=set)

    def take(self, items: Iterable[Item]) -> None:
        """Look at some more items."""
        self.expected |= {_expected(self.suite, item) for item in items}

    @property
    def one(self) -> bool:
        """Whether all of them expect one and the same answer."""
        return len(self.expected) == 1 and "" not in self.expected


def find_degenerate(outputs: Iterable[Output], suite: Suite) -> tuple[Degenerate, ...]:
    """Name the targets whose answers that are not blank all read the same, to five different items or more.

    Not where all these items expect the same answer, as paraphrases of one question do: there it may be right.
    """
    watched: dict[str, OneAnswer] = {}
    for output in outputs:
        target = output.unit.target
        watched.setdefault(target, OneAnswer(target)).take(output.unit.item_id, output.text)
    return tuple(one.found for one in watched.values() if one.found and not _expects_one(suite, one.items))


def _expects_one(suite: Suite, asked: set[ItemId]) -> bool:
    """Tell whether some items of a suite all expect one and the same answer."""
    reference = OneReference(suite)
    reference.take(item for item in suite.items if item.id in asked)
    return reference.one


def _expected(suite: Suite, item: Item) -> str:
    """Give what an item expects, empty for an open question."""
    values = [str(one.value) for one in suite.graders_of(item) if one.type in _EXPECTING and one.value is not None]
    return "\n".join([*item.references, *values])
