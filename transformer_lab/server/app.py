"""The requests: `GET /v1/models`, `GET /v1/models/NAME` and `POST /v1/chat/completions`.

It is meant for one machine, and asks for no key. A page from elsewhere that is open in
a browser on this machine cannot use it: such a page sends an `Origin`, a `Host` that is
a foreign name (DNS rebinding), or a content type that needs no permission.

Taught in chapter 14.
"""

from __future__ import annotations

import asyncio
import ipaddress
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from transformer_lab.chat.model import ChatModel, ContextLengthError, Reply, UnknownTokenError
from transformer_lab.server.connections import LOG
from transformer_lab.server.protocol import Answer, ChatRequest, ProtocolError, event, parse
from transformer_lab.server.turns import Generation, RoundRobin, StoppedError, TooBusyError

MAX_BODY = 1 << 18  # bytes: several times the text that the longest context holds
SECONDS_FOR_A_BODY = 30  # a client that has not sent it by then is answered 408
LOADING = "loading "  # how the names of the threads begin that load a model


class Models:
    """The models behind the server, each loaded when it is first asked for, and once.

    Loading may mean training, which takes minutes. It goes on in a thread of its
    own while the other models answer; concurrent requests share the same load.
    """

    def __init__(self, names: Iterable[str], load: Callable[[str], ChatModel]) -> None:
        self.names = tuple(names)
        self._load = load
        self._loads: dict[str, Future[ChatModel]] = {}

    async def get(self, name: str) -> ChatModel:
        """The model of this name.

        Raises:
            ProtocolError: if there is none, or it cannot be loaded.
            StoppedError: if the server is stopping.
        """
        self.check(name)
        if name not in self._loads:
            self._loads[name] = self._start_loading(name)
        try:
            return await asyncio.wrap_future(self._loads[name])
        except StoppedError:
            raise
        except Exception as error:
            self._loads.pop(name, None)  # the next request tries again
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
        """Fail all pending loads: the server stops."""
        for load in self._loads.values():
            with suppress(InvalidStateError):  # it has ended
                load.set_exception(StoppedError())

    def _start_loading(self, name: str) -> Future[ChatModel]:
        """Load in a thread that does not keep the program from ending."""
        load: Future[ChatModel] = Future()
        load.set_running_or_notify_cancel()  # a client that leaves stops it for nobody else

        def work() -> None:
            with suppress(InvalidStateError):  # the server has stopped meanwhile
                try:
                    load.set_result(self._load(name))
                except Exception as error:
                    load.set_exception(error)

        threading.Thread(target=work, name=LOADING + name, daemon=True).start()
        return load


def create_app(models: Models, turns: RoundRobin, *, host: str = "127.0.0.1") -> FastAPI:
    """The routes of the server.

    Args:
        models: who answers.
        turns: where answers are written.
        host: what the server listens on, and may be called by.
    """
    started = int(time.time())

    def about(name: str) -> dict[str, str | int]:
        return {"id": name, "object": "model", "created": started, "owned_by": "transformer-lab"}

    async def check_origin(request: Request) -> None:
        refuse_foreign_pages(request, host)

    # Without FastAPI's own pages of documentation: they fetch scripts from elsewhere.
    app = FastAPI(dependencies=[Depends(check_origin)], openapi_url=None, redirect_slashes=False)
    for kind in (ProtocolError, HTTPException, Exception):
        app.add_exception_handler(kind, error_response)

    @app.get("/v1/models")
    async def list_models() -> dict:
        return {"object": "list", "data": [about(name) for name in models.names]}

    @app.get("/v1/models/{name}")
    async def one_model(name: str) -> dict:
        models.check(name)
        return about(name)

    @app.post("/v1/chat/completions")
    async def complete(request: Request) -> Response:
        return await respond(request, models, turns)

    return app


# --- From the request to the answer ---------------------------------------------------


async def respond(http: Request, models: Models, turns: RoundRobin) -> Response:
    """The answer to a request, whole or as a stream.

    Raises:
        ProtocolError: if it cannot be answered, and that shows before the first piece.
    """
    request = parse(await read_body(http))
    try:
        model = await models.get(request.model)
        generation = turns.start(steps(model, request))
        generation.cancel_after(disconnection(http))
        reply = await anext(generation)  # an error that shows by now has a status of its own
        answer = Answer(request.model)
        if request.stream:
            events = as_events(answer, generation, reply, with_usage=request.with_usage)
            headers = {"Cache-Control": "no-cache"}
            return StreamingResponse(events, media_type="text/event-stream", headers=headers)
        async for _ in generation:
            pass
    except Exception as error:
        raise as_protocol_error(error) from error
    return JSONResponse(answer.whole(reply))


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
    try:
        return await asyncio.wait_for(_read_at_most(request, MAX_BODY), SECONDS_FOR_A_BODY)
    except asyncio.TimeoutError:
        raise ProtocolError(
            f"the body did not come within {SECONDS_FOR_A_BODY} seconds",
            status=408,
            code="request_timeout",
        ) from None
    except ClientDisconnect:
        raise ProtocolError("the client has left") from None  # the response goes nowhere


async def _read_at_most(request: Request, most: int) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body.extend(piece)
        if len(body) > most:
            raise ProtocolError(
                f"the body is too long; at most {most:,} bytes are read here",
                status=413,
                code="request_too_large",
            )
    return bytes(body)


async def disconnection(request: Request) -> None:
    """Wait until the client has left, or has been sent everything."""
    # The body is read, so nothing else can still come.
    while (await request.receive())["type"] != "http.disconnect":
        pass


def refuse_foreign_pages(request: Request, host: str) -> None:
    """Keep web pages from elsewhere away from the models.

    A browser lets any page send requests to 127.0.0.1. It sends the page's origin,
    unless the page's own name has been made to point here ("DNS rebinding"): then
    `Host` is that name. An address made of numbers cannot be made to point anywhere.

    Raises:
        ProtocolError: if the request comes from such a page.
    """
    called = request.headers.get("host", "")
    name = _host_name(called)
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


def _host_name(host: str) -> str:
    with suppress(ValueError):
        return urlsplit(f"//{host}").hostname or ""
    return ""


def _is_address(name: str) -> bool:
    with suppress(ValueError):
        ipaddress.ip_address(name)
        return True
    return False


def steps(model: ChatModel, request: ChatRequest) -> Generator[Reply | str, None, None]:
    """What is done for one request, in small steps: the reply, then its pieces of text.

    A piece may be empty.
    """
    reply = model.stream(request.conversation(), **request.settings())
    yield reply
    yield from reply.steps()


async def as_events(
    answer: Answer, generation: Generation, reply: Reply, *, with_usage: bool
) -> AsyncIterator[bytes]:
    """The answer as server-sent events; "[DONE]" comes only after a whole one."""
    rest = {"usage": None} if with_usage else {}
    try:
        yield event(answer.chunk({"role": "assistant", "content": ""}) | rest)
        async for piece in generation:
            if piece:
                yield event(answer.chunk({"content": piece}) | rest)
        yield event(answer.chunk({}, reply.finish_reason) | rest)
        if with_usage:
            yield event(answer.usage_chunk(reply))
        yield event("[DONE]")
    except Exception as error:
        yield event(as_protocol_error(error).body())


# --- Errors ---------------------------------------------------------------------------


def as_protocol_error(error: Exception) -> ProtocolError:
    """What the client is told; internal errors are also logged."""
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
    LOG.error("internal error", exc_info=error)
    return ProtocolError("the server made a mistake; its terminal says which", status=500)


async def error_response(request: Request, error: Exception) -> Response:
    """Any error in the protocol's shape."""
    headers = None
    if isinstance(error, HTTPException):  # a path or a method that is none of ours
        code = {404: "unknown_url", 405: "method_not_allowed"}.get(error.status_code)
        message = f"{error.detail}: {request.method} {request.url.path}"
        headers = error.headers
        error = ProtocolError(message, status=error.status_code, code=code)
    refusal = as_protocol_error(error)
    if refusal.status == 408:  # a client that is too slow is not waited for any longer
        headers = {"Connection": "close"}
    return JSONResponse(refusal.body(), refusal.status, headers=headers)
