"""Whole, plausible nouns with defaults for all that a test does not care about; every builder takes changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from evalbot.grading.grades import Grade, Grader, GraderKind
from evalbot.grading.reviews import Review, ReviewId, RoundId
from evalbot.people import Person, PersonId, Role, TeamId
from evalbot.reporting.digests import Point, Trend
from evalbot.reporting.estimates import OVERALL, Estimate, How
from evalbot.reporting.schedules import Schedule, ScheduleId
from evalbot.reporting.scores import OutputScore
from evalbot.reporting.trends import Week
from evalbot.runs.outputs import Failure, Output, OutputId, RunId, Unit, Usage, output_id
from evalbot.runs.runs import Run
from evalbot.suites.candidates import Candidate, CandidateId
from evalbot.suites.items import Item, ItemId, ItemStatus, Source
from evalbot.suites.rubrics import Rubric, Scale, Step
from evalbot.suites.suites import Suite
from evalbot.suites.targets import Target

TEAM = TeamId("T0ACME")
NOON = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)
MAIN = Target("openai:gpt-4.1-mini", "main")
RUN = RunId("run-1")


def make_person(name: str = "Ann", role: Role = Role.APPROVER, **changes: Any) -> Person:
    """Give somebody whose id follows from the name."""
    return replace(Person(PersonId(f"U0{name.upper()}"), TEAM, name, role), **changes)


def make_item(name: str = "item-1", **changes: Any) -> Item:
    """Give an item with one question and a reference."""
    item = Item(ItemId(name), {"question": f"What is {name}?"}, reference="a thing")
    return replace(item, **changes)


def make_curated(name: str, **changes: Any) -> Item:
    """Give an item that came from people's feedback."""
    changes = {"source": Source("feedback", by="U0ANN", at="2026-11-16"), "status": ItemStatus.PROBATION} | changes
    return make_item(name, **changes)


def make_suite(*items: Item, **changes: Any) -> Suite:
    """Give a suite of the items, or of three plain ones."""
    return replace(Suite("support-desk", items or tuple(make_item(f"item-{n}") for n in (1, 2, 3))), **changes)


def make_rubric(steps: int = 2, **changes: Any) -> Rubric:
    """Give a rubric with so many steps counted from 1; its upper half passes."""
    scale = Scale(tuple(Step(value, f"step {value}") for value in range(1, steps + 1)))
    return replace(Rubric("helpful", 1, "Does it help?", scale, pass_from=steps // 2 + 1), **changes)


def make_run(**changes: Any) -> Run:
    """Give a running run of three items on one target."""
    run = Run(
        id=RUN,
        team=TEAM,
        number=7,
        suite="support-desk",
        suite_version=2,
        targets=(MAIN,),
        item_ids=tuple(ItemId(f"item-{n}") for n in (1, 2, 3)),
        repeats=1,
        concurrency=8,
        started_by=PersonId("U0ANN"),
        started_name="Ann",
        created_at=NOON,
    )
    return replace(run, **changes)


def make_output(item: str = "item-1", repeat: int = 0, target: str = "main", **changes: Any) -> Output:
    """Give an answer; its id follows from run and unit."""
    unit = Unit(target, ItemId(item), repeat)
    output = Output(output_id(RUN, unit), RUN, unit, "a thing", None, Usage(0.5, 12, 3, 0.001), NOON)
    return replace(output, **changes)


def make_failed_output(item: str = "item-1", **changes: Any) -> Output:
    """Give an output that is an error."""
    return make_output(item, text=None, failure=Failure("timeout", "No answer in 60 s."), **changes)


def make_grade(passed: bool | None = True, **changes: Any) -> Grade:
    """Give a check's grade; None for one that says nothing."""
    score = None if passed is None else float(passed)
    grade = Grade(OutputId("output-1"), "correct", Grader(GraderKind.CHECK, "equals", "1"), NOON, score, passed)
    return replace(grade, **changes)


def make_human_grade(level: int | None, person: str = "U0ANN", rubric: Rubric | None = None, **changes: Any) -> Grade:
    """Give a person's grade on a rubric of two steps; None for somebody who cannot judge."""
    rubric = rubric or make_rubric()
    grade = Grade(
        OutputId("output-1"),
        rubric.name,
        Grader(GraderKind.HUMAN, person, str(rubric.version)),
        NOON,
        score=None if level is None else rubric.scale.score(level),
        passed=None if level is None else rubric.passes(level),
        level=level,
        abstained=level is None,
    )
    return replace(grade, **changes)


def make_review(wanted: int = 2, **changes: Any) -> Review:
    """Give an open review that so many grades settle."""
    review = Review(
        ReviewId("review-1"), RoundId("round-1"), TEAM, RUN, OutputId("output-1"), 1, wanted, 0.5, opened_at=NOON
    )
    return replace(review, **changes)


def make_candidate(**changes: Any) -> Candidate:
    """Give a waiting candidate that Ann proposed."""
    ann = make_person("Ann")
    item = make_curated("item-1-fb-abc")
    candidate = Candidate(CandidateId("candidate-1"), TEAM, "support-desk", item, ann.id, ann.name, NOON)
    return replace(candidate, **changes)


def make_score(item: str, passed: bool = True, **changes: Any) -> OutputScore:
    """Give the complete score of one checked output."""
    value = {"correct": float(passed)}
    score = OutputScore(
        OutputId(f"output-{item}"),
        "main",
        ItemId(item),
        value,
        {"correct": passed},
        frozenset({GraderKind.CHECK}),
        complete=True,
    )
    return replace(score, **changes)


def make_estimate(score: float = 0.8, half: float = 0.05, n: int = 40, **changes: Any) -> Estimate:
    """Give an estimate with a symmetric interval cut at the scale's ends."""
    lower, upper = max(score - half, 0.0), min(score + half, 1.0)
    return replace(Estimate(score, lower, upper, n, How.CHECK, "t"), **changes)


def make_week(number: int, passes: dict[str, bool], skills: dict[str, str] | None = None, target: str = "main") -> Week:
    """Give the week of a number (the next one has the next number), with one complete score per item."""
    scores = tuple(make_score(item, passed, target=target) for item, passed in passes.items())
    skill_of = {ItemId(item): (skills or {}).get(item) for item in passes}
    return Week(FIRST_SUNDAY + timedelta(weeks=number), scores, skill_of)


FIRST_SUNDAY = date(2026, 8, 30)


def make_trend(scores: list[float | None], skill: str = OVERALL, n: int = 40, **changes: Any) -> Trend:
    """Give a weekly trend of scores; None is a week without a run."""
    points = tuple(
        Point(FIRST_SUNDAY + timedelta(weeks=week), None if score is None else make_estimate(score, n=n))
        for week, score in enumerate(scores)
    )
    return replace(Trend("support-desk", "main", skill, points), **changes)


def make_schedule(day: str = "mon", at: time = time(9), tz: str = "UTC", **changes: Any) -> Schedule:
    """Give a weekly schedule."""
    made = Schedule(ScheduleId("schedule-1"), TEAM, "C0QUALITY", day, at, tz, PersonId("U0ANN"), NOON)
    return replace(made, **changes)
