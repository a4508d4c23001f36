"""Targets that answer the same whatever is asked: whatever their score would be, it says nothing of them."""

from __future__ import annotations

from collections.abc import Iterable

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


def find_degenerate(outputs: Iterable[Output], suite: Suite) -> tuple[Degenerate, ...]:
    """Name the targets whose answers that are not blank all read the same, to five different items or more.

    Not where all these items expect the same answer, as paraphrases of one question do: there it may be right.
    """
    said: dict[str, set[str]] = {}
    asked: dict[str, set[ItemId]] = {}
    for output in outputs:
        answer = (output.text or "").strip()
        if answer:
            said.setdefault(output.unit.target, set()).add(answer)
            asked.setdefault(output.unit.target, set()).add(output.unit.item_id)
    same = [one for one, answers in said.items() if len(answers) == 1 and len(asked[one]) >= FEWEST]
    items = {item.id: item for item in suite.items} if same else {}
    return tuple(
        Degenerate(target, said[target].pop(), len(asked[target]))
        for target in same
        if not _one_answer(suite, [items[one] for one in asked[target] if one in items])
    )


def _one_answer(suite: Suite, items: Iterable[Item]) -> bool:
    """Tell whether all items expect one and the same answer."""
    expected = {_expected(suite, item) for item in items}
    return len(expected) == 1 and "" not in expected


def _expected(suite: Suite, item: Item) -> str:
    """Give what an item expects, empty for an open question."""
    values = [str(one.value) for one in suite.graders_of(item) if one.type in _EXPECTING and one.value is not None]
    return "\n".join([*item.references, *values])
