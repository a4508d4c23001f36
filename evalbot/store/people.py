"""People in the database, and what they chose."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select

from evalbot.people import Person, PersonId, Role, TeamId
from evalbot.store.tables import PEOPLE, PREFERENCES
from evalbot.store.transaction import Transaction


async def put_person(tx: Transaction, person: Person) -> None:
    """Save a person as known now."""
    values = {"team": person.team, "id": person.id, "name": person.name, "role": person.role, "tz": person.tz}
    await tx.put(PEOPLE, values, ("team", "id"))


async def find_person(tx: Transaction, team: TeamId, person_id: PersonId) -> Person | None:
    """Give a person of a workspace."""
    row = (await tx.execute(select(PEOPLE).where(PEOPLE.c.team == team, PEOPLE.c.id == person_id))).first()
    return None if row is None else _person(row)


async def list_people(tx: Transaction, team: TeamId) -> list[Person]:
    """Give the people of a workspace by name."""
    rows = await tx.execute(select(PEOPLE).where(PEOPLE.c.team == team).order_by(PEOPLE.c.name, PEOPLE.c.id))
    return [_person(row) for row in rows]


async def get_preference(tx: Transaction, team: TeamId, person_id: PersonId, key: str) -> str | None:
    """Give what a person chose, None when nothing."""
    here = PREFERENCES.c
    wanted = select(here.value).where(here.team == team, here.person == person_id, here.key == key)
    value: str | None = (await tx.execute(wanted)).scalar()
    return value


async def put_preference(tx: Transaction, team: TeamId, person_id: PersonId, key: str, value: str) -> None:
    """Save what a person chose."""
    values = {"team": team, "person": person_id, "key": key, "value": value}
    await tx.put(PREFERENCES, values, ("team", "person", "key"))


def _person(row: Row[Any]) -> Person:
    """Give the person of a row."""
    return Person(PersonId(row.id), TeamId(row.team), row.name, Role(row.role), row.tz)
