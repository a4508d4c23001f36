"""Workspaces: which one owns what the command line started."""

from __future__ import annotations

from sqlalchemy import select, update

from evalbot.people import LOCAL_TEAM, TeamId
from evalbot.store.tables import METADATA, WORKSPACES
from evalbot.store.transaction import Transaction

_HOME = "home"


async def remember_home(tx: Transaction, team: TeamId) -> None:
    """Make a workspace the home of what the command line starts; the first one stays."""
    await tx.add_once(WORKSPACES, {"name": _HOME, "team": team, "adopted": False})


async def home_team(tx: Transaction) -> TeamId:
    """Give the workspace that owns what the command line starts."""
    found = await tx.execute(select(WORKSPACES.c.team).where(WORKSPACES.c.name == _HOME))
    return TeamId(found.scalar() or LOCAL_TEAM)


async def adopt_local(tx: Transaction, team: TeamId) -> None:
    """Give everything the command line started before to a workspace: the first one that asks, once."""
    await remember_home(tx, team)
    ours = (WORKSPACES.c.name == _HOME) & (WORKSPACES.c.team == team) & WORKSPACES.c.adopted.is_(False)
    adopted = await tx.execute(update(WORKSPACES).where(ours).values(adopted=True))
    if adopted.rowcount == 0:
        return
    for table in METADATA.sorted_tables:
        if "team" in table.c and table is not WORKSPACES:
            await tx.execute(update(table).where(table.c.team == LOCAL_TEAM).values(team=team))
    tx.shelf.suites.clear()
