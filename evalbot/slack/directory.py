"""Who is who: Slack ids turned into people with a role."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from dataclasses import dataclass, field

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from evalbot.people import Person, PersonId, Role, TeamId

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Directory:
    """Looks people up once each. Guests are graders at most, people of other organisations outsiders, named admins admins.

    Who could not be looked up is not looked up again for `pause_s`: a crowd must not wait for a Slack that says no to each.
    """

    client: AsyncWebClient
    team: TeamId
    admins: Collection[str]
    member_role: Role
    known: dict[PersonId, Person] = field(default_factory=dict)
    pause_s: float = 0.0
    missed_at: dict[PersonId, float] = field(default_factory=dict)

    async def person(self, user_id: str, name: str = "", user_team: str = "") -> Person:
        """Give the person of a Slack id; while Slack cannot be asked, a member as far as the payload says."""
        person_id = PersonId(user_id)
        if person_id in self.known:
            return self.known[person_id]
        if user_team and user_team != self.team:
            return Person(person_id, TeamId(user_team), name or user_id, Role.OUTSIDER)
        if time.monotonic() - self.missed_at.get(person_id, -self.pause_s) < self.pause_s:
            return self._stranger(person_id, name)
        try:
            answer = await self.client.users_info(user=user_id)
        except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("a person could not be looked up: %s", type(error).__name__, extra={"action": "person_unknown"})
            self.missed_at[person_id] = time.monotonic()
            return self._stranger(person_id, name)
        self.missed_at.pop(person_id, None)
        self.known[person_id] = self._read(answer["user"], name)
        return self.known[person_id]

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
