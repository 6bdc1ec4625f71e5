"""A chat model: pieces that are text, stops that hold, a window with one rule."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from transformer_lab import generation
from transformer_lab.chat import (
    MODELS,
    PLAIN_TURNS,
    ChatModel,
    ContextLengthError,
    Conversation,
    Message,
    load,
)
from transformer_lab.chat.model import BYTES_PER_TOKEN
from transformer_lab.models import Config, Decoder
from transformer_lab.tokenization import BPETokenizer

SPECIAL = [*PLAIN_TURNS.opening.values(), PLAIN_TURNS.closing]
BYTES = BPETokenizer.train([], vocab_size=256 + len(SPECIAL), special_tokens=SPECIAL)
END = BYTES.vocab["<|end|>"]
USER = {"role": "user", "content": "hi"}


class Scripted:
    """A model that says what it is told, token by token, whatever it is asked."""

    def __init__(self, ids, max_len=400):
        self.ids, self.config, self.asked = list(ids), SimpleNamespace(max_len=max_len), []

    def __call__(self, ids):
        self.asked.append(ids[0].tolist())
        logits = torch.zeros(1, ids.shape[1], len(BYTES))
        said = ids.shape[1] - len(self.asked[0])
        logits[0, -1, (self.ids + [END] * 500)[said]] = 50.0
        return logits


def saying(text, max_len=400, end=True):
    script = Scripted([*BYTES.encode_plain(text), *([END] if end else [])], max_len)
    return ChatModel("scripted", script, BYTES, PLAIN_TURNS, frozenset([END]))


def test_an_answer_comes_in_pieces_and_is_counted():
    reply = saying("2+1=3").stream([USER], temperature=0)
    assert reply.finish_reason is None
    assert list(reply) == list("2+1=3")
    assert (reply.text, reply.finish_reason) == ("2+1=3", "stop")
    assert reply.prompt_tokens == len("hi") + 3
    assert reply.completion_tokens == len("2+1=3") + 1  # and the token that ends the turn


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_every_piece_is_whole_characters(text):
    pieces = list(saying(text).stream([USER], temperature=0))
    assert "".join(pieces) == text
    assert all(pieces)
    assert all("\N{REPLACEMENT CHARACTER}" not in p for p in pieces if "\ufffd" not in text)


def test_half_a_character_at_the_end_becomes_the_replacement_character():
    reply = saying("a🙂").answer([USER], temperature=0, max_tokens=3)
    assert (reply.text, reply.finish_reason) == ("a\ufffd", "length")
    assert reply.completion_tokens == 3


@given(
    text=st.text("abc", max_size=12),
    stop=st.lists(st.text("abc", min_size=1, max_size=3), max_size=3),
)
def test_stop_texts_end_the_answer_where_the_first_of_them_would_be_complete(text, stop):
    ends = [end for end in range(len(text) + 1) for s in stop if text[:end].endswith(s)]
    expected = text
    if ends:
        seen = text[: min(ends)]
        expected = seen[: min(seen.find(s) for s in stop if s in seen)]
    pieces = list(saying(text).stream([USER], temperature=0, stop=stop))
    assert "".join(pieces) == expected
    assert all(pieces)


def test_after_a_stop_text_nothing_more_is_computed():
    model = saying("one. two. three")
    reply = model.answer([USER], temperature=0, stop=["o. "])
    assert (reply.text, reply.finish_reason) == ("one. tw", "stop")
    assert len(model.model.asked) == len("one. two. ")


def test_what_only_looked_like_a_stop_text_is_said_in_the_end():
    assert saying("a DON").answer([USER], temperature=0, stop=["DONE"]).text == "a DON"


def test_closing_stops_the_work():
    model = saying("x" * 100)
    reply = model.stream([USER], temperature=0)
    assert next(reply) == "x"
    reply.close()
    assert len(model.model.asked) == 1
    assert list(reply) == []
    assert reply.finish_reason is None


def test_the_length_ends_it_at_max_tokens_or_at_the_window():
    reply = saying("x" * 100).answer([USER], temperature=0, max_tokens=7)
    assert (reply.text, reply.finish_reason, reply.completion_tokens) == ("x" * 7, "length", 7)
    reply = saying("x" * 100, max_len=40).answer([USER], temperature=0, max_tokens=10**6)
    assert reply.finish_reason == "length"
    assert reply.prompt_tokens + reply.completion_tokens == 40


def test_a_special_token_in_the_middle_is_no_text():
    script = Scripted([*BYTES.encode_plain("a"), BYTES.vocab["<|user|>"], *BYTES.encode_plain("b")])
    model = ChatModel("scripted", script, BYTES, PLAIN_TURNS, frozenset([END]))
    assert model.answer([USER], temperature=0).text == "ab"


def test_the_same_seed_draws_the_same_answer():
    class Dice(Scripted):
        def __call__(self, ids):
            return torch.zeros(1, ids.shape[1], len(BYTES))

    model = ChatModel("dice", Dice([]), BYTES, PLAIN_TURNS, frozenset([END]))
    texts = [model.answer([USER], seed=seed, max_tokens=20).text for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_tokens": 0}, "max_tokens=0 must be at least 1"),
        ({"temperature": -1}, "temperature=-1 must not be negative"),
        ({"temperature": float("nan")}, "temperature=nan must be"),
        ({"top_p": 0}, "top_p=0 must be above 0"),
        ({"stop": [".", ""]}, "none of them empty"),
        ({"stop": "."}, "stop must be a list of texts"),
        ({"max_tokens": float("nan")}, "max_tokens=nan must be at least 1"),
        ({"top_p": float("nan")}, "top_p=nan must be above 0"),
        ({"frequency_penalty": float("nan")}, "frequency_penalty=nan must be a number"),
        ({"presence_penalty": float("inf")}, "presence_penalty=inf must be a number"),
        ({"seed": 10**30}, "seed=1000000000000000000000000000000 must be a whole number"),
        ({"logit_bias": {3: float("nan")}}, "logit_bias=nan must be a number"),
        ({"logit_bias": {10**6: 1.0}}, "logit_bias names the token 1000000, but scripted has"),
    ],
)
def test_a_setting_out_of_range_is_known_before_the_first_piece(settings, message):
    with pytest.raises(ValueError, match=message):
        saying("hi").stream([USER], **settings)


def conversation(n, system=True):
    first = [Message("system", "be kind")] if system else []
    turns = [Message("user" if i % 2 == 0 else "assistant", f"word {i}") for i in range(n)]
    return first + turns


def length(messages):
    return len(PLAIN_TURNS.render(BYTES, messages))


def test_what_fits_stays_whole():
    messages = conversation(5)
    fitted = saying("", max_len=length(messages) + 10).fit(messages, 10)
    assert (fitted.messages, fitted.dropped) == (messages, [])
    assert fitted.ids == PLAIN_TURNS.render(BYTES, messages)


def test_the_oldest_exchange_falls_out_first_and_the_system_message_stays():
    messages = conversation(5)
    fitted = saying("", max_len=length(messages) + 9).fit(messages, 10)
    assert fitted.dropped == messages[1:3]
    assert fitted.messages == [messages[0], *messages[3:]]


@given(n=st.integers(0, 5).map(lambda k: 2 * k + 1), spare=st.integers(0, 120))
def test_no_more_falls_out_than_must(n, spare):
    messages = conversation(n)
    alone = [messages[0], messages[-1]]
    model = saying("", max_len=length(alone) + spare + 5)
    fitted = model.fit(messages, 5)
    assert len(fitted.ids) + 5 <= model.max_len
    assert sorted(map(str, fitted.dropped + fitted.messages)) == sorted(map(str, messages))
    assert fitted.messages[0].role == "system"
    if fitted.dropped:
        back = [messages[0], *fitted.dropped[-2:], *fitted.messages[1:]]
        assert length(back) + 5 > model.max_len


def fitted_by_the_rule(messages, max_len, room):
    """The rule word by word: take the oldest exchange away until the rest fits."""
    system, rest, dropped = messages[:1], list(messages[1:]), []
    while length(system + rest) + room > max_len:
        end = next((i for i, m in enumerate(rest[1:], 1) if m.role == "user"), None)
        if end is None:
            return None
        dropped, rest = dropped + rest[:end], rest[end:]
    return system + rest, dropped


@given(
    roles=st.lists(st.sampled_from(["user", "assistant"]), max_size=8),
    sizes=st.lists(st.integers(0, 30), min_size=9, max_size=9),
    max_len=st.integers(12, 150),
)
def test_what_stays_is_what_the_rule_says(roles, sizes, max_len):
    roles = ["user", *roles, "user"] if roles else ["user"]
    messages = [Message("system", "be kind")]
    messages += [Message(r, "x" * n) for r, n in zip(roles, [*sizes, 3], strict=False)]
    if messages[-1].role != "user":
        messages.append(Message("user", "hi"))
    expected = fitted_by_the_rule(messages, max_len, 5)
    if expected is None:
        with pytest.raises(ContextLengthError):
            saying("", max_len=max_len).fit(messages, 5)
    else:
        fitted = saying("", max_len=max_len).fit(messages, 5)
        assert (fitted.messages, fitted.dropped) == expected


@pytest.mark.parametrize("where", [0, 1, 3])
def test_no_more_text_is_encoded_than_can_be_in_the_window(where, monkeypatch):
    """However much is sent, and in whichever message: the work is bounded before it begins."""
    encoded = []
    plain = BPETokenizer.encode_plain
    monkeypatch.setattr(
        BPETokenizer, "encode_plain", lambda self, text: encoded.append(text) or plain(self, text)
    )
    messages = conversation(3)
    messages[where] = Message(messages[where].role, "x" * 10**6)
    model = saying("", max_len=100)
    if where == 1:
        assert model.fit(messages, 5).dropped == messages[1:3]
    else:
        with pytest.raises(ContextLengthError, match=r"has 1,000,0.. bytes; scripted sees at most"):
            model.fit(messages, 5)
    assert sum(map(len, encoded)) <= 2 * BYTES_PER_TOKEN * 100


def test_a_long_prompt_is_read_in_small_steps_and_answered_the_same(monkeypatch):
    """One part of the prompt in each step, and the scores are those of one go."""
    torch.manual_seed(0)
    config = Config(vocab_size=len(BYTES), max_len=900, d_model=16, n_heads=2, n_layers=2)
    decoder = Decoder(config).eval()
    model = ChatModel("small", decoder, BYTES, PLAIN_TURNS, frozenset([END]))
    asked = [{"role": "user", "content": "what is 2+1? " * 50}]
    seen = []
    hook = decoder.register_forward_hook(lambda _, inputs, out: seen.append((inputs[0], out)))
    reply = model.stream(asked, temperature=0, max_tokens=5)
    steps = reply.steps()
    for n in (1, 2):
        assert next(steps) == ""
        assert [ids.shape[1] for ids, _ in seen] == [256] * n
    text = "".join(steps)
    hook.remove()
    read = [out for ids, out in seen if ids.shape[1] > 1]
    in_parts = torch.cat(read, dim=1)[0]
    with torch.no_grad():
        at_once = decoder(torch.tensor([model.fit(asked, 5).ids]))[0]
    torch.testing.assert_close(in_parts, at_once, atol=1e-5, rtol=1e-5)
    monkeypatch.setattr(generation, "READ_AT_ONCE", 10**6)
    assert model.answer(asked, temperature=0, max_tokens=5).text == text == reply.text


@given(
    scores=st.lists(st.floats(-3, 3), min_size=4, max_size=4),
    bias=st.dictionaries(st.integers(0, 3), st.floats(-100, 100)),
    frequency=st.floats(-2, 2),
    presence=st.floats(-2, 2),
)
def test_penalties_and_bias_are_those_of_their_formula(scores, bias, frequency, presence):
    """scores[j] + bias[j] - count[j] * frequency - (count[j] > 0) * presence, as OpenAI has it."""

    class Constant(Scripted):
        def __call__(self, ids):
            logits = torch.full((1, ids.shape[1], len(BYTES)), -1000.0)
            logits[0, -1, first : first + 4] = torch.tensor(scores)
            return logits

    first = BYTES.vocab["a"]
    model = ChatModel("constant", Constant([]), BYTES, PLAIN_TURNS, frozenset([END]))
    reply = model.answer(
        [USER],
        temperature=0,
        max_tokens=8,
        logit_bias={first + j: amount for j, amount in bias.items()},
        frequency_penalty=frequency,
        presence_penalty=presence,
    )
    count = [0] * 4
    for id in reply.ids:
        moved = [
            scores[j] + bias.get(j, 0.0) - count[j] * frequency - (count[j] > 0) * presence
            for j in range(4)
        ]
        assert moved[id - first] == pytest.approx(max(moved), abs=1e-4)  # ties to rounding
        count[id - first] += 1
    assert len(reply.ids) == 8


def test_a_last_message_that_is_too_long_alone_is_one_clear_sentence():
    with pytest.raises(ValueError, match="the last message takes 53 tokens; with 10 for"):
        saying("", max_len=60).stream([{"role": "user", "content": "x" * 50}], max_tokens=10)


def test_a_reply_says_what_fell_out():
    reply = saying("ok", max_len=60).answer(conversation(9), temperature=0)
    assert reply.dropped
    assert reply.dropped[0] == Message("user", "word 0")


def test_a_conversation_sends_the_whole_list_each_time():
    model = saying("3")
    talk = Conversation(model, "you are a math teacher", temperature=0)
    assert talk.say("what is 2+1") == "3"
    model.model.asked.clear()
    talk.say("and 5 more?")
    assert BYTES.decode(model.model.asked[0]) == (
        "<|system|>you are a math teacher<|end|><|user|>what is 2+1<|end|><|assistant|>3<|end|>"
        "<|user|>and 5 more?<|end|><|assistant|>"
    )
    assert [message["role"] for message in talk.messages] == (
        ["system", "user", "assistant", "user", "assistant"]
    )


def test_a_message_that_cannot_be_answered_is_not_kept():
    talk = Conversation(saying("3", max_len=40), temperature=0)
    with pytest.raises(ValueError, match="sees at once"):
        talk.say("x" * 100)
    assert talk.messages == []


def test_an_unknown_name_is_one_clear_sentence():
    with pytest.raises(ValueError, match="there is no chat model 'gpt-4'; there are: math-teacher"):
        load("gpt-4")
    assert set(MODELS) == {"math-teacher", "smollm2-135m-instruct"}
