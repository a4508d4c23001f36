"""Outputs are stored once per unit, and counted as what they are."""

from __future__ import annotations

import asyncio

import pytest

from evalbot.errors import UnknownName
from evalbot.runs.outputs import Output, OutputId
from evalbot.store import outputs
from evalbot.store.database import Store, Transaction
from evalbot.store.outputs import OutputCounts
from tests.integration.store.store_nouns import make_failed_output, make_output, make_run, save_outputs


async def test_second_output_of_a_unit_is_left_out(store: Store) -> None:
    """The first answer to a unit stays, whoever else asked it again, and the rest of the batch is kept."""
    run = make_run()
    first = make_output(run, "france", text="Paris")
    await save_outputs(store, run, first)
    again, other = make_output(run, "france", text="Lyon", id=OutputId("another")), make_output(run, "spain")
    await store.record(lambda tx: outputs.add_outputs(tx, [again, first, other]))
    assert await store.read(lambda tx: outputs.list_outputs(tx, run.id)) == [first, other]


async def test_done_are_those_with_an_answer_or_an_error(store: Store) -> None:
    """Resuming finds every unit that needs no more asking among those it asks about, however many they are."""
    run, other = make_run(1), make_run(2)
    answered, failed = make_output(run, "france", 3), make_failed_output(run, "spain")
    await save_outputs(store, run, answered, failed)
    await save_outputs(store, other, make_output(other, "italy"))
    wanted = [OutputId(f"nobody-{n}") for n in range(2_000)] + [answered.id, failed.id]
    assert await store.read(lambda tx: outputs.find_done(tx, wanted)) == {answered.id, failed.id}
    assert await store.read(lambda tx: outputs.find_done(tx, [])) == set()


async def test_counts_tell_errors_apart(store: Store) -> None:
    """An empty answer is an answer; a failure is an error; a run without outputs has none."""
    run = make_run()
    await save_outputs(store, run, make_output(run, "france", text=""), make_failed_output(run, "spain"))
    assert await store.read(lambda tx: outputs.count_outputs(tx, run.id)) == OutputCounts(outputs=2, errors=1)
    assert await store.read(lambda tx: outputs.count_outputs(tx, make_run(9).id)) == OutputCounts(0, 0)


async def test_failures_come_alone_and_no_more_than_wanted(store: Store) -> None:
    """The first outputs without an answer come by target, item and repeat; answers and other runs' failures stay away."""
    run, other = make_run(1), make_run(2)
    failed = [make_failed_output(run, name) for name in ("angola", "chile", "spain")]
    await save_outputs(store, run, failed[2], make_output(run, "brazil", text=""), failed[0], failed[1])
    await save_outputs(store, other, make_failed_output(other, "aruba"))
    assert await store.read(lambda tx: outputs.list_failures(tx, run.id, 2)) == failed[:2]
    assert await store.read(lambda tx: outputs.list_failures(tx, run.id, 9)) == failed


async def test_unknown_output_is_not_found(store: Store) -> None:
    """An id that no output has is a clear error."""
    with pytest.raises(UnknownName):
        await store.read(lambda tx: outputs.get_output(tx, OutputId("nowhere")))


async def test_no_outputs_are_no_work(store: Store) -> None:
    """An empty batch is fine."""
    await store.record(lambda tx: outputs.add_outputs(tx, []))


async def test_stream_gives_what_the_list_gives(store: Store) -> None:
    """Streaming over several pages gives every output once, in the same order."""
    run = make_run()
    given = [make_output(run, f"item-{n % 400}", n // 400) for n in range(1203)]
    await save_outputs(store, run, *given)

    async def streamed(tx: Transaction) -> list[Output]:
        return [output async for output in outputs.stream_outputs(tx, run.id)]

    found = await store.read(streamed)
    assert found == await store.read(lambda tx: outputs.list_outputs(tx, run.id))
    assert {output.id for output in found} == {output.id for output in given}


async def test_concurrent_batches_double_nothing(store: Store) -> None:
    """Two workers that store overlapping batches at the same time leave one output per unit."""
    run = make_run()
    await save_outputs(store, run)
    given = [make_output(run, f"item-{n}") for n in range(60)]
    other = await Store.open(store.url.render_as_string(hide_password=False))
    batches = [given[:40], given[20:], given[::-1], given[::2]]
    try:
        doors = (store, other, other, store)
        await asyncio.gather(
            *(door.record(lambda tx, b=b: outputs.add_outputs(tx, b)) for door, b in zip(doors, batches, strict=True))  # type: ignore[misc]
        )
    finally:
        await other.close()
    assert (await store.read(lambda tx: outputs.count_outputs(tx, run.id))).outputs == 60
