"""Runs: started, carried out, gone on with after a stop, cancelled, finished."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from rapidfuzz import process

from evalbot.asking.ask import Question
from evalbot.errors import (
    BadRequest,
    Conflict,
    EvalbotError,
    ModelUnavailable,
    NotAllowed,
    OutsideError,
    SetupError,
    UnknownName,
    UserError,
)
from evalbot.people import Action, Person, TeamId, may
from evalbot.runs.outputs import Failure, Output, RunId, Unit, Usage, output_id
from evalbot.runs.planning import choose_items, missing_units
from evalbot.runs.runs import Progress, Run, RunStatus, check_size, finish
from evalbot.store import grades, outputs, runs, suites
from evalbot.store.database import Transaction
from evalbot.suites.items import Item
from evalbot.suites.pairing import names_of, prompt_of, targets_named
from evalbot.suites.prompts import Prompt, fill_prompt
from evalbot.suites.suites import Suite
from evalbot.suites.targets import Target, short_target
from evalbot.workflows.checking import check_output, check_targets
from evalbot.workflows.judging import judge_output, judge_rivals, judge_targets, list_unjudged, rubric_graders
from evalbot.workflows.recording import Recorder
from evalbot.workflows.reviewing import open_first_round
from evalbot.workflows.scoring import get_suite, summarise_run
from evalbot.workflows.services import Engine, Services

log = logging.getLogger(__name__)

DRAW_SEED = 0
"""Limited runs draw with one seed, so that two of them ask the same items and can be compared."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What somebody asks to be run; None and empty mean what the suite says. `targets` are labels or `provider:model`."""

    suite: str
    person: Person
    targets: tuple[str, ...] = ()
    limit: int | None = None
    repeats: int | None = None
    concurrency: int | None = None
    holdout: bool = False
    versus: str = ""
    channel: str = ""


async def start_run(services: Services, request: RunRequest) -> Run:
    """Save a new run and give it; raises UserError for anything that cannot be run. It begins when an engine takes it."""
    if not may(request.person, Action.START_RUN):
        raise NotAllowed("Starting a run needs the role runner.", "Ask an admin for the role.")

    async def save(tx: Transaction) -> Run:
        suite = await newest_suite(tx, services.team, request.suite)
        run = _plan_run(services, request, suite, await runs.next_run_number(tx, services.team))
        await _check_versus(tx, run)
        await _refuse_twin(tx, run)
        await runs.add_run(tx, run)
        return run

    run = await services.store.write(save)
    await services.announcer.run_started(run, Progress(run.size))
    return run


async def find_interrupted(services: Services, request: RunRequest, may_take: Callable[[RunId], bool]) -> Run | None:
    """Find a run like the requested one that was interrupted and that nobody else carries out, None when there is none."""

    async def find(tx: Transaction) -> Run | None:
        suite = await newest_suite(tx, services.team, request.suite)
        wanted = _plan_run(services, request, suite, 0)
        for other in await runs.open_runs(tx):
            if _asks_the_same(other, wanted) and may_take(other.id):
                return other
        return None

    return await services.store.read(find)


def _asks_the_same(first: Run, second: Run) -> bool:
    """Tell whether two runs put the same items of the same suite version to the same targets as often."""
    return all(
        getattr(first, name) == getattr(second, name)
        for name in ("team", "suite", "suite_version", "targets", "item_ids", "repeats", "channel", "versus")
    )


async def same_again(services: Services, run: Run, person: Person) -> RunRequest:
    """Ask for a run like another one, with the suite's newest version; the same targets, number of items and repeats."""
    suite = await services.store.read(lambda tx: newest_suite(tx, services.team, run.suite))
    whole = len(run.item_ids) >= len(suite.asked_items(holdout=False))
    known = {target.label: target for target in suite.targets}
    names = tuple(one.label if known.get(one.label) == one else one.id for one in run.targets)
    return RunRequest(
        run.suite,
        person,
        names,
        limit=None if whole else len(run.item_ids),
        repeats=run.repeats,
        concurrency=run.concurrency,
        channel=run.channel,
    )


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


def _plan_run(services: Services, request: RunRequest, suite: Suite, number: int) -> Run:
    """Make the run that a request asks for."""
    repeats = request.repeats if request.repeats is not None else suite.run.epochs
    concurrency = request.concurrency if request.concurrency is not None else suite.run.max_concurrency
    check_size(repeats, concurrency, request.limit)
    items = suite.asked_items(request.holdout)
    if not items:
        raise BadRequest(f"Suite {suite.name} has no items to ask.", "Add items, or ask the holdout ones.")
    targets = _choose_targets(suite, request.targets)
    for asked in (*targets, *judge_targets(suite), *check_targets(suite)):
        services.models.answerer(asked)
    return Run(
        id=RunId(services.new_id()),
        team=services.team,
        number=number,
        suite=suite.name,
        suite_version=suite.version,
        targets=targets,
        item_ids=choose_items(items, request.limit, DRAW_SEED),
        repeats=repeats,
        concurrency=concurrency,
        started_by=request.person.id,
        started_name=request.person.name,
        created_at=services.now(),
        channel=request.channel,
        versus=request.versus,
    )


def _choose_targets(suite: Suite, names: Sequence[str]) -> tuple[Target, ...]:
    """Find the named targets among the suite's, or read them as `provider:model`; without names, all of the suite's."""
    if not names:
        if not suite.targets:
            raise BadRequest(f"Suite {suite.name} names no target.", "Say which: a target such as openai:gpt-4.1-mini.")
        return suite.targets
    known = [name for target in suite.targets for name in names_of(target)]
    chosen: dict[str, Target] = {}
    for name in names:
        if name not in known and ":" not in name and name != "echo":
            near = process.extractOne(name[:80], known, score_cutoff=60)
            hint = f"Did you mean {near[0]}?" if near else "Use one of the suite's labels or provider:model."
            raise UnknownName("There is no target of that name.", hint)
        asked = targets_named(suite.targets, name) or (short_target(name),)
        if asked[0].runs_code and asked[0] not in suite.targets:
            raise NotAllowed(
                "Code of the project is run only where a suite names it.", "Name it in the suite's targets."
            )
        for target in asked:
            clash = target.label in chosen and chosen[target.label] != target
            single = replace(target, label=target.id) if clash else target
            chosen[single.label] = single
    return tuple(chosen.values())


async def _check_versus(tx: Transaction, run: Run) -> None:
    """Raise unless what the run is to be compared with exists: an earlier run of the same suite, or one of its targets."""
    if not run.versus or run.versus in {target.label for target in run.targets}:
        return
    earlier = await runs.find_run(tx, run.team, int(run.versus)) if run.versus.isdecimal() else None
    if earlier is None or earlier.suite != run.suite:
        raise UnknownName(
            f"There is nothing to compare {run.suite} with under that name.",
            f"Use the number of an earlier run of {run.suite}, or the label of a target of this run.",
        )


async def _refuse_twin(tx: Transaction, run: Run) -> None:
    """Raise Conflict when the same suite is already being put to the same targets for the same channel."""
    asked = {target.identity for target in run.targets}
    for other in await runs.open_runs(tx):
        same = (other.team, other.suite, other.channel) == (run.team, run.suite, run.channel)
        if run.channel and same and asked == {target.identity for target in other.targets}:
            raise Conflict(
                f"Run {other.number} is already putting {run.suite} to the same targets.", "Wait for it or cancel it."
            )


async def execute_run(services: Services, run_id: RunId) -> None:
    """Ask, check and judge what a run still misses, saving each result as it arrives, then finish it.

    Safe to call again at any time: what is missing is read from the results. A run that ended meanwhile is left alone.
    """
    run = await services.store.read(lambda tx: runs.get_run(tx, run_id))
    if not run.open:
        return
    try:
        await _carry_out(services, run)
    except ExceptionGroup as group:
        reason = _reason(group)
        if not isinstance(reason, UserError | SetupError):
            raise reason from group
        await end_run(services, run, RunStatus.FAILED, str(reason))
        return
    await open_first_round(services, run)
    await end_run(services, run, RunStatus.DONE)


def _reason(group: ExceptionGroup) -> Exception:
    """Give what stopped the workers: what people can mend before what they cannot, a bug before both."""
    found = (_reason(one) if isinstance(one, ExceptionGroup) else one for one in group.exceptions)
    return min(found, key=lambda one: (isinstance(one, EvalbotError), isinstance(one, OutsideError)))


async def _carry_out(services: Services, run: Run) -> None:
    """Bring every missing output and judge grade of a run."""

    async def load(tx: Transaction) -> _Left:
        suite = await get_suite(tx, run)
        counts = await outputs.count_outputs(tx, run.id)
        to_judge = _to_judge(suite, run)
        judged = min(await grades.count_judged(tx, run.id), to_judge)
        return _Left(
            suite,
            await list_unjudged(tx, run, suite),
            missing_units(run, await outputs.done_units(tx, run.id)),
            Progress(run.size, counts.outputs, counts.errors, to_judge, judged),
        )

    left = await services.store.read(load)
    async with Recorder(services, run, left.progress) as recorder:
        shard = _Shard(services, run, left.suite, recorder)
        pieces: list[Output | Unit] = [*left.unjudged, *left.unasked]
        work = iter(pieces)
        async with asyncio.TaskGroup() as group:
            for _ in range(min(run.concurrency, len(pieces))):
                group.create_task(shard.work_off(work))
    await judge_rivals(services, run, left.suite)


@dataclass(frozen=True, slots=True)
class _Left:
    """What a run still misses."""

    suite: Suite
    unjudged: list[Output]
    unasked: list[Unit]
    progress: Progress


class _Shard:
    """The work on one run: asks, checks, judges and records unit after unit."""

    def __init__(self, services: Services, run: Run, suite: Suite, recorder: Recorder) -> None:
        self._services = services
        self._run = run
        self._suite = suite
        self._recorder = recorder
        self._items = {item.id: item for item in suite.items}
        self._targets = {target.label: target for target in run.targets}

    async def work_off(self, work: Iterator[Output | Unit]) -> None:
        """Take one piece of work after the other until none is left; several workers share the iterator."""
        for one in work:
            output = one if isinstance(one, Output) else await self._bring(one)
            if output.answered:
                item, prompt = self._items[output.unit.item_id], self._prompt(output.unit)
                await judge_output(self._services, self._suite, item, output, self._recorder, prompt)

    def _prompt(self, unit: Unit) -> Prompt:
        """Give the prompt that a unit's target is asked with."""
        return prompt_of(self._targets[unit.target], self._suite.prompts)

    async def _bring(self, unit: Unit) -> Output:
        """Ask and check one unit and save what came of it."""
        item = self._items[unit.item_id]
        output = await self._ask(unit, item)
        checks = await check_output(self._services, self._suite, item, output)
        await self._recorder.add_output(output, checks)
        return output

    async def _ask(self, unit: Unit, item: Item) -> Output:
        """Put one item to one target; a failure becomes data on the output."""
        question = Question(fill_prompt(self._prompt(unit), item), item, unit.repeat)
        answerer = self._services.models.answerer(self._targets[unit.target])
        text, failure, usage = None, None, Usage()
        try:
            answer = await answerer.ask(question)
            text, usage = answer.text, answer.usage
        except ModelUnavailable as error:
            failure = Failure(error.kind, error.message)
        return Output(output_id(self._run.id, unit), self._run.id, unit, text, failure, usage, self._services.now())


def _to_judge(suite: Suite, run: Run) -> int:
    """Count the outputs of a complete run that the judge will be asked about."""
    judged = {item.id for item in suite.items if rubric_graders(suite, item)}
    return sum(item_id in judged for item_id in run.item_ids) * len(run.targets) * run.repeats


async def end_run(services: Services, run: Run, status: RunStatus, note: str = "") -> bool:
    """End a run once, tell its verdict, and say whether this call ended it."""
    ended = finish(run, status, services.now(), note)
    if not await services.store.write(lambda tx: runs.end_run(tx, ended)):
        return False
    await tell_result(services, ended)
    return True


async def tell_result(services: Services, run: Run) -> None:
    """Announce the summary of an ended run."""
    summary = await services.store.read(lambda tx: summarise_run(tx, run))
    await services.announcer.run_finished(run, summary)
    log.info("run ended", extra={"action": "run_ended", "run_id": run.id, "status": run.status})


async def cancel_run(services: Services, engine: Engine, person: Person, run: Run) -> Run:
    """Stop a run's calls and end it as cancelled, keeping what is there."""
    if run.team != person.team:
        raise UnknownName("There is no such run.", "Try status for the newest ones.")
    if not may(person, Action.CANCEL_RUN):
        raise NotAllowed("Cancelling a run needs the role runner.", "Ask its starter.")
    if not run.open:
        raise Conflict(f"Run {run.number} is already {run.status}.", "Nothing is left to stop.")
    await engine.cancel(run.id)
    if not await end_run(services, run, RunStatus.CANCELLED, f"cancelled by {person.name}"):
        raise Conflict(f"Run {run.number} has ended in the meantime.")
    return await services.store.read(lambda tx: runs.get_run(tx, run.id))


async def list_open_runs(services: Services) -> list[Run]:
    """Give the runs that were going on when the program stopped."""
    return await services.store.read(runs.open_runs)
