"""People: each role includes the ones before it, and every action has a least role."""

import pytest

from evalbot.people import LEAST_ROLE, Action, Role, may
from tests.factories import make_person

ROLES = list(Role)


@pytest.mark.parametrize("action", list(Action))
def test_a_higher_role_may_do_all_that_a_lower_may(action: Action) -> None:
    """From the least role of an action on, everybody may; below it nobody."""
    allowed = [may(make_person(role=role), action) for role in ROLES]
    assert allowed == [place >= ROLES.index(LEAST_ROLE[action]) for place in range(len(ROLES))]
    assert not may(make_person(role=Role.OUTSIDER), action)
    assert may(make_person(role=Role.ADMIN), action)


@pytest.mark.parametrize(
    ("action", "least"),
    [
        (Action.READ, Role.VIEWER),
        (Action.GRADE, Role.GRADER),
        (Action.GIVE_FEEDBACK, Role.GRADER),
        (Action.START_RUN, Role.RUNNER),
        (Action.CANCEL_RUN, Role.RUNNER),
        (Action.APPROVE_RUN, Role.APPROVER),
        (Action.OPEN_REVIEWS, Role.RUNNER),
        (Action.SCHEDULE_DIGEST, Role.RUNNER),
        (Action.DECIDE_CANDIDATE, Role.APPROVER),
        (Action.READ_HOLDOUT, Role.APPROVER),
        (Action.CALIBRATE_JUDGE, Role.RUNNER),
    ],
)
def test_least_roles_are_the_promised_ones(action: Action, least: Role) -> None:
    """Grading needs a grader, spending needs a runner, changing a suite and seeing what is kept back an approver."""
    assert LEAST_ROLE[action] is least


def test_mention_names_the_person_to_slack() -> None:
    """A mention is the id in Slack's own form."""
    assert make_person("Ann").mention == "<@U0ANN>"
