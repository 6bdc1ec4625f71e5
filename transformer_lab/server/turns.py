"""Many generations on one thread, one step each in turn (round robin).

Generation is arithmetic, and one step of a model already uses every core: two
threads would not make two texts faster, they would only get in each other's
way. So steps are made one at a time: one for the first generation, one for the
second, and so on, and again. A step writes one token, or reads 256 of a prompt.
This is fair (a short answer never waits for a long one to end), a client that leaves
is noticed within one round, and no model is ever used by two threads at once.

At most `slots` generations take turns, because each keeps its keys and values in
memory. Those that come later wait in a queue, first come, first served; when the
queue is full too, a newcomer is refused at once. Both orders are those of `anyio`'s
limiters, which hand each token to the one that has waited longest.

It leaves out batching (one step for all texts together), which is what a big
server does: Yu et al. 2022, "Orca". Taught in chapter 14.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextlib import closing
from functools import partial
from typing import Any

from anyio import CancelScope, CapacityLimiter
from anyio.to_thread import run_sync


class TooBusyError(Exception):
    """Every slot is taken, and the queue is full."""


class StoppedError(Exception):
    """The generation was cancelled, or the server is stopping."""


class Generation:
    """A text that is being written: iterate over it for what its steps give.

    What is not fetched yet is kept, so that a client that reads slowly holds up nobody.
    The iteration ends with the exception that ended the text, if one did: `StoppedError`
    after `cancel`.
    """

    task: asyncio.Task[None]  # which makes the steps

    def __init__(self) -> None:
        self.items: asyncio.Queue[Any] = asyncio.Queue()
        self.scope = CancelScope()

    def __aiter__(self) -> Generation:
        return self

    async def __anext__(self) -> Any:
        item = await self.items.get()
        if isinstance(item, Exception):
            raise item
        return item

    def cancel(self) -> None:
        """Stop after the step that is under way, and free the slot; after the end, nothing."""
        self.scope.cancel()

    def cancel_after(self, event: Coroutine[Any, Any, None]) -> None:
        """Cancel when this coroutine returns, such as one that waits until the client leaves."""
        self._event = asyncio.ensure_future(event)
        self._event.add_done_callback(lambda _: self.cancel())


class RoundRobin:
    """The one thread that makes the steps, and the queue before it."""

    def __init__(self, *, slots: int = 8, queue: int = 512) -> None:
        self.slots = CapacityLimiter(slots)
        self.queue = queue
        self._thread = CapacityLimiter(1)
        self._generations: set[Generation] = set()
        self._closed = False

    def __len__(self) -> int:
        """How many generations take turns or wait."""
        return len(self._generations)

    def start(self, steps: Generator[Any, None, None]) -> Generation:
        """Put a generation in the queue; `steps` writes it, and gives no None.

        Raises:
            TooBusyError: if the queue is full.
            StoppedError: if this is closed.
        """
        if self._closed:
            raise StoppedError
        if len(self) >= self.slots.total_tokens + self.queue:
            raise TooBusyError
        generation = Generation()
        generation.task = asyncio.ensure_future(self._write(generation, steps))
        self._generations.add(generation)
        return generation

    async def close(self, *, timeout: float | None = None) -> None:
        """Cancel every generation, and wait until the step that is under way has ended.

        Args:
            timeout: how many seconds to wait at most.
        """
        self._closed = True
        for generation in self._generations:
            generation.cancel()
        if self._generations:
            await asyncio.wait([each.task for each in self._generations], timeout=timeout)

    async def _write(self, generation: Generation, steps: Generator[Any, None, None]) -> None:
        outcome: Exception = StoppedError()
        try:
            with generation.scope, closing(steps):
                async with self.slots:
                    step = partial(next, steps, None)
                    # A step that has begun is waited for, even if it is cancelled.
                    while (item := await run_sync(step, limiter=self._thread)) is not None:
                        generation.items.put_nowait(item)
                outcome = StopAsyncIteration()
        except Exception as error:  # it ends this generation, and no other
            outcome = error
        finally:
            self._generations.discard(generation)
            generation.items.put_nowait(outcome)
