"""What people name, looked up: a suite by its name."""

from __future__ import annotations

from rapidfuzz import process

from evalbot.errors import UnknownName
from evalbot.people import TeamId
from evalbot.store import suites
from evalbot.store.transaction import Transaction
from evalbot.suites.suites import Suite


async def newest_suite(tx: Transaction, team: TeamId, name: str) -> Suite:
    """Give the newest version of a suite; raises UnknownName with the nearest names."""
    suite = await suites.find_suite(tx, team, name)
    if suite is not None:
        return suite
    names = [line.name for line in await suites.list_suites(tx, team)]
    near = process.extractOne(name[:80], names, score_cutoff=60)
    known = (
        f"Did you mean {near[0]}?"
        if near
        else f"There are: {', '.join(names[:12])}."
        if names
        else "Add one to the project."
    )
    raise UnknownName("There is no suite of that name.", known)
