"""An item that came from feedback stays on probation until people have graded an answer to it."""

from __future__ import annotations

from functools import partial

import pytest

from evalbot.grading.grades import GraderKind
from evalbot.people import Person, PersonId, Role, TeamId
from evalbot.runs.outputs import output_id
from evalbot.runs.planning import plan_units
from evalbot.runs.requests import RunRequest
from evalbot.store import grades, suites
from evalbot.store.database import Store
from evalbot.suites.items import Item, ItemId, ItemStatus
from evalbot.suites.suites import Suite
from evalbot.suites.targets import short_target
from evalbot.testing import ScriptedModel, make_services
from evalbot.workflows.curating import Feedback, approve_candidate, record_feedback, sync_suites
from evalbot.workflows.reviewing import GradeClick, RoundRequest, open_round, record_grade
from evalbot.workflows.running import execute_run
from evalbot.workflows.services import Services
from evalbot.workflows.starting import start_run
from evalbot.workflows.taking_grades import GradeDesk
from tests.integration.judge_world import HELPFULNESS

TEAM = TeamId("local")
ANN, BEN, EVE = (Person(PersonId(name), TEAM, name, Role.APPROVER) for name in ("ann", "ben", "eve"))


async def newest(services: Services) -> Suite:
    """Give the newest version of the suite."""
    suite = await services.store.read(lambda tx: suites.find_suite(tx, TEAM, "help"))
    assert suite is not None
    return suite


@pytest.mark.parametrize("from_a_crowd", [False, True])
async def test_a_settled_review_ends_the_probation_of_its_item(sqlite_store: Store, from_a_crowd: bool) -> None:
    """The approved item is on probation in version 2; two people's grades, however taken, make version 3 in which it is not."""
    services = make_services(sqlite_store, {"model": ScriptedModel(lambda question: "Ask us by mail.")})
    items = (Item(ItemId("a"), vars={"question": "How do I reach you?"}, reference="By mail or phone."),)
    content = Suite("help", items, targets=(short_target("test:model"),), rubrics={HELPFULNESS.name: HELPFULNESS})
    await sync_suites(services, [content])
    first = await start_run(services, RunRequest("help", ANN))
    await execute_run(services, first.id)
    asked = output_id(first.id, next(plan_units(first)))
    candidate = await record_feedback(
        services, ANN, Feedback(asked, "How can I reach you today?", "By phone until 6 pm.")
    )
    approved = await approve_candidate(services, BEN, candidate.id)
    assert (await newest(services)).item(approved.item.id).status is ItemStatus.PROBATION

    second = await start_run(services, RunRequest("help", ANN))
    await execute_run(services, second.id)
    opened = await open_round(services, RoundRequest(second, ANN.id, size=5))
    mine = next(one.review for one in opened.reviews if one.item.id == approved.item.id)
    record = GradeDesk(services).record if from_a_crowd else partial(record_grade, services)
    await record(BEN, GradeClick(mine.id, 3))
    assert (await newest(services)).version == 2
    await record(EVE, GradeClick(mine.id, 3))
    stored = await services.store.read(lambda tx: grades.grades_of_output(tx, mine.output_id))
    assert [grade.grader.id for grade in stored if grade.grader.kind is GraderKind.HUMAN] == [BEN.id, EVE.id]
    after = await newest(services)
    assert (after.version, after.item(approved.item.id).status) == (3, ItemStatus.ACTIVE)
    assert second.suite_version == 2
