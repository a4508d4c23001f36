"""Judges held against people: standings by epoch, and calibrations that suggest examples and measure them."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest
import yaml
from sqlalchemy import update

from evalbot.asking.ask import Question
from evalbot.asking.prices import PriceTable
from evalbot.asking.target_config import Price
from evalbot.errors import BadRequest, Conflict, ModelUnavailable, NotAllowed, UnknownName
from evalbot.grading.calibration import Standing
from evalbot.grading.trials import held_back
from evalbot.people import PersonId, Role
from evalbot.runs.budgets import Limits, Scope
from evalbot.stats.verdicts import Verdict
from evalbot.store import calibrations, grades
from evalbot.store.database import Store
from evalbot.store.tables import REVIEWS
from evalbot.suites.items import ItemId, Split
from evalbot.suites.rubrics import JudgePrompt, RubricExample
from evalbot.suites.suites import RunDefaults
from evalbot.suites.targets import Target, short_target
from evalbot.testing import Reply
from evalbot.workflows.curating import sync_suites
from evalbot.workflows.judge_reports import judge_reports
from evalbot.workflows.judge_trials import carry_out, go_on
from evalbot.workflows.services import Services
from evalbot.workflows.starting_calibrations import (
    CalibrationRequest,
    approve_calibration,
    preview_calibration,
    reject_calibration,
    start_calibration,
)
from tests.integration.judge_world import ANN, HELPFULNESS, POLITE, JudgeWorld, make_desk, sharp_verdict

BEN = replace(ANN, id=PersonId("U9"), name="Ben", role=Role.APPROVER)


@pytest.fixture
async def world(sqlite_store: Store) -> JudgeWorld:
    """A world on an empty store."""
    return JudgeWorld(sqlite_store)


# --- standings -------------------------------------------------------------------------------------


async def test_a_judge_nobody_graded_beside_is_unmeasured(world: JudgeWorld) -> None:
    """Without grades of people there is no number, and the need is named."""
    await world.ran()
    standing = await world.standing()
    assert (standing.standing, standing.agreement, standing.n, standing.more) == (Standing.UNMEASURED, None, 0, 10)


async def test_agreement_counts_what_both_graded(store: Store) -> None:
    """On both databases: a judge taken in by 10 of 60 answers agrees on 50, under people who always agree."""
    world = JudgeWorld(store)
    await world.graded_by_people(await world.ran())
    standing = await world.standing()
    assert (standing.n, standing.ceiling) == (60, 1.0)
    assert standing.agreement == pytest.approx(50 / 60)
    assert standing.majority == pytest.approx(40 / 60)
    assert standing.standing is Standing.UNVERIFIED


async def test_a_good_judge_is_trusted(world: JudgeWorld) -> None:
    """A judge that sees what people see may be believed once the interval says so."""
    await world.graded_by_people(await world.ran(make_desk(90)), most=2)
    world.judge.script = sharp_verdict
    run = await world.ran(make_desk(90, description="again"))
    await world.graded_by_people(run)
    standing = await world.standing()
    assert standing.standing is Standing.TRUSTED
    assert standing.lower is not None
    assert standing.lower >= 0.95


@pytest.mark.parametrize("what", ["not blind", "picked by hand"])
async def test_only_blind_grades_of_drawn_outputs_count(world: JudgeWorld, what: str) -> None:
    """Grades given after the talk, and outputs that somebody picked, say nothing about the judge."""
    run = await world.ran()
    await world.graded_by_people(run, blind=what != "not blind", chance=0.0 if what == "picked by hand" else 1.0)
    assert (await world.standing()).n == 0


async def test_outputs_drawn_more_rarely_weigh_more(world: JudgeWorld) -> None:
    """Where chances differ an answer stands for those that were not drawn: agreement is that of the run, not of the draw."""
    run = await world.ran()
    await world.graded_by_people(run)
    mistaken = [one for one in await world.outputs(run) if (one.text or "").startswith(POLITE)]

    rare = [one.id for one in await world.outputs(run) if one not in mistaken]
    change = update(REVIEWS).where(REVIEWS.c.output_id.in_(rare)).values(probability=0.25)
    await world.store.write(lambda tx: tx.execute(change))
    standing = await world.standing()
    assert standing.agreement == pytest.approx(50 * 4 / (50 * 4 + 10))


# --- epochs ----------------------------------------------------------------------------------------

CHANGES: dict[str, dict[str, Any]] = {
    "model": {"run": RunDefaults(judge=Target("test:other", "judge"))},
    "parameters": {"run": RunDefaults(judge=Target("test:judge", "judge", {"temperature": 1}))},
    "prompt": {
        "rubrics": {HELPFULNESS.name: replace(HELPFULNESS, judge=JudgePrompt("rubric", 1, "Grade it.", "other"))}
    },
    "rubric version": {"rubrics": {HELPFULNESS.name: replace(HELPFULNESS, version=2)}},
    "example": {"rubrics": {HELPFULNESS.name: replace(HELPFULNESS, examples=(RubricExample("q", "a", 1),))}},
}


async def test_a_change_of_the_judge_opens_a_new_epoch(world: JudgeWorld) -> None:
    """Numbers never cross a change of model, parameters, prompt or rubric; what people graded waits for the new judge."""
    await world.graded_by_people(await world.ran())
    for what, change in CHANGES.items():
        assert (await world.standing()).n == 60
        await sync_suites(world.services, [make_desk(**change)])
        [report] = await judge_reports(world.services, "desk")
        assert (report.standing.standing, report.standing.n) == (Standing.UNMEASURED, 0), what
        assert (report.graded, report.waiting) == (60, 60), what
        await sync_suites(world.services, [make_desk()])


async def test_another_item_does_not_open_an_epoch(world: JudgeWorld) -> None:
    """A new version of the suite with the same judge and rubric goes on with the same numbers."""
    await world.graded_by_people(await world.ran())
    await sync_suites(world.services, [make_desk(70, description="more items")])
    assert (await world.standing()).n == 60


async def test_grades_of_people_do_not_answer_another_question(world: JudgeWorld) -> None:
    """Where the rubric asks something else now, what people said before is no measure."""
    await world.graded_by_people(await world.ran())
    asks = replace(HELPFULNESS, version=2, question="Is it short?")
    await sync_suites(world.services, [make_desk(rubrics={asks.name: asks})])
    [report] = await judge_reports(world.services, "desk")
    assert (report.graded, report.waiting) == (0, 0)


async def test_a_suite_without_a_judge_has_no_standing(world: JudgeWorld) -> None:
    """Code checks need nobody's trust."""
    await world.graded_by_people(await world.ran())
    await sync_suites(world.services, [make_desk(run=RunDefaults())])
    assert (await world.standing()).reason == "This suite has no judge."
    with pytest.raises(BadRequest, match="no judge"):
        await start_calibration(world.services, CalibrationRequest(ANN, "desk"))


# --- calibrations ----------------------------------------------------------------------------------


async def test_calibration_judges_what_the_new_judge_never_saw(world: JudgeWorld) -> None:
    """After a change of the judge the stored answers are put to it, once each, and no score of a run changes."""
    run = await world.ran()
    await world.graded_by_people(run)
    stored = await world.store.read(lambda tx: grades.list_grades(tx, run.id))
    await sync_suites(world.services, [make_desk(run=RunDefaults(judge=Target("test:judge", "judge", {"seed": 7})))])
    asked = len(world.judge.asked)
    report = await world.calibrated()
    again = [one for one in world.judge.asked[asked:] if f"Answer: {POLITE}" not in one.messages[0].content]
    assert len(again) == 60
    assert (report.judge.standing.n, report.judge.waiting) == (60, 0)
    assert (await world.standing()).n == 60
    assert await world.store.read(lambda tx: grades.list_grades(tx, run.id)) == stored
    assert len(world.model.asked) == 60


async def test_examples_from_disagreements_are_measured_on_answers_kept_aside(world: JudgeWorld) -> None:
    """Up to three mistakes of the practice part become examples; the held-back part shows that they help, and by how much."""
    run = await world.ran(make_desk(120))
    await world.graded_by_people(run)
    report = await world.calibrated()
    done = report.calibration
    assert 1 <= len(done.examples) <= 3
    aside = {str(item.vars["question"]) for item in (await world.newest()).items if held_back(item.id)}
    assert all(one.output.startswith(POLITE) and one.grade == 1 for one in done.examples)
    assert all(one.why == "It answers nothing." and one.input not in aside for one in done.examples)
    assert report.gain is not None
    assert report.gain.after.value == 1.0
    assert report.gain.before.value == pytest.approx(5 / 6, abs=0.1)
    assert report.gain.decision.verdict is Verdict.BETTER
    assert report.gain.difference.n == report.held_back == len(done.retold)
    assert report.practice + report.held_back == 120
    assert [told.about[0].calibration.id for told in world.announcer.of("judge_calibrated")] == [done.id]


async def test_examples_are_written_as_a_rubric_file_takes_them(world: JudgeWorld) -> None:
    """What is to be pasted reads back as the examples themselves."""
    await world.graded_by_people(await world.ran())
    report = await world.calibrated()
    read = yaml.safe_load(report.written)["examples"]
    assert [RubricExample(**one) for one in read] == list(report.calibration.examples)


async def test_holdout_items_give_no_examples(world: JudgeWorld) -> None:
    """What is kept back never gets into a file that all read."""
    desk = make_desk()
    kept = tuple(replace(item, split=Split.HOLDOUT) for item in desk.items)
    await world.graded_by_people(await world.ran())
    await sync_suites(world.services, [replace(desk, items=kept)])
    report = await world.calibrated()
    assert report.calibration.examples == ()


async def test_answers_that_people_are_just_grading_give_no_examples(world: JudgeWorld) -> None:
    """Who has not graded a card yet must not read the verdict of others in an example."""
    await world.graded_by_people(await world.ran(), channel="C1")
    report = await world.calibrated()
    assert (report.calibration.examples, report.judge.standing.n) == ((), 60)


async def test_a_judge_without_mistakes_gets_no_examples(world: JudgeWorld) -> None:
    """Nothing to teach, nothing to compare, and the standing is told all the same."""
    world.judge.script = sharp_verdict
    await world.graded_by_people(await world.ran())
    report = await world.calibrated()
    assert (report.calibration.examples, report.gain, report.judge.standing.agreement) == ((), None, 1.0)


async def test_a_stopped_calibration_goes_on_without_asking_twice(world: JudgeWorld) -> None:
    """Verdicts that are saved are not paid for again after a stop."""
    await world.graded_by_people(await world.ran())
    await sync_suites(world.services, [make_desk(run=RunDefaults(judge=Target("test:judge", "judge", {"seed": 7})))])
    [started] = await start_calibration(world.services, CalibrationRequest(ANN, "desk", "C1"))
    before, script = len(world.judge.asked), world.judge.script

    def stop_after_twenty(question: Question) -> Reply:
        if len(world.judge.asked) - before > 20:
            raise KeyError("the program was stopped")
        return script(question)

    world.judge.script = stop_after_twenty
    with pytest.raises(KeyError):
        await carry_out(world.services, started.id)
    saved = await world.store.read(lambda tx: calibrations.find_calibration(tx, started.id))
    assert saved is not None
    assert saved.finished_at is None
    assert 16 <= len(saved.verdicts) <= 20
    world.judge.script = script
    spawned: list[Coroutine[Any, Any, None]] = []
    services = replace(world.services, spawn=spawned.append)
    assert await go_on(services) == 1
    assert await go_on(services) == 0, "a second program takes nothing over"
    asked = len(world.judge.asked)
    await spawned[0]
    plain = [one for one in world.judge.asked[asked:] if f"Answer: {POLITE}" not in one.messages[0].content]
    assert len(plain) == 60 - len(saved.verdicts)
    assert await go_on(services) == 0


async def test_a_judge_that_is_away_is_told_of(world: JudgeWorld) -> None:
    """Verdicts that failed are counted, never taken for grades, and asked for again by the next calibration."""
    await world.graded_by_people(await world.ran())
    await sync_suites(world.services, [make_desk(run=RunDefaults(judge=Target("test:judge", "judge", {"seed": 7})))])
    script, world.judge.script = world.judge.script, lambda question: ModelUnavailable("Away.", kind="timeout")
    report = await world.calibrated()
    assert (report.unread, report.judge.standing.n, report.judge.waiting) == (60, 0, 60)
    world.judge.script = script
    world.clock.move(hours=1)
    assert (await world.calibrated()).judge.standing.n == 60


async def test_a_calibration_is_paid_from_the_budgets(world: JudgeWorld) -> None:
    """Calls have a price that the workspace's budget must hold; where it does not, the calibration ends and says so."""
    await world.graded_by_people(await world.ran())
    judge = Target("test:judge", "judge", {"seed": 7})
    await sync_suites(world.services, [make_desk(run=RunDefaults(judge=judge))])
    prices = PriceTable({"test:judge": Price(1_000.0, 1_000.0)})
    services = replace(world.services, limits=Limits(day=1), prices=prices)
    [started] = await start_calibration(services, CalibrationRequest(ANN, "desk", "C1"))
    report = await carry_out(services, started.id)
    assert report is not None
    assert "budget" in report.calibration.note
    assert report.judge.standing.n == 0


async def priced(world: JudgeWorld, **money: int) -> Services:
    """A graded run whose judge was changed since, so that it must be asked again, and that has a price."""
    await world.graded_by_people(await world.ran())
    judge = Target("test:judge", "judge", {"seed": 7})
    await sync_suites(world.services, [make_desk(run=RunDefaults(judge=judge))])
    prices = PriceTable({"test:judge": Price(10.0, 10.0)})
    return replace(world.services, limits=Limits(**money), prices=prices)


async def test_a_preview_says_what_a_calibration_takes(world: JudgeWorld) -> None:
    """Every answer that the judge never saw once, those kept aside perhaps twice; nothing is saved and nothing is asked."""
    services = await priced(world, day=10**9)
    asked = len(world.judge.asked)
    preview = await preview_calibration(services, CalibrationRequest(ANN, "desk"))
    aside = sum(held_back(ItemId(f"i{n}")) for n in range(60))
    forecast = preview.forecast
    assert (forecast.items, forecast.calls, preview.waits) == (60, 60 + aside, False)
    assert forecast.low is not None
    assert forecast.high is not None
    assert 0 < forecast.low < forecast.high
    assert forecast.left == {Scope.DAY: 10**9}
    assert len(world.judge.asked) == asked
    [started] = await start_calibration(services, CalibrationRequest(ANN, "desk"))
    await carry_out(services, started.id)
    assert len(world.judge.asked) - asked <= forecast.calls


async def test_a_dear_calibration_waits_for_somebody_else(world: JudgeWorld) -> None:
    """Nothing goes on before, also not after a restart; its starter is refused, another approver lets it begin, once."""
    services = await priced(world, approval_above=1)
    [waiting] = await start_calibration(services, CalibrationRequest(ANN, "desk", "C1"))
    assert waiting.waiting
    assert await go_on(services) == 0
    with pytest.raises(Conflict, match="waits for an approver"):
        await start_calibration(services, CalibrationRequest(ANN, "desk", "C1"))
    with pytest.raises(NotAllowed, match="A second person"):
        await approve_calibration(services, ANN, waiting.id)
    with pytest.raises(NotAllowed, match="approver"):
        await approve_calibration(services, replace(BEN, role=Role.RUNNER), waiting.id)
    [approved] = await approve_calibration(services, BEN, waiting.id)
    with pytest.raises(Conflict, match="decided on already"):
        await reject_calibration(services, BEN, waiting.id)
    report = await carry_out(services, approved.id)
    assert report is not None
    assert report.judge.standing.n == 60


async def test_a_rejected_calibration_never_was(world: JudgeWorld) -> None:
    """It asks nothing, it is not the last one that the judge is known by, and the next one may begin."""
    services = await priced(world, approval_above=1)
    [waiting] = await start_calibration(services, CalibrationRequest(ANN, "desk"))
    await reject_calibration(services, BEN, waiting.id)
    assert await go_on(services) == 0
    [known] = await judge_reports(services, "desk")
    assert known.last is None
    [again] = await start_calibration(services, CalibrationRequest(ANN, "desk", approved=True))
    assert not again.waiting


@pytest.mark.parametrize("money", [{"day": 1}, {"person_day": 1}])
async def test_a_calibration_needs_money_before_it_begins(world: JudgeWorld, money: dict[str, int]) -> None:
    """With a day's or a person's budget used up nothing is saved; a budget of its own is kept."""
    services = await priced(world, **money)
    [first] = await start_calibration(services, CalibrationRequest(ANN, "desk"))
    report = await carry_out(services, first.id)
    assert report is not None
    assert "budget" in report.calibration.note
    own = replace(services, limits=Limits())
    [second] = await start_calibration(own, CalibrationRequest(ANN, "desk", budget=1))
    report = await carry_out(own, second.id)
    assert report is not None
    assert "budget" in report.calibration.note
    unpriced = replace(services, prices=PriceTable({}))
    with pytest.raises(BadRequest, match="nobody knows"):
        await preview_calibration(unpriced, CalibrationRequest(ANN, "desk"))


async def test_who_may_calibrate_and_when(world: JudgeWorld) -> None:
    """Runners, of a suite that there is, with grades of people, one at a time."""
    await world.ran()
    with pytest.raises(NotAllowed):
        await start_calibration(world.services, CalibrationRequest(replace(ANN, role=Role.GRADER), "desk"))
    with pytest.raises(UnknownName):
        await start_calibration(world.services, CalibrationRequest(ANN, "nothing-like-it"))
    with pytest.raises(BadRequest, match="graded no answer"):
        await start_calibration(world.services, CalibrationRequest(ANN, "desk"))
    await world.graded_by_people(await world.ran())
    await start_calibration(world.services, CalibrationRequest(ANN, "desk"))
    with pytest.raises(Conflict, match="being calibrated already"):
        await start_calibration(world.services, CalibrationRequest(ANN, "desk"))


async def test_a_calibration_of_a_judge_that_changed_meanwhile_ends(world: JudgeWorld) -> None:
    """Nothing is measured for a judge that is not the suite's any more, and nothing hangs."""
    await world.graded_by_people(await world.ran())
    [started] = await start_calibration(world.services, CalibrationRequest(ANN, "desk", "C1"))
    await sync_suites(world.services, [make_desk(run=RunDefaults(judge=short_target("test:gpt-model")))])
    assert await carry_out(world.services, started.id) is None
    saved = await world.store.read(lambda tx: calibrations.find_calibration(tx, started.id))
    assert saved is not None
    assert saved.finished_at is not None
    assert "changed" in saved.note


async def test_calibrations_are_kept_as_they_are(store: Store) -> None:
    """On both databases a calibration comes back whole, whatever characters are in its examples."""
    world = JudgeWorld(store)
    await world.graded_by_people(await world.ran())
    [started] = await start_calibration(world.services, CalibrationRequest(ANN, "desk", "C1"))
    odd = replace(started, examples=(RubricExample("a\x00b", "\ud800", 1, "ü"),), note="x")
    await store.write(lambda tx: calibrations.put_calibration(tx, odd))
    assert await store.read(lambda tx: calibrations.find_calibration(tx, started.id)) == odd
    listed = await store.read(lambda tx: calibrations.list_calibrations(tx, started.team, "desk", [odd.epoch.key]))
    assert listed == [odd]
    assert await store.read(lambda tx: calibrations.list_calibrations(tx, started.team, "desk", ["other"])) == []


def test_items_are_always_held_back_alike() -> None:
    """The split is by item, about half, and never changes."""
    aside = [held_back(ItemId(f"i{n}")) for n in range(200)]
    assert aside == [held_back(ItemId(f"i{n}")) for n in range(200)]
    assert 70 < sum(aside) < 130
