"""Outputs drawn for people: which of a run, with what chance, and what another draw does to the chances before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import isnan

import numpy as np

from evalbot.grading.consensus import label_output
from evalbot.grading.grades import Grade, GraderKind, Purpose
from evalbot.grading.reviews import Review
from evalbot.grading.sampling import Choice, Known, Pickable, choose_outputs, usual_doubt
from evalbot.reporting.score_tables import FAILS, JUDGED, PASSES, Flags, ScoreTable
from evalbot.runs.outputs import OutputId, RunId
from evalbot.runs.runs import Run
from evalbot.stats.intervals import Floats
from evalbot.store import grades, reviews, runs
from evalbot.store.transaction import Transaction
from evalbot.suites.suites import Strategy
from evalbot.workflows.run_tables import RunTable


async def reviews_of(tx: Transaction, run_id: RunId) -> dict[OutputId, Review]:
    """Give the review of each output of a run that came before people."""
    found: dict[OutputId, Review] = {}
    for opened in await reviews.rounds_of_run(tx, run_id):
        found |= {review.output_id: review for review in await reviews.list_reviews(tx, opened.id)}
    return found


def draw_outputs(
    loaded: RunTable,
    before: Mapping[OutputId, Review],
    doubts: Mapping[float, float],
    n: int,
    strategy: Strategy,
    seed: int,
) -> Choice:
    """Choose up to n outputs of a run that are new to people; `before` are the reviews that there were, by output.

    The run's outputs must all be named.
    """
    pool = _pool(loaded, before, doubts)
    drawn = [_is_drawn(before, one.output_id) for one in pool]
    left = [one for one, taken in zip(pool, drawn, strict=True) if not taken]
    return choose_outputs(left, n, strategy, seed, [one for one, taken in zip(pool, drawn, strict=True) if taken])


def _is_drawn(before: Mapping[OutputId, Review], output_id: OutputId) -> bool:
    """Tell whether an earlier draw took an output by chance."""
    return output_id in before and before[output_id].probability > 0


def _pool(loaded: RunTable, before: Mapping[OutputId, Review], doubts: Mapping[float, float]) -> list[Pickable]:
    """Give the answered outputs that people may see, with all that decides which of them they do see."""
    table, facts, out = loaded.table, loaded.facts, loaded.table.outputs
    levels, failed, disputed = _judge_levels(loaded), out.scored & ~out.passed, _disputed(loaded)
    missed = _missed_chances(table, levels, before)
    usual = min(missed.values(), default=0.0)
    pool = []
    for output_id, place in table.places.items():
        item = table.items[out.item[place]]
        if not out.answered[place] or item not in facts.criterion_of:
            continue
        level = None if isnan(levels[place]) else float(levels[place])
        drawn = _is_drawn(before, output_id)
        pool.append(
            Pickable(
                output_id,
                failed=bool(failed[place]),
                disputed=bool(disputed[place]),
                new_item=item in facts.new,
                skill=facts.skill_of.get(item) or "",
                doubt=0.0 if level is None else doubts.get(level, usual_doubt(doubts)),
                chance=before[output_id].probability if drawn else missed.get(level, usual),
                seen=output_id in before and not drawn,
            )
        )
    return pool


def _disputed(loaded: RunTable) -> Flags:
    """Mark the outputs of which checks, judge and people say different things."""
    said = loaded.table.outputs.verdicts.copy()
    for output_id, mine in loaded.human.items():
        place = loaded.table.places.get(output_id)
        for grade in mine if place is not None else ():
            if grade.counts:
                said[place] |= PASSES if grade.passed else FAILS
    disputed: Flags = said == PASSES | FAILS
    return disputed


def _judge_levels(loaded: RunTable) -> Floats:
    """Give the judge's score of each output by the rubric people grade with; NaN where no judge graded by it."""
    table = loaded.table
    asked = [loaded.facts.criterion_of.get(item) for item in table.items]
    found = np.full(table.size, np.nan)
    for name in table.criteria:
        said, mine = table.criterion(name), np.array([one == name for one in asked], dtype=np.bool_)
        judged = mine[table.outputs.item] & ((said.kinds & JUDGED) > 0)
        found[judged] = [round(score, 6) for score in said.score[judged].tolist()]
    return found


def _missed_chances(table: ScoreTable, levels: Floats, before: Mapping[OutputId, Review]) -> dict[float | None, float]:
    """Give the chance with which earlier draws could have taken an output that they missed, by the judge's score of it.

    Outputs with the same score always have the same chance, so those that were drawn tell it.
    """
    found: dict[float | None, float] = {}
    for output_id in sorted(before.keys() & table.places.keys(), key=table.places.__getitem__):
        level, chance = float(levels[table.places[output_id]]), before[output_id].probability
        if chance > 0:
            found[None if isnan(level) else level] = chance
    return found


async def recount(tx: Transaction, review: Review, probability: float) -> None:
    """Save the chance of a review after another draw; grades of an output that is drawn only now count from now on."""
    await reviews.update_review(tx, replace(review, probability=probability))
    if review.probability > 0:
        return
    for grade in await grades.grades_of_output(tx, review.output_id):
        if grade.grader.kind is GraderKind.HUMAN and grade.purpose is Purpose.TRIAGE:
            await grades.put_human_grade(tx, replace(grade, purpose=Purpose.ESTIMATE))


EARLIER_RUNS = 3
"""From so many runs before, and the run itself, is learnt where people and judge differ."""


async def known_outputs(tx: Transaction, run: Run) -> list[Known]:
    """Give the outputs of a run and the newest ones before it that judge and people graded, drawn by chance."""
    earlier = await runs.runs_before(tx, run, EARLIER_RUNS)
    found: list[Known] = []
    for run_id in (run.id, *(one.id for one in earlier)):
        people: dict[tuple[OutputId, str], list[Grade]] = {}
        for grade in await grades.list_grades(tx, run_id, GraderKind.HUMAN):
            if grade.blind and grade.purpose is Purpose.ESTIMATE:
                people.setdefault((grade.output_id, grade.criterion), []).append(grade)
        if not people:
            continue
        for grade in await grades.judge_grades_of(tx, sorted({output_id for output_id, _ in people})):
            label = label_output(people.get((grade.output_id, grade.criterion), ()))
            if label is not None and grade.score is not None:
                found.append(Known(round(grade.score, 6), label.score))
    return found
