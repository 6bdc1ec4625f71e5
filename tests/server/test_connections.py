"""Connections: silent ones, half ones, endless ones, too many; others are served meanwhile."""

from __future__ import annotations

import http.client
import json
import logging
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, closing, suppress
from urllib.parse import urlsplit

import pytest

from tests.conftest import ROOT
from tests.echo import echo
from transformer_lab.server import app as server
from transformer_lab.server import connections
from transformer_lab.server.connections import RateLimitedFilter
from transformer_lab.server.running import start

REQUEST = {"model": "echo", "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def running():
    """A server, and what the tests do to it quickly: they change its limits."""
    running = start(names=["echo"], load=lambda name: echo(pause=0.005))
    yield running
    running.stop()


def connect(running) -> socket.socket:
    address = urlsplit(running.base_url)
    return socket.create_connection((address.hostname, address.port), timeout=30)


def head(length, *, path="/v1/chat/completions", kind="application/json", host="127.0.0.1"):
    return (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


def body(**more) -> bytes:
    return json.dumps(REQUEST | more).encode()


def ask(running) -> tuple[int, dict]:
    with closing(http.client.HTTPConnection(urlsplit(running.base_url).netloc, timeout=30)) as one:
        one.request("POST", "/v1/chat/completions", body(), {"Content-Type": "application/json"})
        answer = one.getresponse()
        return answer.status, json.loads(answer.read())


def all_that_comes(connection) -> bytes:
    """Until the other side closes; a test that waits for ever fails by the socket's timeout."""
    pieces = []
    with suppress(ConnectionResetError):
        while piece := connection.recv(1 << 16):
            pieces.append(piece)
    return b"".join(pieces)


def sent_until_cut(connection, most: int) -> int:
    """How many bytes the other side takes before it closes, at most `most`."""
    block, sent = b" " * (1 << 16), 0
    with suppress(ConnectionResetError, BrokenPipeError):
        while sent < most:
            sent += connection.send(block)
    return sent


# --- Headers -------------------------------------------------------------------------

WHOLE = head(len(body())) + body()


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (b"", b""),
        (b"", b"P"),
        (b"", WHOLE[:40]),
        (WHOLE, b""),
        (WHOLE, b"P"),
        (WHOLE + WHOLE, WHOLE[:40]),
        (head(10, path="/nowhere"), b"123"),
    ],
    ids=["silent", "a letter", "half", "kept", "a letter more", "half a third", "half a body"],
)
def test_who_does_not_send_whole_headers_is_not_waited_for(running, monkeypatch, first, then):
    monkeypatch.setattr(connections, "SECONDS_FOR_HEADERS", 0.3)
    with connect(running) as connection:
        connection.sendall(first)
        if first:
            assert connection.recv(4000).startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 404 "))
        connection.sendall(then)
        all_that_comes(connection)


def test_headers_that_come_drop_by_drop_do_not_put_the_deadline_off(running, monkeypatch):
    monkeypatch.setattr(connections, "SECONDS_FOR_HEADERS", 0.5)
    with connect(running) as connection, pytest.raises(OSError, match=r"reset|pipe"):  # noqa: PT012
        for letter in WHOLE[:90]:
            connection.sendall(bytes([letter]))
            time.sleep(0.05)


def test_an_answer_may_take_longer_than_headers_may(running, monkeypatch):
    monkeypatch.setattr(connections, "SECONDS_FOR_HEADERS", 0.2)
    asked = body(messages=[{"role": "user", "content": "forever"}], max_tokens=100)
    with connect(running) as connection:
        connection.sendall(head(len(asked)) + asked)
        assert b'"finish_reason":"length"' in all_that_comes(connection)


# --- Bodies --------------------------------------------------------------------------


@pytest.mark.parametrize("pause", [None, 0.02])
def test_after_a_408_nothing_more_is_read(running, monkeypatch, pause):
    monkeypatch.setattr(server, "SECONDS_FOR_A_BODY", 0.3)
    with connect(running) as connection:
        connection.sendall(head(10**12) + b'{"model"')
        if pause:  # a slow body: always something comes
            connection.setblocking(False)
            answer = b""
            while not answer:
                connection.send(b" ")
                time.sleep(pause)
                with suppress(BlockingIOError):
                    answer = connection.recv(4000)
            connection.settimeout(30)
        else:
            answer = connection.recv(4000)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"\r\nconnection: close\r\n" in answer.lower()
        assert sent_until_cut(connection, 1 << 28) < 1 << 24  # what the system's buffers hold


@pytest.mark.parametrize(
    "early",
    [
        {"path": "/nowhere"},
        {"path": "/v1/models"},
        {"kind": "text/plain"},
        {"host": "elsewhere.example"},
        {},
    ],
    ids=["404", "405", "415", "403", "413"],
)
def test_an_endless_body_is_cut_off_after_its_answer(running, monkeypatch, early):
    monkeypatch.setattr(connections, "MAX_AFTER_ANSWER", 1 << 20)
    with connect(running) as connection:
        connection.sendall(head(10**12, **early))
        assert sent_until_cut(connection, 1 << 28) < 1 << 25
    assert ask(running)[0] == 200


# --- Too many --------------------------------------------------------------------------


def test_one_too_many_is_told_so_and_the_others_are_served(running, monkeypatch):
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 5)
    monkeypatch.setattr(connections, "SECONDS_FOR_HEADERS", 1)
    with ExitStack() as stack:
        silent = [stack.enter_context(connect(running)) for _ in range(5)]
        for _ in range(50):
            with connect(running) as one_more:
                answer = all_that_comes(one_more)
                assert answer.startswith(b"HTTP/1.1 503 ")
                assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "overloaded"
        silent[0].sendall(WHOLE)
        assert silent[0].recv(4000).startswith(b"HTTP/1.1 200 ")
        for one in silent:
            all_that_comes(one)  # until it is closed
        assert ask(running)[0] == 200


def test_who_does_not_read_is_not_waited_for(running, monkeypatch):
    monkeypatch.setattr(connections, "SECONDS_TO_READ", 0.3)
    running.listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    address = urlsplit(running.base_url)
    asked = body(messages=[{"role": "user", "content": "forever"}], stream=True)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((address.hostname, address.port))
        connection.sendall(head(len(asked)) + asked)
        end = time.monotonic() + 30
        while running.server_state.total_requests == 0 and not len(running.turns):
            assert time.monotonic() < end
            time.sleep(0.01)
        while running.server_state.connections:
            assert time.monotonic() < end
            time.sleep(0.01)
    assert ask(running)[0] == 200


FEW_FILES = """
import resource, sys
from tests.echo import echo
from transformer_lab.server import connections, start

connections.SECONDS_FOR_HEADERS = 1
if sys.argv[1] == "no limit":
    connections.most_connections = lambda: 10**6
running = start(names=["echo"], load=lambda name: echo())
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
print(running.base_url, flush=True)
sys.stdin.read()
running.stop()
"""


@pytest.mark.parametrize("limit", ["our limit", "no limit"])
def test_it_lives_on_when_there_are_no_more_files(limit):
    """500 silent sockets at a process that may open 64 files, once without our own limit."""
    program = subprocess.Popen(
        [sys.executable, "-c", FEW_FILES, limit],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    started = time.monotonic()
    running = type("At", (), {"base_url": program.stdout.readline().strip()})
    with ExitStack() as stack:
        for _ in range(500):
            stack.enter_context(connect(running))
        time.sleep(1)
    status = 503
    while status == 503 and time.monotonic() < started + 60:
        status, _ = ask(running)
    seconds = time.monotonic() - started
    _, errors = program.communicate("")
    assert (status, program.returncode) == (200, 0)
    assert len(errors.splitlines()) <= seconds + 1
    assert ("Too many open files" in errors) == (limit == "no limit")


def test_at_most_half_of_the_files_are_connections(monkeypatch):
    resource = pytest.importorskip("resource")
    for files, most in ((64, 32), (1024, 512), (10**6, 512), (resource.RLIM_INFINITY, 512)):
        monkeypatch.setattr(resource, "getrlimit", lambda kind, files=files: (files, files))
        assert connections.most_connections() == most


# --- What is written to the terminal ---------------------------------------------------


def test_one_message_a_second_gets_through_and_the_others_are_counted(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(connections.time, "monotonic", lambda: clock[0])
    heard = []
    log = logging.Logger("a log")
    log.addFilter(RateLimitedFilter())
    log.addHandler(type("", (logging.Handler,), {"emit": lambda _, r: heard.append(r)})())
    for n in range(1000):
        log.error("%d happened", n)
        clock[0] += 0.004
    assert [record.getMessage() for record in heard] == [
        "0 happened",
        "250 happened (249 messages before it left out)",
        "500 happened (249 messages before it left out)",
        "750 happened (249 messages before it left out)",
    ]
