"""Lines of a digest found by what people type, and explained from the runs that they stand on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from evalbot.errors import BadRequest, UnknownName
from evalbot.people import Role, TeamId
from evalbot.reporting.digest_refs import digest_refs
from evalbot.reporting.digests import Digest
from evalbot.reporting.estimates import How
from evalbot.runs.outputs import RunId
from evalbot.runs.runs import Run
from evalbot.store import grades, runs
from evalbot.store.database import Store, Transaction
from evalbot.workflows.digesting import digest_now
from evalbot.workflows.explaining_digests import explain_digest, explain_digest_key
from tests.integration.judge_world import ANN, JudgeWorld, make_desk, naive_verdict, number, sharp_verdict

CHANNEL = "C1"


@pytest.fixture
async def world(sqlite_store: Store) -> JudgeWorld:
    """A world on an empty store."""
    return JudgeWorld(sqlite_store)


async def weeks(world: JudgeWorld, count: int, bad_from: int = 99) -> None:
    """Run the suite once a week; from one week on every answer to the odd items is bad."""
    desk = make_desk(30)
    items = tuple(replace(one, skill="refunds" if n % 2 else "gift cards") for n, one in enumerate(desk.items))
    good = world.model.script
    for week in range(count):
        if week == bad_from:
            world.model.script = lambda question: "No idea about it." if number(question) % 2 else good(question)
        await world.ran(replace(desk, items=items))
        if week < count - 1:
            world.clock.move(days=7)


async def digest_of(world: JudgeWorld) -> Digest:
    """The digest of now."""
    return await digest_now(world.services, ANN, CHANNEL)


async def test_a_row_is_explained_by_its_run_and_by_its_change(world: JudgeWorld) -> None:
    """Week, run, items, judge, the change to the week before on the same items, and both formulas."""
    await weeks(world, 2, bad_from=1)
    digest = await digest_of(world)
    said = await explain_digest(world.services, ANN, CHANNEL, ("refunds",))
    facts = {fact.name: fact.text for fact in said.facts}
    assert said.title.endswith(" · desk · gpt-model · refunds")
    assert said.shown == next(line.now for line in digest.lines if line.skill == "refunds")
    assert "run 2, the newest finished run" in facts["Week"]
    assert facts["Items"] == "15 items of version 1, 15 answers"
    assert facts["Judge"].startswith("judge (test:judge), rubric helpfulness version 1")
    [against] = [name for name in facts if name.startswith("Against the week to")]
    assert "worse" in facts[against]
    assert [formula.name for formula in said.formulas] == ["Share of items", against]
    assert said.formulas[0].steps[0] == "score = 0 / 15 items = 0.0000"
    assert "Since then" not in facts
    assert said.more[-1] == f"explain digest {digest.end.isoformat()}"


async def test_grades_that_came_after_the_digest_are_told(world: JudgeWorld) -> None:
    """The digest's number stays what it was; what people graded since is said beside it."""
    await weeks(world, 1)
    digest = await digest_of(world)
    run = await world.services.store.read(lambda tx: _run_of(tx, digest))
    await world.graded_by_people(run)
    said = await explain_digest(world.services, ANN, CHANNEL, ())
    assert said.said == digest.headline
    said = await explain_digest(world.services, ANN, CHANNEL, ("desk",))
    facts = {fact.name: fact.text for fact in said.facts}
    assert said.shown == digest.lines[0].now
    assert facts["Since then"].startswith("Grades have come or changed: run 1 now says 66.7 %")
    assert facts["Against the week before"].startswith("Not compared")


async def _run_of(tx: Transaction, digest: Digest) -> Run:
    """The run of the digest's newest week."""
    return await runs.get_run(tx, RunId(digest.trends[0].points[-1].run_id))


async def test_a_step_is_explained_week_by_week(world: JudgeWorld) -> None:
    """Weeks, runs and items it was looked for in; the evidence of each week up to the alarm; and its size."""
    await weeks(world, 9, bad_from=5)
    digest = await digest_of(world)
    [trend] = [one for one in digest.trends if one.skill == "refunds"]
    assert trend.shift is not None
    said = await explain_digest(world.services, ANN, CHANNEL, ("refunds", "step"))
    facts = {fact.name: fact.text for fact in said.facts}
    assert said.said.startswith("−67 points (")
    assert facts["Weeks"].startswith("9 measured weeks from")
    assert "runs 1, 2, 3" in facts["Weeks"]
    assert facts["Items"].startswith("15 items")
    assert facts["Basis"] == "By the judge alone in every week"
    assert "Since then" not in facts
    steps = "\n".join(said.formulas[0].steps)
    for part in ("reference: mean of 4 weeks over 15 items = 0.6667", "evidence 10^", "alarm at 10^2.30", "size = "):
        assert part in steps
    week = await explain_digest(world.services, ANN, CHANNEL, ("refunds", trend.points[-8].day.isoformat()))
    assert week.shown == trend.points[-8].estimate
    assert "run 2" in week.facts[0].text


async def test_another_judge_is_no_step_and_is_said(world: JudgeWorld) -> None:
    """Where the judge's prompt changed, weeks before are in no step and no change, and each line that asks says so."""
    await weeks(world, 6)
    desk = make_desk(30)
    stricter = replace(desk.rubrics["helpfulness"], version=2)
    world.judge.script = lambda question: sharp_verdict(question)
    world.clock.move(days=7)
    items = tuple(replace(one, skill="refunds" if n % 2 else "gift cards") for n, one in enumerate(desk.items))
    await world.ran(replace(desk, items=items, rubrics={"helpfulness": stricter}))
    digest = await digest_of(world)
    assert {trend.shift for trend in digest.trends} == {None}
    assert {line.change for line in digest.lines} == {None}
    assert digest.sentences == (
        "Judge, rubric or checks are not those of the weeks before, so nothing is compared with them.",
    )
    said = await explain_digest(world.services, ANN, CHANNEL, ("refunds",))
    assert (
        said.facts[-1].text
        == f"Not compared: before {digest.trends[0].alike_since} judge, rubric or checks were others."
    )
    old = digest.trends[0].points[-3].day.isoformat()
    week = await explain_digest(world.services, ANN, CHANNEL, ("desk", old))
    assert week.facts[-1].name == "Not comparable"


async def test_people_correct_points_without_making_a_step(world: JudgeWorld) -> None:
    """A judge far too kind in every week, corrected by people from the sixth on: the points fall, but nothing stepped."""
    desk = make_desk(40)
    world.model.script = lambda question: (
        "Thank you kindly for asking." if number(question) % 2 else "The right answer."
    )
    world.judge.script = lambda question: naive_verdict(question)
    for week in range(10):
        run = await world.ran(desk)
        if week >= 5:
            await world.graded_by_people(run)
        world.clock.move(days=7 if week < 9 else 0, minutes=1)
    digest = await digest_of(world)
    [trend] = digest.trends
    kinds = [point.estimate.how for point in trend.points if point.estimate]
    assert kinds == [How.JUDGE] * 5 + [How.CORRECTED] * 5
    assert trend.points[-6].estimate.score - trend.points[-5].estimate.score > 0.3  # type: ignore[union-attr]
    assert trend.shift is None
    assert digest.headline == "no clear change"


async def test_an_answer_is_explained_without_naming_people(world: JudgeWorld) -> None:
    """Why it is shown, where it is from, how many people said what, and what the judge said."""
    await weeks(world, 1)
    digest = await digest_of(world)
    assert digest.exhibits
    said = await explain_digest(world.services, ANN, CHANNEL, ("answer", "1"))
    facts = {fact.name: fact.text for fact in said.facts}
    assert said.meaning == "This answer failed."
    assert facts["Answer"] == "by gpt-model in run 1"
    assert (facts["Judge"], facts["People"]) == ("judge: failed", "Nobody has graded it.")
    run = await world.services.store.read(lambda tx: _run_of(tx, digest))
    shown = next(one for one in await world.outputs(run) if one.id == digest.exhibits[0].output_id)

    async def save(tx) -> None:  # type: ignore[no-untyped-def]
        for person in ("U2", "U3"):
            await grades.put_human_grade(tx, world.human_grade(shown, person, 4))

    await world.services.store.write(save)
    said = await explain_digest(world.services, ANN, CHANNEL, ("answer", "1"))
    text = " ".join(fact.text for fact in said.facts)
    assert "2 passed it" in text
    assert "U2" not in text


async def test_an_answer_under_review_tells_no_verdict(world: JudgeWorld) -> None:
    """While people grade an answer its explanation says nothing of what others say."""
    await weeks(world, 1)
    digest = await digest_of(world)
    run = await world.services.store.read(lambda tx: _run_of(tx, digest))
    await world.graded_by_people(run, graders=(), channel=CHANNEL)
    said = await explain_digest(world.services, ANN, CHANNEL, ("answer", "1"))
    facts = {fact.name: fact.text for fact in said.facts}
    assert facts["Grades"].startswith("People are just grading it")
    assert "Judge" not in facts


async def test_every_line_opens_by_its_key_and_for_nobody_else(world: JudgeWorld) -> None:
    """Each reference of a digest is explained; a stranger's and a wrong key are not there."""
    await weeks(world, 6, bad_from=4)
    digest = await digest_of(world)
    refs = list(digest_refs(digest))
    assert len(refs) > 20
    for ref in refs:
        said = await explain_digest_key(world.services, ANN, digest.id, ref.key)
        assert (said.key, said.digest_id) == (ref.key, digest.id)
        assert said.title.startswith("Digest of ")
        assert said.facts
        assert said.formulas
    for stranger in (replace(ANN, team=TeamId("T2")), replace(ANN, role=Role.OUTSIDER)):
        with pytest.raises(UnknownName):
            await explain_digest_key(world.services, stranger, digest.id, refs[0].key)
    with pytest.raises(BadRequest, match="not there any more"):
        await explain_digest_key(world.services, ANN, digest.id, "0123456789abcdef")


async def test_the_day_names_the_digest(world: JudgeWorld) -> None:
    """Without a day it is the newest of the channel, with one that of the day; without any it says what to do."""
    with pytest.raises(UnknownName, match="There is no digest yet"):
        await explain_digest(world.services, ANN, CHANNEL, ())
    await weeks(world, 1)
    first = await digest_of(world)
    world.clock.move(days=14)
    second = await digest_of(world)
    elsewhere = await digest_now(world.services, ANN, "C2")
    assert (await explain_digest(world.services, ANN, CHANNEL, ())).digest_id == second.id
    assert (await explain_digest(world.services, ANN, "C2", ())).digest_id == elsewhere.id
    day = (first.end - timedelta(days=2)).isoformat()
    assert (await explain_digest(world.services, ANN, CHANNEL, (day, "desk"))).digest_id == first.id
    with pytest.raises(UnknownName, match="There is no digest about 2020-01-01"):
        await explain_digest(world.services, ANN, CHANNEL, ("2020-01-01",))
