"""Suites: named sets of items with rubrics, released as numbered, immutable versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from evalbot.errors import UnknownName
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import Item, ItemId, ItemStatus, Split
from evalbot.suites.prompts import PLAIN_PROMPT, Prompt
from evalbot.suites.rubrics import Rubric
from evalbot.suites.skills import Skill
from evalbot.suites.targets import Target


@dataclass(frozen=True, slots=True)
class RunDefaults:
    """How a suite is run unless the asker says otherwise; `budget_usd` None means no limit."""

    epochs: int = 1
    max_concurrency: int = 8
    judge: Target | None = None
    budget_usd: float | None = None


class Strategy(StrEnum):
    """How outputs are chosen: by chance, failures first, by the judge's doubts, or half and half."""

    RANDOM = "random"
    FAIL = "fail"
    DISAGREE = "disagree"
    NEW = "new"
    MIX = "mix"


@dataclass(frozen=True, slots=True)
class ReviewPolicy:
    """What people are asked to grade: how many outputs of a run, chosen how, by how many people, where."""

    sample: int = 10
    strategy: str = "mix"
    graders_per_item: int = 2
    blind: bool = True
    channel: str = ""


@dataclass(frozen=True, slots=True)
class DigestPolicy:
    """Where and when the suite's digest goes; cron fields use day names."""

    channel: str = ""
    cron: str = "0 9 * * mon"
    tz: str = "UTC"
    when: str = "always"


@dataclass(frozen=True, slots=True)
class Suite:
    """One released version of a suite, whole: items, prompts and rubrics are part of it.

    `gate` holds the conditions under which a run in CI fails, as they were written.
    """

    name: str
    items: tuple[Item, ...]
    version: int = 0
    description: str = ""
    owner: str = ""
    prompts: tuple[Prompt, ...] = (PLAIN_PROMPT,)
    targets: tuple[Target, ...] = ()
    baseline: str = ""
    skills: Mapping[str, Skill] = field(default_factory=dict)
    rubrics: Mapping[str, Rubric] = field(default_factory=dict)
    graders: tuple[GraderSpec, ...] = ()
    run: RunDefaults = field(default_factory=RunDefaults)
    review: ReviewPolicy = field(default_factory=ReviewPolicy)
    digest: DigestPolicy = field(default_factory=DigestPolicy)
    gate: tuple[str, ...] = ()

    def item(self, item_id: str) -> Item:
        """Give an item by id; raises UnknownName."""
        for item in self.items:
            if item.id == item_id:
                return item
        raise UnknownName(f"Suite {self.name} version {self.version} has no item {item_id}.")

    def graders_of(self, item: Item) -> tuple[GraderSpec, ...]:
        """The graders of an item: its own after the suite's defaults."""
        return (*self.graders, *item.graders)

    def rubric_of(self, item: Item) -> Rubric | None:
        """The rubric people grade the item's outputs with: the first its graders name, else the suite's first, else None."""
        named = [g.rubric for g in self.graders_of(item) if g.type is GraderType.RUBRIC and g.rubric]
        for name in (*named, *self.rubrics):
            if name in self.rubrics:
                return self.rubrics[name]
        return None

    def asked_items(self, holdout: bool) -> tuple[Item, ...]:
        """The items a run asks: all that are not retired, with or without the holdout split."""
        alive = (item for item in self.items if item.status is not ItemStatus.RETIRED)
        return tuple(item for item in alive if holdout or item.split is Split.PRACTICE)


def is_curated(item: Item) -> bool:
    """Tell whether an item came from people's feedback rather than from a file."""
    return item.source.kind == "feedback"


def release(previous: Suite | None, content: Suite) -> Suite:
    """Give the next version: the new content plus the previous version's curated items that it does not name itself."""
    if previous is None:
        return replace(content, version=1)
    named = {item.id for item in content.items}
    kept = tuple(item for item in previous.items if is_curated(item) and item.id not in named)
    return replace(content, version=previous.version + 1, items=(*content.items, *kept))


def same_content(previous: Suite, content: Suite) -> bool:
    """Tell whether releasing the content would change nothing but the version number."""
    return replace(release(previous, content), version=previous.version) == previous


def add_item(suite: Suite, item: Item) -> Suite:
    """Give the next version with one more item; an id that is taken gets a numbered ending."""
    taken = {one.id for one in suite.items}
    name, number = item.id, 2
    while name in taken:
        name, number = ItemId(f"{item.id}-{number}"), number + 1
    return replace(suite, version=suite.version + 1, items=(*suite.items, replace(item, id=name)))


def end_probation(suite: Suite, item_id: ItemId) -> Suite | None:
    """Give the next version with an item off probation, None when the suite holds no such item on probation."""
    if not any(item.id == item_id and item.status is ItemStatus.PROBATION for item in suite.items):
        return None
    items = tuple(replace(item, status=ItemStatus.ACTIVE) if item.id == item_id else item for item in suite.items)
    return replace(suite, version=suite.version + 1, items=items)
