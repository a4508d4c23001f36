"""Budgets: what calls may cost at most, before they are made. Money is counted in whole billionths of a dollar (nanos).

A day and a month are those of UTC, whatever zone people live in, so that a budget begins anew at one moment for everybody.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from enum import StrEnum

from pydantic import JsonValue

from evalbot.errors import BadRequest
from evalbot.people import PersonId
from evalbot.runs.outputs import RunId, Usage

BILLION = 1_000_000_000
MOST_BUDGET = 1_000_000 * BILLION
"""Larger amounts are taken for a slip: a million dollars."""

MOST_OUTPUT = 4_096
"""Tokens of an answer that money is put aside for where the target's config sets no cap of its own."""

TOKENS_AROUND = 16
"""Tokens that a provider may count around one message beside those of its text."""

MOST_TOKENS = 10_000_000
"""No call has more tokens than this; a larger count is absurd."""

_CAPS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "num_predict")


class Scope(StrEnum):
    """What a budget is for."""

    RUN = "run"
    PERSON_DAY = "person"
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Limits:
    """The budgets of a workspace in nanos; None is no limit. Above `approval_above` a run waits for an approver."""

    run: int | None = None
    person_day: int | None = None
    day: int | None = None
    month: int | None = None
    approval_above: int | None = None

    def of(self, scope: Scope) -> int | None:
        """Give the limit of a scope."""
        return {
            Scope.RUN: self.run,
            Scope.PERSON_DAY: self.person_day,
            Scope.DAY: self.day,
            Scope.MONTH: self.month,
        }[scope]


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Account:
    """One place where money is counted, and how much may be spent there. `name` tells it from every other of a workspace."""

    scope: Scope
    name: str
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """What a token in and a token out cost, in nanos."""

    input: float
    output: float


@dataclass(frozen=True, slots=True)
class Bound:
    """How many tokens a call can have at most, in and out."""

    input: int
    output: int


@dataclass(frozen=True, slots=True)
class Bill:
    """What a call is billed. `exact` tells that the provider's own figures say so; else it is the worst case."""

    nanos: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent: billed by the provider's figures, guessed at the worst case, put aside for calls whose end nobody saw.

    `unknown` counts calls that have no price at all: their cost is not in the sums.
    """

    billed: int = 0
    guessed: int = 0
    held: int = 0
    unknown: int = 0

    @property
    def total(self) -> int:
        """All of it: never less than what the calls with a price have cost."""
        return self.billed + self.guessed + self.held

    @property
    def usd(self) -> float | None:
        """All of it in dollars; None as soon as one call has no price."""
        return None if self.unknown else dollars(self.total)

    @property
    def exact(self) -> bool:
        """Tell whether nothing in it is a guess."""
        return not (self.guessed or self.held or self.unknown)


class Decision(StrEnum):
    """Whether a run needs an approver: not at all, still, or how it was decided."""

    NONE = "none"
    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class RunBudget:
    """What a run may cost at most, what it is expected to cost (`low` to `high`), in nanos, and who decided on it.

    None is no budget of its own, and an expected cost that is not known.
    """

    run_id: RunId
    most: int | None = None
    low: int | None = None
    high: int | None = None
    decision: Decision = Decision.NONE
    decided_by: PersonId | None = None
    decided_name: str = ""
    decided_at: datetime | None = None


def parse_dollars(text: str) -> int:
    """Read an amount such as 2, 0.50 or $2.00; raises BadRequest for anything else."""
    plain = text.strip().removeprefix("$").removesuffix("$").strip().replace(",", "")
    try:
        amount = Decimal(plain)
        found = nanos(amount) if amount.is_finite() else 0
    except InvalidOperation:
        found = 0
    if not 0 < found <= MOST_BUDGET:
        raise BadRequest(
            f"`{text.strip()[:40]}` is not an amount of money.", "Write dollars, for example `budget:2.00`."
        )
    return found


def nanos(usd: float | Decimal) -> int:
    """Give dollars in whole nanos, rounded up."""
    exact = usd if isinstance(usd, Decimal) else Decimal(repr(usd))
    return int((exact * BILLION).to_integral_value(ROUND_CEILING))


def dollars(amount: int) -> float:
    """Give nanos in dollars."""
    return amount / BILLION


def list_accounts(
    limits: Limits, run_id: RunId, person: PersonId, at: datetime, run_most: int | None = None
) -> tuple[Account, ...]:
    """Give the accounts a call of a run is billed to, always in one order. `run_most` is the run's own budget."""
    day = at.astimezone(UTC).date()
    most = limits.run if run_most is None else run_most
    return (
        Account(Scope.RUN, run_account(run_id), most),
        Account(Scope.PERSON_DAY, f"{Scope.PERSON_DAY}:{person}:{day}", limits.person_day),
        Account(Scope.DAY, f"{Scope.DAY}:{day}", limits.day),
        Account(Scope.MONTH, f"{Scope.MONTH}:{day:%Y-%m}", limits.month),
    )


def run_account(run_id: RunId) -> str:
    """Give the name of a run's account."""
    return f"{Scope.RUN}:{run_id}"


def input_bound(texts: Iterable[str]) -> int:
    """Give the most tokens that texts can be: a token has at least one byte, and each message a few more around it."""
    sizes = [len(text.encode("utf-8", "surrogatepass")) for text in texts]
    return sum(sizes) + TOKENS_AROUND * (len(sizes) + 1)


def output_bound(config: Mapping[str, JsonValue]) -> int:
    """Give the most tokens of an answer: the smallest cap of the target's config, else the usual one."""
    caps = [value for key in _CAPS if isinstance(value := config.get(key), int) and not isinstance(value, bool)]
    return min((cap for cap in caps if cap > 0), default=MOST_OUTPUT)


def worst_case(rate: Rate, bound: Bound) -> int:
    """Give what a call can cost at most."""
    return math.ceil(bound.input * rate.input + bound.output * rate.output)


def bill(rate: Rate | None, bound: Bound, usage: Usage, *, said: bool) -> Bill | None:
    """Give what an answered call is billed; `said` tells whether the answer holds any text.

    Figures that are missing or cannot be true are billed at the worst case. None without a price: the cost is unknown.
    """
    stated, silent = usage.cost_usd, usage.input_tokens is None and usage.output_tokens is None
    believable = _believable(usage, said=said)
    if stated is not None and math.isfinite(stated) and stated >= 0 and (silent or believable):
        return Bill(nanos(stated), exact=True)
    if rate is None:
        return None
    if not believable:
        return Bill(worst_case(rate, bound), exact=False)
    return Bill(worst_case(rate, Bound(usage.input_tokens or 0, usage.output_tokens or 0)), exact=True)


def _believable(usage: Usage, *, said: bool) -> bool:
    """Tell whether token counts can be true: an asked question has some, and so has an answer that says something."""
    put, got = usage.input_tokens, usage.output_tokens
    if put is None or got is None:
        return False
    return 0 < put <= MOST_TOKENS and (1 if said else 0) <= got <= MOST_TOKENS
