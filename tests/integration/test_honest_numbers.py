"""What a stored run says once people graded a part of it: corrected, compared with both, and nothing of a bad judge on top."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from evalbot.asking.ask import Question
from evalbot.errors import ModelUnavailable
from evalbot.grading.calibration import Standing
from evalbot.grading.grades import GraderKind, Purpose
from evalbot.grading.reviews import Review
from evalbot.people import Person, PersonId, Role, TeamId
from evalbot.reporting.estimates import OVERALL, Estimate, How, RunSummary
from evalbot.reporting.telling import notes_of
from evalbot.runs.outputs import Output
from evalbot.runs.requests import RunRequest
from evalbot.runs.runs import Run
from evalbot.slack.views.run_details import numbers_view
from evalbot.slack.views.runs import verdict_line
from evalbot.store import grades, outputs, reviews
from evalbot.store.database import Store
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import Item, ItemId, Split
from evalbot.suites.suites import RunDefaults, Strategy, Suite
from evalbot.suites.targets import short_target
from evalbot.testing import RecordingAnnouncer, ScriptedModel, make_services
from evalbot.workflows.curating import sync_suites
from evalbot.workflows.explaining import load_explanation
from evalbot.workflows.reviewing import (
    GradeClick,
    OpenedRound,
    RoundRequest,
    mark_discussed,
    open_round,
    record_grade,
    tell_review,
)
from evalbot.workflows.running import execute_run
from evalbot.workflows.scoring import summarise_run
from evalbot.workflows.starting import start_run
from tests.integration.judge_world import HELPFULNESS

TEAM = TeamId("local")
ANN, BEN, EVE = (Person(PersonId(name), TEAM, name, Role.APPROVER) for name in ("ann", "ben", "eve"))
ITEMS = 40
RUBRIC = "helpfulness"
MODEL, OTHER = short_target("test:model"), short_target("test:other")
Verdicts = Callable[[int], bool]


def number_of(text: str) -> int:
    """Give the number that an answer names."""
    return int(text.split("No. ")[1].split(".")[0])


def every(other: int, then: bool = False) -> Verdicts:
    """Give the verdict that turns out one way for every so many-th answer and the other way for the rest."""
    return lambda number: (number % other == 0) is then


class World:
    """A suite of forty questions, a judge and people who grade by rules of their own."""

    def __init__(self, store: Store) -> None:
        self.truth, self.judged = every(4), every(4)
        self.people: tuple[Person, ...] = (BEN,)
        self.announcer = RecordingAnnouncer()
        self.model = ScriptedModel(lambda question: f"No. {question.item.id[1:]}." if question.item else "")
        self.models = {"model": self.model, "other": self.model, "judge": ScriptedModel(self._judge)}
        self.services = make_services(store, self.models, announcer=self.announcer)
        items = tuple(Item(ItemId(f"i{n}"), vars={"question": f"Say {n}."}, skill=f"s{n % 2}") for n in range(ITEMS))
        self.suite = Suite(
            "desk",
            items,
            targets=(MODEL,),
            graders=(GraderSpec(GraderType.RUBRIC, rubric=RUBRIC),),
            rubrics={RUBRIC: HELPFULNESS},
            run=RunDefaults(judge=short_target("test:judge")),
        )

    def _judge(self, question: Question) -> str:
        said = question.messages[-1].content
        return json.dumps({"grade": 4 if self.judged(number_of(said)) else 1, "reason": "So."})

    async def run(self, suite: Suite | None = None, **request: Any) -> Run:
        """Release a suite and run it to its end; nobody is asked to grade by itself."""
        made = suite or self.suite
        await sync_suites(self.services, [made])
        run = await start_run(self.services, replace(RunRequest(made.name, ANN), **request))
        await execute_run(self.services, run.id)
        return run

    async def outputs(self, run: Run) -> list[Output]:
        """Give the outputs of a run."""
        return await self.services.store.read(lambda tx: outputs.list_outputs(tx, run.id))

    async def summary(self, run: Run) -> RunSummary:
        """Give what a run says now."""
        return await self.services.store.read(lambda tx: summarise_run(tx, run))

    async def round(self, run: Run, size: int, strategy: Strategy = Strategy.RANDOM) -> OpenedRound:
        """Open a round in a channel."""
        return await open_round(self.services, RoundRequest(run, ANN.id, size, strategy, len(self.people), "C1"))

    async def grade(self, opened: OpenedRound, skip: int = 0) -> None:
        """Let people grade all but the first reviews of a round, and tell everybody."""
        for state in opened.reviews[skip:]:
            level = 4 if self.truth(number_of(state.output.text or "")) else 1
            for person in self.people:
                await tell_review(
                    self.services, await record_grade(self.services, person, GradeClick(state.review.id, level))
                )

    async def reviews(self, run: Run) -> list[Review]:
        """Give all reviews of a run."""

        async def load(tx: Any) -> list[Review]:
            rounds = await reviews.rounds_of_run(tx, run.id)
            return [review for one in rounds for review in await reviews.list_reviews(tx, one.id)]

        return await self.services.store.read(load)


@pytest.fixture
def world(sqlite_store: Store) -> World:
    """Give a world on an empty database."""
    return World(sqlite_store)


def corrected(summary: RunSummary, skill: str = OVERALL) -> Estimate | None:
    """Give a corrected pass rate of the model."""
    row = next(row for row in summary.rows if (row.target, row.skill) == ("model", skill))
    return row.corrected.estimate if row.corrected else None


async def test_people_correct_the_judge_and_the_card_is_told_anew(world: World) -> None:
    """The judge passes everything, people three of four: with the last grade of the round the run is announced once more,
    with a headline between, its number of graded answers, and the judge's own number beside it."""
    world.judged = lambda number: True
    run = await world.run()
    before = await world.summary(run)
    assert (corrected(before), before.rows[0].grades_needed, before.headline("model")) == (
        None,
        10,
        before.rows[0].estimate,
    )
    opened = await world.round(run, 20)
    told = len(world.announcer.of("run_finished"))
    await world.grade(opened)
    assert len(world.announcer.of("run_finished")) == told + 1
    summary: RunSummary = world.announcer.of("run_finished")[-1].about[1]
    found = corrected(summary)
    assert found is not None
    assert (found.how, found.human_n, found.n) == (How.CORRECTED, 20, ITEMS)
    assert found.lower <= 0.75 <= found.upper < 1.0
    assert summary.rows[0].estimate.score == 1.0
    assert summary.headline("model") == found
    assert summary.response is not None
    assert (summary.response.drawn, summary.response.graded, summary.response.self_selected) == (20, 20, False)
    assert summary.agreement is not None
    assert summary.agreement.n == 20


@pytest.mark.parametrize("strategies", [(Strategy.RANDOM, Strategy.RANDOM), (Strategy.FAIL, Strategy.RANDOM)])
async def test_two_rounds_have_one_chance_together(world: World, strategies: tuple[Strategy, Strategy]) -> None:
    """After two draws every drawn answer has the chance to be drawn in either; what was picked for a reason has none, unless
    the later draw takes it, and then its grades count."""
    run = await world.run()
    for size, strategy in zip((12, 16), strategies, strict=True):
        await world.grade(await world.round(run, size, strategy))
    found = await world.reviews(run)
    drawn = [review for review in found if review.probability > 0]
    by_chance = sum(size for size, strategy in zip((12, 16), strategies, strict=True) if strategy is Strategy.RANDOM)
    assert len(found) == 28
    assert len(drawn) == by_chance
    assert [review.probability for review in drawn] == pytest.approx([by_chance / ITEMS] * by_chance)
    given = await world.services.store.read(lambda tx: grades.list_grades(tx, run.id, GraderKind.HUMAN))
    counting = {grade.output_id for grade in given if grade.purpose is Purpose.ESTIMATE}
    assert counting == {review.output_id for review in drawn}
    estimate = corrected(await world.summary(run))
    assert estimate is not None
    assert estimate.human_n == by_chance


async def test_grades_that_were_picked_or_not_blind_enter_no_score(world: World) -> None:
    """Failures that people looked at for a reason, and drawn answers they talked about first, correct nothing."""
    run = await world.run()
    await world.grade(await world.round(run, 12, Strategy.FAIL))
    assert corrected(await world.summary(run)) is None
    opened = await world.round(run, 12)
    await mark_discussed(world.services, ANN, run.id)
    await world.grade(opened)
    summary = await world.summary(run)
    assert (corrected(summary), summary.agreement) == (None, None)


async def test_holdout_answers_never_come_before_people(world: World) -> None:
    """Their answers are in the judge's number, and neither drawn nor in the corrected one."""
    items = tuple(replace(item, split=Split.HOLDOUT) if n >= 30 else item for n, item in enumerate(world.suite.items))
    run = await world.run(replace(world.suite, items=items), holdout=True)
    await world.grade(await world.round(run, 20))
    summary = await world.summary(run)
    found = corrected(summary)
    assert found is not None
    assert (summary.rows[0].estimate.n, found.n) == (40, 30)


async def test_few_answers_of_a_draw_are_self_selected(world: World) -> None:
    """With 12 of 20 drawn answers graded the score is corrected, and said to be self-selected."""
    run = await world.run()
    await world.grade(await world.round(run, 20), skip=8)
    summary = await world.summary(run)
    assert corrected(summary) is not None
    assert summary.response is not None
    assert (summary.response.drawn, summary.response.graded, summary.response.self_selected) == (20, 12, True)


async def test_a_bad_judge_leaves_the_headline(world: World) -> None:
    """A judge that says the opposite is unverified: where people corrected it their number stands on top, in the next run,
    which nobody graded, nothing does, and every number of it is doubted."""
    world.judged, world.people = every(4, then=True), (BEN, EVE)
    first = await world.run()
    await world.grade(await world.round(first, 20))
    graded = await world.summary(first)
    assert graded.standing is not None
    assert graded.standing.standing is Standing.UNVERIFIED
    assert graded.headline("model") == corrected(graded)
    second = await world.run()
    summary = await world.summary(second)
    assert summary.unverified
    assert summary.headline("model") is None
    assert all(summary.doubts(row.estimate) for row in summary.rows)
    assert all(summary.doubts(change) for change in summary.changes)
    assert verdict_line(second, summary).startswith("desk: judge unverified: no headline")


async def test_a_bad_judge_leaves_what_the_checks_say(world: World) -> None:
    """Where code checks grade as well, the headline is theirs."""
    world.judged, world.people = every(4, then=True), (BEN, EVE)
    checked = (*world.suite.graders, GraderSpec(GraderType.STARTS_WITH, value="No."))
    suite = replace(world.suite, graders=checked)
    first = await world.run(suite)
    await world.grade(await world.round(first, 20))
    summary = await world.summary(await world.run(suite))
    headline = summary.headline("model")
    assert headline is not None
    assert (headline.how, headline.score, headline.n) == (How.CHECK, 1.0, ITEMS)
    assert {row.criterion: row.estimate.how for row in summary.rows if row.skill == OVERALL} == {
        "pass": How.CHECK_AND_JUDGE,
        "correct": How.CHECK,
        RUBRIC: How.JUDGE,
    }


async def test_a_run_is_compared_with_the_baseline_and_the_run_before(world: World) -> None:
    """Both comparisons are there, that with the baseline first; a run that is named goes before the baseline."""
    suite = replace(world.suite, targets=(MODEL, OTHER), baseline="other")
    first = await world.run(suite)
    assert {change.against for change in (await world.summary(first)).changes} == {"other"}
    assert (await world.summary(first)).other_changes == ()
    second = await world.run(suite)
    summary = await world.summary(second)
    assert {(change.target, change.against) for change in summary.changes} == {("model", "other")}
    assert {(one.target, one.against) for one in summary.other_changes} == {("model", "run 1"), ("other", "run 1")}
    named = await world.summary(await world.run(suite, versus="1"))
    assert {change.against for change in named.changes} == {"run 1"}
    assert {change.against for change in named.other_changes} == {"other"}


async def test_two_versions_of_a_suite_are_paired_on_what_they_share(world: World) -> None:
    """Items that are gone, new or asked otherwise are left out of the comparison, which says so."""
    await world.run()
    items = [replace(item, vars={"question": "Else?"}) if n < 5 else item for n, item in enumerate(world.suite.items)]
    more = Item(ItemId("i99"), vars={"question": "New?"}, skill="s0")
    run = await world.run(replace(world.suite, items=(*items[:-3], more)))
    change = (await world.summary(run)).changes[0]
    assert (change.n, change.other_version, change.regraded) == (ITEMS - 5 - 3, 1, 0)


async def test_a_named_run_of_other_items_is_compared_apart(world: World) -> None:
    """Nothing can be paired: both sides' doubt is added, and every door says that the items were others."""
    await world.run()
    others = tuple(replace(item, vars={"question": f"Else {n}?"}) for n, item in enumerate(world.suite.items))
    suite = replace(world.suite, items=others)
    assert (await world.summary(await world.run(suite))).changes == ()
    run = await world.run(suite, versus="1")
    summary = await world.summary(run)
    change = summary.changes[0]
    assert (change.against, change.skill, change.n, change.apart) == ("run 1", OVERALL, ITEMS, True)
    assert change.upper - change.lower > 0.1
    said = "run 1 asked other items, so nothing could be paired and the interval is wider"
    assert said in notes_of(summary, "model")
    assert said in str(numbers_view(run, summary))
    explained = await world.services.store.read(lambda tx: load_explanation(tx, run, ()))
    assert any("over different items" in fact.text for fact in explained.facts)


async def test_a_difference_is_corrected_where_people_graded_both_sides(world: World) -> None:
    """The judge sees no difference between two runs, people do; without grades on both sides the judge's stands alone."""
    world.judged = lambda number: True
    first = await world.run()
    world.truth = lambda number: True
    await world.grade(await world.round(first, 20))
    await world.grade(await world.round(first, 20))
    second = await world.run()
    alone = (await world.summary(second)).changes[0]
    assert (alone.how, alone.difference, alone.human_n) == (How.JUDGE, 0.0, 0)
    world.truth = every(2)
    await world.grade(await world.round(second, 20))
    await world.grade(await world.round(second, 12))
    change = (await world.summary(second)).changes[0]
    assert (change.how, change.human_n, change.judge_alone, change.n) == (How.CORRECTED, 72, 0.0, ITEMS)
    assert change.lower <= -0.5 <= change.upper < 0


async def test_errors_are_apart_and_counted_as_fails_on_request(world: World) -> None:
    """The score leaves errors out; the same with errors as fails stands beside it."""
    usual = world.model.script

    def failing(question: Question) -> Any:
        if question.item and question.item.id in ("i1", "i2"):
            raise ModelUnavailable("away")
        return usual(question)

    world.model.script = failing
    summary = await world.summary(await world.run())
    row = summary.rows[0]
    assert summary.errors == 2
    assert row.with_errors is not None
    assert (row.estimate.n, row.with_errors.n) == (38, 40)
    assert row.with_errors.score == pytest.approx(row.estimate.score * 38 / 40)


async def test_a_constant_target_has_no_score(world: World) -> None:
    """One answer to everything is reported instead of a pass rate, and nothing is compared with it."""
    await world.run()
    world.model.script = lambda question: "No. 1."
    summary = await world.summary(await world.run())
    assert (summary.rows, summary.changes) == ((), ())
    assert [(one.target, one.items) for one in summary.degenerate] == [("model", ITEMS)]


async def test_people_alone_score_what_no_judge_grades(world: World) -> None:
    """A suite that only people grade has a pass rate as soon as they graded ten drawn answers, and none before."""
    suite = replace(world.suite, graders=(GraderSpec(GraderType.HUMAN),), run=RunDefaults())
    run = await world.run(suite)
    opened = await world.round(run, 20)
    assert (await world.summary(run)).rows == ()
    await world.grade(opened)
    row, *skills = (await world.summary(run)).rows
    assert (row.skill, row.criterion, row.estimate.how, row.estimate.n, row.estimate.human_n) == (
        OVERALL,
        "pass",
        How.HUMAN,
        ITEMS,
        20,
    )
    assert row.estimate.lower <= 0.75 <= row.estimate.upper
    assert {one.skill for one in skills} == {"s0", "s1"}


async def test_a_mixed_round_draws_where_people_and_judge_differ(world: World) -> None:
    """What people graded before tells where the judge errs: there the next mixed draw looks more often. Answers that the
    judge grades alike keep one chance, which is stored, and the score weighs them by it."""
    world.judged, world.truth = every(2), lambda number: number % 2 > 0 and number % 4 > 1
    run = await world.run()
    await world.grade(await world.round(run, 12))
    await world.grade(await world.round(run, 16, Strategy.MIX))
    items = {one.id: int(one.unit.item_id[1:]) for one in await world.outputs(run)}
    chances: dict[bool, set[float]] = {True: set(), False: set()}
    for review in await world.reviews(run):
        if review.probability > 0:
            chances[world.judged(items[review.output_id])].add(round(review.probability, 9))
    assert {len(found) for found in chances.values()} == {1}
    doubtful, sure = chances[True].pop(), chances[False].pop()
    assert doubtful > sure > 12 / ITEMS
    row = (await world.summary(run)).rows[0]
    assert row.corrected is not None
    assert "weighted by chance" in row.corrected.estimate.method
    assert row.corrected.estimate.human_n >= 12
    assert row.corrected.estimate.score < row.estimate.score == 0.5
