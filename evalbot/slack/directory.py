"""Who is who: Slack ids turned into people with a role."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from evalbot.people import Person, PersonId, Role, TeamId

log = logging.getLogger(__name__)

KEEP_S = 900.0
"""How long what Slack said of a person counts: a role that was taken away is gone by then."""


@dataclass(frozen=True, slots=True)
class Directory:
    """Looks people up, each anew after `keep_s`. Guests are graders at most, people of other organisations outsiders, named
    admins admins.

    Who could not be looked up is not looked up again for `pause_s`: a crowd must not wait for a Slack that says no to each.
    """

    client: AsyncWebClient
    team: TeamId
    admins: Collection[str]
    member_role: Role
    known: dict[PersonId, tuple[Person, float]] = field(default_factory=dict)
    pause_s: float = 0.0
    missed_at: dict[PersonId, float] = field(default_factory=dict)
    keep_s: float = KEEP_S
    clock: Callable[[], float] = time.monotonic

    async def person(self, user_id: str, name: str = "", user_team: str = "") -> Person:
        """Give the person of a Slack id; while Slack cannot be asked, a member as far as the payload says."""
        person_id = PersonId(user_id)
        known, until = self.known.get(person_id, (None, 0.0))
        now = self.clock()
        if known is not None and now < until:
            return known
        if user_team and user_team != self.team:
            return Person(person_id, TeamId(user_team), name or user_id, Role.OUTSIDER)
        if now - self.missed_at.get(person_id, -self.pause_s) < self.pause_s:
            return known or self._stranger(person_id, name)
        try:
            answer = await self.client.users_info(user=user_id)
        except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("a person could not be looked up: %s", type(error).__name__, extra={"action": "person_unknown"})
            self.missed_at[person_id] = now
            return known or self._stranger(person_id, name)
        self.missed_at.pop(person_id, None)
        found = self._read(answer["user"], name)
        self.known[person_id] = (found, now + self.keep_s)
        return found

    async def grader(self, user_id: str, name: str, user_team: str) -> Person:
        """Give who presses a grade. Every member may grade, so of one whom Slack says to be ours nothing more is asked."""
        person_id = PersonId(user_id)
        if user_team == self.team and person_id not in self.known:
            return self._stranger(person_id, name)
        return await self.person(user_id, name, user_team)

    def _stranger(self, person_id: PersonId, name: str) -> Person:
        """Give somebody of whom only the payload tells."""
        return Person(person_id, self.team, name or person_id, Role.GRADER)

    def _read(self, user: dict[str, object], name: str) -> Person:
        """Read a person off Slack's user object."""
        user_id = str(user["id"])
        profile = user.get("profile")
        shown = profile.get("display_name") if isinstance(profile, dict) else None
        return Person(
            id=PersonId(user_id),
            team=TeamId(str(user.get("team_id") or self.team)),
            name=str(user.get("real_name") or shown or user.get("name") or name or user_id),
            role=self._role(user),
            tz=str(user.get("tz") or "UTC"),
        )

    def _role(self, user: dict[str, object]) -> Role:
        """Choose the role of a Slack user."""
        if user.get("team_id") not in (None, self.team) or user.get("is_stranger"):
            return Role.OUTSIDER
        if user.get("is_bot") or user.get("deleted"):
            return Role.VIEWER
        if user.get("is_restricted") or user.get("is_ultra_restricted"):
            return Role.GRADER
        return Role.ADMIN if user.get("id") in self.admins else self.member_role
