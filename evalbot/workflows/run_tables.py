"""A run's results read as columns: all that its numbers are made of, page by page and without texts, whatever its size."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from evalbot.grading.consensus import find_consensus, label_output
from evalbot.grading.grades import Grade, GraderKind
from evalbot.reporting.comparisons import SameItems, Side, same_items
from evalbot.reporting.corrections import Drawn, People
from evalbot.reporting.degenerate import OneAnswer, OneReference
from evalbot.reporting.estimates import Degenerate
from evalbot.reporting.item_words import ItemWords
from evalbot.reporting.score_folding import ScoreFolding
from evalbot.reporting.score_tables import ScoreTable
from evalbot.runs.outputs import OutputId
from evalbot.runs.runs import Run
from evalbot.store import grades, results, reviews, suites
from evalbot.store.reviews import DrawnOutput
from evalbot.store.suites import ItemOutline
from evalbot.store.transaction import Transaction
from evalbot.suites.items import Item, ItemId, ItemStatus, Split
from evalbot.suites.judges import judged_graders
from evalbot.suites.rubrics import Rubric
from evalbot.suites.suites import Suite

_AT_ONCE = 500


class ItemFacts:
    """What numbers need of the items that a run asks, in few bytes each.

    `codes` numbers them, `wanted` is how many automatic grades an answer to each gets, `criterion_of` is what people are asked,
    without the holdout; `new` are those on probation. `judged` tells that a judge grades some items of the suite, `reviewable`
    that people can.
    """

    def __init__(self, asked: Iterable[ItemId]) -> None:
        self.codes = {item_id: code for code, item_id in enumerate(asked)}
        self.wanted = array("i", [0]) * len(self.codes)
        self.skill_of, self.criterion_of = ItemWords(self.codes), ItemWords(self.codes)
        self.new: set[ItemId] = set()
        self.judged = self.reviewable = False

    def add(self, one: ItemOutline, grading: _Grading) -> None:
        """Note an item of the suite."""
        self.judged |= grading.judged
        self.reviewable |= grading.rubric is not None
        code = self.codes.get(one.id)
        if code is None:
            return
        self.wanted[code] = grading.wanted
        if one.status is ItemStatus.PROBATION:
            self.new.add(one.id)
        if one.skill:
            self.skill_of.put(code, one.skill)
        if grading.rubric is not None and one.split is not Split.HOLDOUT:
            self.criterion_of.put(code, grading.rubric.name)


@dataclass(frozen=True, slots=True)
class RunTable:
    """A run with the scores of its outputs as columns, and what people were asked; `frame` is its suite without the items.

    `people` holds the outputs that were drawn by chance with what people said of them, graded blind; `waiting` are those that
    were never put before anybody. `human` is what people said of outputs. `pairs` holds (judge passed, people passed) for each
    drawn output that both graded by the same rubric.
    """

    run: Run
    frame: Suite
    facts: ItemFacts
    table: ScoreTable
    people: People
    waiting: frozenset[OutputId]
    human: Mapping[OutputId, Sequence[Grade]]
    pairs: tuple[tuple[bool, bool], ...]
    degenerate: tuple[Degenerate, ...]

    @property
    def counted(self) -> ScoreTable:
        """The outputs of the targets that are scored: not those of degenerate ones."""
        degenerate = {one.target for one in self.degenerate}
        return self.table.only([target for target in self.table.targets if target not in degenerate])

    @property
    def graded(self) -> frozenset[OutputId]:
        """The outputs that at least one person graded."""
        return frozenset(one for one, mine in self.human.items() if any(grade.counts for grade in mine))

    def side(self, label: str) -> Side:
        """Give one target for a comparison."""
        return Side(self.counted.only([label]), self.people)


async def load_table(tx: Transaction, run: Run, *, name_all: bool = False) -> RunTable:
    """Load what a run's numbers are made of; with `name_all` every output is found by its id."""
    frame = await suites.get_frame(tx, run.team, run.suite, run.suite_version)
    facts, human = await _facts(tx, run, frame), await _human_grades(tx, run)
    drawn = await reviews.drawn_outputs(tx, run.id)
    named = None if name_all else {*human, *(one.output_id for one in drawn)}
    folding = ScoreFolding(facts.codes, facts.wanted, named)
    async for rows in results.stream_results(tx, run.id):
        folding.add(rows)
    table = await asyncio.to_thread(folding.table)
    asked = _asked(table, facts, (one.output_id for one in drawn))
    people, waiting = _people(facts, asked, human, drawn)
    rubrics = {rubric.name: rubric for rubric in frame.rubrics.values()}
    pairs = await _pairs(tx, {one: rubrics[name] for one, name in asked.items()}, human)
    degenerate = await _degenerate(tx, run, frame, table.targets)
    return RunTable(run, frame, facts, table, people, waiting, human, pairs, degenerate)


# --- items -----------------------------------------------------------------------------------------


async def _facts(tx: Transaction, run: Run, frame: Suite) -> ItemFacts:
    """Gather the facts of all items of a run's suite."""
    facts, usual = ItemFacts(run.item_ids), _Grading(frame, Item(ItemId("")))
    async for one in suites.outline_items(tx, run.team, frame):
        facts.add(one, _Grading(frame, Item(one.id, graders=one.graders)) if one.graders else usual)
    return facts


class _Grading:
    """How an item is graded."""

    def __init__(self, frame: Suite, item: Item) -> None:
        self.wanted = wanted_graders(frame, item)
        self.judged = bool(judged_graders(frame, item))
        self.rubric: Rubric | None = frame.rubric_of(item)


def wanted_graders(suite: Suite, item: Item) -> int:
    """Count the automatic grades an output of the item gets: its checks, and what there is a judge for."""
    return sum(spec.checked for spec in suite.graders_of(item)) + len(judged_graders(suite, item))


async def load_same_items(tx: Transaction, before: RunTable, after: RunTable) -> SameItems:
    """Find the items that may be paired between the suite versions of two runs, a page of items at a time."""
    ids, regraded = set[ItemId](), set[ItemId]()
    async for page in suites.item_pages(tx, after.run.team, after.frame):
        there = await suites.items_named(tx, before.run.team, before.frame, [item.id for item in page])
        old, new = replace(before.frame, items=tuple(there.values())), replace(after.frame, items=tuple(page))
        same = same_items(old, new)
        ids |= same.ids
        regraded |= same.regraded
    return SameItems(frozenset(ids), frozenset(regraded))


# --- people ----------------------------------------------------------------------------------------


def blind_grades(found: Iterable[Grade], criterion: str) -> list[Grade]:
    """Give people's grades by a rubric that they gave without seeing what others said."""
    return [g for g in found if g.grader.kind is GraderKind.HUMAN and g.blind and g.criterion == criterion]


async def _human_grades(tx: Transaction, run: Run) -> dict[OutputId, list[Grade]]:
    """Give what people said of a run's outputs."""
    found: dict[OutputId, list[Grade]] = {}
    for grade in await grades.list_grades(tx, run.id, GraderKind.HUMAN):
        found.setdefault(grade.output_id, []).append(grade)
    return found


def _asked(table: ScoreTable, facts: ItemFacts, ids: Iterable[OutputId]) -> dict[OutputId, str]:
    """Give the criterion that people are asked about some outputs; those that they may not see are left out."""
    items = {one: table.items[table.outputs.item[table.places[one]]] for one in ids if one in table.places}
    return {one: facts.criterion_of[item] for one, item in items.items() if item in facts.criterion_of}


def _people(
    facts: ItemFacts,
    asked: Mapping[OutputId, str],
    human: Mapping[OutputId, Sequence[Grade]],
    drawn: Sequence[DrawnOutput],
) -> tuple[People, frozenset[OutputId]]:
    """Give which outputs were drawn for people and what they said, and those of them that nobody was shown."""
    found, waiting = dict[OutputId, Drawn](), set[OutputId]()
    for one in drawn:
        if one.output_id in asked:
            label = label_output(blind_grades(human.get(one.output_id, ()), asked[one.output_id]))
            found[one.output_id] = Drawn(one.chance, label)
            if not one.shown and label is None:
                waiting.add(one.output_id)
    return People(facts.criterion_of, found), frozenset(waiting)


async def _pairs(
    tx: Transaction, criteria: Mapping[OutputId, Rubric], human: Mapping[OutputId, Sequence[Grade]]
) -> tuple[tuple[bool, bool], ...]:
    """Give (judge passed, people passed) for each of some outputs that both graded by the rubric that people are asked."""
    judge: dict[OutputId, list[Grade]] = {}
    for grade in await grades.judge_grades_of(tx, [one for one in criteria if one in human]):
        judge.setdefault(grade.output_id, []).append(grade)
    found = (judged_pair([*judge[one], *human[one]], criteria[one]) for one in judge)
    return tuple(pair for pair in found if pair)


def judged_pair(found: Sequence[Grade], rubric: Rubric) -> tuple[bool, bool] | None:
    """Give (judge passed, people passed) for an output from its grades; None where one of them says nothing by the rubric."""
    judge = (one for one in found if one.grader.kind is GraderKind.JUDGE and one.counts)
    said = next((one for one in judge if one.criterion == rubric.name), None)
    consensus = find_consensus(blind_grades(found, rubric.name), rubric)
    if said is None or consensus is None or consensus.tied:
        return None
    return bool(said.passed), consensus.passed


# --- targets that always say the same --------------------------------------------------------------


async def _degenerate(tx: Transaction, run: Run, frame: Suite, targets: Iterable[str]) -> tuple[Degenerate, ...]:
    """Name the targets that gave one answer to items that expect several; mostly two answers of each are enough to tell."""
    found: list[Degenerate] = []
    for target in targets:
        watched = OneAnswer(target)
        async for item_id, text in results.stream_answers(tx, run.id, target):
            watched.take(item_id, text)
            if watched.differs:
                break
        if watched.found and not await _expects_one(tx, run, frame, sorted(watched.items)):
            found.append(watched.found)
    return tuple(found)


async def _expects_one(tx: Transaction, run: Run, frame: Suite, asked: Sequence[ItemId]) -> bool:
    """Tell whether some items all expect one and the same answer."""
    reference = OneReference(frame)
    for start in range(0, len(asked), _AT_ONCE):
        some = await suites.items_named(tx, run.team, frame, asked[start : start + _AT_ONCE])
        reference.take(some.values())
        if len(reference.expected) > 1:
            return False
    return reference.one
