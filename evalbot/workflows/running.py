"""Runs carried out: gone on with after a stop, cancelled, finished. How one starts is `starting`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass

from evalbot.asking.ask import Question
from evalbot.errors import (
    Conflict,
    EvalbotError,
    ModelUnavailable,
    NotAllowed,
    OutsideError,
    SetupError,
    UnknownName,
    UserError,
)
from evalbot.people import Action, Person, may
from evalbot.runs.outputs import Failure, Output, RunId, Unit, Usage, output_id
from evalbot.runs.planning import missing_units
from evalbot.runs.runs import Progress, Run, RunStatus, finish
from evalbot.store import grades, outputs, runs
from evalbot.store.database import Transaction
from evalbot.suites.items import Item
from evalbot.suites.pairing import prompt_of
from evalbot.suites.prompts import Prompt, fill_prompt
from evalbot.suites.suites import Suite
from evalbot.workflows.checking import check_output
from evalbot.workflows.judging import judge_output, judge_rivals, list_unjudged, rubric_graders
from evalbot.workflows.recording import Recorder
from evalbot.workflows.reviewing import open_first_round
from evalbot.workflows.scoring import get_suite, summarise_run
from evalbot.workflows.services import Engine, Services

log = logging.getLogger(__name__)


async def execute_run(services: Services, run_id: RunId) -> None:
    """Ask, check and judge what a run still misses, saving each result as it arrives, then finish it.

    Safe to call again at any time: what is missing is read from the results. A run that ended meanwhile is left alone.
    """
    run = await services.store.read(lambda tx: runs.get_run(tx, run_id))
    if not run.going:
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
