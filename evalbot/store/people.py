"""People in the database, and what they chose."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, bindparam, select

from evalbot.people import Person, PersonId, Role, TeamId
from evalbot.store.tables import PEOPLE, PREFERENCES
from evalbot.store.transaction import Transaction

_CHOSEN = select(PREFERENCES.c.value).where(
    PREFERENCES.c.team == bindparam("team"),
    PREFERENCES.c.person == bindparam("person"),
    PREFERENCES.c.key == bindparam("key"),
)
_ONE = select(PEOPLE).where(PEOPLE.c.team == bindparam("team"), PEOPLE.c.id == bindparam("id"))


async def put_person(tx: Transaction, person: Person) -> None:
    """Save a person as known now."""
    values = {"team": person.team, "id": person.id, "name": person.name, "role": person.role, "tz": person.tz}
    await tx.put(PEOPLE, values)


async def find_person(tx: Transaction, team: TeamId, person_id: PersonId) -> Person | None:
    """Give a person of a workspace."""
    row = (await tx.execute(_ONE, {"team": team, "id": person_id})).first()
    return None if row is None else _person(row)


async def list_people(tx: Transaction, team: TeamId) -> list[Person]:
    """Give the people of a workspace by name."""
    rows = await tx.execute(select(PEOPLE).where(PEOPLE.c.team == team).order_by(PEOPLE.c.name, PEOPLE.c.id))
    return [_person(row) for row in rows]


async def get_preference(tx: Transaction, team: TeamId, person_id: PersonId, key: str) -> str | None:
    """Give what a person chose, None when nothing."""
    value: str | None = (await tx.execute(_CHOSEN, {"team": team, "person": person_id, "key": key})).scalar()
    return value


async def put_preference(tx: Transaction, team: TeamId, person_id: PersonId, key: str, value: str) -> None:
    """Save what a person chose."""
    values = {"team": team, "person": person_id, "key": key, "value": value}
    await tx.put(PREFERENCES, values)


def _person(row: Row[Any]) -> Person:
    """Give the person of a row."""
    return Person(PersonId(row.id), TeamId(row.team), row.name, Role(row.role), row.tz)
