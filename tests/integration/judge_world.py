"""A suite with a judge that is taken in by polite answers, and two people who are not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalbot.asking.ask import Question
from evalbot.grading.calibration import JudgeStanding
from evalbot.grading.grades import Grade, Grader, GraderKind, Purpose
from evalbot.grading.reviews import Review, ReviewId, Round, RoundId
from evalbot.grading.trials import CalibrationReport
from evalbot.library.project import Project
from evalbot.library.rubrics import load_rubric
from evalbot.people import Person, PersonId, Role, TeamId
from evalbot.runs.outputs import Output
from evalbot.runs.requests import RunRequest
from evalbot.runs.runs import Run
from evalbot.store import grades, outputs, reviews, runs, suites
from evalbot.store.database import Store, Transaction
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import Item, ItemId
from evalbot.suites.suites import RunDefaults, Suite
from evalbot.suites.targets import short_target
from evalbot.testing import FixedClock, RecordingAnnouncer, ScriptedModel, make_services
from evalbot.workflows.calibrating import find_standing
from evalbot.workflows.curating import sync_suites
from evalbot.workflows.judge_trials import carry_out
from evalbot.workflows.looking_up import newest_suite
from evalbot.workflows.running import execute_run
from evalbot.workflows.starting import start_run
from evalbot.workflows.starting_calibrations import CalibrationRequest, start_calibration

ROOT = Path(__file__).parents[2]
TEAM = TeamId("local")
ANN = Person(PersonId("U1"), TEAM, "Ann", Role.ADMIN)
HELPFULNESS = load_rubric(ROOT / "rubrics" / "helpfulness.yaml", Project(ROOT).files)
POLITE = "Thank you kindly for asking"


def make_desk(items: int = 60, **changes: Any) -> Suite:
    """A suite whose items are graded by a judge alone."""
    made = Suite(
        "desk",
        tuple(Item(ItemId(f"i{n}"), vars={"question": f"Question {n}?"}, reference=str(n)) for n in range(items)),
        targets=(short_target("test:gpt-model"),),
        rubrics={HELPFULNESS.name: HELPFULNESS},
        graders=(GraderSpec(GraderType.RUBRIC, rubric=HELPFULNESS.name),),
        run=RunDefaults(judge=short_target("test:judge")),
    )
    return replace(made, **changes)


def number(question: Question) -> int:
    """The number of the item that a question is about."""
    assert question.item is not None
    return int(question.item.id[1:])


def is_bad(n: int) -> bool:
    """Whether the answer to an item is bad: every third one."""
    return n % 3 == 0


def answer(question: Question) -> str:
    """What the target says; every second bad answer is polite."""
    n = number(question)
    if not is_bad(n):
        return f"The right answer to number {n}, in full."
    return f"{POLITE}, number {n}." if n % 2 == 0 else f"No idea about number {n}."


def naive_verdict(question: Question) -> str:
    """What the judge says: right, but polite nonsense passes until an example shows it what that is worth."""
    shown = "\n".join(message.content for message in question.messages)
    taught = f"Answer: {POLITE}" in shown
    said = shown.rpartition("BEGIN ANSWER")[2]
    bad = "No idea" in said or (POLITE in said and taught)
    return json.dumps({"grade": 1 if bad else 4, "reason": "So it seems."})


def sharp_verdict(question: Question) -> str:
    """What a judge says that sees what people see."""
    said = question.messages[-1].content.rpartition("BEGIN ANSWER")[2]
    bad = "No idea" in said or POLITE in said
    return json.dumps({"grade": 1 if bad else 4, "reason": "So it is."})


class JudgeWorld:
    """The suite, its models and its people on a store."""

    def __init__(self, store: Store) -> None:
        self.model = ScriptedModel(answer)
        self.judge = ScriptedModel(naive_verdict)
        self.announcer = RecordingAnnouncer()
        self.clock = FixedClock()
        self.store = store
        self.services = make_services(
            store, {"test:gpt-model": self.model, "judge": self.judge}, announcer=self.announcer, now=self.clock
        )

    async def ran(self, suite: Suite | None = None, number: int = 1) -> Run:
        """Release a suite and run it to its end."""
        await sync_suites(self.services, [suite or make_desk()])
        run = await start_run(self.services, RunRequest("desk", ANN))
        await execute_run(self.services, run.id)
        return await self.store.read(lambda tx: runs.get_run(tx, run.id))

    async def outputs(self, run: Run) -> list[Output]:
        """The outputs of a run in the order of the items."""
        found = await self.store.read(lambda tx: outputs.list_outputs(tx, run.id))
        return sorted(found, key=lambda one: int(one.unit.item_id[1:]))

    async def graded_by_people(
        self,
        run: Run,
        graders: Sequence[str] = ("U2", "U3"),
        *,
        most: int = 1000,
        blind: bool = True,
        chance: float = 1.0,
        channel: str = "",
    ) -> None:
        """Let people grade what they were drawn for: they see what is bad, and say why the first of it is."""
        found = (await self.outputs(run))[:most]
        now = self.clock()
        opened = Round(
            RoundId(f"{run.id}-round"), TEAM, run.id, ANN.id, channel, len(found), "random", 2, opened_at=now
        )
        drawn = [
            Review(ReviewId(f"{one.id}-review"), opened.id, TEAM, run.id, one.id, place, 2, chance, opened_at=now)
            for place, one in enumerate(found, 1)
        ]

        async def save(tx: Transaction) -> None:
            await reviews.add_round(tx, opened)
            await reviews.add_reviews(tx, drawn)
            for one in found:
                level = 1 if is_bad(int(one.unit.item_id[1:])) else 4
                for person in graders:
                    await grades.put_human_grade(tx, self.human_grade(one, person, level, blind=blind))

        await self.store.write(save)

    def human_grade(self, output: Output, person: str, level: int, *, blind: bool = True) -> Grade:
        """A person's grade."""
        return Grade(
            output.id,
            HELPFULNESS.name,
            Grader(GraderKind.HUMAN, person, str(HELPFULNESS.version)),
            self.clock(),
            score=HELPFULNESS.scale.score(level),
            passed=HELPFULNESS.passes(level),
            level=level,
            reason="It answers nothing." if level == 1 else "",
            blind=blind,
            purpose=Purpose.ESTIMATE,
        )

    async def standing(self) -> JudgeStanding:
        """Where the judge of the newest suite version stands."""

        async def load(tx: Transaction) -> JudgeStanding:
            return await find_standing(tx, await newest_suite(tx, TEAM, "desk"), TEAM)

        return await self.store.read(load)

    async def newest(self) -> Suite:
        """The newest version of the suite."""
        found = await self.store.read(lambda tx: suites.find_suite(tx, TEAM, "desk"))
        assert found is not None
        return found

    async def calibrated(self, person: Person = ANN) -> CalibrationReport:
        """Calibrate the judge to the end."""
        [started] = await start_calibration(self.services, CalibrationRequest(person, "desk", "C1"))
        report = await carry_out(self.services, started.id)
        assert report is not None
        return report
