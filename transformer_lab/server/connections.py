"""Connections: how many there may be, and how long one may keep the server waiting.

Uvicorn bounds the size of a request's headers, and closes a connection on which
nothing comes after an answer. It has no setting for the rest, which is here: a limit of
connections; a deadline for the headers, from the first moment and from each answer
on; what a client may still send of a body that is already answered; and a deadline
for a client that does not read.

Taught in chapter 14.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from contextlib import suppress

from uvicorn.protocols.http.h11_impl import H11Protocol

from transformer_lab.server.protocol import ProtocolError

MAX_CONNECTIONS = 512
SECONDS_FOR_HEADERS = 10
SECONDS_TO_READ = 30  # for a client that has not taken what it was sent
# Bytes of a body that are still taken, and forgotten, after the answer: a client that
# first sends all, and only then reads, would not read the response otherwise.
MAX_AFTER_ANSWER = 1 << 25
SECONDS_BETWEEN_LINES = 1.0


def most_connections() -> int:
    """At most half of the files that this process may have open: a connection is one."""
    with suppress(ImportError):  # not on Windows, where there is no such limit
        import resource

        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if files != resource.RLIM_INFINITY:
            return min(MAX_CONNECTIONS, files // 2)
    return MAX_CONNECTIONS


class Connection(H11Protocol):
    """Uvicorn's HTTP/1.1, with a limit and deadlines."""

    _headers_due: asyncio.TimerHandle | None = None
    _reading_due: asyncio.TimerHandle | None = None
    _n_after_answer = 0

    def connection_made(self, transport: asyncio.Transport) -> None:
        """A client has connected: take it, or answer at once that there are too many."""
        super().connection_made(transport)
        if len(self.connections) > most_connections():
            transport.write(_refusal())
            transport.close()
        self._set_deadline()

    def data_received(self, data: bytes) -> None:
        """Something came: a request, a part of one, or the rest of one that is answered."""
        if self.cycle is not None and self.cycle.response_complete:
            self._n_after_answer += len(data)
            if self._n_after_answer > MAX_AFTER_ANSWER:
                self.transport.close()
                return
        super().data_received(data)
        self._set_deadline()

    def on_response_complete(self) -> None:
        """All of an answer is handed over; the next request may come."""
        self._n_after_answer = 0
        super().on_response_complete()
        self._set_deadline()

    def pause_writing(self) -> None:
        """The client does not read as fast as we write."""
        super().pause_writing()
        self._reading_due = self.loop.call_later(SECONDS_TO_READ, self.transport.abort)

    def resume_writing(self) -> None:
        """It has read."""
        super().resume_writing()
        if self._reading_due is not None:
            self._reading_due.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end."""
        super().connection_lost(exc)
        for timer in (self._headers_due, self._reading_due):
            if timer is not None:
                timer.cancel()

    def _set_deadline(self) -> None:
        """Set the deadline while whole headers are waited for; take it off when they are here."""
        answering = self.cycle is not None and not self.cycle.response_complete
        if answering and self._headers_due is not None:
            self._headers_due.cancel()
            self._headers_due = None
        elif not answering and self._headers_due is None:
            self._headers_due = self.loop.call_later(SECONDS_FOR_HEADERS, self._close)

    def _close(self) -> None:
        self.transport.close()  # after the end of an answer that is still on its way
        self._reading_due = self.loop.call_later(SECONDS_TO_READ, self.transport.abort)


def _refusal() -> bytes:
    error = ProtocolError(
        "too many connections are open; try again in a moment", status=503, code="overloaded"
    )
    body = json.dumps(error.body()).encode()
    return (
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body
    )


class RateLimitedFilter(logging.Filter):
    """At most one message a second, which also says how many before it were left out.

    What many clients do wrong at once must not fill the disk of the machine.
    """

    def __init__(self) -> None:
        super().__init__()
        self._next = 0.0
        self._left_out = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this message is written."""
        now = time.monotonic()
        if now < self._next:
            self._left_out += 1
            return False
        if self._left_out:
            record.msg = f"{record.getMessage()} ({self._left_out} messages before it left out)"
            record.args = ()
        self._next, self._left_out = now + SECONDS_BETWEEN_LINES, 0
        return True


RATE_LIMIT = RateLimitedFilter()
LOG = logging.getLogger(__name__)
for _each in (LOG, logging.getLogger("uvicorn.error")):
    _each.addFilter(RATE_LIMIT)
