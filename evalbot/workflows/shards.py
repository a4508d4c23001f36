"""The work on the shards of a run: what each still misses is loaded, asked, checked, judged and recorded, many at once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from evalbot.asking.ask import Answerer, Question
from evalbot.errors import BudgetUsedUp, ModelUnavailable, OutsideError, UnknownName
from evalbot.runs.outputs import Failure, Output, OutputId, Unit, Usage, output_id
from evalbot.runs.planning import MOST_TRIES, ShardStart, plan_shard, shard_units
from evalbot.runs.runs import Run
from evalbot.store import outputs, shard_starts, suites
from evalbot.store.database import Transaction
from evalbot.suites.filling import fill_prompt
from evalbot.suites.items import Item, ItemId
from evalbot.suites.judges import rubric_graders
from evalbot.suites.pairing import prompt_of
from evalbot.suites.prompts import Prompt
from evalbot.suites.suites import Suite
from evalbot.workflows.checking import check_output
from evalbot.workflows.judging import give_up_judging, judge_output
from evalbot.workflows.recording import Recorder
from evalbot.workflows.services import Services

log = logging.getLogger(__name__)

READY = 32
"""How many pieces of work lie ready at least, so that nobody waits while the next shard is loaded."""


SET_ASIDE = "killed_program"
"""The kind of failure of a unit that the program died at again and again."""

WHY_SET_ASIDE = f"The program died {MOST_TRIES} times while this was asked or checked, so it was set aside."


@dataclass(frozen=True, slots=True)
class Piece:
    """One unit to be asked, or an output that misses its judge's grade; `k` is its shard, `id` that of its output."""

    k: int
    id: OutputId
    unit: Unit
    item: Item
    output: Output | None = None


@dataclass(frozen=True, slots=True)
class ShardLeft:
    """What a shard misses, and its start that did not end in order, None when there is none."""

    pieces: list[Piece]
    died: ShardStart | None = None


async def load_shard(tx: Transaction, run: Run, frame: Suite, k: int) -> list[Piece]:
    """Give what a shard still misses, read from the results: outputs to be judged first, then units in order."""
    plan = {output_id(run.id, unit): unit for unit in plan_shard(run, k)}
    done = await outputs.find_done(tx, list(plan))
    missing = {one: unit for one, unit in plan.items() if one not in done}
    unjudged = await outputs.find_unjudged(tx, list(done)) if done and frame.rubrics else []
    wanted = [one.unit.item_id for one in unjudged] + [unit.item_id for unit in missing.values()]
    items = await suites.items_named(tx, run.team, frame, list(dict.fromkeys(wanted))) if wanted else {}
    left = [Piece(k, one.id, one.unit, items[one.unit.item_id], one) for one in unjudged]
    pieces = [piece for piece in left if rubric_graders(frame, piece.item)]
    return pieces + [Piece(k, one, unit, items[unit.item_id]) for one, unit in missing.items()]


async def get_frame(tx: Transaction, run: Run) -> Suite:
    """Give the suite version of a run without its items; raises UnknownName when it is gone."""
    frame = await suites.find_frame(tx, run.team, run.suite, run.suite_version)
    if frame is None:
        raise UnknownName(f"Suite {run.suite} version {run.suite_version} is not in this database.")
    return frame


async def count_to_judge(tx: Transaction, run: Run, frame: Suite) -> int:
    """Count the outputs of a complete run that the judge will be asked about."""
    each = len(run.targets) * run.repeats
    if rubric_graders(frame, Item(ItemId(""))):
        return len(run.item_ids) * each
    asked: set[ItemId] | None = None
    count = 0
    async for item in suites.items_with_graders(tx, run.team, frame):
        if rubric_graders(frame, item):
            asked = set(run.item_ids) if asked is None else asked
            count += item.id in asked
    return count * each


class ShardWork:
    """Works off shards of one run with as many calls at once as the run allows; `frame` is its suite without the items.

    The start of each shard is noted, and forgotten when its work ends in order. Of a shard that begins with the same unit as at
    a start that was not forgotten, the first units come last and one at a time, so that the one that kills is found.
    """

    def __init__(self, services: Services, run: Run, frame: Suite, recorder: Recorder) -> None:
        self._services = services
        self._run = run
        self._frame = frame
        self._recorder = recorder
        self._prompts = {target.label: prompt_of(target, frame.prompts) for target in run.targets}
        self._targets = {target.label: target for target in run.targets}
        self._judged = bool(rubric_graders(frame, Item(ItemId(""))))
        self._answerers: dict[str, Answerer] = {}
        self._used_up: BudgetUsedUp | None = None
        self._left: Counter[int] = Counter()

    async def work_off(self, shards: Sequence[int]) -> None:
        """Bring all that the shards miss, one shard after the other; the last calls of one go on beside the next one's.

        Raises BudgetUsedUp once there is no money for more; what was paid for is recorded by then.
        """
        workers = min(self._run.concurrency, self._run.size, len(shards) * shard_units(self._run))
        ready: asyncio.Queue[Piece | None] = asyncio.Queue(max(READY, workers))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._lay_ready(shards, ready, workers))
                for _ in range(workers):
                    group.create_task(self._work(ready))
        finally:
            with contextlib.suppress(OutsideError):
                for k in self._left:
                    await self._forget_start(k)
        if self._used_up is not None:
            raise self._used_up

    async def _lay_ready(self, shards: Iterable[int], ready: asyncio.Queue[Piece | None], workers: int) -> None:
        """Load one shard after the other and hand its pieces out in order; at the end, send everybody home."""
        for k in shards:
            left = await self._services.store.read(partial(self._load, k=k))
            if left.pieces and self._used_up is None:
                await self._hand_out(left, ready)
        for _ in range(workers):
            await ready.put(None)

    async def _hand_out(self, left: ShardLeft, ready: asyncio.Queue[Piece | None]) -> None:
        """Hand out what a shard misses. After a death the first pieces come last, each alone: one of them may have killed."""
        pieces, died = left.pieces, left.died
        self._left[pieces[0].k] = len(pieces)
        if died is None or not died.is_suspicious(pieces[0].id):
            await self._note_start(pieces[0].k, ShardStart(pieces[0].id))
            for piece in pieces:
                await ready.put(piece)
            return
        most = self._run.concurrency
        suspects = [piece for place, piece in enumerate(pieces) if place < most or piece.id == died.first]
        for piece in pieces[most:]:
            if piece.id != died.first:
                await ready.put(piece)
        await ready.join()
        for piece in sorted(suspects, key=lambda piece: piece.id != died.first):
            await self._try_alone(piece, died.alone(piece.id))

    async def _work(self, ready: asyncio.Queue[Piece | None]) -> None:
        """Take one piece of work after the other until none is left."""
        while (piece := await ready.get()) is not None:
            try:
                await self._bring(piece)
            except BudgetUsedUp as error:
                self._used_up = error
            ready.task_done()
            await self._finished(piece.k)

    async def _load(self, tx: Transaction, k: int) -> ShardLeft:
        """Load what a shard misses, and whether a program died at it."""
        pieces = await load_shard(tx, self._run, self._frame, k)
        return ShardLeft(pieces, await shard_starts.find_start(tx, self._run.id, k) if pieces else None)

    async def _try_alone(self, piece: Piece, start: ShardStart) -> None:
        """Bring one piece while nothing else goes on, or set it aside when that was tried often enough."""
        await self._note_start(piece.k, start)
        await (self._set_aside(piece) if start.hopeless else self._bring(piece))
        await self._finished(piece.k)

    async def _set_aside(self, piece: Piece) -> None:
        """Keep the reason as the result of a piece at which the program dies."""
        unit, run_id = piece.unit, self._run.id
        log.error("unit set aside", extra={"action": "unit_set_aside", "run_id": run_id, "shard": piece.k})
        if piece.output is not None:
            why = OutsideError(WHY_SET_ASIDE)
            found = give_up_judging(self._services, self._frame, piece.item, piece.output, why)
            await self._recorder.add_judgement(found)
            return
        failure = Failure(SET_ASIDE, WHY_SET_ASIDE)
        output = Output(piece.id, run_id, unit, None, failure, Usage(), self._services.now())
        await self._recorder.add_output(output, [])

    async def _note_start(self, k: int, start: ShardStart) -> None:
        await self._services.store.record(lambda tx: shard_starts.note_start(tx, self._run.id, k, start))

    async def _finished(self, k: int) -> None:
        """Count a piece as done; with the last one of its shard, the start is forgotten."""
        self._left[k] -= 1
        if self._left[k] == 0:
            del self._left[k]
            await self._forget_start(k)

    async def _forget_start(self, k: int) -> None:
        await self._services.store.record(lambda tx: shard_starts.forget_start(tx, self._run.id, k))

    async def _bring(self, piece: Piece) -> None:
        """Ask, check and judge one piece and save what came of it."""
        output = piece.output
        if output is None:
            output = await self._ask(piece)
            checks = await check_output(self._services, self._frame, piece.item, output)
            await self._recorder.add_output(output, checks)
        if output.answered and (self._judged or piece.item.graders):
            prompt = self._prompt(piece.unit)
            await judge_output(self._services, self._frame, piece.item, output, self._recorder, prompt)

    def _prompt(self, unit: Unit) -> Prompt:
        """Give the prompt that a unit's target is asked with."""
        return self._prompts[unit.target]

    async def _ask(self, piece: Piece) -> Output:
        """Put one item to one target; a failure becomes data on the output."""
        unit, item = piece.unit, piece.item
        question = Question(fill_prompt(self._prompt(unit), item), item, unit.repeat)
        answerer = self._answerer(unit.target)
        text, failure, usage = None, None, Usage()
        try:
            answer = await answerer.ask(question)
            text, usage = answer.text, answer.usage
        except ModelUnavailable as error:
            failure = Failure(error.kind, error.message)
        return Output(piece.id, self._run.id, unit, text, failure, usage, self._services.now())

    def _answerer(self, label: str) -> Answerer:
        """Give who answers for a target; looking it up each time would hash its config each time."""
        known = self._answerers.get(label)
        if known is None:
            known = self._answerers[label] = self._services.models.answerer(self._targets[label])
        return known
