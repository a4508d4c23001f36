"""Money in the database: accounts, what runs may cost, and runs that are looked at before their start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Executable, bindparam, delete, func, select, update

from evalbot.people import Person, PersonId, TeamId
from evalbot.runs.budgets import Account, Decision, RunBudget, Scope, Spent, run_account
from evalbot.runs.forecasts import Usual
from evalbot.runs.outputs import RunId
from evalbot.runs.runs import RunStatus
from evalbot.store.tables import ACCOUNTS, DRAFTS, OUTPUTS, RUN_BUDGETS, RUNS
from evalbot.store.transaction import Transaction, insert_into

_SUMS = ("billed", "guessed", "held", "unknown")
_TOTAL = ACCOUNTS.c.billed + ACCOUNTS.c.guessed + ACCOUNTS.c.held
_PARTS = tuple(part.name for part in fields(RunBudget))


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of taking money: how much, who refused more, and what is left where least is left (None: no limit)."""

    amount: int
    refused: Scope | None
    left: int | None
    others_hold: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A run that somebody looks at before its start; `body` says what was asked for."""

    id: str
    person: PersonId
    body: str


async def settle(tx: Transaction, team: TeamId, accounts: Sequence[Account], change: Spent) -> None:
    """Add to every account what was spent; `held` may be negative, for what is given back."""
    await _add(tx, team, accounts, change)


async def take(
    tx: Transaction, team: TeamId, accounts: Sequence[Account], settled: Spent, wanted: Sequence[int], own: int
) -> Taken:
    """Put money aside on every account, or on none: the first of the wanted amounts that all of them have room for.

    `settled` is what was spent since the last time and is added in any case; `own` is what the taker holds after that.
    The rows are locked from the first statement on, so that takers of all programs come one after the other.
    """
    rows = await _add(tx, team, accounts, settled)
    rooms = [_room(account, rows[account.name]) for account in accounts]
    known = [room for room in rooms if room is not None]
    left = min(known, default=None)
    amount = next((one for one in wanted if left is None or one <= left), 0)
    if amount:
        await _add(tx, team, accounts, Spent(held=amount))
        return Taken(amount, None, None if left is None else left - amount, 0)
    tight = next(place for place, room in enumerate(rooms) if room is not None and room < wanted[-1])
    return Taken(0, accounts[tight].scope, left, rows[accounts[tight].name].held - own)


def _room(account: Account, there: Spent) -> int | None:
    """Give how much an account still has, None without a limit."""
    return None if account.most is None else account.most - there.total


async def _add(tx: Transaction, team: TeamId, accounts: Sequence[Account], change: Spent) -> dict[str, Spent]:
    """Add to the sums of accounts, which are made where they are not yet; gives what they hold then, by name."""
    sums = {f"add_{name}": getattr(change, name) for name in _SUMS}
    names = {f"name_{place}": account.name for place, account in enumerate(accounts)}
    rows = await tx.execute(_adding(tx.dialect, len(accounts)), {"of_team": team, **names, **sums})
    return {row.name: Spent(row.billed, row.guessed, row.held, row.unknown) for row in rows}


@cache
def _adding(dialect: str, count: int) -> Executable:
    """Give the one statement that adds to so many accounts, always in the same order, and gives their sums."""
    sums = {name: bindparam(f"add_{name}", type_=ACCOUNTS.c[name].type) for name in _SUMS}
    rows = [{"team": bindparam("of_team"), "name": bindparam(f"name_{place}"), **sums} for place in range(count)]
    statement = insert_into(dialect, ACCOUNTS).values(rows)
    return statement.on_conflict_do_update(
        index_elements=[ACCOUNTS.c.team, ACCOUNTS.c.name],
        set_={name: ACCOUNTS.c[name] + statement.excluded[name] for name in _SUMS},
    ).returning(ACCOUNTS.c.name, *(ACCOUNTS.c[name] for name in _SUMS))


async def spent(tx: Transaction, team: TeamId, run_id: RunId) -> Spent | None:
    """Give what a run has cost with all its judges and embeddings; None for a run from before money was counted."""
    return await balance(tx, team, run_account(run_id))


async def balance(tx: Transaction, team: TeamId, name: str) -> Spent | None:
    """Give what was spent on an account, None when nothing ever was."""
    wanted = select(ACCOUNTS).where(ACCOUNTS.c.team == team, ACCOUNTS.c.name == name)
    row = (await tx.execute(wanted)).first()
    return None if row is None else Spent(row.billed, row.guessed, row.held, row.unknown)


async def left_on(tx: Transaction, team: TeamId, accounts: Sequence[Account]) -> dict[Scope, int]:
    """Give what is left on those accounts that have a limit."""
    wanted = select(ACCOUNTS.c.name, _TOTAL.label("total")).where(
        ACCOUNTS.c.team == team, ACCOUNTS.c.name.in_([account.name for account in accounts])
    )
    totals = {row.name: int(row.total) for row in await tx.execute(wanted)}
    return {one.scope: one.most - totals.get(one.name, 0) for one in accounts if one.most is not None}


async def usual_of(tx: Transaction, run_id: RunId) -> dict[str, tuple[int, Usual]]:
    """Give how many answers each target of a run gave, by label, and what they took on average."""
    columns = (OUTPUTS.c.latency_s, OUTPUTS.c.input_tokens, OUTPUTS.c.output_tokens)
    means = (func.avg(column).label(column.name) for column in columns)
    wanted = select(OUTPUTS.c.target, func.count().label("answers"), *means).where(
        OUTPUTS.c.run_id == run_id, OUTPUTS.c.failure_kind.is_(None)
    )
    rows = await tx.execute(wanted.group_by(OUTPUTS.c.target))
    return {row.target: (row.answers, Usual(*map(_number, row[2:5]))) for row in rows}  # type: ignore[arg-type]


def _number(value: object) -> float | None:
    """Give an average as a float; databases differ in what they give."""
    return None if value is None else float(str(value))


# --- what a run may cost ---------------------------------------------------------------------------


async def add_budget(tx: Transaction, budget: RunBudget) -> None:
    """Add what a new run may cost."""
    await tx.add_once(RUN_BUDGETS, {name: getattr(budget, name) for name in _PARTS})


async def find_budget(tx: Transaction, run_id: RunId) -> RunBudget | None:
    """Give what a run may cost, None for a run from before there were budgets."""
    row = (await tx.execute(select(RUN_BUDGETS).where(RUN_BUDGETS.c.run_id == run_id))).first()
    if row is None:
        return None
    values: dict[str, Any] = dict(row._mapping)
    return RunBudget(**{**values, "decision": Decision(row.decision)})


async def change_most(tx: Transaction, run_id: RunId, most: int) -> None:
    """Give an open run another budget of its own."""
    await add_budget(tx, RunBudget(run_id))
    await tx.execute(update(RUN_BUDGETS).where(RUN_BUDGETS.c.run_id == run_id), {"most": most})


async def decide(tx: Transaction, run_id: RunId, decision: Decision, person: Person, at: datetime) -> bool:
    """Save the decision on a run that waits for one; tell whether this call decided it."""
    values = {"decision": decision, "decided_by": person.id, "decided_name": person.name, "decided_at": at}
    waits = (RUN_BUDGETS.c.run_id == run_id) & (RUN_BUDGETS.c.decision == Decision.WAITING)
    return (await tx.execute(update(RUN_BUDGETS).where(waits), values)).rowcount == 1


async def start_approved(tx: Transaction, run_id: RunId) -> bool:
    """Let a run that waits go on; tell whether it still waited."""
    waits = (RUNS.c.id == run_id) & (RUNS.c.status == RunStatus.WAITING)
    return (await tx.execute(update(RUNS).where(waits), {"status": RunStatus.RUNNING, "note": ""})).rowcount == 1


# --- drafts ----------------------------------------------------------------------------------------


async def add_draft(tx: Transaction, team: TeamId, draft: Draft, at: datetime, oldest: datetime) -> None:
    """Keep a draft, and forget those of all people that are older than `oldest`."""
    await tx.execute(delete(DRAFTS).where(DRAFTS.c.made_at < oldest))
    values = {"id": draft.id, "team": team, "person": draft.person, "body": draft.body, "made_at": at}
    await tx.add_once(DRAFTS, values)


async def find_draft(tx: Transaction, team: TeamId, draft_id: str) -> Draft | None:
    """Give a draft of a workspace."""
    row = (await tx.execute(select(DRAFTS).where(DRAFTS.c.id == draft_id, DRAFTS.c.team == team))).first()
    return None if row is None else Draft(row.id, PersonId(row.person), row.body)


async def drop_draft(tx: Transaction, draft_id: str) -> bool:
    """Forget a draft; tell whether it was there."""
    return (await tx.execute(delete(DRAFTS).where(DRAFTS.c.id == draft_id))).rowcount == 1
