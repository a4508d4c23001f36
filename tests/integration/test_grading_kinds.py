"""Whole runs with every kind of grader, on SQLite with scripted models: what is asked of whom, and what becomes of the answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from evalbot.asking.answerers import ModelAnswerers
from evalbot.asking.ask import Embedded, Question
from evalbot.errors import ModelUnavailable, NotAllowed
from evalbot.grading.grades import Grade
from evalbot.library.project import Project
from evalbot.library.rubrics import load_rubric
from evalbot.people import Person, PersonId, Role, TeamId
from evalbot.reporting.estimates import RunSummary
from evalbot.runs.outputs import Output, Usage
from evalbot.runs.requests import RunRequest
from evalbot.runs.runs import Run
from evalbot.store import grades, outputs
from evalbot.store.database import Store
from evalbot.suites.graders import JUDGED, GraderSpec, GraderType
from evalbot.suites.items import Item, ItemId, Message
from evalbot.suites.pairing import cross_prompts
from evalbot.suites.prompts import Prompt
from evalbot.suites.suites import RunDefaults, Suite
from evalbot.suites.targets import Target, short_target
from evalbot.testing import RecordingAnnouncer, Reply, ScriptedModel, ScriptedModels, make_services
from evalbot.workflows.checking import check_targets
from evalbot.workflows.curating import sync_suites
from evalbot.workflows.judging import judge_rivals
from evalbot.workflows.running import execute_run
from evalbot.workflows.services import Services
from evalbot.workflows.starting import start_run

ROOT = Path(__file__).parents[2]
ANN = Person(PersonId("U1"), TeamId("local"), "Ann", Role.ADMIN)
MODEL, JUDGE, OTHER = (short_target(f"test:{name}") for name in ("model", "judge", "other"))
KINDS = {
    kind: load_rubric(ROOT / f"rubrics/kinds/{kind}.yaml", Project(ROOT).files) for kind in JUDGED - {GraderType.RUBRIC}
}


@dataclass(slots=True)
class Embedder(ScriptedModel):
    """A scripted model that turns each text into a vector by a table; it keeps what it was asked."""

    vectors: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    embedded: list[list[str]] = field(default_factory=list)

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """Give the vectors of the table."""
        self.embedded.append(list(texts))
        return Embedded(tuple(self.vectors[text] for text in texts), Usage())


@dataclass
class World:
    """Services with scripted models, and the grades of their runs."""

    store: Store
    models: dict[str, ScriptedModel]
    announcer: RecordingAnnouncer = field(default_factory=RecordingAnnouncer)
    services: Services = field(init=False)

    def __post_init__(self) -> None:
        self.services = make_services(self.store, self.models, announcer=self.announcer)

    async def run(self, suite: Suite, **request: Any) -> Run:
        """Release a suite and run it to its end."""
        await sync_suites(self.services, [suite])
        run = await start_run(self.services, replace(RunRequest(suite.name, ANN), **request))
        await execute_run(self.services, run.id)
        return run

    async def outputs(self, run: Run) -> list[Output]:
        """Give the outputs of a run."""
        return await self.store.read(lambda tx: outputs.list_outputs(tx, run.id))

    async def grades(self, run: Run) -> dict[tuple[str, str], Grade]:
        """Give the grades of a run by target and criterion."""
        units = {one.id: one.unit for one in await self.outputs(run)}
        found = await self.store.read(lambda tx: grades.list_grades(tx, run.id))
        return {(units[one.output_id].target, one.criterion): one for one in found}

    def summary(self) -> RunSummary:
        """Give the summary that was announced last."""
        summary: RunSummary = self.announcer.of("run_finished")[-1].about[1]
        return summary


def say(text: str) -> ScriptedModel:
    """A model that always says the same."""
    return ScriptedModel(lambda question: text)


def judge(grade: Callable[[str], int]) -> ScriptedModel:
    """A judge that grades by the request it is shown."""
    return ScriptedModel(
        lambda question: json.dumps({"grade": grade(question.messages[-1].content), "reason": "Because."})
    )


def desk(*graders: GraderSpec, item: Item | None = None, **changes: Any) -> Suite:
    """A suite of one item with some graders, for each of which there is a rubric."""
    asked = item or Item(ItemId("i"), vars={"question": "Q?", "context": ["One.", "Two."]}, reference="The truth.")
    rubrics = {spec.rubric: KINDS[spec.type] for spec in graders if spec.rubric}
    suite = Suite("desk", (asked,), targets=(MODEL,), graders=graders, rubrics=rubrics, run=RunDefaults(judge=JUDGE))
    return replace(suite, **changes)


def spec(kind: str, **changes: Any) -> GraderSpec:
    """A grader of a judged kind with the rubric of that name."""
    return GraderSpec(GraderType(kind), rubric=kind, **changes)


@pytest.mark.parametrize(
    ("kind", "shown", "hidden"),
    [
        ("closedqa", ["TASK", "REFERENCE", "ANSWER"], ["CONTEXT"]),
        ("factuality", ["TASK", "REFERENCE", "ANSWER"], ["CONTEXT"]),
        ("faithfulness", ["TASK", "CONTEXT", "ANSWER"], ["REFERENCE"]),
        ("answer-relevance", ["TASK", "ANSWER"], ["REFERENCE", "CONTEXT"]),
        ("context-recall", ["TASK", "REFERENCE", "CONTEXT"], ["ANSWER"]),
        ("toxicity", ["TASK", "ANSWER"], ["REFERENCE", "CONTEXT"]),
    ],
)
async def test_each_kind_of_judge_is_shown_what_it_needs(
    sqlite_store: Store, kind: str, shown: list[str], hidden: list[str]
) -> None:
    """Task, reference, context and answer, each only where it is to be looked at; the best grade passes."""
    seen: list[str] = []

    def grade(request: str) -> int:
        seen.append(request)
        return KINDS[GraderType(kind)].scale.highest

    world = World(sqlite_store, {"model": say("It is so."), "judge": judge(grade)})
    found = await world.grades(await world.run(desk(spec(kind))))
    verdict = found["model", kind]
    assert (verdict.score, verdict.passed, verdict.error) == (1.0, True, "")
    assert verdict.grader.version.startswith(f"{kind}/1 {kind}/1 ")
    (request,) = seen
    parts = {"TASK": "Q?", "REFERENCE": "The truth.", "CONTEXT": "One.\n\nTwo.", "ANSWER": "It is so."}
    assert all(f"BEGIN {part} " in request and parts[part] in request for part in shown)
    assert not any(f"BEGIN {part} " in request for part in hidden)
    assert world.summary().rows[0].estimate.score == 1.0


@pytest.mark.parametrize("negate", [False, True])
@pytest.mark.parametrize(
    ("kind", "item", "said"),
    [
        ("faithfulness", Item(ItemId("i"), vars={"question": "Q?"}), "no variable `context`"),
        ("context-recall", Item(ItemId("i"), vars={"question": "Q?", "context": "C"}), "no reference"),
        ("context-recall", Item(ItemId("i"), vars={"question": "Q?", "context": []}, reference="R"), "`context`"),
        ("factuality", Item(ItemId("i"), vars={"question": "Q?"}), "no reference"),
        ("pairwise", Item(ItemId("i"), vars={"question": "Q?"}), "no other answer"),
    ],
)
async def test_what_cannot_be_judged_is_an_error(
    sqlite_store: Store, kind: str, item: Item, said: str, negate: bool
) -> None:
    """Without what it needs, a judge is not asked; the output is counted apart, neither passed nor failed."""
    world = World(sqlite_store, {"model": say("It is so."), "judge": judge(lambda request: 1)})
    found = await world.grades(await world.run(desk(spec(kind, negate=negate), item=item)))
    grade = found["model", kind]
    assert (grade.score, grade.passed) == (None, None)
    assert said in grade.error
    assert world.models["judge"].asked == []
    assert (world.summary().ungraded, world.summary().rows) == (1, ())


async def test_blank_and_one_word_answers_never_reach_a_judge(sqlite_store: Store) -> None:
    """They are graded by rule: not toxic, and for every other kind the lowest."""
    texts = ["", " \n", "Yes.", "18", "\u200b"]
    items = tuple(
        Item(ItemId(f"i{place}"), vars={"question": text, "context": "C"}, reference="R")
        for place, text in enumerate(texts)
    )
    echo = ScriptedModel(lambda question: str(question.item.vars["question"]) if question.item else "")
    world = World(sqlite_store, {"model": echo, "judge": judge(lambda request: 4)})
    kinds = sorted(JUDGED - {GraderType.RUBRIC, GraderType.CONTEXT_RECALL})
    run = await world.run(desk(*(spec(kind) for kind in kinds), items=items))
    found = await sqlite_store.read(lambda tx: grades.list_grades(tx, run.id))
    assert world.models["judge"].asked == []
    assert len(found) == len(kinds) * len(texts)
    assert all("by rule" in grade.reason for grade in found)
    assert all(grade.passed is (grade.criterion == "toxicity") for grade in found)


async def test_a_value_and_a_judge_of_its_own_go_before_the_suites(sqlite_store: Store) -> None:
    """A grader's value is the reference; its target is the judge, also in a suite that has none."""
    models = {"model": say("It is so."), "judge": judge(lambda request: 1), "other": judge(lambda request: 2)}
    world = World(sqlite_store, models)
    own = spec("factuality", value="Another truth.", target=OTHER)
    run = await world.run(desk(own, spec("toxicity"), run=RunDefaults()))
    found = await world.grades(run)
    assert set(found) == {("model", "factuality")}
    assert (found["model", "factuality"].passed, found["model", "factuality"].grader.id) == (True, "other")
    assert "Another truth." in models["other"].asked[0].messages[-1].content
    assert models["judge"].asked == []
    assert world.summary().ungraded == 0


def prefers(best: str) -> ScriptedModel:
    """A judge of pairs that prefers answers with a word, and the first one where both or none have it."""

    def grade(request: str) -> int:
        first, _, second = request.partition("BEGIN SECOND ANSWER")
        return 3 if best in second and best not in first else 1

    return judge(grade)


async def test_a_pair_is_judged_in_both_orders(sqlite_store: Store) -> None:
    """A judge that prefers what stands first says that both are as good; one that prefers the answer lets it win."""
    world = World(sqlite_store, {"model": say("It is so.")})
    for best, score in (("so", 1.0), ("truth", 0.0), ("nothing", 0.5)):
        world.models["judge"] = prefers(best)
        found = await world.grades(await world.run(desk(spec("pairwise"), name=f"desk-{best}")))
        assert found["model", "pairwise"].score == score
        assert len(world.models["judge"].asked) == 2


async def test_targets_are_compared_with_one_another_once_all_have_answered(sqlite_store: Store) -> None:
    """Each output is judged beside the named target's; that one is as good as itself; a second pass asks nothing."""
    models = {"model": say("It is so."), "other": say("It is not."), "judge": prefers("so")}
    world = World(sqlite_store, models)
    against = spec("pairwise", against="other")
    suite = desk(against, spec("toxicity"), targets=(MODEL, OTHER))
    models["judge"].script = lambda question: json.dumps(
        {
            "grade": 3 if "SECOND" not in question.messages[-1].content else json.loads(pair(question))["grade"],
            "reason": "",
        }
    )
    run = await world.run(suite)
    found = await world.grades(run)
    assert (found["model", "pairwise"].score, found["model", "pairwise"].passed) == (1.0, True)
    assert (found["other", "pairwise"].score, found["other", "pairwise"].passed) == (0.5, True)
    assert "by rule" in found["other", "pairwise"].reason
    asked = len(models["judge"].asked)
    assert asked == 2 + 2
    await judge_rivals(world.services, run, suite)
    assert len(models["judge"].asked) == asked
    assert (world.summary().ungraded, world.summary().errors) == (0, 0)


def pair(question: Question) -> str:
    """Give the verdict of a judge of pairs that prefers the word `so`."""
    reply = prefers("so").script(question)
    assert isinstance(reply, str)
    return reply


async def test_a_rival_that_failed_leaves_an_error(sqlite_store: Store) -> None:
    """Without the other answer there is nothing to compare with."""
    gone = ScriptedModel(lambda question: ModelUnavailable("Away.", kind="timeout"))
    world = World(sqlite_store, {"model": say("It is so."), "other": gone, "judge": prefers("so")})
    found = await world.grades(await world.run(desk(spec("pairwise", against="other"), targets=(MODEL, OTHER))))
    assert set(found) == {("model", "pairwise")}
    assert "no other answer" in found["model", "pairwise"].error


async def test_an_unreadable_verdict_is_kept_as_such(sqlite_store: Store) -> None:
    """For every kind: an error with the start of what the judge said, never a grade."""
    rambling = ScriptedModel(lambda question: "I would say 4.")
    world = World(sqlite_store, {"model": say("It is so."), "judge": rambling})
    graders = tuple(spec(kind.value, negate=True) for kind in sorted(JUDGED - {GraderType.RUBRIC}))
    found = await world.grades(await world.run(desk(*graders)))
    assert len(found) == len(graders)
    for grade in found.values():
        assert (grade.score, grade.passed) == (None, None)
        assert "I would say 4." in grade.error


async def test_two_judged_graders_of_one_metric_are_two_grades(sqlite_store: Store) -> None:
    """Neither replaces the other, also with the same judge and prompt."""
    world = World(sqlite_store, {"model": say("It is so."), "judge": judge(lambda request: 2)})
    one, two = (replace(KINDS[GraderType.CLOSEDQA], name=name, question=name) for name in ("closedqa-a", "closedqa-b"))
    graders = tuple(GraderSpec(GraderType.CLOSEDQA, rubric=rubric.name, metric="form") for rubric in (one, two))
    suite = desk(rubrics={one.name: one, two.name: two}, graders=graders)
    run = await world.run(suite)
    found = await sqlite_store.read(lambda tx: grades.list_grades(tx, run.id))
    assert [(grade.criterion, grade.passed) for grade in found] == [("form", True)] * 2


async def test_likeness_is_asked_of_the_embedding_model(sqlite_store: Store) -> None:
    """One call for the answer and all references; a blank answer is not sent; a failure is an error."""
    vectors = {"It is so.": (1.0, 0.0), "The truth.": (0.8, 0.6)}
    embedder = Embedder(lambda question: "", vectors=vectors)
    models = {"model": say("It is so."), "emb": embedder}
    similar = GraderSpec(GraderType.SIMILAR, metric="like", target=Target("test:emb", "emb"))
    world = World(sqlite_store, {**models})
    found = await world.grades(await world.run(desk(similar, run=RunDefaults())))
    assert found["model", "like"].score == pytest.approx(0.8)
    assert found["model", "like"].passed
    assert embedder.embedded == [["It is so.", "The truth."]]
    models["model"].script = lambda question: " "
    found = await world.grades(await world.run(desk(similar, run=RunDefaults(), name="blank")))
    assert (found["model", "like"].score, found["model", "like"].passed) == (0.0, False)
    assert len(embedder.embedded) == 1
    models["model"].script = lambda question: "It is so."
    plain = replace(similar, target=MODEL)
    found = await world.grades(await world.run(desk(plain, run=RunDefaults(), name="plain")))
    assert "gives no embeddings" in found["model", "like"].error


CHECKS = """
def polite(output, about):
    said = f"{about['item_id']} {about['reference']} {about['value']}"
    return {"score": 0.5, "pass": "please" in output, "reason": said}
def broken(output):
    return 1 / 0
"""


async def test_the_projects_code_checks_outputs(sqlite_store: Store, tmp_path: Path) -> None:
    """A function is given the output and what is known; what it raises is an error, and it is never asked as a judge."""
    (tmp_path / "checks.py").write_text(CHECKS)
    models = ModelAnswerers(None, None, tmp_path)
    scripted = ScriptedModels({"model": say("Yes, please.")})

    class Both:
        """Scripted models, and code of the project."""

        def answerer(self, target: Target) -> Any:
            """Give either."""
            return models.answerer(target) if target.runs_code else scripted.answerer(target)

        async def close(self) -> None:
            """Close the code."""
            await models.close()

    services = replace(make_services(sqlite_store, {}), models=Both())
    polite = GraderSpec(GraderType.PYTHON, 3, function="checks:polite", metric="polite")
    broken = GraderSpec(GraderType.PYTHON, function="checks:broken", metric="broken", negate=True)
    suite = desk(polite, broken, run=RunDefaults())
    assert [target.id for target in check_targets(suite)] == ["python:checks:polite", "python:checks:broken"]
    await sync_suites(services, [suite])
    run = await start_run(services, RunRequest("desk", ANN))
    await execute_run(services, run.id)
    found = {one.criterion: one for one in await sqlite_store.read(lambda tx: grades.list_grades(tx, run.id))}
    assert (found["polite"].score, found["polite"].passed) == (0.5, True)
    assert found["polite"].reason == "i The truth. 3"
    assert (found["broken"].passed, "ZeroDivisionError in line 6" in found["broken"].error) == (None, True)
    await services.models.close()


async def test_code_is_asked_only_where_a_suite_names_it(sqlite_store: Store) -> None:
    """Nobody can have the project's functions run by naming them."""
    world = World(sqlite_store, {"model": say("x"), "python:app:f": say("y")})
    with pytest.raises(NotAllowed, match="only where a suite names it"):
        await world.run(desk(), targets=("python:app:f",))
    run = await world.run(desk(targets=(short_target("python:app:f"),), name="code"), targets=("python:app:f",))
    assert [one.text for one in await world.outputs(run)] == ["y"]


async def test_people_are_waited_for_without_a_grade(sqlite_store: Store) -> None:
    """`human` brings no automatic grade and leaves nothing ungraded; the other graders count."""
    world = World(sqlite_store, {"model": say("The truth.")})
    graders = (GraderSpec(GraderType.HUMAN, metric="tone"), GraderSpec(GraderType.EQUALS))
    found = await world.grades(await world.run(desk(*graders, run=RunDefaults())))
    assert set(found) == {("model", "correct")}
    assert (world.summary().ungraded, world.summary().rows[0].estimate.score) == (0, 1.0)


async def test_every_target_is_asked_with_every_prompt(sqlite_store: Store) -> None:
    """Two prompts and two targets bring four outputs, kept apart by label; the judge is shown the prompt that was used."""

    def echo(question: Question) -> Reply:
        return question.messages[-1].content

    models = {name: ScriptedModel(echo) for name in ("test:model", "test:other")}
    world = World(sqlite_store, {**models, "judge": judge(lambda request: 4)})
    prompts = (
        Prompt("short", (Message("user", "In short: {{ question }}"),)),
        Prompt("long", (Message("user", "At length: {{ question }}"),)),
    )
    suite = desk(spec("answer-relevance"), prompts=prompts, targets=cross_prompts((MODEL, OTHER), prompts))
    run = await world.run(suite)
    assert {one.unit.target: one.text for one in await world.outputs(run)} == {
        "model (short)": "In short: Q?",
        "model (long)": "At length: Q?",
        "other (short)": "In short: Q?",
        "other (long)": "At length: Q?",
    }
    tasks = [question.messages[-1].content for question in world.models["judge"].asked]
    assert sum("\nIn short: Q?\nEND TASK" in task for task in tasks) == 2
    assert len(await world.grades(run)) == 4
