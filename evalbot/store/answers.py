"""Answers in the database that are kept for later runs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, delete, func, select

from evalbot.runs.outputs import Usage
from evalbot.store.tables import KEPT_ANSWERS
from evalbot.store.transaction import Transaction

_BY_KEY = select(KEPT_ANSWERS).where(KEPT_ANSWERS.c.key == bindparam("key"))


async def find_answer(tx: Transaction, key: str) -> tuple[str, Usage] | None:
    """Give the text of a kept answer, and what it took when it was given, without a cost."""
    row = (await tx.execute(_BY_KEY, {"key": key})).first()
    if row is None:
        return None
    return row.text, Usage(row.latency_s, row.input_tokens, row.output_tokens, 0.0, cached=True)


async def keep_answer(tx: Transaction, key: str, text: str, usage: Usage, at: datetime) -> None:
    """Keep an answer; the first one of a key stays."""
    values = {"key": key, "text": text, "latency_s": usage.latency_s, "at": at}
    await tx.add_once(
        KEPT_ANSWERS, {**values, "input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
    )


async def forget_answers(tx: Transaction, before: datetime, most_characters: int) -> int:
    """Forget the answers that are older than a moment, and the oldest of those that are too many characters together; tell how
    many there were."""
    here = KEPT_ANSWERS.c
    old = await tx.execute(delete(KEPT_ANSWERS).where(here.at < before))
    newest_first = func.sum(func.length(here.text)).over(order_by=(here.at.desc(), here.key), rows=(None, 0))
    sizes = select(here.key, newest_first.label("total")).subquery()
    too_many = select(sizes.c.key).where(sizes.c.total > most_characters)
    more = await tx.execute(delete(KEPT_ANSWERS).where(here.key.in_(too_many)))
    return int(old.rowcount) + int(more.rowcount)
