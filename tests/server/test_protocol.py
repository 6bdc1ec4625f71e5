"""The protocol's requests: what is taken, and what each mistake is answered."""

import json

import pytest

from transformer_lab.server.protocol import ProtocolError, event, parse

GOOD = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def parsed(**more):
    return parse(json.dumps(GOOD | more).encode())


def refusal(body) -> dict:
    with pytest.raises(ProtocolError) as caught:
        parse(body if isinstance(body, bytes) else json.dumps(body).encode())
    return {"status": caught.value.status, **caught.value.body()["error"]}


def test_content_is_a_string_or_a_list_of_texts():
    parts = [{"type": "text", "text": "what is"}, {"type": "text", "text": "2+1"}]
    request = parsed(messages=[{"role": "user", "content": parts}])
    assert request.conversation()[0].content == "what is\n2+1"
    assert parsed().conversation()[0].content == "hi"


def test_a_developer_is_the_system():
    assert (
        parsed(messages=[{"role": "developer", "content": "x"}]).conversation()[0].role == "system"
    )


@pytest.mark.parametrize("stop", ["x", ["x"]])
def test_stop_is_a_string_or_a_list(stop):
    assert parsed(stop=stop).stop == ["x"]


def test_null_is_what_is_left_out_and_a_large_number_is_a_number():
    request = parsed(temperature=None, stop=None, seed=None, max_tokens=10**30, top_p=0)
    assert request.temperature is None
    assert request.max_tokens == 10**30


@pytest.mark.parametrize(
    ("more", "param", "code"),
    [
        ({"messages": []}, "messages", "invalid_value"),
        ({"messages": "hi"}, "messages", "invalid_type"),
        ({"messages": [3]}, "messages.0", "invalid_type"),
        ({"messages": [{"role": "user"}]}, "messages.0.content", "missing_required_parameter"),
        ({"messages": [{"role": "alien", "content": ""}]}, "messages.0.role", "invalid_value"),
        ({"messages": [{"role": ["a"], "content": ""}]}, "messages.0.role", "invalid_value"),
        (
            {"messages": [{"role": "user", "content": None}]},
            "messages.0.content",
            "invalid_type",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "messages.0.content",
            "invalid_value",
        ),
        ({"max_tokens": 0}, "max_tokens", "invalid_value"),
        ({"max_tokens": -5}, "max_tokens", "invalid_value"),
        ({"max_tokens": "7"}, "max_tokens", "invalid_type"),
        ({"max_tokens": 1.5}, "max_tokens", "invalid_type"),
        ({"max_completion_tokens": 0}, "max_completion_tokens", "invalid_value"),
        ({"max_tokens": 1, "max_completion_tokens": 1}, "max_tokens", "invalid_value"),
        ({"temperature": float("nan")}, "temperature", "invalid_value"),
        ({"temperature": float("inf")}, "temperature", "invalid_value"),
        ({"temperature": "1"}, "temperature", "invalid_type"),
        ({"temperature": -1}, "temperature", "invalid_value"),
        ({"temperature": 3}, "temperature", "invalid_value"),
        ({"temperature": True}, "temperature", "invalid_type"),
        ({"top_p": 1.5}, "top_p", "invalid_value"),
        ({"stop": ["a"] * 5}, "stop", "invalid_value"),
        ({"stop": [""]}, "stop.0", "invalid_value"),
        ({"stop": 5}, "stop", "invalid_type"),
        ({"seed": 10**30}, "seed", "invalid_value"),
        ({"n": 2}, "n", "unsupported_value"),
        ({"n": True}, "n", "unsupported_value"),
        ({"tools": [{"type": "function"}]}, "tools", "unsupported_value"),
        ({"response_format": {"type": "json_object"}}, "response_format", "unsupported_value"),
        ({"stream": "yes"}, "stream", "invalid_type"),
        ({"stream_options": {"include_usage": True}}, "stream_options", "invalid_value"),
        ({"model": 5}, "model", "invalid_type"),
    ],
)
def test_a_wrong_field_is_named(more, param, code):
    answer = refusal(GOOD | more)
    assert (answer["status"], answer["param"], answer["code"]) == (400, param, code)
    assert answer["type"] == "invalid_request_error"
    assert param in answer["message"]


@pytest.mark.parametrize(
    "body",
    [b"", b"hello", b"\xff\xfe", b"{", b"[" * 100_000, b'{"x":"\\ud800"}', b"9" * 9999],
    ids=["nothing", "a word", "no UTF-8", "half", "deep", "half a character", "a long number"],
)  # fmt: skip
def test_what_is_no_json_is_said_to_be_none(body):
    assert refusal(body)["code"] == "invalid_json"


@pytest.mark.parametrize("body", [[], "x", 3, None, [GOOD]])
def test_json_that_is_no_object_is_refused(body):
    assert "JSON object" in refusal(body)["message"]


def test_a_missing_model_is_named():
    assert refusal({})["param"] == "model"


def test_an_event_is_one_line_whatever_the_text():
    text = "a\n\ndata: [DONE]\r\n\u2028é"
    lines = event({"text": text}).decode().splitlines()
    assert len(lines) == 2
    assert json.loads(lines[0].removeprefix("data: ")) == {"text": text}
