"""A server for this book's chat models that any OpenAI client can talk to.

`serve` runs it from the command line, `running_server` beside a notebook or a
test. It answers `GET /v1/models`, `GET /v1/models/NAME` and
`POST /v1/chat/completions`, whole or as a stream of server-sent events. Who is
served when is the business of `turns`; what requests and answers look like that of
`protocol`; how many connections there may be, and for how long, that of `connections`.

It is meant for one machine. It listens on 127.0.0.1 unless told otherwise, and it
asks for no key. A page from elsewhere that is open in a browser on this machine
cannot use it: such a page gives itself away by its `Origin`, by a `Host` that is
a foreign name (DNS rebinding), or by a content type that needs no permission.

Taught in chapter 14.
"""

from __future__ import annotations

import asyncio
import atexit
import errno
import ipaddress
import os
import random
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from transformer_lab.chat import loading
from transformer_lab.chat.model import ChatModel, ContextLengthError, Reply, UnknownTokenError
from transformer_lab.server.connections import LOG, Connection
from transformer_lab.server.protocol import Answer, ChatRequest, ProtocolError, Usage, event, parse
from transformer_lab.server.turns import StoppedError, TakingTurns, TooBusyError

MAX_BODY = 1 << 18  # bytes: several times the text that the longest context holds
LOADING = "loading "  # how the names of the threads begin that load a model
BACKLOG = 1024  # connections that wait to be accepted
SECONDS_FOR_A_BODY = 30  # a client that has not sent it by then is told so


class Models:
    """The models behind the server, each loaded when it is first asked for, and once.

    Loading may mean training, which takes minutes. It goes on in a thread of its
    own while the other models answer; who asks meanwhile waits for the same load.
    """

    def __init__(self, names: Iterable[str], load: Callable[[str], ChatModel]) -> None:
        self.names = tuple(names)
        self._load = load
        self._loading: dict[str, asyncio.Future] = {}

    async def get(self, name: str) -> ChatModel:
        """The model of this name.

        Raises:
            ProtocolError: if there is none, or it cannot be loaded.
        """
        self.check(name)
        if name not in self._loading:
            self._loading[name] = self._in_a_thread(name)
        try:
            # A client that leaves must not stop what others wait for.
            return await asyncio.shield(self._loading[name])
        except StoppedError as error:
            raise as_protocol_error(error) from error
        except Exception as error:
            self._loading.pop(name, None)  # the next request tries again
            LOG.error("%s could not be loaded: %r", name, error)
            raise ProtocolError(
                f"the model {name!r} could not be loaded: {error}",
                status=503,
                code="model_not_loaded",
            ) from error

    def check(self, name: str) -> None:
        """Raise a ProtocolError if there is no model of this name."""
        if name not in self.names:
            raise ProtocolError(
                f"there is no model {name!r}; there are: {', '.join(self.names)}",
                status=404,
                code="model_not_found",
                param="model",
            )

    def close(self) -> None:
        """Nobody waits for a load any more: the server stops."""
        for future in self._loading.values():
            if not future.done():
                future.set_exception(StoppedError())
                future.exception()  # heard, even if no client waits any more

    def _in_a_thread(self, name: str) -> asyncio.Future:
        """Load in a thread that does not keep the program from ending."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()

        def tell(setter: Callable, value: Any) -> None:
            with suppress(RuntimeError):  # the server has stopped meanwhile
                loop.call_soon_threadsafe(lambda: future.done() or setter(value))

        def work() -> None:
            try:
                model = self._load(name)
            except Exception as error:
                tell(future.set_exception, error)
            else:
                tell(future.set_result, model)

        threading.Thread(target=work, name=LOADING + name, daemon=True).start()
        return future


class Writing:
    """One answer that the worker writes, as the event loop sees it: iterate over it.

    When the client leaves, the worker stops; so it does when nobody iterates on.
    """

    def __init__(
        self, turns: TakingTurns, steps: Callable[[], Iterator[Any]], request: Request
    ) -> None:
        loop = asyncio.get_running_loop()
        self._items: asyncio.Queue = asyncio.Queue()

        def deliver(item: Any) -> None:
            with suppress(RuntimeError):  # the server has stopped meanwhile
                loop.call_soon_threadsafe(self._items.put_nowait, item)

        self._generation = turns.start(steps, deliver)
        self._watch = asyncio.ensure_future(self._cancel_when_left(request))

    def __aiter__(self) -> Writing:
        return self

    async def __anext__(self) -> Any:
        item = await self._items.get()
        if item is None:
            raise StopAsyncIteration
        if isinstance(item, Exception):
            raise item
        return item

    def cancel(self) -> None:
        """Stop the worker's part. After the end it does nothing."""
        self._generation.cancel()

    async def _cancel_when_left(self, request: Request) -> None:
        # The body is read, so all that can still come is that the client leaves, or
        # that it has been told everything.
        while (await request.receive())["type"] != "http.disconnect":
            pass
        self.cancel()


def create_app(models: Models, turns: TakingTurns, *, host: str = "127.0.0.1") -> FastAPI:
    """The routes of the server.

    Args:
        models: who answers.
        turns: where answers are written.
        host: what the server listens on, and may be called by.
    """
    started = int(time.time())

    def about(name: str) -> dict:
        return {"id": name, "object": "model", "created": started, "owned_by": "transformer-lab"}

    def no_foreign_page(request: Request) -> None:
        refuse_foreign_pages(request, host)

    # Without FastAPI's own pages of documentation: they fetch scripts from elsewhere.
    app = FastAPI(dependencies=[Depends(no_foreign_page)], openapi_url=None, redirect_slashes=False)

    @app.get("/v1/models")
    async def list_models() -> dict:
        return {"object": "list", "data": [about(name) for name in models.names]}

    @app.get("/v1/models/{name}")
    async def one_model(name: str) -> dict:
        models.check(name)
        return about(name)

    @app.post("/v1/chat/completions")
    async def complete(request: Request) -> Response:
        asked = parse(await read_body(request))
        model = await models.get(asked.model)
        try:
            writing = Writing(turns, lambda: steps(model, asked), request)
            reply = await anext(writing)  # an error that shows by now has a status of its own
            if asked.stream:
                events = as_events(Answer(asked.model), writing, reply, asked)
                headers = {"Cache-Control": "no-cache"}
                return StreamingResponse(events, media_type="text/event-stream", headers=headers)
            text = "".join([piece async for piece in writing])
        except Exception as error:
            raise as_protocol_error(error) from error
        return JSONResponse(Answer(asked.model).whole(text, reply.finish_reason, usage(reply)))

    @app.exception_handler(ProtocolError)
    async def protocol_error(request: Request, error: ProtocolError) -> Response:
        # Who was too slow is not waited for any longer.
        headers = {"Connection": "close"} if error.status == 408 else None
        return JSONResponse(error.body(), error.status, headers=headers)

    @app.exception_handler(HTTPException)
    async def no_such_route(request: Request, error: HTTPException) -> Response:
        code = {404: "unknown_url", 405: "method_not_allowed"}.get(error.status_code)
        message = f"{error.detail}: {request.method} {request.url.path}"
        refusal = ProtocolError(message, status=error.status_code, code=code)
        return JSONResponse(refusal.body(), error.status_code, headers=error.headers)

    @app.exception_handler(Exception)
    async def our_mistake(request: Request, error: Exception) -> Response:
        return JSONResponse(as_protocol_error(error).body(), 500)

    return app


# --- From the request to the answer ---------------------------------------------------


async def read_body(request: Request) -> bytes:
    """The body of a request.

    Raises:
        ProtocolError: if it is not declared to be JSON, too long, or does not come.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ProtocolError(
            "send JSON, and say so: 'Content-Type: application/json'",
            status=415,
            code="unsupported_media_type",
        )
    body = bytearray()

    async def read() -> None:
        async for piece in request.stream():
            body.extend(piece)
            if len(body) > MAX_BODY:
                return

    try:
        await asyncio.wait_for(read(), SECONDS_FOR_A_BODY)
    except asyncio.TimeoutError:
        raise ProtocolError(
            f"the body did not come within {SECONDS_FOR_A_BODY} seconds",
            status=408,
            code="request_timeout",
        ) from None
    except ClientDisconnect:
        raise ProtocolError("the client has left") from None  # nobody hears it
    if len(body) > MAX_BODY:
        raise ProtocolError(
            f"the body is too long; at most {MAX_BODY:,} bytes are read here",
            status=413,
            code="request_too_large",
        )
    return bytes(body)


def refuse_foreign_pages(request: Request, host: str) -> None:
    """Keep web pages from elsewhere away from the models.

    A browser lets any page send requests to 127.0.0.1. It tells the page's origin,
    unless the page's own name has been made to point here ("DNS rebinding"): then
    `Host` is that name. An address made of numbers cannot be made to point anywhere.

    Raises:
        ProtocolError: if the request comes from such a page.
    """
    called = request.headers.get("host", "")
    name = _host_name(f"//{called}")
    if name not in ("localhost", host.lower()) and not _is_address(name):
        raise ProtocolError(
            f"this server is not called {name!r}; use its address, or serve it under that "
            "name with --host",
            status=403,
            code="forbidden_host",
        )
    origin = request.headers.get("origin")
    if origin is not None and origin.lower() not in (f"http://{called}", f"https://{called}"):
        raise ProtocolError(
            f"a page from {origin!r} may not use this server", status=403, code="forbidden_origin"
        )


def _host_name(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def steps(model: ChatModel, asked: ChatRequest) -> Iterator[Reply | str]:
    """What the worker does for one request: the reply, then its pieces of text.

    Each step is small; a piece may be empty.
    """
    settings: dict[str, Any] = {
        "max_tokens": asked.max_tokens or asked.max_completion_tokens,
        "temperature": asked.temperature,
        # The protocol allows 0, which keeps no more than the best token.
        "top_p": None if asked.top_p is None else max(asked.top_p, 1e-9),
        "seed": random.getrandbits(63) if asked.seed is None else asked.seed,
        "stop": asked.stop,
        "logit_bias": asked.logit_bias and {int(id): x for id, x in asked.logit_bias.items()},
        "frequency_penalty": asked.frequency_penalty,
        "presence_penalty": asked.presence_penalty,
    }
    given = {name: value for name, value in settings.items() if value is not None}
    messages = [{"role": each.role, "content": each.content} for each in asked.messages]
    reply = model.stream(messages, **given)
    yield reply
    yield from reply.steps()


async def as_events(
    answer: Answer, writing: Writing, reply: Reply, asked: ChatRequest
) -> AsyncIterator[bytes]:
    """The answer as server-sent events; "[DONE]" comes only after a whole one."""
    with_usage = asked.stream_options is not None and asked.stream_options.include_usage
    rest = {"usage": None} if with_usage else {}
    try:
        yield event(answer.chunk({"role": "assistant", "content": ""}) | rest)
        async for piece in writing:
            if piece:
                yield event(answer.chunk({"content": piece}) | rest)
        yield event(answer.chunk({}, reply.finish_reason) | rest)
        if with_usage:
            yield event(answer.usage_chunk(usage(reply)))
        yield event("[DONE]")
    except Exception as error:
        yield event(as_protocol_error(error).body())
    finally:
        writing.cancel()


def usage(reply: Reply) -> Usage:
    """How many tokens this reply has read and written."""
    return Usage(reply.prompt_tokens, reply.completion_tokens)


def as_protocol_error(error: Exception) -> ProtocolError:
    """What the client is told; what is our mistake is also written to the terminal."""
    if isinstance(error, ProtocolError):
        return error
    if isinstance(error, ContextLengthError):
        return ProtocolError(str(error), code="context_length_exceeded", param="messages")
    if isinstance(error, UnknownTokenError):
        return ProtocolError(str(error), code="invalid_value", param="logit_bias")
    if isinstance(error, ValueError):
        return ProtocolError(str(error), code="invalid_value", param="messages")
    if isinstance(error, TooBusyError):
        message = "too many requests are waiting; try again in a moment"
        return ProtocolError(message, status=503, code="overloaded")
    if isinstance(error, StoppedError):
        return ProtocolError("the server is stopping", status=503, code="stopping")
    LOG.error("the server made a mistake", exc_info=error)
    return ProtocolError("the server made a mistake; its terminal says which", status=500)


# --- Running it ------------------------------------------------------------------------


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

    def __init__(
        self,
        listening: socket.socket,
        host: str,
        names: Iterable[str] = tuple(loading.MODELS),
        load: Callable[[str], ChatModel] = loading.load,
        **settings: int,
    ) -> None:
        self.turns = TakingTurns(**settings)
        self._listening = listening
        self.models = Models(names, load)
        app = create_app(self.models, self.turns, host=host)
        super().__init__(
            uvicorn.Config(
                app,
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

    @property
    def url(self) -> str:
        """Where it can be reached: what a client calls `base_url`."""
        address, port = self._listening.getsockname()[:2]
        return f"http://[{address}]:{port}/v1" if ":" in address else f"http://{address}:{port}/v1"

    def run(self) -> None:
        """Serve until told to stop."""
        super().run(sockets=[self._listening])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen; what goes wrong in the event loop is told like all else."""
        asyncio.get_running_loop().set_exception_handler(_tell)
        await super().startup(sockets)
        self._listening.listen(BACKLOG)  # more may wait than are accepted at one go

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what is being written or loaded, then close."""
        self.models.close()
        self.turns.close(timeout=0)
        for _ in range(100):  # a step that is under way comes to its end
            if len(self.turns) == 0:
                break
            await asyncio.sleep(0.05)
        await super().shutdown(sockets)


def _tell(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Such as that no more files can be opened, so that nobody can be let in."""
    LOG.error("%s: %r", context["message"], context.get("exception"))


def serve(host: str = "127.0.0.1", port: int = 8080) -> None:
    """Serve the book's chat models until Ctrl-C.

    Raises:
        ValueError: if it cannot listen there.
    """
    with listen(host, port) as listening:
        server = Server(listening, host)
        print(f"Serving {', '.join(loading.MODELS)} on {server.url} (Ctrl-C stops)", flush=True)
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


class RunningServer:
    """A server in a thread of its own, beside a notebook or a test; `start` makes one."""

    def __init__(self, server: Server) -> None:
        self.base_url = server.url
        self.server = server
        self._thread = threading.Thread(target=server.run, name="chat server", daemon=True)
        self._thread.start()
        while not server.started and self._thread.is_alive():
            time.sleep(0.01)
        if not server.started:
            raise RuntimeError("the chat server did not start")
        # A program that ends while a model computes would end with a crash.
        atexit.register(self.stop)

    def stop(self) -> None:
        """Stop it, and wait until it has ended."""
        atexit.unregister(self.stop)
        self.server.should_exit = True
        self._thread.join()


def start(*, port: int = 0, **settings: Any) -> RunningServer:
    """Start a server on 127.0.0.1 in the background.

    Args:
        port: 0 takes a free one.
        settings: `names` and `load`, to serve other models than the book's;
            `places` and `line`, as for `TakingTurns`.

    Raises:
        ValueError: if the port is in use.
    """
    return RunningServer(Server(listen("127.0.0.1", port), "127.0.0.1", **settings))


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
