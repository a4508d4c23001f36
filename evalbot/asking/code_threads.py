"""Running other people's code beside the event loop: in threads that nobody has to wait for, each call with a deadline."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from evalbot.errors import ModelUnavailable

T = TypeVar("T")


class CodeThreads:
    """Runs blocking calls, each in a thread of its own, at most so many at once.

    A call that is cancelled is left to itself; its thread counts until it ends. The threads are daemons, so that a call that
    never ends does not keep the program from ending.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._running = 0

    async def run(self, call: Callable[[], T]) -> T:
        """Give the result of a call; raises ModelUnavailable (code) when too many calls have not come back."""
        if self._running >= self._most:
            raise ModelUnavailable(
                f"{self._running} calls of the project's code have not come back.", "Mend what hangs.", kind="code"
            )
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        def tell(set_outcome: Callable[[], None]) -> None:
            self._running -= 1
            if not done.done():
                set_outcome()

        def work() -> None:
            outcome = _outcome(call, done)
            if not loop.is_closed():
                loop.call_soon_threadsafe(tell, outcome)

        self._running += 1
        threading.Thread(target=work, name="evalbot-code", daemon=True).start()
        return await done


class CodeLeft(Exception):
    """Code ended in a way that no future can hold: SystemExit, StopIteration and the like; `original` is what it raised."""

    def __init__(self, original: BaseException) -> None:
        super().__init__(type(original).__name__)
        self.original = original


def _fits_a_future(error: BaseException) -> bool:
    return isinstance(error, Exception) and not isinstance(error, StopIteration)


def _outcome(call: Callable[[], T], done: asyncio.Future[T]) -> Callable[[], None]:
    """Make the call and give what tells its result or error to the future."""
    try:
        result = call()
    except BaseException as error:  # other people's code may raise anything, and the one who waits is told
        return partial(done.set_exception, error if _fits_a_future(error) else CodeLeft(error))
    return partial(done.set_result, result)


class LoopThread:
    """An event loop in a thread of its own, for coroutines of other people's code: what blocks there blocks nothing else."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    async def run(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine there and give its result; when cancelled, it is cancelled there too."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._work, args=(self._loop,), name="evalbot-loop", daemon=True)
            self._thread.start()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(make(), self._loop))

    async def close(self) -> None:
        """End the loop, waiting for it a moment at most."""
        loop, thread = self._loop, self._thread
        self._loop = self._thread = None
        if loop is None or thread is None:
            return
        loop.call_soon_threadsafe(loop.stop)
        await asyncio.to_thread(thread.join, 1.0)

    @staticmethod
    def _work(loop: asyncio.AbstractEventLoop) -> None:
        """Run until stopped, then cancel what is left and close."""
        asyncio.set_event_loop(loop)
        loop.run_forever()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()
