"""Every field of a request: done, refused by name, or without a say in the answer.

The fields are those of the `openai` package's own types, so a field that the protocol
gets tomorrow fails here until somebody has decided about it.
"""

import json
import math
import typing

import openai
import openai.types.chat as official
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import completion_create_params
from packaging.version import Version

from tests.echo import echo
from transformer_lab.chat.model import UnknownTokenError
from transformer_lab.server.app import steps
from transformer_lab.server.protocol import ProtocolError, parse

# name: values that ask for nothing special, and values that ask for something.
DONE = {
    "model": (["echo"], []),
    "messages": ([[{"role": "user", "content": "hi"}]], []),
    "temperature": ([1, 1.0], [0, 0.5, 2]),
    "top_p": ([1], [0, 0.5]),
    "frequency_penalty": ([0, 0.0, -0.0], [1, -2, 0.5]),
    "presence_penalty": ([0], [1, -2, 0.5]),
    "logit_bias": ([{}], [{"5": 100}, {"0": -100.0}]),
    "max_tokens": ([], [5]),
    "max_completion_tokens": ([], [5]),
    "stop": ([[]], ["x", ["x", "y"]]),
    "seed": ([], [0, 7, -1]),
    "stream": ([False], [True]),
    "stream_options": ([], []),  # only with `stream`: see below
}
REFUSED = {
    "n": ([1], [2, 0, True, 1.0]),
    "tools": ([[]], [[{"type": "function", "function": {"name": "f"}}]]),
    "tool_choice": (["none", "auto"], ["required", {"type": "function"}]),
    "parallel_tool_calls": ([True, False], ["yes"]),
    "functions": ([[]], [[{"name": "f"}]]),
    "function_call": (["none", "auto"], [{"name": "f"}]),
    "logprobs": ([False], [True]),
    "top_logprobs": ([0], [1, 20]),
    "response_format": ([{"type": "text"}], [{"type": "json_object"}, {"type": "json_schema"}]),
    "modalities": ([["text"]], [["audio"], ["text", "audio"]]),
    "audio": ([], [{"voice": "ash", "format": "mp3"}]),
    "prediction": ([], [{"type": "content", "content": "x"}]),
    "moderation": ([], [{"model": "x"}]),
    "web_search_options": ([], [{}]),
    "reasoning_effort": (["none"], ["minimal", "low", "high"]),
    "verbosity": (["medium"], ["low", "high"]),
    "service_tier": (["auto", "default"], ["flex", "priority"]),
    "store": ([False], [True]),
}
NOT_LOOKED_AT = {
    "user": (["me"], []),
    "metadata": ([{"a": "b"}], []),
    "safety_identifier": (["me"], []),
    "prompt_cache_key": (["me"], []),
    "prompt_cache_options": ([{}], []),
    "prompt_cache_retention": (["24h"], []),
}
FIELDS = DONE | REFUSED | NOT_LOOKED_AT

IN_A_MESSAGE = {
    "role": (["user"], []),
    "content": (["hi", [{"type": "text", "text": "hi"}]], []),
    "name": ([], ["Anna"]),
    "tool_calls": ([[]], [[{"id": "1", "type": "function"}]]),
    "tool_call_id": ([], ["1"]),
    "function_call": ([], [{"name": "f", "arguments": ""}]),
    "refusal": ([], ["no"]),
    "audio": ([], [{"id": "1"}]),
}
IN_STREAM_OPTIONS = {
    "include_usage": ([False, True], []),
    "include_obfuscation": ([False], [True]),
}


def cases(fields, asks):
    return [(name, value) for name, values in fields.items() for value in values[asks]]


def parsed(**more):
    asked = {"model": "echo", "messages": [{"role": "user", "content": "hi"}]} | more
    return parse(json.dumps(asked).encode())


def answer(request):
    """What the worker would write, for the same draws."""
    request.seed = 1 if request.seed is None else request.seed
    _, *pieces = steps(ECHO, request)
    return "".join(pieces)


ECHO = echo("echo")


@pytest.mark.skipif(Version(openai.__version__) < Version("3"), reason="an openai of fewer fields")
def test_every_field_of_the_protocol_is_decided():
    names = set(typing.get_type_hints(completion_create_params.CompletionCreateParamsBase))
    assert names | {"stream"} == set(FIELDS)
    kinds = [getattr(official, name) for name in dir(official) if name.endswith("MessageParam")]
    names = {name for kind in kinds for name in getattr(kind, "__annotations__", {})}
    assert names == set(IN_A_MESSAGE)
    names = set(official.ChatCompletionStreamOptionsParam.__annotations__)
    assert names == set(IN_STREAM_OPTIONS)


@pytest.mark.parametrize(
    ("name", "value"),
    [*cases(FIELDS, 0), *((name, None) for name in FIELDS if name not in ("model", "messages"))],
)
def test_what_asks_for_nothing_special_changes_no_answer(name, value):
    assert answer(parsed(**{name: value})) == answer(parsed()) == "hi"


@pytest.mark.parametrize(("name", "value"), cases(DONE, 1))
def test_what_is_done_is_taken(name, value):
    """That it is also done right is shown where it is done: in test_model and test_server."""
    assert getattr(parsed(**{name: value}), name) in (value, [value])
    assert isinstance(answer(parsed(**{name: value})), str)


def refused(name, **more):
    with pytest.raises(ProtocolError) as caught:
        parsed(**more)
    assert (caught.value.status, caught.value.param) == (400, name)
    assert name in caught.value.message
    assert "\n" not in caught.value.message
    return caught.value.code


@pytest.mark.parametrize(("name", "value"), cases(REFUSED, 1))
def test_what_cannot_be_done_is_refused_by_name(name, value):
    assert refused(name, **{name: value}) == "unsupported_value"


@pytest.mark.parametrize("role", ["system", "user", "assistant", "developer"])
@pytest.mark.parametrize(("name", "value"), cases(IN_A_MESSAGE, 1))
def test_what_a_message_cannot_be_here_is_refused_by_name(role, name, value):
    messages = [{"role": role, "content": "hi", name: value}, {"role": "user", "content": "hi"}]
    assert refused(f"messages.0.{name}", messages=messages) == "unsupported_value"


@pytest.mark.parametrize("role", ["tool", "function"])
def test_a_role_that_no_model_here_was_taught_is_refused(role):
    assert refused("messages.0.role", messages=[{"role": role, "content": "x"}]) == "invalid_value"


def test_a_message_may_bring_notes_of_the_client_along_and_come_back_as_it_was_given():
    given_out = official.ChatCompletionMessage(role="assistant", content="ho").model_dump()
    assert given_out["tool_calls"] is None
    mine = {"role": "user", "content": "hi", "id": 7, "agent": "cli", "name": None}
    request = parsed(messages=[mine, given_out | {"annotations": []}, mine])
    assert [each.content for each in request.conversation()] == ["hi", "ho", "hi"]


@pytest.mark.parametrize("stream", [True, False])
def test_the_options_of_a_stream(stream):
    for name, (harmless, asking) in IN_STREAM_OPTIONS.items():
        for value in [*harmless, None] if stream else []:
            assert parsed(stream=True, stream_options={name: value}).stream
        for value in asking:
            options = {name: value}
            refused(f"stream_options.{name}", stream=stream, stream_options=options)
    assert refused("stream_options.speed", stream=stream, stream_options={"speed": 2})


def test_an_unknown_field_is_refused_unless_it_is_null():
    for name in ("top_k", "temprature", "x" * 90, "é🙂"):
        assert refused(name, **{name: 1}) == "unknown_parameter"
        assert answer(parsed(**{name: None})) == "hi"


def test_system_messages_become_one_at_the_beginning():
    request = parsed(
        messages=[
            {"role": "developer", "content": "be kind"},
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": "ho"},
            {"role": "system", "content": [{"type": "text", "text": "be short"}]},
            {"role": "user", "content": "and?"},
        ]
    )
    assert [(each.role, each.content) for each in request.conversation()] == [
        ("system", "be kind\n\nbe short"),
        ("user", "hi"),
        ("assistant", "ho"),
        ("user", "and?"),
    ]


@pytest.mark.parametrize("nothing", [{"content": None}, {}])
def test_only_an_assistant_may_have_said_nothing(nothing):
    user = {"role": "user", "content": "hi"}
    request = parsed(messages=[user, {"role": "assistant"} | nothing, user])
    assert request.conversation()[1].content == ""
    for role in ("user", "system", "developer"):
        refused("messages.0.content", messages=[{"role": role} | nothing, user])


# --- Numbers -----------------------------------------------------------------------

ODD = [
    "NaN", "-NaN", "nan", "Infinity", "-Infinity", "1e999", "-1e999", "1e-999", "-0", "-0.0",
    "1" + "0" * 400, "-1" + "0" * 400, "1" + "0" * 5000, "9" * 20, "1.5", "1.0", "5e-324", "1e3",
    "true", "false", '"1"', '"NaN"', "[1]", "{}", "0x10", "1_000", ".5", "01", "+1", "--1", "",
]  # fmt: skip
NUMBERS = st.sampled_from(ODD) | (
    st.integers() | st.floats() | st.integers(-3, 3) | st.floats(-3, 3)
).map(json.dumps)
NUMERIC = [
    "temperature", "top_p", "frequency_penalty", "presence_penalty", "max_tokens", "seed", "n",
    "max_completion_tokens", "top_logprobs",
]  # fmt: skip


@given(name=st.sampled_from([*NUMERIC, "logit_bias", "token"]), number=NUMBERS)
def test_whatever_stands_for_a_number_is_a_number_in_range_or_refused(name, number):
    """NaN slips through comparisons, 1e999 is infinite, True is 1, and an int has no end."""
    field = f'"{name}": {number}'
    if name == "logit_bias":
        field = f'"logit_bias": {{"5": {number}}}'
    if name == "token":
        field = f'"logit_bias": {{{json.dumps(number)}: 1}}'
    body = f'{{"model": "echo", "messages": [{{"role": "user", "content": "hi"}}], {field}}}'
    request, error = None, None
    try:
        request = parse(body.encode())
        answer(request)
    except (ProtocolError, UnknownTokenError) as caught:
        error = caught
    if error is None:
        value = getattr(request, name, None)
        assert value is None or isinstance(value, dict) or math.isfinite(value)
    elif isinstance(error, ProtocolError):
        assert error.status == 400
        assert error.code.startswith(("invalid_", "unsupported_"))
        assert "\n" not in error.message
        assert len(error.message) < 500
    else:
        assert name == "token"
