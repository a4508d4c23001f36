"""Outputs drawn for people: which of a run, with what chance, and what another draw does to the chances before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from evalbot.grading.consensus import label_output
from evalbot.grading.grades import Grade, GraderKind, Purpose
from evalbot.grading.reviews import Review
from evalbot.grading.sampling import Choice, Known, Pickable, choose_outputs, usual_doubt
from evalbot.reporting.scores import OutputScore
from evalbot.runs.outputs import OutputId, RunId
from evalbot.runs.runs import Run
from evalbot.store import grades, reviews, runs
from evalbot.store.database import Transaction
from evalbot.suites.items import ItemStatus, Split
from evalbot.suites.suites import Strategy
from evalbot.workflows.scoring import ScoredRun


async def reviews_of(tx: Transaction, run_id: RunId) -> dict[OutputId, Review]:
    """Give the review of each output of a run that came before people."""
    found: dict[OutputId, Review] = {}
    for opened in await reviews.rounds_of_run(tx, run_id):
        found |= {review.output_id: review for review in await reviews.list_reviews(tx, opened.id)}
    return found


def draw_outputs(
    scored: ScoredRun,
    before: Mapping[OutputId, Review],
    doubts: Mapping[float, float],
    n: int,
    strategy: Strategy,
    seed: int,
) -> Choice:
    """Choose up to n outputs of a run that are new to people; `before` are the reviews that there were, by output."""
    pool = _pool(scored, before, doubts)
    drawn = [_is_drawn(before, one.output_id) for one in pool]
    left = [one for one, taken in zip(pool, drawn, strict=True) if not taken]
    return choose_outputs(left, n, strategy, seed, [one for one, taken in zip(pool, drawn, strict=True) if taken])


def _is_drawn(before: Mapping[OutputId, Review], output_id: OutputId) -> bool:
    """Tell whether an earlier draw took an output by chance."""
    return output_id in before and before[output_id].probability > 0


def _pool(scored: ScoredRun, before: Mapping[OutputId, Review], doubts: Mapping[float, float]) -> list[Pickable]:
    """Give the answered outputs that people may see, with all that decides which of them they do see."""
    items = {item.id: item for item in scored.suite.items}
    scores = {score.output_id: score for score in scored.scores}
    missed = _missed_chances(scored, before)
    usual = min(missed.values(), default=0.0)
    pool = []
    for output in scored.outputs:
        item = items.get(output.unit.item_id)
        rubric = scored.suite.rubric_of(item) if item else None
        if item is None or rubric is None or not output.answered or item.split is Split.HOLDOUT:
            continue
        score, verdicts = scores.get(output.id), _verdicts(scored.grades.get(output.id, ()))
        level = _judge_level(score, rubric.name)
        drawn = _is_drawn(before, output.id)
        pool.append(
            Pickable(
                output.id,
                failed=score is not None and not score.passed,
                disputed=len(verdicts) > 1,
                new_item=item.status is ItemStatus.PROBATION,
                skill=item.skill or "",
                doubt=0.0 if level is None else doubts.get(level, usual_doubt(doubts)),
                chance=before[output.id].probability if drawn else missed.get(level, usual),
                seen=output.id in before and not drawn,
            )
        )
    return pool


def _verdicts(found: Iterable[Grade]) -> set[bool | None]:
    """Give the different verdicts on an output."""
    return {grade.passed for grade in found if grade.counts}


def _judge_level(score: OutputScore | None, criterion: str) -> float | None:
    """Give the judge's score of an output by the rubric people grade with; None where no judge graded by it."""
    if score is None or criterion not in score.scores or GraderKind.JUDGE not in score.kinds_of(criterion):
        return None
    return round(score.scores[criterion], 6)


def _missed_chances(scored: ScoredRun, before: Mapping[OutputId, Review]) -> dict[float | None, float]:
    """Give the chance with which earlier draws could have taken an output that they missed, by the judge's score of it.

    Outputs with the same score always have the same chance, so those that were drawn tell it.
    """
    items = {item.id: item for item in scored.suite.items}
    scores = {score.output_id: score for score in scored.scores}
    found: dict[float | None, float] = {}
    for output in scored.outputs:
        review, item = before.get(output.id), items.get(output.unit.item_id)
        rubric = scored.suite.rubric_of(item) if item else None
        if review is not None and rubric is not None and review.probability > 0:
            found[_judge_level(scores.get(output.id), rubric.name)] = review.probability
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
    earlier = [one for one in await runs.list_runs(tx, run.team, suite=run.suite, limit=20) if one.number < run.number]
    found: list[Known] = []
    for one in (run, *earlier[:EARLIER_RUNS]):
        people: dict[tuple[OutputId, str], list[Grade]] = {}
        for grade in await grades.list_grades(tx, one.id, GraderKind.HUMAN):
            if grade.blind and grade.purpose is Purpose.ESTIMATE:
                people.setdefault((grade.output_id, grade.criterion), []).append(grade)
        if not people:
            continue
        for grade in await grades.list_grades(tx, one.id, GraderKind.JUDGE):
            label = label_output(people.get((grade.output_id, grade.criterion), ()))
            if label is not None and grade.score is not None:
                found.append(Known(round(grade.score, 6), label.score))
    return found
