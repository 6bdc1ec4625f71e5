"""Many generations on one thread, one step each in turn.

Generation is arithmetic, and one step of a model already uses every core: two
threads would not make two texts faster, they would only get in each other's
way. So there is one worker thread. It goes round: one step for the first
generation, one for the second, and so on, and again. A step writes one token, or
reads 256 of a prompt. This is fair (a short answer never waits for a long one to
end), a client that leaves is noticed within one round, and no model is ever used by
two threads at once.

At most `places` generations take turns, because each keeps its keys and values in
memory. Those that come later wait in line, first come, first served; when the
line is full too, a newcomer is refused at once.

It leaves out batching (one step for all texts together), which is what a big
server does: Yu et al. 2022, "Orca". Taught in chapter 14.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any


class TooBusyError(Exception):
    """Every place is taken, and so is the whole line."""


class StoppedError(Exception):
    """The generation was cancelled, or the worker was closed."""


@dataclass(eq=False)
class Generation:
    """A text that is being written.

    `steps` makes the iterator that writes it; it is called, advanced and closed on
    the worker thread. `deliver` is given each item, and at last the outcome:
    None, or the exception that ended it (`StoppedError` if it was cancelled). It
    must return at once, and raise nothing.
    """

    steps: Callable[[], Iterator[Any]]
    deliver: Callable[[Any], None]
    iterator: Iterator[Any] = field(default=iter(()), repr=False)
    begun: bool = False
    cancelled: bool = False

    def cancel(self) -> None:
        """Nobody listens any more: stop at the next turn, and free the place."""
        self.cancelled = True

    def step(self) -> Any:
        """Write one item.

        Raises:
            StopIteration: if there is no more.
            StoppedError: if it was cancelled.
        """
        if self.cancelled:
            raise StoppedError
        if not self.begun:
            self.iterator, self.begun = self.steps(), True
        return next(self.iterator)


class TakingTurns:
    """The worker thread, and the line before it.

    >>> from queue import Queue
    >>> heard = Queue()
    >>> turns = TakingTurns()
    >>> for text in ("abc", "xy"):
    ...     _ = turns.start(lambda text=text: iter(text), heard.put)
    >>> sorted(str(heard.get()) for _ in range(7))
    ['None', 'None', 'a', 'b', 'c', 'x', 'y']
    >>> turns.close()
    """

    def __init__(self, *, places: int = 8, line: int = 512) -> None:
        self.places = places
        self.line = line
        self._waiting: deque[Generation] = deque()
        self._in_turn: deque[Generation] = deque()
        self._current: Generation | None = None  # the one whose step is under way
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def __len__(self) -> int:
        """How many generations take turns or wait."""
        with self._changed:
            return len(self._in_turn) + len(self._waiting) + (self._current is not None)

    def start(
        self, steps: Callable[[], Iterator[Any]], deliver: Callable[[Any], None]
    ) -> Generation:
        """Put a generation in line.

        Raises:
            TooBusyError: if the line is full.
            StoppedError: if the worker is closed.
        """
        generation = Generation(steps, deliver)
        with self._changed:
            if self._closed:
                raise StoppedError
            self._forget_who_left()
            if len(self._waiting) >= self.line:
                raise TooBusyError
            self._waiting.append(generation)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="turns", daemon=True)
                self._thread.start()
            self._changed.notify()
        return generation

    def close(self, *, timeout: float | None = None) -> None:
        """Cancel every generation, and wait until the worker has ended.

        Args:
            timeout: how many seconds to wait at most for a step that is under way.
        """
        with self._changed:
            self._closed = True
            for generation in (*self._waiting, *self._in_turn, self._current):
                if generation is not None:
                    generation.cancel()
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(timeout)

    def _forget_who_left(self) -> None:
        """Take those out of the line who were cancelled in it."""
        still_waiting = deque()
        for each in self._waiting:
            if each.cancelled:
                each.deliver(StoppedError())
            else:
                still_waiting.append(each)
        self._waiting = still_waiting

    def _work(self) -> None:
        while (generation := self._next()) is not None:
            more = self._one_step(generation)
            with self._changed:
                self._current = None
                if more:
                    self._in_turn.append(generation)
            del generation  # what is over is not kept while the worker waits

    def _next(self) -> Generation | None:
        """Whose turn it is; waits until there is somebody. None when closed."""
        with self._changed:
            while True:
                while self._waiting and len(self._in_turn) < self.places:
                    self._in_turn.append(self._waiting.popleft())
                if self._in_turn:
                    self._current = self._in_turn.popleft()
                    return self._current
                if self._closed:
                    return None
                self._changed.wait()

    @staticmethod
    def _one_step(generation: Generation) -> bool:
        """Let it write one item. Returns whether there may be more."""
        try:
            generation.deliver(generation.step())
            return True
        except StopIteration:
            outcome = None
        except Exception as error:  # it ends this generation, and no other
            outcome = error
        if hasattr(generation.iterator, "close"):
            with suppress(Exception):
                generation.iterator.close()
        generation.deliver(outcome)
        return False
