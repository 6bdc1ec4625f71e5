"""The chat-completions protocol: what a client may ask, and how answers and errors look.

The protocol is the one of OpenAI's API, which most providers and tools speak. Here
are its request (checked field by field), its two forms of answer (whole, and in
chunks) and its errors. It leaves out the network: see `app`.

Every field of a request is used, or refused in one sentence, or has no effect on the
answer: an answer that silently lacks what was asked for would be wrong.

- null is what is left out: the default.
- Fields that ask for what no model here can do are refused, unless they hold the value
  that asks for nothing: `tools` may be `[]`, `n` may be 1 (`_NO_EFFECT` lists them).
- `user`, `metadata`, `safety_identifier` and `prompt_cache_...` identify the caller to the
  provider, or say where to save work; the answer is the same. They are ignored.
- Any other field of a request is refused, as OpenAI does: `top_k` or a mistyped
  `temprature` would change the answer elsewhere.
- Any other field of a *message* is ignored: clients keep notes of their own there, such as
  an `id`, and send them back.
- All system (or developer) messages become one at the beginning, in their order. Many
  clients send several, or one further on; the models were taught one, at the beginning.
- An assistant's `content` may be null or left out, which is empty: clients send back what
  they were given. Everybody else's must be text.

Source: OpenAI, "API reference: Chat Completions". Taught in chapter 14.
"""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictStr,
    ValidationError,
    model_validator,
)

from transformer_lab.chat.model import FinishReason, Reply
from transformer_lab.conversation.messages import Message, Role


class ProtocolError(Exception):
    """A request that cannot be answered, in the protocol's own shape.

    Args:
        message: one sentence for a human.
        status: of HTTP.
        code: one word for a program.
        param: the field that is wrong.
    """

    def __init__(
        self, message: str, *, status: int = 400, code: str | None = None, param: str | None = None
    ) -> None:
        super().__init__(message)
        self.message, self.status, self.code, self.param = message, status, code, param

    def body(self) -> dict[str, dict[str, str | None]]:
        """What the client is sent."""
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        return {
            "error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}
        }


# --- The request -------------------------------------------------------------------


def _plain_text(content: Any) -> Any:
    """Clients send text as a string, or as a list of parts; the parts are joined."""
    if not isinstance(content, list):
        return content
    texts = []
    for part in content:
        if not isinstance(part, dict) or part.get("type") != "text":
            raise ValueError('a part must be {"type": "text", "text": "..."}: text is all we read')
        if not isinstance(part.get("text"), str):
            raise ValueError("a part of text needs a string as its 'text'")
        texts.append(part["text"])
    return "\n".join(texts)


def _system_for_developer(role: Any) -> Any:
    """The protocol's newer name for the system's role is "developer"."""
    return "system" if role == "developer" else role


def _as_list(stop: Any) -> Any:
    return [stop] if isinstance(stop, str) else stop


class _Strict(BaseModel):
    """A number is a number, not a string that looks like one; more fields come to `parse`."""

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)


class MessageField(_Strict):
    """A message as it is sent; `parse` makes it a `Message`."""

    role: Annotated[Role, BeforeValidator(_system_for_developer)]
    content: Annotated[StrictStr, BeforeValidator(_plain_text)]

    @model_validator(mode="before")
    @classmethod
    def _empty_for_null(cls, message: Any) -> Any:
        if not isinstance(message, dict) or message.get("role") != "assistant":
            return message
        return message | {"content": ""} if message.get("content") is None else message


class StreamOptions(_Strict):
    """How to stream."""

    include_usage: bool | None = None


Penalty = Annotated[float | None, Field(ge=-2, le=2)]
TokenID = Annotated[str, Field(pattern="^(0|[1-9][0-9]{0,8})$")]


class ChatRequest(_Strict):
    """The body of `POST /v1/chat/completions`. None means what is left out: the default."""

    model: str
    messages: Annotated[list[MessageField], Field(min_length=1)]
    temperature: Annotated[float | None, Field(ge=0, le=2)] = None
    top_p: Annotated[float | None, Field(ge=0, le=1)] = None
    frequency_penalty: Penalty = None
    presence_penalty: Penalty = None
    logit_bias: dict[TokenID, Annotated[float, Field(ge=-100, le=100)]] | None = None
    max_tokens: Annotated[int | None, Field(ge=1)] = None
    max_completion_tokens: Annotated[int | None, Field(ge=1)] = None
    stop: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=1000)]] | None,
        Field(max_length=4),
        BeforeValidator(_as_list),
    ] = None
    seed: Annotated[int | None, Field(ge=-(2**63), lt=2**63)] = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    def conversation(self) -> list[Message]:
        """The messages, with the text of all system messages in one at the beginning."""
        messages = [Message(each.role, each.content) for each in self.messages]
        system = [message.content for message in messages if message.role == "system"]
        others = [message for message in messages if message.role != "system"]
        return [Message("system", "\n\n".join(system)), *others] if system else others

    @property
    def with_usage(self) -> bool:
        """Whether a stream is to end with the number of tokens."""
        return bool(self.stream_options and self.stream_options.include_usage)

    def settings(self) -> dict[str, Any]:
        """What is asked for of `chat.model.Settings`."""
        settings = {
            "max_tokens": self.max_tokens or self.max_completion_tokens,
            "temperature": self.temperature,
            # The protocol allows 0, which keeps no more than the best token.
            "top_p": None if self.top_p is None else max(self.top_p, 1e-9),
            "seed": random.getrandbits(63) if self.seed is None else self.seed,
            "stop": self.stop,
            "logit_bias": self.logit_bias and {int(id): x for id, x in self.logit_bias.items()},
            "frequency_penalty": self.frequency_penalty,
            "presence_penalty": self.presence_penalty,
        }
        return {name: value for name, value in settings.items() if value is not None}


# The values with which a field asks for nothing special; any other is refused.
_NO_EFFECT: dict[str, tuple] = {
    "n": (1,),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "parallel_tool_calls": (True, False),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "response_format": ({"type": "text"},),
    "modalities": (["text"],),
    "audio": (),
    "prediction": (),
    "moderation": (),
    "web_search_options": (),
    "reasoning_effort": ("none",),
    "verbosity": ("medium",),
    "service_tier": ("auto", "default"),
    "store": (False,),
}
_NO_EFFECT_IN_A_MESSAGE: dict[str, tuple] = {
    "name": (),
    "tool_calls": ([],),
    "tool_call_id": (),
    "function_call": (),
    "refusal": (),
    "audio": (),
}
_NO_EFFECT_IN_STREAM_OPTIONS: dict[str, tuple] = {"include_obfuscation": (False,)}
_IGNORED = {
    "user",
    "metadata",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
}


def parse(body: bytes) -> ChatRequest:
    """Check the body of a request.

    Raises:
        ProtocolError: if it is no JSON, or a field is missing, of the wrong kind,
            out of range or beyond what a model here can do.
    """
    try:
        request = ChatRequest.model_validate_json(body)
    except ValidationError as error:
        raise _in_protocol_shape(error) from None
    _check_other_fields(request, _NO_EFFECT, "", _IGNORED)
    for number, message in enumerate(request.messages):
        _check_other_fields(message, _NO_EFFECT_IN_A_MESSAGE, f"messages.{number}.", None)
    if options := request.stream_options:
        _check_other_fields(options, _NO_EFFECT_IN_STREAM_OPTIONS, "stream_options.", ())
    if request.max_tokens is not None and request.max_completion_tokens is not None:
        raise ProtocolError(
            "give 'max_tokens' or 'max_completion_tokens', not both: they mean the same",
            code="invalid_value",
            param="max_tokens",
        )
    if request.stream_options is not None and not request.stream:
        raise ProtocolError(
            "'stream_options' is only for a request with 'stream': true",
            code="invalid_value",
            param="stream_options",
        )
    return request


def _check_other_fields(
    part: _Strict, no_effect: dict[str, tuple], at: str, ignored: Collection[str] | None
) -> None:
    """Refuse a field that asks for something else, or is unknown and not `ignored` (None: all)."""
    for name, value in (part.model_extra or {}).items():
        param = f"{at}{name[:100]}"
        if value is None:
            continue
        # The type too: in Python, True is 1.
        if any(value == each and type(value) is type(each) for each in no_effect.get(name, ())):
            continue
        if name in no_effect:
            raise ProtocolError(
                f"'{param}' is not supported with this value: a request gets one plain text here",
                code="unsupported_value",
                param=param,
            )
        if ignored is not None and name not in ignored:
            raise ProtocolError(
                f"{param!r} is not a field of this protocol", code="unknown_parameter", param=param
            )


def _in_protocol_shape(error: ValidationError) -> ProtocolError:
    """The first thing that is wrong, in one sentence."""
    first = error.errors(include_url=False, include_context=False)[0]
    param = ".".join(str(part) for part in first["loc"] if not str(part).startswith("function-"))
    kind, message = first["type"], first["msg"].removeprefix("Value error, ")
    if kind == "json_invalid":
        reason = message.removeprefix("Invalid JSON: ")
        return ProtocolError(f"the body is no JSON: {reason}", code="invalid_json")
    if kind == "missing":
        return ProtocolError(
            f"'{param}' is missing", code="missing_required_parameter", param=param
        )
    if not param:
        return ProtocolError("the body must be a JSON object", code="invalid_type")
    code = "invalid_type" if kind.endswith("_type") else "invalid_value"
    return ProtocolError(f"'{param}': {message}", code=code, param=param)


# --- The answer --------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """The frame of one answer: all its chunks share an ID and a time."""

    model: str
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, reply: Reply) -> dict[str, Any]:
        """The answer in one piece."""
        message = {"role": "assistant", "content": reply.text, "refusal": None}
        choice = {"message": message, "finish_reason": reply.finish_reason}
        return self._frame("chat.completion", choice) | {"usage": _usage(reply)}

    def chunk(
        self, delta: dict[str, str], finish_reason: FinishReason | None = None
    ) -> dict[str, Any]:
        """A piece of the answer: what is new since the last one."""
        choice = {"delta": delta, "finish_reason": finish_reason}
        return self._frame("chat.completion.chunk", choice)

    def usage_chunk(self, reply: Reply) -> dict[str, Any]:
        """The chunk after the last piece, if `include_usage` was set."""
        frame = self._frame("chat.completion.chunk", {})
        return frame | {"choices": [], "usage": _usage(reply)}

    def _frame(self, kind: str, choice: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "choices": [{"index": 0, **choice, "logprobs": None}],
        }


def _usage(reply: Reply) -> dict[str, int]:
    """How many tokens were read and written."""
    return {
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "total_tokens": reply.prompt_tokens + reply.completion_tokens,
    }


def event(body: dict[str, Any] | str) -> bytes:
    """A server-sent event: one line of data, and an empty line.

    JSON escapes every line break inside a text, so one line is enough. All else that
    is not ASCII is escaped too: some clients also end a line at rarer characters.

    >>> event("[DONE]")
    b'data: [DONE]\\n\\n'
    """
    data = body if isinstance(body, str) else json.dumps(body)
    return f"data: {data}\n\n".encode()
