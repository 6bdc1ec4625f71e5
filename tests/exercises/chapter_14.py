"""Right and wrong answers to the exercises of chapter 14, as readers write them."""

from __future__ import annotations

import math
from itertools import chain

import numpy as np
import torch


def sequence_by_loop(messages):
    tokens = []
    for message in messages:
        tokens += ["<|" + message["role"] + "|>"]
        for word in message["content"].split(" "):
            tokens.append(word)
        tokens.append("<|end|>")
    tokens.append("<|assistant|>")
    return tokens


def sequence_by_one_string(messages):
    return (
        "".join(f"<|{m['role']}|> {m['content']} <|end|> " for m in messages) + "<|assistant|>"
    ).split()


def targets_by_loop(turns):
    targets = []
    for role, ids in turns:
        targets.append(-100)
        for id in ids[1:]:
            targets.append(id if role == "assistant" else -100)
    return targets


def targets_in_a_tensor(turns):
    ids = torch.cat([torch.tensor(ids) for _, ids in turns])
    learned = torch.cat(
        [torch.tensor([False] + (len(ids) - 1) * [role == "assistant"]) for role, ids in turns]
    )
    return ids.where(learned, -100)


def window_from_each_question(messages, room):
    starts = [i for i, (role, _) in enumerate(messages) if role == "user"]
    for start in starts:
        kept = messages[:1] + messages[start:]
        if sum(n for _, n in kept) <= room:
            return kept
    return None


def window_from_the_end(messages, room):
    """The newest exchanges that fit, counted backwards."""
    kept, waiting, used = [], [], messages[0][1]
    for message in reversed(messages[1:]):
        waiting.insert(0, message)
        if message[0] == "user":
            used += sum(n for _, n in waiting)
            if used > room:
                break
            kept, waiting = waiting + kept, []
    return [messages[0], *kept]


def window_by_exchanges(messages, room):
    exchanges = []
    for message in messages[1:]:
        if message[0] == "user":
            exchanges.append([])
        exchanges[-1].append(message)
    while messages[0][1] + sum(n for each in exchanges for _, n in each) > room:
        exchanges.pop(0)
    return (messages[0], *chain(*exchanges))


def window_in_place(messages, room):
    while sum(n for _, n in messages) > room:
        del messages[1]
        while messages[1][0] == "assistant":
            del messages[1]
    return messages


def window_one_by_one(messages, room):
    while sum(n for _, n in messages) > room:
        messages = [messages[0], *messages[2:]]
    return messages


def window_of_newest_messages(messages, room):
    """As many of the newest messages as fit, whosever they are."""
    kept, used = [], messages[0][1]
    for message in reversed(messages[1:]):
        used += message[1]
        if used > room:
            break
        kept.insert(0, message)
    return [messages[0], *kept]


def window_pairs(messages, room):
    while sum(n for _, n in messages) > room:
        messages = messages[:1] + messages[3:]
    return messages


RIGHT = {
    "one_sequence": [
        sequence_by_loop,
        sequence_by_one_string,
        lambda messages: tuple(sequence_by_loop(messages)),
        lambda messages: np.array(sequence_by_loop(messages)),
        lambda messages: [
            *chain(*([f"<|{m['role']}|>", *m["content"].split(), "<|end|>"] for m in messages)),
            "<|assistant|>",
        ],
    ],
    "learned_targets": [
        targets_by_loop,
        targets_in_a_tensor,
        lambda turns: np.array(targets_by_loop(turns)),
        lambda turns: [
            target
            for role, (_, *words) in turns
            for target in [-100, *(words if role == "assistant" else len(words) * [-100])]
        ],
        lambda turns: tuple(float(target) for target in targets_by_loop(turns)),
    ],
    "fit_window": [
        window_from_each_question,
        window_from_the_end,
        window_by_exchanges,
        window_in_place,
        lambda messages, room: [list(each) for each in window_by_exchanges(messages, room)],
    ],
    "dpo_of_pair": [
        lambda w, v, w0, v0, beta: -math.log(1 / (1 + math.exp(-beta * (w - v - w0 + v0)))),
        lambda w, v, w0, v0, beta: np.logaddexp(0, beta * ((v - v0) - (w - w0))),
        lambda w, v, w0, v0, beta: (
            -torch.nn.functional.logsigmoid(torch.tensor(beta * ((w - w0) - (v - v0))))
        ),
        lambda w, v, w0, v0, beta: torch.nn.functional.softplus(
            beta * torch.tensor([v, -v0, -w, w0]).sum()
        ),
        lambda w, v, w0, v0, beta: math.log(
            1 + (math.exp(v) / math.exp(v0) / (math.exp(w) / math.exp(w0))) ** beta
        ),
    ],
}

WRONG = {
    "one_sequence": [
        lambda messages: sequence_by_loop(messages)[:-1],  # nobody is asked to speak
        lambda messages: sequence_by_loop(messages[-1:]),  # forgets the rest
        lambda messages: [*sequence_by_loop(messages), "<|end|>"],  # an empty answer
        lambda messages: [t for t in sequence_by_loop(messages) if t != "<|end|>"],
        lambda messages: [  # whole contents
            *chain(*([f"<|{m['role']}|>", m["content"], "<|end|>"] for m in messages)),
            "<|assistant|>",
        ],
        lambda messages: " ".join(sequence_by_loop(messages)),  # one string
        lambda messages: [*chain(*(m["content"].split() for m in messages)), "<|assistant|>"],
        lambda messages: [  # ends everything once
            *chain(*([f"<|{m['role']}|>", *m["content"].split()] for m in messages)),
            "<|end|>",
            "<|assistant|>",
        ],
        lambda messages: [[f"<|{m['role']}|>", *m["content"].split()] for m in messages],
        lambda messages: np.zeros(3),
    ],
    "learned_targets": [
        lambda turns: [id for _, ids in turns for id in ids],  # everybody's words
        lambda turns: [id if role == "assistant" else -100 for role, ids in turns for id in ids],
        lambda turns: [  # never stops
            id if role == "assistant" and 0 < i < len(ids) - 1 else -100
            for role, ids in turns
            for i, id in enumerate(ids)
        ],
        lambda turns: [id for role, ids in turns if role == "assistant" for id in ids[1:]],
        lambda turns: [*targets_by_loop(turns)[1:], -100],  # moved by one
        lambda turns: [  # the last answer only
            id if i == len(turns) - 1 and k else -100
            for i, (_, ids) in enumerate(turns)
            for k, id in enumerate(ids)
        ],
        lambda turns: [0 if target == -100 else target for target in targets_by_loop(turns)],
        lambda turns: [  # the user's and the system's words
            id if role != "assistant" and k else -100
            for role, ids in turns
            for k, id in enumerate(ids)
        ],
    ],
    "fit_window": [
        window_one_by_one,
        window_of_newest_messages,
        window_pairs,
        lambda messages, room: window_by_exchanges(messages, room - 1),
        lambda messages, room: window_by_exchanges(messages, room + messages[0][1]),
        lambda messages, room: messages,  # everything stays
        lambda messages, room: [messages[0], messages[-1]],  # only the last question
        lambda messages, room: window_by_exchanges(messages, room)[1:],  # without the system's
    ],
    "dpo_of_pair": [
        lambda w, v, w0, v0, beta: math.log(1 + math.exp(-beta * (w - v))),  # no start
        lambda w, v, w0, v0, beta: math.log(1 + math.exp(beta * (w - v - w0 + v0))),  # turned
        lambda w, v, w0, v0, beta: math.log(1 + math.exp(-(w - v - w0 + v0))),  # no beta
        lambda w, v, w0, v0, beta: 1 / (1 + math.exp(-beta * (w - v - w0 + v0))),  # no log
        lambda w, v, w0, v0, beta: -beta * (w - v - w0 + v0),  # no sigmoid
        lambda w, v, w0, v0, beta: math.log(1 + math.exp(-beta * (w - w0))),  # only the better
        lambda w, v, w0, v0, beta: math.log(1 + math.exp(-beta * (w + v - w0 - v0))),
        lambda w, v, w0, v0, beta: math.log2(1 + math.exp(-beta * (w - v - w0 + v0))),  # bits
    ],
}
