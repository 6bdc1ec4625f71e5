"""Ctrl-C between two steps, never inside one.

What is half done must not be saved: an optimiser that has moved half of the
weights would go on from a model that never was. So while a `Patience` is entered,
Ctrl-C is only noted, and whoever counts the steps asks for it at the right moment.

Taught in chapter 12.
"""

from __future__ import annotations

import signal
import threading


class Patience:
    """While this is entered, Ctrl-C is noted in `asked`; a second one is obeyed at once.

    Raises:
        KeyboardInterrupt: on leaving, if Ctrl-C was pressed.
    """

    def __init__(self, *, obeys_second: bool = True) -> None:
        self.asked = False  # to stop, when there is a good moment
        self.obeyed = False  # a second Ctrl-C: something may be half done
        self._obeys_second = obeys_second

    def __enter__(self) -> Patience:
        # Only the main thread hears signals; elsewhere nothing is asked.
        self._listens = threading.current_thread() is threading.main_thread()
        if self._listens:
            self._before = signal.signal(signal.SIGINT, self._hear)
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        if self._listens:
            signal.signal(signal.SIGINT, self._before)
        if self.asked and kind is None:
            raise KeyboardInterrupt

    def _hear(self, *_: object) -> None:
        if self.asked and self._obeys_second:
            self.obeyed = True
            raise KeyboardInterrupt
        self.asked = True
