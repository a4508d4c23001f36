"""Runs as a story, on SQLite with scripted models: started, carried out, stopped anywhere, gone on with, ended once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from evalbot.asking.ask import Question
from evalbot.errors import BadRequest, Conflict, ModelUnavailable, NotAllowed, OutsideError, UnknownName
from evalbot.grading.grades import Grade, GraderKind
from evalbot.people import Person, PersonId, Role, TeamId
from evalbot.reporting.estimates import RunSummary
from evalbot.runs.outputs import Output
from evalbot.runs.requests import RunRequest
from evalbot.runs.runs import Progress, Run, RunStatus
from evalbot.store import grades, outputs, runs
from evalbot.store.database import Store
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import Item, ItemId, Message
from evalbot.suites.prompts import Prompt
from evalbot.suites.suites import RunDefaults, Suite
from evalbot.suites.targets import short_target
from evalbot.testing import FixedClock, RecordingAnnouncer, Reply, ScriptedModel, make_services
from evalbot.workflows.curating import sync_suites
from evalbot.workflows.running import cancel_run, execute_run, list_open_runs, pause_run, resume_run
from evalbot.workflows.services import Services
from evalbot.workflows.starting import find_interrupted, same_again, start_run
from tests.integration.judge_world import HELPFULNESS

ANN = Person(PersonId("U1"), TeamId("local"), "Ann", Role.ADMIN)
ITEMS = 12
ASK = RunRequest("sums", ANN, concurrency=4)


def make_suite(**changes: object) -> Suite:
    """Make a suite of twelve items whose answers are their numbers."""
    items = tuple(Item(ItemId(f"i{n}"), vars={"question": f"Say {n}."}, reference=str(n)) for n in range(ITEMS))
    suite = Suite("sums", items, targets=(short_target("test:model"),), graders=(GraderSpec(GraderType.NUMERIC),))
    return replace(suite, **changes)  # type: ignore[arg-type]


def say_number(question: Question) -> Reply:
    """Answer with the number that was asked for."""
    assert question.item is not None
    return str(question.item.reference)


class World:
    """Services on a store, with the model `model` and the judge `judge`, and what they told and were asked."""

    def __init__(self, store: Store) -> None:
        self.model = ScriptedModel(say_number)
        self.judge = ScriptedModel(lambda question: '{"grade": 4, "reason": "Right."}')
        self.announcer = RecordingAnnouncer()
        self.clock = FixedClock()
        self.services: Services = make_services(
            store, {"model": self.model, "judge": self.judge}, announcer=self.announcer, now=self.clock
        )

    async def found(self, run: Run) -> list[Output]:
        """Give the stored outputs of a run."""
        return await self.services.store.read(lambda tx: outputs.list_outputs(tx, run.id))

    async def grades(self, run: Run) -> list[Grade]:
        """Give the stored grades of a run."""
        return await self.services.store.read(lambda tx: grades.list_grades(tx, run.id))

    async def again(self, run: Run) -> Run:
        """Read a run anew."""
        return await self.services.store.read(lambda tx: runs.get_run(tx, run.id))

    def summary(self) -> RunSummary:
        """Give the summary that was announced last."""
        summary: RunSummary = self.announcer.of("run_finished")[-1].about[1]
        return summary

    async def stop_after(self, run: Run, calls: int) -> None:
        """Carry a run out until so many calls were answered, then stop it as a stop of the program would."""
        gate, script = asyncio.Event(), self.model.script

        def count(question: Question) -> Reply:
            if len(self.model.asked) >= calls:
                gate.set()
            return script(question)

        self.model.script = count
        task = asyncio.create_task(execute_run(self.services, run.id))
        await asyncio.wait_for(gate.wait(), 10)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self.model.script = script


@pytest.fixture
async def world(sqlite_store: Store) -> World:
    """A world with the suite `sums`."""
    made = World(sqlite_store)
    await sync_suites(made.services, [make_suite()])
    return made


async def test_a_run_asks_each_item_once_and_ends_done(world: World) -> None:
    """Every item is asked, checked, stored and counted; start and end are announced once."""
    run = await start_run(world.services, ASK)
    await execute_run(world.services, run.id)
    assert world.model.times == {f"i{n}": 1 for n in range(ITEMS)}
    assert world.model.most_at_once == 4
    assert {one.unit.item_id for one in await world.found(run)} == {f"i{n}" for n in range(ITEMS)}
    assert (await world.again(run)).status is RunStatus.DONE
    assert [told.what for told in world.announcer.told if told.what != "run_progressed"] == [
        "run_started",
        "run_finished",
    ]
    summary = world.summary()
    assert (summary.outputs, summary.errors, summary.ungraded) == (ITEMS, 0, 0)
    assert (summary.rows[0].estimate.n, summary.rows[0].estimate.score) == (ITEMS, 1.0)


async def test_progress_grows_to_the_whole(world: World) -> None:
    """What is told of the progress never goes back and ends complete."""
    run = await start_run(world.services, ASK)
    await execute_run(world.services, run.id)
    seen: list[Progress] = [told.about[1] for told in world.announcer.of("run_progressed")]
    assert [one.outputs for one in seen] == sorted(one.outputs for one in seen)
    assert seen[-1] == Progress(ITEMS, ITEMS)
    assert seen[-1].complete


@pytest.mark.parametrize("calls", [1, 5, ITEMS])
async def test_a_stopped_run_goes_on_with_what_is_missing(world: World, calls: int) -> None:
    """After a stop only units without a result are asked; a result that was stored is never asked again."""
    run = await start_run(world.services, ASK)
    await world.stop_after(run, calls)
    kept = {one.unit.item_id for one in await world.found(run)}
    before = dict(world.model.times)
    assert (await world.again(run)).open
    assert [one.id for one in await list_open_runs(world.services)] == [run.id]
    await execute_run(world.services, run.id)
    assert len(await world.found(run)) == ITEMS
    assert all(world.model.times[item] == before[item] for item in kept)
    assert sum(world.model.times.values()) <= ITEMS + 4, "at most the calls in flight are made again"
    assert (await world.again(run)).status is RunStatus.DONE


async def test_two_executions_at_once_store_one_result_each(world: World) -> None:
    """Even when a run is carried out twice at once, each unit has one output with one grade, and it ends once."""
    run = await start_run(world.services, ASK)
    await asyncio.gather(execute_run(world.services, run.id), execute_run(world.services, run.id))
    assert len(await world.found(run)) == ITEMS
    assert len(await world.grades(run)) == ITEMS
    assert len(world.announcer.of("run_finished")) == 1


async def test_an_ended_run_is_left_alone(world: World) -> None:
    """Executing a run that has ended asks nothing and tells nothing."""
    run = await start_run(world.services, ASK)
    await execute_run(world.services, run.id)
    told, asked = len(world.announcer.told), len(world.model.asked)
    await execute_run(world.services, run.id)
    assert (len(world.announcer.told), len(world.model.asked)) == (told, asked)


async def test_failed_calls_are_data_and_not_wrong_answers(world: World) -> None:
    """A call without an answer is stored with its reason and stands outside of the score."""

    def mostly(question: Question) -> Reply:
        if question.item is not None and question.item.id in ("i3", "i7"):
            return ModelUnavailable("The model's server failed (500).", kind="server_error")
        return say_number(question)

    world.model.script = mostly
    run = await start_run(world.services, ASK)
    await execute_run(world.services, run.id)
    failed = {one.unit.item_id: one.failure for one in await world.found(run) if one.failure}
    assert {name: failure.kind for name, failure in failed.items()} == {"i3": "server_error", "i7": "server_error"}
    summary = world.summary()
    assert (summary.outputs, summary.errors) == (ITEMS, 2)
    assert (summary.rows[0].estimate.n, summary.rows[0].estimate.score) == (ITEMS - 2, 1.0)
    assert {grade.output_id for grade in await world.grades(run)} == {
        one.id for one in await world.found(run) if one.answered
    }


async def test_a_prompt_that_cannot_be_filled_fails_the_run(world: World) -> None:
    """An item without a variable that the prompt needs ends the run as failed with the reason; it is not left open."""
    prompt = Prompt("greeting", (Message("user", "{{ question }} {{ name }}"),))
    await sync_suites(world.services, [make_suite(name="holes", prompts=(prompt,))])
    run = await start_run(world.services, replace(ASK, suite="holes"))
    await execute_run(world.services, run.id)
    ended = await world.again(run)
    assert ended.status is RunStatus.FAILED
    assert "name" in ended.note
    assert len(world.announcer.of("run_finished")) == 1
    assert await list_open_runs(world.services) == []


async def test_a_target_that_can_no_longer_be_asked_fails_the_run(world: World) -> None:
    """A run whose target is gone after a restart ends as failed with the reason instead of being tried for ever."""
    run = await start_run(world.services, ASK)
    elsewhere = make_services(world.services.store, {}, announcer=world.announcer)
    await execute_run(elsewhere, run.id)
    ended = await world.again(run)
    assert ended.status is RunStatus.FAILED
    assert "model" in ended.note


async def test_trouble_outside_leaves_the_run_open(world: World) -> None:
    """A failure that time may mend is raised in one piece, and the run can go on."""

    def once(question: Question) -> Reply:
        raise OutsideError("The database is busy.", "Try again in a moment.")

    world.model.script = once
    run = await start_run(world.services, ASK)
    with pytest.raises(OutsideError, match="busy"):
        await execute_run(world.services, run.id)
    assert (await world.again(run)).open
    world.model.script = say_number
    await execute_run(world.services, run.id)
    assert (await world.again(run)).status is RunStatus.DONE


async def test_a_bug_is_raised_as_itself(world: World) -> None:
    """What nobody foresaw comes out as it is, for the log, and the run stays open."""

    def stumble(question: Question) -> Reply:
        raise ZeroDivisionError("unforeseen")

    world.model.script = stumble
    run = await start_run(world.services, ASK)
    with pytest.raises(ZeroDivisionError):
        await execute_run(world.services, run.id)
    assert (await world.again(run)).open


class Submitted:
    """An engine that carries nothing out and keeps what it was given."""

    def __init__(self) -> None:
        self.runs: list[str] = []

    async def submit(self, run_id: str) -> None:
        """Keep it."""
        self.runs.append(run_id)

    async def cancel(self, run_id: str) -> None:
        """Do nothing."""


def away(question: Question) -> Reply:
    """Fail as an endpoint does that refuses the key."""
    return ModelUnavailable("The model's server did not accept the API key (401).", "Check the key.", kind="auth")


async def test_a_target_that_fails_again_and_again_pauses_the_run(world: World) -> None:
    """Ten failures in a row pause the run; none of them is kept, what was answered is; resumed, it asks only what is missing."""
    world.model.script = lambda question: say_number(question) if question.item.id in ("i0", "i1") else away(question)  # type: ignore[union-attr]
    run = await start_run(world.services, replace(ASK, concurrency=1))
    await execute_run(world.services, run.id)
    paused = await world.again(run)
    assert (paused.status, paused.going, paused.open) == (RunStatus.PAUSED, False, True)
    assert paused.note == (
        "model failed 10 times in a row: The model's server did not accept the API key (401). Check the key."
    )
    assert {one.unit.item_id for one in await world.found(run)} == {"i0", "i1"}
    told, progress = world.announcer.of("run_progressed")[-1].about[:2]
    assert (told.status, progress) == (RunStatus.PAUSED, Progress(ITEMS, 2))
    await execute_run(world.services, run.id)
    assert len(world.model.asked) == ITEMS, "a paused run asks nothing"
    world.model.script, engine = say_number, Submitted()
    resumed = await resume_run(world.services, engine, ANN, paused)
    assert (resumed.status, resumed.note, engine.runs) == (RunStatus.RUNNING, "", [run.id])
    await execute_run(world.services, run.id)
    assert (await world.again(run)).status is RunStatus.DONE
    assert world.model.times == {"i0": 1, "i1": 1, **{f"i{n}": 2 for n in range(2, ITEMS)}}
    assert (world.summary().outputs, world.summary().errors) == (ITEMS, 0)


@pytest.mark.parametrize("kind", ["bad_request", "rate_limited", "unreadable", "too_large"])
async def test_what_is_not_the_endpoints_fault_pauses_nothing(world: World, kind: str) -> None:
    """Refused, limited and unreadable answers stay results of their items, however many come in a row."""
    world.model.script = lambda question: ModelUnavailable("No.", kind=kind)
    run = await start_run(world.services, ASK)
    await execute_run(world.services, run.id)
    assert (await world.again(run)).status is RunStatus.DONE
    assert world.summary().errors == ITEMS


async def test_failures_between_answers_pause_nothing(world: World) -> None:
    """An endpoint that answers now and then is not down: its failures are kept, also when nine of them come in a row."""
    world.model.script = lambda question: say_number(question) if question.item.id in ("i0", "i10") else away(question)  # type: ignore[union-attr]
    run = await start_run(world.services, replace(ASK, concurrency=1))
    await execute_run(world.services, run.id)
    assert (await world.again(run)).status is RunStatus.DONE
    assert (world.summary().outputs, world.summary().errors) == (ITEMS, ITEMS - 2)
    assert set(world.model.times.values()) == {1}


async def test_only_a_paused_run_is_resumed(world: World) -> None:
    """Resuming needs a role and a paused run; anything else changes nothing."""
    run, engine = await start_run(world.services, ASK), Submitted()
    with pytest.raises(Conflict, match="running, not paused"):
        await resume_run(world.services, engine, ANN, run)
    await pause_run(world.services, run, "looking")
    with pytest.raises(NotAllowed):
        await resume_run(world.services, engine, replace(ANN, role=Role.GRADER), run)
    with pytest.raises(UnknownName):
        await resume_run(world.services, engine, replace(ANN, team=TeamId("other")), run)
    assert not await pause_run(world.services, run, "again")
    assert (await world.again(run)).note == "looking"
    assert engine.runs == []


@pytest.fixture
async def judged(world: World) -> World:
    """The world with a suite `judged`, whose items have a rubric and whose judge is `judge`."""
    rubric = HELPFULNESS
    graders = (GraderSpec(GraderType.RUBRIC, rubric=rubric.name),)
    defaults = RunDefaults(judge=short_target("test:judge"))
    items = tuple(replace(item, vars={**item.vars, "question": f"{item.vars['question']} Twice!"})
                  for item in make_suite().items)  # fmt: skip
    suite = make_suite(name="judged", items=items, rubrics={rubric.name: rubric}, graders=graders, run=defaults)
    await sync_suites(world.services, [suite])
    world.model.script = lambda question: "Here you are, twice: 1 and 1."
    return world


async def test_judge_grades_are_brought_after_a_stop(judged: World) -> None:
    """Outputs that a stop left without a judge's grade are judged when the run goes on, and asked only once."""
    gate = asyncio.Event()
    judged.judge.gate = gate
    run = await start_run(judged.services, replace(ASK, suite="judged"))
    task = asyncio.create_task(execute_run(judged.services, run.id))
    await asyncio.wait_for(judged.judge.wait_for(at_once=4), 10)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(await judged.found(run)) == 4
    gate.set()
    await execute_run(judged.services, run.id)
    assert judged.model.times == {f"i{n}": 1 for n in range(ITEMS)}
    found = await judged.grades(run)
    assert [grade.grader.kind for grade in found] == [GraderKind.JUDGE] * ITEMS
    assert len({grade.output_id for grade in found}) == ITEMS
    assert len(judged.judge.asked) == ITEMS + 4


async def test_progress_counts_the_judge_too(judged: World) -> None:
    """A run with a judge is complete when everything is judged."""
    run = await start_run(judged.services, replace(ASK, suite="judged"))
    await execute_run(judged.services, run.id)
    last: Progress = judged.announcer.of("run_progressed")[-1].about[1]
    assert last == Progress(ITEMS, ITEMS, 0, ITEMS, ITEMS)


async def test_a_judge_that_fails_again_and_again_pauses_the_run(judged: World) -> None:
    """Answers stay; what the judge failed at is judged again when the run is resumed, and nothing is asked twice."""
    judged.judge.script = away
    run = await start_run(judged.services, replace(ASK, suite="judged"))
    await execute_run(judged.services, run.id)
    paused = await judged.again(run)
    assert paused.status is RunStatus.PAUSED
    assert paused.note.startswith("judge failed 10 times in a row")
    assert await judged.grades(run) == []
    judged.judge.script = lambda question: '{"grade": 4, "reason": "Right."}'
    await resume_run(judged.services, Submitted(), ANN, paused)
    await execute_run(judged.services, run.id)
    assert (await judged.again(run)).status is RunStatus.DONE
    assert set(judged.model.times.values()) == {1}
    assert [grade.error for grade in await judged.grades(run)] == [""] * ITEMS


@pytest.mark.parametrize(
    "said", ["I like it", '{"grade": 9, "reason": "x"}', ModelUnavailable("Away.", kind="unreadable")]
)
async def test_what_is_no_verdict_is_no_grade(judged: World, said: Reply) -> None:
    """A judge that is away or talks nonsense leaves outputs ungraded, neither passed nor failed; the run is done."""
    judged.judge.script = lambda question: said
    run = await start_run(judged.services, replace(ASK, suite="judged"))
    await execute_run(judged.services, run.id)
    summary = judged.summary()
    assert (summary.outputs, summary.errors, summary.ungraded) == (ITEMS, 0, ITEMS)
    assert summary.rows == ()
    assert (await judged.again(run)).status is RunStatus.DONE


async def test_a_judge_that_cannot_be_asked_is_refused_at_the_start(judged: World) -> None:
    """The judge is looked at as the targets are, before anything is stored or asked."""
    elsewhere = make_services(judged.services.store, {"model": judged.model})
    with pytest.raises(UnknownName, match="judge"):
        await start_run(elsewhere, replace(ASK, suite="judged"))
    assert await list_open_runs(elsewhere) == []
    assert judged.model.asked == []
    await start_run(elsewhere, ASK)


async def test_an_interrupted_run_is_found_by_who_asks_for_the_same(world: World) -> None:
    """The same suite version, items, targets and repeats make it the same run; anything else does not."""
    run = await start_run(world.services, ASK)

    async def found(request: RunRequest, free: bool = True) -> Run | None:
        return await find_interrupted(world.services, request, lambda _: free)

    assert (await found(ASK)) == run
    assert (await found(replace(ASK, concurrency=1))) == run, "how fast it goes does not matter"
    assert await found(replace(ASK, limit=3)) is None
    assert await found(replace(ASK, repeats=2)) is None
    assert await found(ASK, free=False) is None, "somebody else carries it out"
    await sync_suites(world.services, [make_suite(description="another version")])
    assert await found(ASK) is None
    await execute_run(world.services, run.id)
    assert (await world.again(run)).status is RunStatus.DONE, "it is carried out on the version that it began with"


async def test_cancelling_keeps_what_is_there(world: World) -> None:
    """A cancelled run ends as cancelled with its results, and executing it again changes nothing."""

    class Halting:
        """An engine whose task is the test's."""

        task: asyncio.Task[None]

        async def submit(self, run_id: str) -> None:
            """Begin."""

        async def cancel(self, run_id: str) -> None:
            """Stop."""
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)

    run, engine = await start_run(world.services, ASK), Halting()
    world.model.gate = asyncio.Event()
    engine.task = asyncio.create_task(execute_run(world.services, run.id))
    await asyncio.wait_for(world.model.wait_for(at_once=4), 10)
    ended = await cancel_run(world.services, engine, ANN, run)
    assert (ended.status, ended.note) == (RunStatus.CANCELLED, "cancelled by Ann")
    world.model.gate.set()
    await execute_run(world.services, run.id)
    assert await world.found(run) == []
    with pytest.raises(Conflict):
        await cancel_run(world.services, engine, ANN, ended)


@pytest.mark.parametrize(
    ("change", "error", "named"),
    [
        ({"suite": "smus"}, UnknownName, "Did you mean sums"),
        ({"suite": "zzz"}, UnknownName, "sums"),
        ({"targets": ("modle",)}, UnknownName, "Did you mean model"),
        ({"targets": ("xyz",)}, UnknownName, "The suite's are model; any other is provider:model"),
        ({"limit": 0}, BadRequest, "1 or more"),
        ({"repeats": 51}, BadRequest, "1 to 50"),
        ({"concurrency": 0}, BadRequest, "1 to 500"),
        ({"versus": "99"}, UnknownName, "compare"),
        ({"person": replace(ANN, role=Role.VIEWER)}, NotAllowed, "runner"),
    ],
)
async def test_what_cannot_be_run_is_refused(
    world: World, change: dict[str, object], error: type[Exception], named: str
) -> None:
    """A refused request stores no run and tells nobody."""
    with pytest.raises(error, match=named):
        await start_run(world.services, replace(ASK, **change))  # type: ignore[arg-type]
    assert await list_open_runs(world.services) == []
    assert world.announcer.told == []


async def test_the_same_again_is_the_same_request(world: World) -> None:
    """Asking for a run like another one asks the same targets for as many items and repeats."""
    run = await start_run(world.services, replace(ASK, limit=5, repeats=2))
    request = await same_again(world.services, run, ANN)
    second = await start_run(world.services, request)
    assert (second.item_ids, second.repeats, second.targets) == (run.item_ids, run.repeats, run.targets)
    assert second.number == run.number + 1
