"""The money of a run: put aside in the database before each call, settled by what the call really cost.

A program takes money in blocks for many calls at once. What it took and never settled, because it was killed, stays put aside:
the sums in the database are never less than what was really spent.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from evalbot.asking.ask import Answer, Answerer, Answerers, CodeGrader, Embedded, Embedder, Question
from evalbot.asking.metering import METER, may_cost
from evalbot.asking.prices import PriceTable
from evalbot.errors import BadRequest, BudgetUsedUp, ModelUnavailable
from evalbot.grading.findings import CannotCheck
from evalbot.people import TeamId
from evalbot.runs.budgets import (
    Account,
    Bill,
    Bound,
    Rate,
    Scope,
    Spent,
    bill,
    dollars,
    input_bound,
    list_accounts,
    output_bound,
    worst_case,
)
from evalbot.runs.runs import Run
from evalbot.store import budgets
from evalbot.store.budgets import Taken
from evalbot.store.database import Store, Transaction
from evalbot.suites.targets import Target
from evalbot.workflows.services import Services

T = TypeVar("T")

CALLS_AHEAD = 32
"""Money is taken for so many calls more than are wanted now, as far as that is a small part of what is left."""

SMALL_PART = 64
"""A block for calls to come is at most this part of what is left, as a kill leaves it unused."""

PATIENCE_S = 10.0
"""How long to wait for money that other programs hold, before the budget counts as used up."""

LOOK_AGAIN_S = 0.25

_WHOSE = {
    Scope.RUN: "The budget of {}",
    Scope.PERSON_DAY: "The starter's budget for today, {},",
    Scope.DAY: "The workspace's budget for today, {},",
    Scope.MONTH: "The workspace's budget for this month, {},",
}


@asynccontextmanager
async def metered(services: Services, run: Run, most: int | None = None) -> AsyncIterator[Services]:
    """Give services whose models put money aside for a run before each call; at the end what is left over is given back.

    `most` is the budget of a run that is not saved yet.
    """
    budget = await services.store.read(lambda tx: budgets.find_budget(tx, run.id))
    most = budget.most if budget else most
    accounts = list_accounts(services.limits, run.id, run.started_by, services.now(), most)
    purse = Purse(services.store, run.team, accounts, run.number)
    try:
        yield replace(services, models=MeteredAnswerers(services.models, purse, services.prices))
    finally:
        await purse.close()


class Purse:
    """What one program holds of the money of a run, given out call by call; belongs to one event loop.

    `free` is taken and not given out. At any time the database counts at least what was spent, as it holds `free`, what calls
    under way may cost, and what has been spent since it was last told.
    """

    def __init__(self, store: Store, team: TeamId, accounts: Sequence[Account], number: int = 0) -> None:
        """number: that of the run, by which people go on with it."""
        self._store = store
        self._team = team
        self._number = number
        self._accounts = tuple(accounts)
        self.free = 0
        self.under_way = 0
        self._out = 0
        self._dearest = 0
        self._left: int | None = 0
        self._due = Spent()
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._server: asyncio.Task[None] | None = None
        self._came_back = asyncio.Event()
        self._used_up: BudgetUsedUp | None = None

    @property
    def limited(self) -> bool:
        """Tell whether any budget applies."""
        return any(account.most is not None for account in self._accounts)

    async def take(self, amount: int) -> None:
        """Put aside what one call may cost; raises BudgetUsedUp when there is not so much left, and from then on at once."""
        if self._used_up is not None:
            raise _again(self._used_up)
        if amount > self._dearest:
            self._dearest = amount
        if not self._waiting and self.free >= amount:
            self._give(amount)
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((amount, place))
        if self._server is None:
            self._server = asyncio.create_task(self._serve(), name="evalbot-purse")
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                self.settle(amount, Bill(0, exact=True))
            raise

    def settle(self, amount: int, paid: Bill | None) -> None:
        """Give back what a call did not need of the money put aside for it; None is a call without a price."""
        self.under_way -= 1
        self._out -= amount
        cost = paid.nanos if paid else 0
        self.free += amount - cost
        due = self._due
        if paid is None:
            self._due = replace(due, unknown=due.unknown + 1)
        elif paid.exact:
            self._due = replace(due, billed=due.billed + cost)
        else:
            self._due = replace(due, guessed=due.guessed + cost)
        self._came_back.set()

    async def close(self) -> None:
        """Tell the database what was spent and give back the rest; what calls that were cut off may cost stays put aside."""
        if self._server is not None:
            self._server.cancel()
            await asyncio.gather(self._server, return_exceptions=True)
        await self._give_back()

    async def _give_back(self) -> None:
        """Tell the database what was spent, and that the rest is free for others."""
        change, self._due = self._settled(-self.free), Spent()
        self.free = 0
        if change != Spent():
            await self._store.record(lambda tx: budgets.settle(tx, self._team, self._accounts, change))

    def _give(self, amount: int) -> None:
        self.free -= amount
        self._out += amount
        self.under_way += 1

    async def _serve(self) -> None:
        """Give out money in the order in which it was asked for, until nobody waits."""
        loop, patient_until = asyncio.get_running_loop(), 0.0
        try:
            while self._serve_from_free():
                self._came_back.clear()
                taken = await self._take_block()
                if taken.refused is None or self._came_back.is_set():
                    continue
                patient_until = patient_until or loop.time() + PATIENCE_S
                if self.under_way:
                    await self._came_back.wait()
                    patient_until = 0.0
                elif self.free > 0:
                    await self._give_back()
                elif taken.others_hold > 0 and loop.time() < patient_until:
                    await asyncio.sleep(LOOK_AGAIN_S)
                else:
                    self._used_up = self._refusal(taken.refused)
                    self._refuse(self._used_up)
        except Exception as error:
            self._refuse(error)
        finally:
            self._server = None

    def _serve_from_free(self) -> bool:
        """Give out what is there; tells whether somebody still waits."""
        while self._waiting:
            amount, place = self._waiting[0]
            if place.done():
                self._waiting.popleft()
            elif self.free >= amount:
                self._waiting.popleft()
                self._give(amount)
                place.set_result(None)
            else:
                return True
        return False

    def _refuse(self, error: Exception) -> None:
        """Let everybody who waits know that there is nothing."""
        while self._waiting:
            _, place = self._waiting.popleft()
            if not place.done():
                place.set_exception(_again(error) if isinstance(error, BudgetUsedUp) else error)

    async def _take_block(self) -> Taken:
        """Take money for all who wait and some calls to come, or for all who wait, or for the first alone."""
        needed = [amount for amount, _ in self._waiting]
        spare = self._dearest * CALLS_AHEAD
        if self._left is not None:
            spare = min(spare, max(self._left, 0) // SMALL_PART)
        wanted = [sum(needed) + spare - self.free, sum(needed) - self.free, needed[0] - self.free]
        told = self._due
        change = self._settled(0)
        holds = self.free + self._out

        async def work(tx: Transaction) -> Taken:
            return await budgets.take(tx, self._team, self._accounts, change, wanted, holds)

        taken = await self._store.record(work)
        since = self._due
        self._due = replace(
            since,
            billed=since.billed - told.billed,
            guessed=since.guessed - told.guessed,
            unknown=since.unknown - told.unknown,
        )
        self.free += taken.amount
        self._left = taken.left
        return taken

    def _settled(self, held: int) -> Spent:
        """Give the change that tells the database what was spent since the last time, out of what it holds."""
        due = self._due
        return replace(due, held=held - due.billed - due.guessed)

    def _refusal(self, scope: Scope) -> BudgetUsedUp:
        """Say which budget is used up."""
        most = next(account.most for account in self._accounts if account.scope is scope)
        whose = _WHOSE[scope].format(f"${dollars(most or 0):,.2f}")
        own = f"Type rerun {self._number} with a larger budget to go on."
        shared = f"Type rerun {self._number} to go on later, or ask an admin for a larger budget."
        return BudgetUsedUp(f"{whose} is used up", own if scope is Scope.RUN else shared)


def _again(error: BudgetUsedUp) -> BudgetUsedUp:
    """Give the same refusal anew: an exception that is raised in many tasks would collect all their traces."""
    return BudgetUsedUp(error.message, error.hint)


@dataclass(slots=True)
class CallMeter:
    """The attempts at one call: each has its money put aside before it is made, the first by whoever makes the call."""

    purse: Purse
    worst: int
    open: bool = False

    async def begin(self) -> None:
        """Put the money of an attempt aside, unless it is already."""
        if not self.open:
            await self.purse.take(self.worst)
            self.open = True

    def fail(self, failure: ModelUnavailable) -> None:
        """Bill a failed attempt at the worst case, or not at all where the provider did nothing."""
        self.end(Bill(self.worst, exact=False) if may_cost(failure) else Bill(0, exact=True))

    def cut_off(self) -> None:
        """Bill an attempt of which nobody saw the end at the worst case."""
        self.end(Bill(self.worst, exact=False))

    def end(self, paid: Bill | None) -> None:
        """Settle the attempt that is under way, if any."""
        if self.open:
            self.open = False
            self.purse.settle(self.worst, paid)


class MeteredAnswerers:
    """The answerers of a run, each asked only with money put aside for the call."""

    def __init__(self, models: Answerers, purse: Purse, prices: PriceTable) -> None:
        self._models = models
        self._purse = purse
        self._prices = prices
        self._opened: dict[str, Answerer] = {}

    def answerer(self, target: Target) -> Answerer:
        """Give the answerer of a target; raises BadRequest for one that cannot be asked."""
        known = self._opened.get(target.endpoint)
        if known is None:
            known = self._opened[target.endpoint] = self._wrap(target)
        return known

    async def close(self) -> None:
        """Leave the answerers open: others ask through them too."""

    def _wrap(self, target: Target) -> Answerer:
        inner = self._models.answerer(target)
        kind = MeteredTools if isinstance(inner, Embedder | CodeGrader) else MeteredAnswerer
        return kind(inner, target, self._purse, self._prices)


class MeteredAnswerer:
    """Asks one target with money put aside for each call."""

    def __init__(self, inner: Answerer, target: Target, purse: Purse, prices: PriceTable) -> None:
        self._inner = inner
        self._target = target
        self._purse = purse
        self._prices = prices
        self._priced: asyncio.Future[Rate | None] | None = None
        system = target.config.get("system")
        self._system = (system,) if isinstance(system, str) else ()
        self._output = output_bound(target.config)

    async def ask(self, question: Question) -> Answer:
        """Give the target's answer."""
        return await self._answered(question, lambda: self._inner.ask(question))

    async def ask_json(self, question: Question, schema: Mapping[str, Any]) -> Answer:
        """Give the target's answer, asked for in the form of a JSON Schema, which counts as put to it."""
        return await self._answered(question, lambda: self._inner.ask_json(question, schema), str(schema))

    async def close(self) -> None:
        """Leave the answerer open: others ask through it too."""

    async def _answered(self, question: Question, call: Callable[[], Awaitable[Answer]], *more: str) -> Answer:
        """Ask, and settle what the answer cost."""
        texts = (*(message.content for message in question.messages), *self._system, *more)
        bound = Bound(input_bound(texts), self._output)
        return await self._paid(
            call, bound, lambda answer, rate: bill(rate, bound, answer.usage, said=bool(answer.text))
        )

    async def _paid(
        self, call: Callable[[], Awaitable[T]], bound: Bound, billed: Callable[[T, Rate | None], Bill | None]
    ) -> T:
        """Make a call with its money put aside; one that is cut off is billed at the worst case."""
        rate = await self._rate()
        meter = CallMeter(self._purse, 0 if rate is None else worst_case(rate, bound))
        await meter.begin()
        token = METER.set(meter)
        try:
            answer = await call()
            meter.end(billed(answer, rate))
        except ModelUnavailable as error:
            meter.fail(error)
            raise
        finally:
            METER.reset(token)
            meter.cut_off()
        return answer

    async def _rate(self) -> Rate | None:
        """Look the price up once, in a thread as the list is large; raises BadRequest without one where a budget applies."""
        if self._priced is None:
            self._priced = asyncio.ensure_future(asyncio.to_thread(self._prices.rate, self._target))
        rate = self._priced.result() if self._priced.done() else await asyncio.shield(self._priced)
        if rate is None and self._purse.limited:
            raise without_price(self._target)
        return rate


class MeteredTools(MeteredAnswerer):
    """Asks one target that can also give vectors or grade with code; code costs nothing that we know of."""

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """Give a vector for each text; raises CannotCheck when there is no money left for it, so that the answer is kept."""
        if not isinstance(self._inner, Embedder):
            raise CannotCheck(f"Target {self._target.label} gives no embeddings.")
        inner, bound = self._inner, Bound(input_bound(texts), 0)
        try:
            return await self._paid(
                lambda: inner.embed(texts), bound, lambda found, rate: bill(rate, bound, found.usage, said=False)
            )
        except BudgetUsedUp as error:
            raise CannotCheck(f"{error.message}, so this was not checked.") from None

    async def grade(self, text: str, about: Mapping[str, Any]) -> object:
        """Give what the code says of a text."""
        if not isinstance(self._inner, CodeGrader):
            raise CannotCheck("The project's code cannot be called here.")
        return await self._inner.grade(text, about)


def without_price(target: Target) -> BadRequest:
    """Refuse a target whose cost nobody can know where a budget has to be kept."""
    return BadRequest(
        f"There is a budget, and nobody knows what {target.label} costs.",
        f"Give {target.id} a price in evalbot.toml or in its config.",
    )


def used_up_note(error: BudgetUsedUp, outputs: int, size: int) -> str:
    """Say why a run ended and how much of it is there."""
    return f"{error.message}: {outputs:,} of {size:,} answers are there. {error.hint}".strip()
