"""What is stored of a run, put together into scores and the run's summary."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from evalbot.errors import UnknownName
from evalbot.grading.calibration import JudgeStanding
from evalbot.grading.consensus import label_output
from evalbot.grading.grades import Grade
from evalbot.reporting.comparisons import SameItems, Side, compare_sides
from evalbot.reporting.corrections import NOBODY, Drawn, People, corrected_rows, people_rows
from evalbot.reporting.degenerate import find_degenerate
from evalbot.reporting.estimates import Change, Degenerate, Response, RunSummary, ScoreRow
from evalbot.reporting.scores import OutputScore, as_table, completed_rows, judge_agreement, score_output, score_rows
from evalbot.reporting.trends import Week, ways_of_grading
from evalbot.reporting.unpaired import Apart, compare_apart
from evalbot.runs.outputs import Output, OutputId, RunId
from evalbot.runs.runs import Run, RunStatus
from evalbot.store import budgets, grades, outputs, results, reviews, runs, suites
from evalbot.store.transaction import Transaction
from evalbot.suites.items import ItemId, Split
from evalbot.suites.suites import Suite
from evalbot.suites.targets import Target
from evalbot.workflows.calibrating import find_standing_of
from evalbot.workflows.run_tables import (
    RunTable,
    blind_grades,
    judged_pair,
    load_same_items,
    load_table,
    wanted_graders,
)


@dataclass(frozen=True, slots=True)
class ScoredRun:
    """A run with its suite, outputs and grades, the score of every graded output, and what people were asked.

    `people` holds the outputs that were drawn by chance with what people said of them, graded blind.
    """

    run: Run
    suite: Suite
    outputs: tuple[Output, ...]
    grades: dict[OutputId, list[Grade]]
    scores: tuple[OutputScore, ...]
    people: People = NOBODY
    waiting: frozenset[OutputId] = frozenset()
    """Drawn outputs that were never put before anybody, as their round has no channel."""
    degenerate: tuple[Degenerate, ...] = ()
    """The targets that gave one and the same answer to everything."""

    @property
    def skill_of(self) -> dict[ItemId, str | None]:
        """The skill of each item of the suite."""
        return {item.id: item.skill for item in self.suite.items}

    @property
    def counted(self) -> tuple[OutputScore, ...]:
        """The scores of the targets that are scored: not those of degenerate ones."""
        degenerate = {one.target for one in self.degenerate}
        return tuple(score for score in self.scores if score.target not in degenerate)


async def get_suite(tx: Transaction, run: Run) -> Suite:
    """Give the suite version of a run; raises UnknownName when it is gone."""
    suite = await suites.find_suite(tx, run.team, run.suite, run.suite_version)
    if suite is None:
        raise UnknownName(f"Suite {run.suite} version {run.suite_version} is not in this database.")
    return suite


async def load_scored_run(tx: Transaction, run: Run) -> ScoredRun:
    """Load everything a run has brought and score it."""
    suite = await get_suite(tx, run)
    items = {item.id: item for item in suite.items}
    found = await outputs.list_outputs(tx, run.id)
    by_output: dict[OutputId, list[Grade]] = {}
    for grade in await grades.list_grades(tx, run.id):
        by_output.setdefault(grade.output_id, []).append(grade)
    wanted = {item_id: wanted_graders(suite, item) for item_id, item in items.items()}
    scores = (score_output(one, by_output.get(one.id, ()), wanted.get(one.unit.item_id, 0)) for one in found)
    scored = ScoredRun(run, suite, tuple(found), by_output, tuple(score for score in scores if score))
    return await _with_people(tx, replace(scored, degenerate=find_degenerate(found, suite)))


async def _with_people(tx: Transaction, scored: ScoredRun) -> ScoredRun:
    """Add which outputs were drawn for people, with what chance, and what they said."""
    rubrics = {item.id: scored.suite.rubric_of(item) for item in scored.suite.items if item.split is not Split.HOLDOUT}
    item_of = {output.id: output.unit.item_id for output in scored.outputs}
    drawn, waiting = dict[OutputId, Drawn](), set[OutputId]()
    for opened in await reviews.rounds_of_run(tx, scored.run.id):
        for review in await reviews.list_reviews(tx, opened.id):
            rubric = rubrics.get(item_of.get(review.output_id, ItemId("")))
            if review.probability <= 0 or rubric is None:
                continue
            label = label_output(blind_grades(scored.grades.get(review.output_id, ()), rubric.name))
            drawn[review.output_id] = Drawn(review.probability, label)
            if not opened.channel and label is None:
                waiting.add(review.output_id)
    criteria = {item_id: rubric.name for item_id, rubric in rubrics.items() if rubric is not None}
    return replace(scored, people=People(criteria, drawn), waiting=frozenset(waiting))


async def summarise_run(tx: Transaction, run: Run) -> RunSummary:
    """Give the summary of a run, compared with its baseline target and with the run before, or what its asker named.

    What is stored is read page by page and kept as columns; what takes long is done off the event loop.
    """
    loaded = await load_table(tx, run)
    standing = await find_standing_of(tx, run) if loaded.facts.judged else None
    earlier = await _load_earlier(tx, loaded)
    end = run.finished_at or await results.newest_output_at(tx, run.id) or run.created_at
    summary = await asyncio.to_thread(summarise, loaded, earlier, standing, end)
    spent = await budgets.spent(
        tx, run.team, run.id
    )  # judges and embeddings among it; earlier versions did not count it
    return summary if spent is None else replace(summary, cost_usd=spent.usd, cost_exact=spent.exact)


def summarise(
    loaded: RunTable, earlier: Sequence[EarlierTarget], standing: JudgeStanding | None, end: datetime
) -> RunSummary:
    """Put the summary of a run together; `earlier` are its targets in runs before, `end` is when the run ended."""
    run, people = loaded.run, loaded.people
    against = _against_baseline(loaded), [change for one in earlier for change in _against_run(one, loaded)]
    first, second = reversed(against) if run.versus.isdecimal() else against
    outputs = loaded.table.outputs
    errors = int((~outputs.answered).sum())
    asked = [one for one in people.drawn if one not in loaded.waiting]
    graded = sum(people.drawn[one].label is not None for one in asked)
    judge = loaded.frame.run.judge
    return RunSummary(
        rows=tuple(_rows(loaded)),
        changes=tuple(first or second),
        items=len(run.item_ids),
        outputs=loaded.table.size,
        errors=errors,
        ungraded=loaded.table.size - errors - int(outputs.complete.sum()),
        judge=judge.label if judge else "",
        agreement=judge_agreement(loaded.pairs),
        human_outputs=len(loaded.graded),
        cost_usd=loaded.table.cost_usd,
        duration_s=max(0.0, (end - run.created_at).total_seconds()),
        other_changes=tuple(second if first else ()),
        standing=standing,
        response=Response(len(asked), graded) if asked else None,
        degenerate=loaded.degenerate,
        reviewable=loaded.facts.reviewable,
    )


def _rows(loaded: RunTable) -> list[ScoreRow]:
    """Give the estimates of a run, with all that belongs to them."""
    skill_of, counted = loaded.facts.skill_of, loaded.counted
    rows = completed_rows(score_rows(counted, skill_of, loaded.graded), counted, skill_of)
    by_people = people_rows(counted, skill_of, loaded.people)
    return [*corrected_rows(rows, counted, skill_of, loaded.people), *by_people]


def week_of(end: date, scored: ScoredRun | None, doubted: bool) -> Week:
    """Give what a suite's run of one week brought; without a run the week is empty."""
    if scored is None:
        return Week(end, (), {}, doubted=doubted)
    run, graded_by = scored.run, ways_of_grading(scored.suite)
    return Week(end, scored.counted, scored.skill_of, scored.people, doubted, graded_by, run.id, run.number)


def judged_pairs(scored: ScoredRun) -> list[tuple[bool, bool]]:
    """Give (judge passed, people passed) for each output that both graded by the same rubric.

    Only outputs that were drawn by chance and graded blind count: those picked because something looked wrong would say
    more about the picking than about the judge.
    """
    items = {item.id: item for item in scored.suite.items}
    drawn = {output.id: items[output.unit.item_id] for output in scored.outputs if output.id in scored.people.drawn}
    asked = ((scored.grades.get(one, []), scored.suite.rubric_of(item)) for one, item in drawn.items())
    found = (judged_pair(mine, rubric) for mine, rubric in asked if rubric)
    return [pair for pair in found if pair]


# --- comparisons -----------------------------------------------------------------------------------


def _against_baseline(loaded: RunTable) -> list[Change]:
    """Compare the targets with the baseline that was asked in the same run; empty without one."""
    labels = [target.label for target in loaded.run.targets]
    baseline = loaded.run.versus if loaded.run.versus in labels else loaded.frame.baseline
    if baseline not in labels:
        return []
    found: list[Change] = []
    for label in labels:
        if label != baseline:
            sides = loaded.side(baseline), loaded.side(label)
            found += compare_sides(*sides, loaded.facts.skill_of, label, baseline)
    return found


@dataclass(frozen=True, slots=True)
class EarlierTarget:
    """A target of a run with an earlier run that asked the same system; `same` are the items of both where versions differ."""

    target: Target
    loaded: RunTable
    same: SameItems | None


async def _load_earlier(tx: Transaction, loaded: RunTable) -> list[EarlierTarget]:
    """Load, for each target, the run that was named, else the newest earlier one that asked the same system."""
    found: list[EarlierTarget] = []
    known: dict[RunId, tuple[RunTable, SameItems | None]] = {}
    for target in loaded.run.targets:
        earlier = await _earlier_run(tx, loaded.run, target.identity)
        if earlier is None:
            continue
        if earlier.id not in known:
            before = await load_table(tx, earlier)
            differ = earlier.suite_version != loaded.run.suite_version
            known[earlier.id] = before, await load_same_items(tx, before, loaded) if differ else None
        found.append(EarlierTarget(target, *known[earlier.id]))
    return found


def _against_run(earlier: EarlierTarget, loaded: RunTable) -> list[Change]:
    """Compare a target with another run on the items that ask the same in both."""
    run, target, same = earlier.loaded.run, earlier.target, earlier.same
    before, after = _side_of(earlier.loaded, target), loaded.side(target.label)
    regraded = 0
    if same is not None:
        before = replace(before, scores=as_table(before.scores).of_items(same.ids))
        asked = as_table(before.scores).scored_items & as_table(after.scores).scored_items
        regraded = len(asked & same.regraded)
    changes = compare_sides(before, after, loaded.facts.skill_of, target.label, f"run {run.number}")
    if not changes and loaded.run.versus == str(run.number):
        return _apart(earlier, loaded)
    other = None if same is None else run.suite_version
    return [replace(change, other_version=other, regraded=regraded) for change in changes]


def _apart(earlier: EarlierTarget, loaded: RunTable) -> list[Change]:
    """Compare a target with the run that was named where the two share too few items to pair them."""
    old, new = _side_of(earlier.loaded, earlier.target), loaded.side(earlier.target.label)
    before = Apart(old.scores, earlier.loaded.facts.skill_of, old.people)
    after = Apart(new.scores, loaded.facts.skill_of, new.people)
    return compare_apart(before, after, earlier.target.label, f"run {earlier.loaded.run.number}")


def _side_of(earlier: RunTable, target: Target) -> Side:
    """Give the same system in another run; by label, or the only target, where the identity changed."""
    targets = earlier.run.targets
    named = [one.label for one in targets if one.identity == target.identity]
    named = named or [one.label for one in targets if one.label == target.label]
    if not named and len(targets) == 1:
        named = [targets[0].label]
    return earlier.side(named[0]) if named else Side(())


async def _earlier_run(tx: Transaction, run: Run, identity: str) -> Run | None:
    """Find the run that was named, else the newest earlier finished run of the same suite that asked the same system."""
    if run.versus.isdecimal():
        return await runs.find_run(tx, run.team, int(run.versus))
    for earlier in await runs.runs_before(tx, run):
        asked = any(target.identity == identity for target in earlier.targets)
        if earlier.status is RunStatus.DONE and asked:
            return await runs.get_run(tx, earlier.id)
    return None
