"""People, their roles and what each role may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

TeamId = NewType("TeamId", str)
PersonId = NewType("PersonId", str)

LOCAL_TEAM = TeamId("local")
"""The workspace of runs started from the command line."""


class Role(StrEnum):
    """What a person may do, from least to most."""

    OUTSIDER = "outsider"
    VIEWER = "viewer"
    GRADER = "grader"
    RUNNER = "runner"
    APPROVER = "approver"
    ADMIN = "admin"


class Action(StrEnum):
    """Everything a door can ask for; each has one row in `LEAST_ROLE`."""

    READ = "read"
    GRADE = "grade"
    GIVE_FEEDBACK = "give_feedback"
    START_RUN = "start_run"
    CANCEL_RUN = "cancel_run"
    APPROVE_RUN = "approve_run"
    OPEN_REVIEWS = "open_reviews"
    DECIDE_CANDIDATE = "decide_candidate"
    SCHEDULE_DIGEST = "schedule_digest"
    READ_HOLDOUT = "read_holdout"
    CALIBRATE_JUDGE = "calibrate_judge"


LEAST_ROLE: dict[Action, Role] = {
    Action.READ: Role.VIEWER,
    Action.GRADE: Role.GRADER,
    Action.GIVE_FEEDBACK: Role.GRADER,
    Action.START_RUN: Role.RUNNER,
    Action.CANCEL_RUN: Role.RUNNER,
    Action.APPROVE_RUN: Role.APPROVER,
    Action.OPEN_REVIEWS: Role.RUNNER,
    Action.DECIDE_CANDIDATE: Role.APPROVER,
    Action.SCHEDULE_DIGEST: Role.RUNNER,
    Action.READ_HOLDOUT: Role.APPROVER,
    Action.CALIBRATE_JUDGE: Role.RUNNER,
}

_ORDER = list(Role)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who acts: Slack ids, a name to show and a role."""

    id: PersonId
    team: TeamId
    name: str
    role: Role
    tz: str = "UTC"

    @property
    def mention(self) -> str:
        """The Slack mention of this person, for our own mrkdwn only."""
        return f"<@{self.id}>"


def may(person: Person, action: Action) -> bool:
    """Tell whether the person's role includes the action."""
    return _ORDER.index(person.role) >= _ORDER.index(LEAST_ROLE[action])
