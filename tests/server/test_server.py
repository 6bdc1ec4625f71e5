"""The server, over loopback: the real client, misbehaving ones, and many at once."""

from __future__ import annotations

import gc
import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import urlsplit

import openai
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import ROOT
from tests.echo import ASSISTANT, BYTES, Echo, echo
from transformer_lab.chat.model import Reply
from transformer_lab.server import app as chat_server
from transformer_lab.server import connections
from transformer_lab.server.running import listen, running_server, start
from transformer_lab.server.turns import Generation

JSON_HEADERS = {"Content-Type": "application/json"}
PLAIN = {"Content-Type": "text/plain"}


@pytest.fixture(scope="module")
def running():
    """A server with a quick model, a slow one, and one that cannot be loaded."""

    def load(name):
        if name == "broken":
            raise OSError("the disk is full")
        return echo(name, pause=0.005 if name == "slow" else 0.0)

    server = start(names=["echo", "slow", "broken"], load=load)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def client(running):
    with openai.OpenAI(base_url=running.base_url, api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture
def every_message(monkeypatch):
    """Nothing that is logged is left out."""
    monkeypatch.setattr(connections, "SECONDS_BETWEEN_LINES", 0.0)
    monkeypatch.setattr(connections.RATE_LIMIT, "_next", 0.0)


def user(text):
    return [{"role": "user", "content": text}]


def body(text="hi", **more) -> bytes:
    return json.dumps({"model": "echo", "messages": user(text)} | more).encode()


def ask(running, data=None, *, method="POST", path="/v1/chat/completions", headers=JSON_HEADERS):
    """The status and the JSON of an answer to a request that may be nonsense."""
    connection = http.client.HTTPConnection(urlsplit(running.base_url).netloc, timeout=60)
    try:
        connection.request(method, path, data, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def raw(running, data: bytes, **headers) -> socket.socket:
    """A connection on which one request has been sent, and nothing read."""
    address = urlsplit(running.base_url)
    connection = socket.create_connection((address.hostname, address.port), timeout=60)
    length = headers.get("length", len(data))
    connection.sendall(
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % length + data
    )
    return connection


def wait_until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


# --- The real client ---------------------------------------------------------------


def test_the_client_lists_the_models(client):
    assert [model.id for model in client.models.list()] == ["echo", "slow", "broken"]
    assert client.models.retrieve("echo").owned_by == "transformer-lab"
    with pytest.raises(openai.NotFoundError, match="no model 'gpt'"):
        client.models.retrieve("gpt")


def test_the_client_gets_a_whole_answer(client):
    answer = client.chat.completions.create(model="echo", messages=user("what is 2+1"), seed=3)
    assert answer.choices[0].message.content == "what is 2+1"
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].finish_reason == "stop"
    usage = answer.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (14, 12, 26)


def test_the_client_gets_the_same_in_pieces(client):
    *chunks, last = client.chat.completions.create(
        model="echo",
        messages=user("नमस्ते, Anna 🙂\u2028"),
        stream=True,
        stream_options={"include_usage": True},
    )
    assert chunks[0].choices[0].delta.role == "assistant"
    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks]
    assert "".join(pieces) == "नमस्ते, Anna 🙂\u2028"
    assert len(pieces) > 10
    reasons = [chunk.choices[0].finish_reason for chunk in chunks]
    assert reasons == [None] * (len(chunks) - 1) + ["stop"]
    assert {chunk.id for chunk in chunks} == {last.id}
    assert last.choices == []
    assert last.usage.completion_tokens == len("नमस्ते, Anna 🙂\u2028".encode()) + 1
    assert all(chunk.usage is None for chunk in chunks)


def test_without_being_asked_a_stream_tells_no_usage(client):
    chunks = client.chat.completions.create(model="echo", messages=user("a"), stream=True)
    assert all(chunk.choices for chunk in chunks)


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_an_answer_that_is_cut_says_so(client, name):
    answer = client.chat.completions.create(model="echo", messages=user("hello"), **{name: 2})
    assert answer.choices[0].message.content == "he"
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 2


def test_a_million_tokens_are_as_many_as_there_is_room_for(client):
    answer = client.chat.completions.create(model="echo", messages=user("a"), max_tokens=10**6)
    assert answer.choices[0].finish_reason == "stop"
    endless = client.chat.completions.create(
        model="echo", messages=user("forever"), max_tokens=10**6
    )
    assert endless.choices[0].finish_reason == "length"
    assert endless.usage.total_tokens == 2000


@pytest.mark.parametrize("stop", ["lo", ["x", "lo"]])
def test_a_stop_text_ends_the_answer(client, stop):
    answer = client.chat.completions.create(model="echo", messages=user("hello you"), stop=stop)
    assert answer.choices[0].message.content == "hel"
    assert answer.choices[0].finish_reason == "stop"


def test_parts_of_text_are_taken(client):
    parts = [{"type": "text", "text": "two"}, {"type": "text", "text": "parts"}]
    answer = client.chat.completions.create(model="echo", messages=user(parts), user="me", top_p=0)
    assert answer.choices[0].message.content == "two\nparts"


@pytest.mark.parametrize("stream", [False, True])
def test_the_whole_list_is_sent_and_only_a_user_can_be_answered(client, stream):
    talk = [{"role": "system", "content": "be kind"}, *user("one")]
    talk += [{"role": "assistant", "content": "one"}]
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="echo", messages=talk, stream=stream)
    assert caught.value.body["param"] == "messages"
    answer = client.chat.completions.create(model="echo", messages=talk + user("two"))
    assert answer.choices[0].message.content == "two"


@pytest.mark.parametrize("stream", [False, True])
def test_what_is_too_long_for_the_model_is_known_by_its_code(client, stream):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="echo", messages=user("x" * 5000), stream=stream)
    assert caught.value.code == "context_length_exceeded"


def test_a_model_that_cannot_be_loaded_is_a_clear_error(client, caplog, every_message):
    for _ in range(2):  # the second request tries again
        with pytest.raises(openai.InternalServerError, match="the disk is full") as caught:
            client.chat.completions.create(model="broken", messages=user("hi"))
        assert (caught.value.status_code, caught.value.code) == (503, "model_not_loaded")
    assert caplog.text.count("the disk is full") == 2


def test_our_own_mistake_is_no_secret_told(client, caplog, every_message):
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model="echo", messages=user("break"))
    assert caught.value.type == "server_error"
    assert "secret" not in str(caught.value)
    with pytest.raises(openai.APIError, match="made a mistake"):
        list(client.chat.completions.create(model="echo", messages=user("break"), stream=True))
    assert caplog.text.count("RuntimeError: a secret of the server") == 2


def test_a_token_that_the_model_does_not_have_is_named(client):
    ask = client.chat.completions.create
    with pytest.raises(openai.BadRequestError, match="logit_bias names the token 9999") as caught:
        ask(model="echo", messages=user("hi"), logit_bias={"9999": 1})
    assert caught.value.param == "logit_bias"
    told = ask(model="echo", messages=user("hi"), seed=1, logit_bias={str(BYTES.vocab["h"]): -100})
    assert told.choices[0].message.content != "hi"


# --- Clients that do it wrong ------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "request_"),
    [
        (400, "invalid_json", {"data": b"hello"}),
        (400, "invalid_json", {"data": b""}),
        (400, "invalid_value", {"data": body(max_tokens=0)}),
        (400, "invalid_type", {"data": body(max_tokens="many")}),
        (400, "invalid_value", {"data": body(temperature=float("nan"))}),
        (400, "unsupported_value", {"data": body(n=2)}),
        (400, "invalid_value", {"data": body(messages=[{"role": "king", "content": "x"}])}),
        (404, "model_not_found", {"data": body(model="gpt")}),
        (404, "unknown_url", {"path": "/v1/completions", "data": body()}),
        (404, "unknown_url", {"path": "/", "method": "GET"}),
        (404, "unknown_url", {"path": "/docs", "method": "GET"}),
        (404, "unknown_url", {"path": "/v1/models/", "method": "GET"}),
        (405, "method_not_allowed", {"method": "GET"}),
        (405, "method_not_allowed", {"path": "/v1/models", "data": body()}),
        (405, "method_not_allowed", {"method": "OPTIONS"}),
        (413, "request_too_large", {"data": body("x" * 1_000_000)}),
        (413, "request_too_large", {"data": body("x" * 20_000_000)}),
        (415, "unsupported_media_type", {"data": body(), "headers": {}}),
        (415, "unsupported_media_type", {"data": body(), "headers": PLAIN}),
    ],
)  # fmt: skip
def test_each_mistake_has_its_answer(running, status, code, request_):
    got, answer = ask(running, **request_)
    assert (got, answer["error"]["code"]) == (status, code)
    assert set(answer) == {"error"}
    assert set(answer["error"]) == {"message", "type", "param", "code"}
    assert answer["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Origin": "https://elsewhere.example"}, "forbidden_origin"),
        ({"Origin": "null"}, "forbidden_origin"),
        ({"Origin": "http://127.0.0.1:1"}, "forbidden_origin"),
        ({"Host": "rebound.example"}, "forbidden_host"),
        ({"Host": "rebound.example:80", "Origin": "http://rebound.example:80"}, "forbidden_host"),
        ({"Host": "127.0.0.1.rebound.example"}, "forbidden_host"),
        ({"Host": "[bad"}, "forbidden_host"),
        ({"Host": ""}, "forbidden_host"),
    ],
)
def test_a_page_from_elsewhere_cannot_use_the_models(running, headers, code):
    for request_ in ({"data": body()}, {"method": "GET", "path": "/v1/models"}):
        status, answer = ask(running, **request_, headers=JSON_HEADERS | headers)
        assert (status, answer["error"]["code"]) == (403, code)


def test_no_answer_lets_a_page_from_elsewhere_read_it(running):
    address = urlsplit(running.base_url).netloc
    for headers in ({"Origin": f"http://{address}"}, {"Host": "localhost:80"}, {"Host": "[::1]"}):
        connection = http.client.HTTPConnection(address, timeout=60)
        connection.request("POST", "/v1/chat/completions", body(), JSON_HEADERS | headers)
        answer = connection.getresponse()
        assert answer.status == 200
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
        connection.close()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = [
    "messages", "temperature", "top_p", "max_tokens", "max_completion_tokens", "stop", "seed", "n",
    "stream_options", "tools", "response_format", "logprobs", "user", "metadata",
]  # fmt: skip
ALMOST = st.builds(
    lambda more: {"model": "echo", "messages": user("hi")} | more,
    st.dictionaries(
        st.sampled_from(FIELDS), JSON | st.sampled_from([0, 1, 0.5, "x", ["x"]]), max_size=3
    ),
)
ALMOST_MESSAGES = st.builds(
    lambda messages: {"model": "echo", "messages": messages},
    st.lists(
        st.fixed_dictionaries(
            {"role": st.sampled_from(["system", "user", "assistant", "developer", "tool"]) | JSON},
            optional={"content": st.text(max_size=9) | JSON},
        ),
        max_size=4,
    ),
)


@settings(max_examples=300)
@given(
    st.binary(max_size=40) | (JSON | ALMOST | ALMOST_MESSAGES).map(lambda x: json.dumps(x).encode())
)
def test_whatever_is_sent_the_answer_has_the_protocols_shape(running, data):
    status, answer = ask(running, data)
    if status == 200:
        assert answer["object"] == "chat.completion"
        assert answer["choices"][0]["finish_reason"] in ("stop", "length")
    else:
        assert 400 <= status < 500
        assert set(answer["error"]) == {"message", "type", "param", "code"}


def test_a_body_that_never_ends_is_not_waited_for(running, monkeypatch):
    monkeypatch.setattr(chat_server, "SECONDS_FOR_A_BODY", 0.2)
    with raw(running, b'{"model"', length=1000) as connection:
        assert connection.recv(4000).startswith(b"HTTP/1.1 408 ")


# --- Under pressure ----------------------------------------------------------------


def test_many_at_once_each_get_their_own_answer(running):
    """200 requests by 40 clients: whole, streamed, wrong, mixed."""

    def one(client, n):
        text = f"request {n} " + "abc" * (n % 5)
        if n % 10 == 3:
            with pytest.raises(openai.BadRequestError):
                client.chat.completions.create(model="echo", messages=user(text), max_tokens=0)
            return True
        answer = client.chat.completions.create(
            model="echo", messages=user(text), stream=n % 2 == 0, temperature=n % 3 / 2
        )
        if n % 2 == 0:
            return "".join(chunk.choices[0].delta.content or "" for chunk in answer) == text
        return answer.choices[0].message.content == text

    with (
        openai.OpenAI(base_url=running.base_url, api_key="none", max_retries=0) as client,
        ThreadPoolExecutor(40) as pool,
    ):
        assert all(pool.map(lambda n: one(client, n), range(200)))
    wait_until(lambda: len(running.turns) == 0)


def test_a_model_is_loaded_once_however_many_ask_first():
    loads = []

    def load(name):
        loads.append(name)
        time.sleep(0.2)
        return echo(name)

    with (
        running_server(names=["a", "b"], load=load) as url,
        openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client,
        ThreadPoolExecutor(12) as pool,
    ):
        answers = pool.map(
            lambda n: client.chat.completions.create(model="ab"[n % 2], messages=user("hi")),
            range(12),
        )
        assert {a.choices[0].message.content for a in answers} == {"hi"}
    assert sorted(loads) == ["a", "b"]


def test_a_model_that_loads_keeps_nobody_else_waiting():
    opened = threading.Event()

    def load(name):
        if name == "large":
            opened.wait(30)
        return echo(name)

    with (
        running_server(names=["large", "small"], load=load) as url,
        openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        ask = client.chat.completions.create
        large = pool.submit(ask, model="large", messages=user("hi"))
        assert ask(model="small", messages=user("ho")).choices[0].message.content == "ho"
        assert not large.done()
        opened.set()
        assert large.result().choices[0].message.content == "hi"


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_hangs_up_stops_its_text_and_frees_its_place(stream):
    model = echo(pause=0.005)
    with running_server(names=["echo"], load=lambda name: model, slots=1) as url:
        server = type("At", (), {"base_url": url})
        with raw(server, body("forever", stream=stream)) as connection:
            if stream:
                assert connection.recv(4000).startswith(b"HTTP/1.1 200 ")
            else:
                wait_until(lambda: model.model.steps > 3)
        # The only place is free again long before a text without end is at its end.
        _, answer = ask(server, body("next"))
        assert answer["choices"][0]["message"]["content"] == "next"
        assert model.model.steps < 1000
        steps = model.model.steps
        time.sleep(0.1)
        assert model.model.steps == steps
        assert model.model.threads == {"AnyIO worker thread"}


class Reader(Echo):
    """An `Echo` with a cache: it reads a long prompt in parts, and each waits for its permit."""

    def __init__(self):
        super().__init__()
        self.permits = threading.Semaphore(0)
        self.parts = []

    def new_cache(self):
        return [[]]

    def __call__(self, ids, cache):
        self.parts.append(ids.shape[1])
        if ids.shape[1] > 1:
            assert self.permits.acquire(timeout=30)
        cache[0] += ids[0].tolist()
        if ASSISTANT not in cache[0]:  # the question is not at its end yet
            return torch.zeros(*ids.shape, len(BYTES))
        return super().__call__(torch.tensor([cache[0]]))


@pytest.fixture
def reading():
    """A server with one place, for a model that reads in parts and a quick one."""
    models = {"reader": replace(echo(), model=Reader()), "echo": echo()}
    running = start(names=[*models], load=models.get, slots=1)
    running.parts, running.permits = models["reader"].model.parts, models["reader"].model.permits
    yield running
    running.permits.release(100)
    running.stop()


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_hangs_up_while_its_prompt_is_read_stops_the_reading(reading, stream):
    """Of a prompt of eight parts, the part that is under way is the last; in the line, none is."""
    long = body("x" * 1900, model="reader", stream=stream, max_tokens=1)
    with raw(reading, long):
        wait_until(lambda: reading.parts == [256])
        with raw(reading, long):
            wait_until(lambda: len(reading.turns) == 2)
    wait_until(lambda: not reading.server_state.connections)
    with ThreadPoolExecutor(1) as pool:
        next_ = pool.submit(ask, reading, body("next"))
        wait_until(lambda: len(reading.turns) == 2)
        reading.permits.release()
        _, answer = next_.result()
    assert answer["choices"][0]["message"]["content"] == "next"
    assert reading.parts == [256]


def test_a_short_answer_does_not_wait_until_a_long_prompt_is_read(reading):
    reading.turns.slots.total_tokens = 2
    with raw(reading, body("x" * 1900, model="reader", max_tokens=1)):
        wait_until(lambda: reading.parts == [256])
        with ThreadPoolExecutor(1) as pool:
            short = pool.submit(ask, reading, body("a", max_tokens=1))
            wait_until(lambda: len(reading.turns) == 2)
            reading.permits.release(4)  # of eight parts
            _, answer = short.result(timeout=20)
    assert answer["choices"][0]["message"]["content"] == "a"


def test_a_client_that_leaves_the_line_is_forgotten(running):
    with raw(running, body("forever", model="slow", stream=True)) as connection:
        connection.recv(4000)
        others = [raw(running, body("forever", model="slow")) for _ in range(30)]
        wait_until(lambda: len(running.turns) == 31)
        for other in others:
            other.close()
        wait_until(lambda: len(running.turns) == 1)
    wait_until(lambda: len(running.turns) == 0)


def test_a_client_that_does_not_read_keeps_nobody_waiting(running):
    with raw(running, body("forever", stream=True)):
        _, answer = ask(running, body("hi"))
        assert answer["choices"][0]["message"]["content"] == "hi"
        wait_until(lambda: len(running.turns) == 0)  # written to its end all the same


def test_when_the_line_is_full_the_answer_is_to_come_again():
    with running_server(
        names=["echo"], load=lambda name: echo(pause=0.005), slots=1, queue=1
    ) as url:
        server = type("At", (), {"base_url": url})
        with raw(server, body("forever", stream=True)) as first:
            first.recv(4000)
            with raw(server, body("forever")):
                status = None
                while status != 503:  # until the one above has come to the line
                    status, answer = ask(server, body("hi"))
                assert answer["error"]["code"] == "overloaded"
                assert answer["error"]["type"] == "server_error"


def test_nothing_is_left_of_hundreds_of_requests(running):
    """Answers, errors and hang-ups: no reply, no task, no connection stays."""

    def round_of_requests():
        for n in range(100):
            if n % 3 == 0:
                ask(running, body("hi"))
            elif n % 3 == 1:
                with raw(running, body("forever", stream=True)) as connection:
                    connection.recv(100)
            else:
                ask(running, body(max_tokens=0))
        wait_until(lambda: len(running.turns) == 0)
        wait_until(lambda: not running.server_state.connections)

    def alive():
        gc.collect()
        kinds = (Reply, Generation)
        return sum(type(thing) in kinds for thing in gc.get_objects())

    for _ in range(3):
        round_of_requests()
    wait_until(lambda: alive() <= 2)  # the worker may hold its last one
    wait_until(lambda: not running.server_state.tasks)


def test_stopping_ends_open_answers_with_an_error():
    server = start(names=["echo"], load=lambda name: echo(pause=0.005))
    with raw(server, body("forever", stream=True)) as connection:
        connection.recv(4000)
        server.stop()
        rest = b""
        while piece := connection.recv(4000):
            rest += piece
    assert b'"stopping"' in rest
    assert b"[DONE]" not in rest
    address = urlsplit(server.base_url)
    with pytest.raises(ConnectionError):
        socket.create_connection((address.hostname, address.port))


# --- Where it listens --------------------------------------------------------------


def test_it_listens_on_this_machine_alone(running):
    assert urlsplit(running.base_url).hostname == "127.0.0.1"


def test_a_port_in_use_is_one_sentence(running):
    port = urlsplit(running.base_url).port
    with pytest.raises(ValueError, match=f"port {port} is in use; choose another with --port"):
        start(port=port)


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.1"])
def test_a_host_that_is_not_ours_is_one_sentence(host):
    with pytest.raises(ValueError, match=f"cannot listen on {host}, port 0"):
        listen(host, 0)


# --- The real model ----------------------------------------------------------------


def test_the_client_talks_with_smollm2_whole_and_in_pieces():
    """The same greedy text both ways, and the one that Hugging Face's weights begin with."""
    asked = {
        "model": "smollm2-135m-instruct",
        "messages": user("Which country has Paris as its capital?"),
        "temperature": 0,
        "max_tokens": 8,
    }
    with (
        running_server() as url,
        openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client,
    ):
        whole = client.chat.completions.create(**asked)
        *chunks, last = client.chat.completions.create(
            **asked, stream=True, stream_options={"include_usage": True}
        )
    text = whole.choices[0].message.content
    assert "Paris" in text or "France" in text
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == text
    assert last.usage == whole.usage
    assert whole.usage.completion_tokens <= 8


def test_math_teacher_answers_the_real_client_in_pieces_and_whole():
    asked = {
        "model": "math-teacher",
        "messages": [
            {"role": "system", "content": "you are a math teacher"},
            {"role": "user", "content": "what is 2+1"},
        ],
        "temperature": 0,
    }
    with (
        running_server() as url,
        openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client,
    ):
        whole = client.chat.completions.create(**asked)
        chunks = list(client.chat.completions.create(**asked, stream=True))
    assert whole.choices[0].message.content == "2+1=3"
    assert whole.choices[0].finish_reason == "stop"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "2+1=3"


# --- The end -----------------------------------------------------------------------

ENDS_WITHOUT_STOP = """
from tests.echo import ASSISTANT, BYTES, Echo, echo
from tests.server.test_server import body, raw
from transformer_lab.server import start

running = start(names=["echo"], load=lambda name: echo(pause=0.001))
connection = raw(running, body("forever", stream=True))
connection.recv(100)
"""
STOPS_DURING_A_LOAD = """
import os, signal, threading, torch
from tests.server.test_server import body, raw
from transformer_lab.server import running as server

def load(name):
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    while True:
        torch.randn(400, 400) @ torch.randn(400, 400)

class Server(server.Server):
    def __init__(self, listening, host):
        super().__init__(listening, host, ["slow"], load)
        at = type("At", (), {"base_url": self.base_url})
        threading.Timer(0.5, lambda: open_.append(raw(at, body(model="slow")))).start()

open_ = []
server.Server = Server
server.serve(port=0)
"""


@pytest.mark.parametrize("program", [ENDS_WITHOUT_STOP, STOPS_DURING_A_LOAD])
def test_a_program_ends_in_peace_while_a_model_is_at_work(program):
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, cwd=ROOT
    )
    assert (done.returncode, done.stderr) == (0, "")
