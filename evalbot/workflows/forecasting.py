"""What a planned run is expected to take, reckoned from earlier runs of its suite and from the texts it will send."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evalbot.errors import BadRequest, NotAllowed
from evalbot.grading.judge_prompts import Material, fill_judge_prompt, verdict_schema
from evalbot.people import Action, Person, may
from evalbot.runs.budgets import (
    Bound,
    Limits,
    Rate,
    Scope,
    Spent,
    dollars,
    list_accounts,
    output_bound,
    worst_case,
)
from evalbot.runs.forecasts import (
    USUAL_ANSWER,
    USUAL_ANSWER_S,
    USUAL_VERDICT,
    USUAL_VERDICT_S,
    Forecast,
    Load,
    Usual,
    expected_cost,
    expected_precision,
    expected_seconds,
    scaled_cost,
    text_tokens,
)
from evalbot.runs.outputs import RunId
from evalbot.runs.runs import Run, RunStatus
from evalbot.store import budgets, runs
from evalbot.store.database import Transaction
from evalbot.suites.filling import fill_prompt
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import Item, Message
from evalbot.suites.judges import judge_targets, judged_graders
from evalbot.suites.pairing import prompt_of
from evalbot.suites.suites import Suite
from evalbot.suites.targets import Target
from evalbot.workflows.checking import check_targets
from evalbot.workflows.scoring import load_scored_run
from evalbot.workflows.services import Services
from evalbot.workflows.spending import without_price

SAMPLED = 40
"""So many items stand for all when texts are measured."""

MOST_SCORED = 5_000
"""Earlier runs with more outputs are not scored again for a forecast, which must be there at once."""

RECENT = 20


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an earlier run tells: what it took by target, what it cost in all, and its score of each item.

    `before` are the item scores of the run before it. `alike` tells that it asked the very same targets.
    """

    run: Run
    outputs: int
    usual: dict[str, Usual]
    spent: Spent | None
    scores: dict[str, float]
    before: dict[str, float]
    alike: bool


async def forecast_run(
    services: Services, run: Run, suite: Suite, most: int | None, *, asking: bool = True
) -> Forecast:
    """Give what a planned run is expected to take; `most` is its own budget in nanos.

    One that is not `asking` has its answers already and is only graded.
    """
    earlier, left = await services.store.read(lambda tx: _load(tx, services, run, most))
    rates = await rates_of(services, run, suite)
    loads = _loads(run, suite, rates, earlier)
    loads = loads if asking else loads[len(run.targets) :]
    cost, cost_from = expected_cost(loads), None
    if (
        asking
        and earlier
        and earlier.alike
        and earlier.spent
        and earlier.outputs
        and not earlier.spent.unknown
        and cost
    ):
        cost, cost_from = scaled_cost(earlier.spent.billed, earlier.outputs, run.size), earlier.run.number
    told = earlier or None
    return Forecast(
        items=len(run.item_ids),
        calls=sum(load.calls for load in loads),
        seconds=_seconds(run, loads, earlier),
        precision=expected_precision(
            len(run.item_ids),
            told.scores if told else None,
            told.before if told else None,
            told.run.number if told else None,
        ),
        low=cost[0] if cost else None,
        high=cost[1] if cost else None,
        unknown=tuple(dict.fromkeys(load.label for load in loads if load.rate is None)),
        left=left,
        cost_from=cost_from,
    )


async def rates_of(services: Services, run: Run, suite: Suite) -> dict[str, Rate | None]:
    """Give what a token of each target, judge and embedding model costs, by endpoint; in a thread, as the list is large."""
    asked = asked_targets(run, suite)
    return await asyncio.to_thread(lambda: {one.endpoint: services.prices.rate(one) for one in asked})


def asked_targets(run: Run, suite: Suite) -> list[Target]:
    """Give everything that a run asks: targets, judges, and what its checks ask. Code that only grades is not asked."""
    checks = [one for one in check_targets(suite) if not one.runs_code]
    return [*run.targets, *judge_targets(suite), *checks]


async def check_budgets(
    services: Services, person: Person, run: Run, suite: Suite, most: int | None, *, asking: bool = True
) -> None:
    """Raise UserError unless the budgets let a run begin: there is money left, and all that it asks has a price."""
    targets = run.targets if asking else ()
    asked = (*targets, *asked_targets(run, suite)[len(run.targets) :])
    left = await check_money(services, person, run.id, asked, most)
    if not left:
        return
    rates = await rates_of(services, run, suite)
    for target in targets:
        _check_affords_one(target, rates[target.endpoint], min(left.values()))


async def check_money(
    services: Services, person: Person, run_id: RunId, asked: Sequence[Target], most: int | None
) -> dict[Scope, int]:
    """Give what is left on the budgets of something that asks; raises UserError where one is empty, or with one where
    something has no price, or where `most` is more than this may usually cost."""
    limits = services.limits
    if most is not None and limits.run is not None and most > limits.run and not may(person, Action.APPROVE_RUN):
        raise NotAllowed(
            f"A run may cost ${dollars(limits.run):,.2f} here.", "Ask an approver to start it with a larger budget."
        )
    accounts = list_accounts(limits, run_id, person.id, services.now(), most)
    if all(account.most is None for account in accounts):
        return {}
    rates = await asyncio.to_thread(lambda: {one.endpoint: services.prices.rate(one) for one in asked})
    for target in asked:
        if rates[target.endpoint] is None:
            raise without_price(target)
    left = await services.store.read(lambda tx: budgets.left_on(tx, services.team, accounts))
    spent = next((scope for scope, amount in left.items() if amount <= 0), None)
    if spent is not None:
        raise _nothing_left(spent, limits)
    return left


def _check_affords_one(target: Target, rate: Rate | None, left: int) -> None:
    """Raise BadRequest for a target of which a single long answer may cost more than there is: it would never be asked."""
    worst = worst_case(rate, Bound(0, output_bound(target.config))) if rate else 0
    if worst > left:
        raise BadRequest(
            f"One answer of {target.label} may cost up to ${dollars(worst):,.2f}, and ${dollars(left):,.2f} is left.",
            "Set max_tokens in its config, or give a larger budget.",
        )


def _nothing_left(scope: Scope, limits: Limits) -> NotAllowed:
    """Say whose money is used up."""
    whose = {Scope.PERSON_DAY: "Your budget for today", Scope.DAY: "The workspace's budget for today"}
    amount = f" (${dollars(limits.of(scope) or 0):,.2f})"
    when = "next month" if scope is Scope.MONTH else "tomorrow; a day ends at midnight UTC"
    return NotAllowed(
        f"{whose.get(scope, 'The workspace’s budget for this month')}{amount} is used up.",
        f"Run it {when}, or ask an admin for more.",
    )


async def _load(
    tx: Transaction, services: Services, run: Run, most: int | None
) -> tuple[Earlier | None, dict[Scope, int]]:
    """Load what earlier runs tell and what is left of the budgets."""
    accounts = list_accounts(services.limits, run.id, run.started_by, services.now(), most)
    return await _earlier(tx, run), await budgets.left_on(tx, run.team, accounts)


async def _earlier(tx: Transaction, run: Run) -> Earlier | None:
    """Load the newest complete run of the suite, of the same targets if there is one."""
    found = [
        one
        for one in await runs.list_runs(tx, run.team, suite=run.suite, limit=RECENT)
        if one.status is RunStatus.DONE and one.id != run.id
    ]
    wanted = {target.identity for target in run.targets}
    same = [one for one in found if {target.identity for target in one.targets} == wanted]
    told = (same or found)[:2]
    if not told:
        return None
    newest = told[0]
    scores = [await _item_scores(tx, one, wanted) for one in told]
    taken = await budgets.usual_of(tx, newest.id)
    by_identity = {one.identity: taken[one.label] for one in newest.targets if one.label in taken}
    return Earlier(
        newest,
        sum(count for count, _ in taken.values()),
        {identity: usual for identity, (_, usual) in by_identity.items()},
        await budgets.spent(tx, run.team, newest.id),
        scores[0],
        scores[1] if len(scores) > 1 else {},
        bool(same),
    )


async def _item_scores(tx: Transaction, run: Run, wanted: set[str]) -> dict[str, float]:
    """Give the share of passed answers of each item in a run: of the wanted target, else of its first one."""
    if run.size > MOST_SCORED or not run.targets:
        return {}
    label = next((one.label for one in run.targets if one.identity in wanted), run.targets[0].label)
    by_item: dict[str, list[bool]] = {}
    for score in (await load_scored_run(tx, run)).scores:
        if score.target == label and score.complete:
            by_item.setdefault(score.item_id, []).append(score.passed)
    return {item: sum(passes) / len(passes) for item, passes in by_item.items()}


def _seconds(run: Run, loads: Sequence[Load], earlier: Earlier | None) -> float:
    """Give how long a run takes: by a like one before, unless that lay still for long, else by its calls."""
    reckoned = expected_seconds(loads, run.concurrency)
    if earlier is None or not earlier.alike or not earlier.outputs or earlier.run.finished_at is None:
        return reckoned
    took = (earlier.run.finished_at - earlier.run.created_at).total_seconds()
    alike = took * run.size / earlier.outputs * earlier.run.concurrency / run.concurrency
    return min(alike, 3 * reckoned) if reckoned else alike


def _loads(run: Run, suite: Suite, rates: dict[str, Rate | None], earlier: Earlier | None) -> list[Load]:
    """Give the calls of a run: to its targets, and to the judges of its items."""
    items = _sample(suite, run)
    each = len(run.item_ids) * run.repeats
    loads = [_target_load(target, suite, items, each, rates, earlier) for target in run.targets]
    answer = max((load.output[1] for load in loads), default=0.0)
    judged: dict[str, list[Load]] = {}
    for item in items:
        for spec in judged_graders(suite, item):
            judge = spec.target or suite.run.judge
            if judge is not None:
                load = judge_load(judge, spec, suite, item, rates, answer)
                judged.setdefault(judge.endpoint, []).append(load)
    share = each * len(run.targets) / max(len(items), 1)
    return loads + [loads_together(several, share) for several in judged.values()]


def _sample(suite: Suite, run: Run) -> list[Item]:
    """Give a few of the items that are asked, from all over the run."""
    known = {item.id: item for item in suite.items}
    step = max(1, len(run.item_ids) // SAMPLED)
    return [known[one] for one in run.item_ids[::step] if one in known]


def _target_load(
    target: Target,
    suite: Suite,
    items: Sequence[Item],
    calls: int,
    rates: dict[str, Rate | None],
    earlier: Earlier | None,
) -> Load:
    """Give the calls to one target: as they were in an earlier run, else by its prompts and a usual answer."""
    usual = earlier.usual.get(target.identity) if earlier else None
    prompt = prompt_of(target, suite.prompts)
    sizes = [_bytes(fill_prompt(prompt, item), target) for item in items]
    put = text_tokens(sum(sizes) / max(len(sizes), 1))
    cap = output_bound(target.config)
    got = (float(min(USUAL_ANSWER[0], cap)), float(min(USUAL_ANSWER[1], cap)))
    if usual and usual.input_tokens is not None and usual.output_tokens is not None:
        put = (usual.input_tokens * 0.9, usual.input_tokens * 1.1)
        got = (usual.output_tokens * 0.8, usual.output_tokens * 1.25)
    latency = usual.latency_s if usual else USUAL_ANSWER_S
    return Load(target.label, calls, put, got, latency, rates.get(target.endpoint))


def judge_load(
    judge: Target, spec: GraderSpec, suite: Suite, item: Item, rates: dict[str, Rate | None], answer_tokens: float
) -> Load:
    """Give the calls to a judge for one answer to one item."""
    rubric = suite.rubrics[spec.rubric or ""]
    material = Material(item.question, "", item.references)
    size = _bytes(fill_judge_prompt(rubric, material, "0" * 16), judge) + len(str(verdict_schema(rubric)))
    few, many = text_tokens(size)
    calls = 2 if spec.type is GraderType.PAIRWISE else 1
    got = (float(USUAL_VERDICT[0]), float(min(USUAL_VERDICT[1], output_bound(judge.config))))
    return Load(
        judge.label, calls, (few, many + calls * answer_tokens), got, USUAL_VERDICT_S, rates.get(judge.endpoint)
    )


def loads_together(several: Sequence[Load], share: float) -> Load:
    """Give the calls for all items from those for a few."""
    count = sum(load.calls for load in several)

    def mean(of: Callable[[Load], float]) -> float:
        return sum(load.calls * of(load) for load in several) / count

    first = several[0]
    return Load(
        first.label,
        round(count * share),
        (mean(lambda one: one.input[0]), mean(lambda one: one.input[1])),
        (mean(lambda one: one.output[0]), mean(lambda one: one.output[1])),
        first.latency_s,
        first.rate,
    )


def _bytes(messages: Sequence[Message], target: Target) -> int:
    """Count the bytes of what is put to a target, its own system text among them."""
    system = target.config.get("system")
    own = len(system.encode()) if isinstance(system, str) else 0
    return own + sum(len(one.content.encode("utf-8", "surrogatepass")) for one in messages)
