"""A stored run read as columns says what the same run read as records says: the numbers, and all they are made of."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from evalbot.grading.grades import Grade, Grader, GraderKind
from evalbot.people import PersonId
from evalbot.reporting.comparisons import same_items
from evalbot.reporting.corrections import FEWEST_GRADED, corrected_rows
from evalbot.reporting.degenerate import find_degenerate
from evalbot.reporting.estimates import OVERALL
from evalbot.reporting.scores import score_rows
from evalbot.runs.outputs import Failure, Output, RunId, Unit, output_id
from evalbot.runs.runs import RunStatus
from evalbot.store import grades, outputs, reviews, runs, suites
from evalbot.store.database import Store
from evalbot.store.transaction import Transaction
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import Item, ItemId, Split
from evalbot.suites.suites import RunDefaults
from evalbot.suites.targets import short_target
from evalbot.workflows.run_tables import RunTable, load_same_items, load_table
from evalbot.workflows.scoring import ScoredRun, judged_pairs, load_scored_run, summarise_run
from tests.factories import NOON, TEAM, make_item, make_output, make_rubric, make_run, make_suite
from tests.integration.store.store_nouns import make_review, make_round

RUBRICS = {name: replace(make_rubric(4), name=name) for name in ("helpful", "tone")}
CHECK = GraderSpec(GraderType.EQUALS)
HEAVY = GraderSpec(GraderType.CONTAINS, value="x", metric="loose", weight=2.0)
HELPFUL, TONE = (GraderSpec(GraderType.RUBRIC, rubric=name) for name in RUBRICS)
WAYS = ((CHECK,), (HELPFUL,), (CHECK, HELPFUL), (CHECK, HEAVY))
TARGETS = tuple(short_target(f"test:m{n}") for n in range(2))
SEEDS = range(8)


class World:
    """A run of random results: two targets, repeats, errors, gaps, checks and judges, and people who graded a part of it."""

    def __init__(self, seed: int, version: int = 1) -> None:
        self.rng, self.seed = random.Random(f"{seed} {version}"), seed
        self.suite = make_suite(
            *(self._item(n) for n in range(40)),
            version=version,
            rubrics={} if seed == 5 else RUBRICS,
            graders=WAYS[seed % 4],
            run=RunDefaults(judge=short_target("test:judge")),
        )
        self.run = make_run(
            id=RunId(f"run-{version}"),
            suite=self.suite.name,
            suite_version=version,
            number=version,
            targets=TARGETS,
            item_ids=tuple(item.id for item in self.suite.items),
            repeats=1 + seed % 3,
            status=RunStatus.DONE,
        )

    def _item(self, n: int) -> Item:
        """Give an item; some are held back, some have graders of their own, in the newer version some ask something else."""
        own: tuple[GraderSpec, ...] = self.rng.choice([(), (), (TONE,), (HEAVY,)]) if self.seed % 2 else ()
        split = Split.HOLDOUT if self.rng.random() < 0.15 else Split.PRACTICE
        reference = self.rng.choice([f"{n}", f"{n}", "other"])
        return make_item(
            f"i{n}", reference=reference, skill=self.rng.choice([None, "a", "b"]), split=split, graders=own
        )

    async def save(self, tx: Transaction) -> None:
        """Put everything into the database."""
        await suites.add_suite(tx, TEAM, self.suite, NOON, PersonId("ann"), "")
        await runs.add_run(tx, self.run)
        units = [
            Unit(target.label, item, repeat)
            for target in TARGETS
            for item in self.run.item_ids
            for repeat in range(self.run.repeats)
        ]
        found = [self._output(unit) for unit in units if self.rng.random() > 0.05]
        await outputs.add_outputs(tx, found)
        await grades.add_grades(tx, [one for output in found for one in self._grades(output)])
        for number in range(2):
            await self._ask_people(tx, number, [output for output in found if output.answered])

    def _output(self, unit: Unit) -> Output:
        """Give an answer or an error; in some worlds the first target always says the same."""
        dull = self.seed % 3 == 0 and unit.target == TARGETS[0].label
        failure = Failure("timeout", "Nothing came.") if self.rng.random() < 0.1 else None
        text = None if failure else " same " if dull else f"{self.rng.random()}"
        made = make_output(run_id=self.run.id, id=output_id(self.run.id, unit))
        return replace(made, unit=unit, text=text, failure=failure)

    def _grades(self, output: Output) -> list[Grade]:
        """Give the automatic grades of an output; some are missing, some say nothing."""
        found = []
        for spec in self.suite.graders_of(self.suite.item(output.unit.item_id)) if output.answered else ():
            level = self.rng.choice([1, 2, 3, 3, 4, 4, None])
            kind = GraderKind.JUDGE if spec.judged else GraderKind.CHECK
            grade = self._graded(output, spec.criterion, Grader(kind, f"{spec.type}{spec.value}", "1"), level)
            found.append(replace(grade, weight=spec.weight))
        return [one for one in found if self.rng.random() > 0.02]

    def _graded(self, output: Output, criterion: str, grader: Grader, level: int | None) -> Grade:
        """Give a grade of a step, or one that says nothing."""
        score, passed = (None, None) if level is None else ((level - 1) / 3, level >= 3)
        return Grade(output.id, criterion, grader, NOON, score, passed, level)

    async def _ask_people(self, tx: Transaction, number: int, answered: Sequence[Output]) -> None:
        """Put some answers before people, by equal chance or not, and let them grade most; one round has no channel."""
        opened = make_round(self.run, f"{self.run.id}-{number}", channel="C1" if number == 0 else "")
        await reviews.add_round(tx, opened)
        asked = self.rng.sample(answered, min(len(answered), 45 if self.seed < 6 else 5))
        for position, output in enumerate(asked):
            chance = 0.4 if self.seed % 2 else self.rng.choice([0.0, 0.3, 0.6])
            await reviews.add_reviews(tx, [make_review(opened, output, position, probability=chance)])
            rubric = self.suite.rubric_of(self.suite.item(output.unit.item_id))
            for person in self.rng.sample(["ben", "eve"], self.rng.choice([0, 1, 1, 2])) if rubric else ():
                grader, level = Grader(GraderKind.HUMAN, person, "1"), self.rng.choice([1, 2, 3, 4, 4, None])
                grade = self._graded(output, rubric.name if rubric else "", grader, level)
                await grades.put_human_grade(tx, replace(grade, blind=self.rng.random() < 0.9))


async def load(store: Store, world: World) -> tuple[RunTable, ScoredRun]:
    """Save a world and load it both ways."""
    await store.write(world.save)
    return (
        await store.read(lambda tx: load_table(tx, world.run)),
        await store.read(lambda tx: load_scored_run(tx, world.run)),
    )


@pytest.mark.parametrize("seed", SEEDS)
async def test_columns_say_what_records_say(sqlite_store: Store, seed: int) -> None:
    """Estimates, corrections, what people did, the judge's agreement and targets that always say the same: equal to the bit."""
    loaded, scored = await load(sqlite_store, World(seed))
    skill_of, human = scored.skill_of, loaded.graded
    assert loaded.table.size == len(scored.outputs)
    assert loaded.degenerate == scored.degenerate == find_degenerate(scored.outputs, scored.suite)
    assert (loaded.people.drawn, loaded.waiting) == (scored.people.drawn, scored.waiting)
    assert dict(loaded.people.criterion_of) == scored.people.criterion_of
    assert sorted(loaded.pairs) == sorted(judged_pairs(scored))
    rows = score_rows(scored.counted, skill_of, human)
    assert score_rows(loaded.counted, loaded.facts.skill_of, human) == rows
    corrected = corrected_rows(rows, scored.counted, skill_of, scored.people)
    assert corrected_rows(rows, loaded.counted, loaded.facts.skill_of, loaded.people) == corrected
    assert rows


async def test_the_worlds_are_not_all_alike(sqlite_store: Store) -> None:
    """Among them are targets that always say the same, corrected numbers, several criteria, and pairs of judge and people."""
    found = []
    for seed in SEEDS:
        world = World(seed, seed + 1)
        await sqlite_store.write(world.save)
        found.append(await sqlite_store.read(lambda tx, run=world.run: load_table(tx, run)))  # type: ignore[misc]
    assert {bool(one.degenerate) for one in found} == {True, False}
    assert {len(one.pairs) >= FEWEST_GRADED for one in found} == {True, False}
    assert any(one.waiting for one in found)
    rows = [corrected_rows(score_rows(one.counted, {}, ()), one.counted, {}, one.people) for one in found]
    assert any(row.corrected for mine in rows for row in mine)
    assert {len({row.criterion for row in mine}) > 1 for mine in rows} == {True, False}


@pytest.mark.parametrize("seed", [1, 2])
async def test_items_of_two_versions_are_paired_page_by_page(sqlite_store: Store, seed: int) -> None:
    """Which items ask the same, and which of them are graded in another way, is told as with both versions in hand."""
    old, new = World(seed), World(seed, version=2)
    before, _ = await load(sqlite_store, old)
    after, _ = await load(sqlite_store, new)
    expected = same_items(old.suite, new.suite)
    assert await sqlite_store.read(lambda tx: load_same_items(tx, before, after)) == expected
    assert 0 < len(expected.ids) < len(new.suite.items)
    summary = await sqlite_store.read(lambda tx: summarise_run(tx, new.run))
    whole = [change for change in (*summary.changes, *summary.other_changes) if change.skill == OVERALL]
    assert whole
    assert all(change.regraded <= change.n <= len(expected.ids) for change in whole)


async def test_an_output_of_an_item_that_is_gone_counts_without_a_score(sqlite_store: Store) -> None:
    """It is among the outputs, as one that nothing grades; nothing else changes."""
    world = World(2)
    loaded, scored = await load(sqlite_store, world)
    unit = Unit(TARGETS[0].label, ItemId("zz"), 0)
    more = make_output(run_id=world.run.id, id=output_id(world.run.id, unit), unit=unit)
    await sqlite_store.write(lambda tx: outputs.add_outputs(tx, [more]))
    after = await sqlite_store.read(lambda tx: load_table(tx, world.run))
    assert after.table.size == loaded.table.size + 1
    assert int(after.table.outputs.complete.sum()) == int(loaded.table.outputs.complete.sum())
    assert score_rows(after.counted, {}, ()) == score_rows(scored.counted, {}, ())
