"""Ctrl-C between two steps, never inside one.

What is half done must not be saved: an optimiser that has moved half of the
weights would go on from a model that never was. So inside a `DelayedInterrupt` Ctrl-C
is only noted, and the loop looks for it between two steps.

Taught in chapter 12.
"""

from __future__ import annotations

import signal
import threading


class DelayedInterrupt:
    """Inside it, Ctrl-C is noted in `requested`; a second one interrupts at once.

    Args:
        second_interrupts: whether it does; otherwise it is only noted, as the first is.

    Raises:
        KeyboardInterrupt: on leaving, if Ctrl-C was pressed.
    """

    def __init__(self, *, second_interrupts: bool = True) -> None:
        self.requested = False  # to stop, between two steps
        self.forced = False  # a second Ctrl-C: something may be half done
        self._second_interrupts = second_interrupts

    def __enter__(self) -> DelayedInterrupt:
        # Python delivers signals to the main thread only; elsewhere nothing is requested.
        self._handles = threading.current_thread() is threading.main_thread()
        if self._handles:
            self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        if self._handles:
            signal.signal(signal.SIGINT, self._before)
        if self.requested and kind is None:
            raise KeyboardInterrupt

    def _handle(self, *_: object) -> None:
        if self.requested and self._second_interrupts:
            self.forced = True
            raise KeyboardInterrupt
        self.requested = True
