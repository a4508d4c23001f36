"""The floor of `tests.bench.run`: the client that evalbot asks through, in a bare loop that keeps nothing."""

from __future__ import annotations

import asyncio
import sys

from openai import AsyncOpenAI, DefaultAioHttpClient

from tests.bench.run import IN_FLIGHT


async def floor(items: int) -> None:
    """Ask every question through the client alone, fifty at once, and keep nothing."""
    client = AsyncOpenAI(max_retries=0, http_client=DefaultAioHttpClient())
    numbers = iter(range(items))

    async def work() -> None:
        for number in numbers:
            messages = [{"role": "user", "content": f"Say the number {number}."}]
            reply = await client.post(
                "/chat/completions", cast_to=object, body={"model": "anything", "messages": messages}
            )
            assert isinstance(reply, dict)
            assert reply["choices"][0]["message"]["content"] == str(number)

    await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
    await client.close()


if __name__ == "__main__":
    asyncio.run(floor(int(sys.argv[1])))
