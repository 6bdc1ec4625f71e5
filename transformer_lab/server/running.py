"""The server's beginning and end: from the command line, or beside a notebook or a test.

It listens on 127.0.0.1 unless told otherwise.

Taught in chapter 14.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn

from transformer_lab.chat import loading
from transformer_lab.chat.model import ChatModel
from transformer_lab.server.app import LOADING, Models, create_app
from transformer_lab.server.connections import LOG, Connection
from transformer_lab.server.turns import RoundRobin

BACKLOG = 1024  # connections that wait to be accepted


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one.

    Raises:
        ValueError: if that is not possible; one sentence says why.
    """
    try:
        [(family, _, _, _, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ValueError(
                f"port {port} is in use; choose another with --port, such as --port {port + 1}"
            ) from None
        raise ValueError(f"cannot listen on {host}, port {port}: {error.strerror}") from None


class Server(uvicorn.Server):
    """Uvicorn, with our routes; when it stops, open answers end with an error."""

    thread: threading.Thread | None = None  # where it runs, if `start` made it

    def __init__(
        self,
        listening: socket.socket,
        host: str,
        names: Iterable[str] = tuple(loading.MODELS),
        load: Callable[[str], ChatModel] = loading.load,
        **settings: int,
    ) -> None:
        self.turns = RoundRobin(**settings)
        self.models = Models(names, load)
        self.listening = listening
        address, port = listening.getsockname()[:2]
        self.base_url = f"http://{f'[{address}]' if ':' in address else address}:{port}/v1"
        super().__init__(
            uvicorn.Config(
                create_app(self.models, self.turns, host=host),
                http=Connection,
                ws="none",
                loop="asyncio",
                lifespan="off",
                # So many are accepted at one go, before the first is known to be one too many.
                backlog=8,
                log_config=None,
                log_level="error",
                timeout_graceful_shutdown=2,
            )
        )

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to stop."""
        super().run(sockets or [self.listening])

    def stop(self) -> None:
        """Stop it, and wait until it has ended."""
        self.should_exit = True
        if self.thread is not None:
            self.thread.join()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen; what goes wrong in the event loop is logged like all else."""
        asyncio.get_running_loop().set_exception_handler(_log_exception)
        await super().startup(sockets)
        self.listening.listen(BACKLOG)  # more may wait than are accepted at one go

    async def on_tick(self, counter: int) -> bool:
        """Whether to stop: when told to, or when the program has come to its end."""
        return await super().on_tick(counter) or not threading.main_thread().is_alive()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what is being written or loaded, then close."""
        self.models.close()
        await self.turns.close(timeout=5)
        await super().shutdown(sockets)


def _log_exception(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Such as that no more files can be opened, so that nobody can be let in."""
    LOG.error("%s: %r", context["message"], context.get("exception"))


def serve(host: str = "127.0.0.1", port: int = 8080) -> None:
    """Serve the book's chat models until Ctrl-C.

    Raises:
        ValueError: if it cannot listen there.
    """
    with listen(host, port) as listening:
        server = Server(listening, host)
        names = ", ".join(server.models.names)
        print(f"Serving {names} on {server.base_url} (Ctrl-C stops)", flush=True)
        if not ipaddress.ip_address(listening.getsockname()[0]).is_loopback:
            print(
                f"WARNING: {host} is more than this machine. Everybody who can reach it can use "
                "these models: there is no password, and nothing is encrypted.",
                file=sys.stderr,
                flush=True,
            )
        with suppress(KeyboardInterrupt):
            server.run()
        print("The server has stopped.", flush=True)
        if any(thread.name.startswith(LOADING) for thread in threading.enumerate()):
            # A load cannot be interrupted, and need not be: it leaves whole files or
            # none, and training goes on from its last checkpoint.
            os._exit(0)


def start(*, port: int = 0, **settings: Any) -> Server:
    """Start a server on 127.0.0.1 in a thread of its own, until its `stop`.

    Args:
        port: 0 takes a free one.
        settings: `names` and `load`, to serve other models than the book's;
            `slots` and `queue`, as for `RoundRobin`.

    Raises:
        ValueError: if the port is in use.
    """
    server = Server(listen("127.0.0.1", port), "127.0.0.1", **settings)
    server.thread = threading.Thread(target=server.run, name="chat server")
    server.thread.start()
    while not server.started and server.thread.is_alive():
        time.sleep(0.01)
    if not server.started:
        raise RuntimeError("the chat server did not start")
    return server


@contextmanager
def running_server(**settings: Any) -> Iterator[str]:
    """The same for a `with` block: gives the `base_url` for a client, and stops at its end.

    >>> from openai import OpenAI
    >>> with running_server() as base_url:
    ...     models = OpenAI(base_url=base_url, api_key="none is needed").models.list()
    >>> [model.id for model in models]
    ['math-teacher', 'smollm2-135m-instruct']
    """
    running = start(**settings)
    try:
        yield running.base_url
    finally:
        running.stop()
