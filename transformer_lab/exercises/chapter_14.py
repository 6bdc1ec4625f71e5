"""Exercises of chapter 14: chat."""

from __future__ import annotations

import math

from transformer_lab.exercises.exercise import Exercise, Mistake

Messages = list[dict[str, str]]
Turns = list[tuple[str, list[int]]]
Sized = list[tuple[str, int]]
IGNORED = -100


def _turn(message: dict[str, str]) -> list[str]:
    return [f"<|{message['role']}|>", *message["content"].split(), "<|end|>"]


def _one_sequence(messages: Messages) -> list[str]:
    return [token for message in messages for token in _turn(message)] + ["<|assistant|>"]


def _not_opened(messages: Messages) -> list[str]:
    return _one_sequence(messages)[:-1]


def _without_ends(messages: Messages) -> list[str]:
    return [token for token in _one_sequence(messages) if token != "<|end|>"]


def _only_the_last(messages: Messages) -> list[str]:
    return _one_sequence(messages[-1:])


def _without_system(messages: Messages) -> list[str]:
    return _one_sequence([message for message in messages if message["role"] != "system"])


def _closed_too_early(messages: Messages) -> list[str]:
    return [*_one_sequence(messages), "<|end|>"]


def _words_unsplit(messages: Messages) -> list[str]:
    parts = [[f"<|{each['role']}|>", each["content"], "<|end|>"] for each in messages]
    return [token for part in parts for token in part] + ["<|assistant|>"]


def _targets(turns: Turns) -> list[int]:
    return [
        id if role == "assistant" and place > 0 else IGNORED
        for role, ids in turns
        for place, id in enumerate(ids)
    ]


def _all_words(turns: Turns) -> list[int]:
    return [id for _, ids in turns for id in ids]


def _users_words(turns: Turns) -> list[int]:
    other = {"assistant": "user", "user": "assistant"}
    return _targets([(other.get(role, role), ids) for role, ids in turns])


def _opening_too(turns: Turns) -> list[int]:
    return [id if role == "assistant" else IGNORED for role, ids in turns for id in ids]


def _without_the_end(turns: Turns) -> list[int]:
    return [
        id if role == "assistant" and 0 < place < len(ids) - 1 else IGNORED
        for role, ids in turns
        for place, id in enumerate(ids)
    ]


def _last_answer_only(turns: Turns) -> list[int]:
    last = max(place for place, (role, _) in enumerate(turns) if role == "assistant")
    return [
        id if place == last and at > 0 else IGNORED
        for place, (_, ids) in enumerate(turns)
        for at, id in enumerate(ids)
    ]


def _of_the_next_place(turns: Turns) -> list[int]:
    return [*_targets(turns)[1:], IGNORED]


def _fit(messages: Sized, room: int) -> Sized:
    system, rest = messages[:1], messages[1:]
    while sum(size for _, size in system + rest) > room:
        rest = rest[1:]
        while rest[0][0] == "assistant":  # an answer leaves with its question
            rest = rest[1:]
    return system + rest


def _system_falls(messages: Sized, room: int) -> Sized:
    while sum(size for _, size in messages) > room:
        messages = messages[1:]
    return messages


def _one_at_a_time(messages: Sized, room: int) -> Sized:
    system, rest = messages[:1], messages[1:]
    while sum(size for _, size in system + rest) > room:
        rest = rest[1:]
    return system + rest


def _newest_falls(messages: Sized, room: int) -> Sized:
    while sum(size for _, size in messages) > room:
        messages = messages[:-1]
    return messages


def _only_once(messages: Sized, room: int) -> Sized:
    if sum(size for _, size in messages) <= room:
        return messages
    return messages[:1] + messages[3:]


def _without_the_system_in_the_sum(messages: Sized, room: int) -> Sized:
    return _fit(messages, room + messages[0][1])


def _always_two(messages: Sized, room: int) -> Sized:
    system, rest = messages[:1], messages[1:]
    while sum(size for _, size in system + rest) > room:
        rest = rest[2:]
    return system + rest


def _full_is_too_much(messages: Sized, room: int) -> Sized:
    return _fit(messages, room - 1)


def _dpo(
    better: float, worse: float, better_before: float, worse_before: float, beta: float
) -> float:
    gain = (better - better_before) - (worse - worse_before)
    return math.log1p(math.exp(-beta * gain))


def _without_the_start(
    better: float, worse: float, better_before: float, worse_before: float, beta: float
) -> float:
    return _dpo(better, worse, 0.0, 0.0, beta)


def _better_and_worse_exchanged(
    better: float, worse: float, better_before: float, worse_before: float, beta: float
) -> float:
    return _dpo(worse, better, worse_before, better_before, beta)


def _without_beta(
    better: float, worse: float, better_before: float, worse_before: float, beta: float
) -> float:
    return _dpo(better, worse, better_before, worse_before, 1.0)


def _no_logarithm(
    better: float, worse: float, better_before: float, worse_before: float, beta: float
) -> float:
    return math.exp(-_dpo(better, worse, better_before, worse_before, beta))


def _no_minus(
    better: float, worse: float, better_before: float, worse_before: float, beta: float
) -> float:
    return -_dpo(better, worse, better_before, worse_before, beta)


def _only_the_better(
    better: float, worse: float, better_before: float, worse_before: float, beta: float
) -> float:
    return _dpo(better, 0.0, better_before, 0.0, beta)


_talk = [
    {"role": "system", "content": "you are a math teacher"},
    {"role": "user", "content": "what is 2 + 1"},
    {"role": "assistant", "content": "3"},
    {"role": "user", "content": "and 5 more"},
]
_turns = [
    ("system", [1, 20, 21, 0]),
    ("user", [2, 30, 31, 32, 33, 0]),
    ("assistant", [3, 40, 41, 0]),
    ("user", [2, 34, 0]),
    ("assistant", [3, 42, 43, 44, 0]),
]
_sized = [
    ("system", 6),
    ("user", 9),
    ("assistant", 8),
    ("user", 7),
    ("assistant", 11),
    ("user", 5),
]
# The first question got no answer, the second got two.
_uneven = [
    ("system", 3),
    ("user", 10),
    ("user", 4),
    ("assistant", 13),
    ("assistant", 7),
    ("user", 8),
]

EXERCISES = {
    "one_sequence": Exercise(
        task="messages → one list of tokens: for each message its opening (such as '<|user|>'), "
        "its words, '<|end|>'; last the opening of the assistant's turn.",
        inputs=[(_talk,), (_talk[1:2],), (_talk[:2],), (_talk[1:],)],
        solution=_one_sequence,
        mistakes=[
            Mistake(
                _not_opened,
                "Whose turn is it after the last message? As it stands, the model must first "
                "guess who speaks next.",
            ),
            Mistake(_without_ends, "How does the model see where one turn ends?"),
            Mistake(
                _only_the_last,
                "That is the last message alone. From what should the model know what was said "
                "before?",
            ),
            Mistake(_without_system, "The system message is part of the sequence, like any other."),
            Mistake(
                _closed_too_early,
                "You have ended the assistant's turn before it has said anything.",
            ),
            Mistake(
                _words_unsplit,
                "What somebody says is still one piece here. Each of its words is a token.",
            ),
        ],
    ),
    "learned_targets": Exercise(
        task="turns, each a role and its IDs (opening, words, end) → one list: the ID where the "
        "model is to learn it, -100 elsewhere.",
        inputs=[(_turns,), (_turns[1:3],), (_turns[1:],)],
        solution=_targets,
        mistakes=[
            Mistake(
                _all_words,
                "So the model learns to write the user's lines too. Whose words should it learn?",
            ),
            Mistake(
                _users_words,
                "These are the user's words. Whose part is the model to play?",
            ),
            Mistake(
                _opening_too,
                "Who writes the opening of the assistant's turn: the model, or the template?",
            ),
            Mistake(
                _without_the_end,
                "How would the model ever learn to stop? The end of its turn is its own word.",
            ),
            Mistake(
                _last_answer_only,
                "Earlier answers are the assistant's words too. Why should they not be learned?",
            ),
            Mistake(
                _of_the_next_place,
                "You have moved everything one place to the left already. Here each ID is to "
                "stand at its own place.",
            ),
        ],
    ),
    "fit_window": Exercise(
        task="messages, the first of them the system's and the last the user's, as (role, number "
        "of tokens), and the tokens there is room for → the messages that stay.",
        inputs=[
            *((_sized, room) for room in (50, 46, 45, 29, 28, 12)),
            *((_uneven, room) for room in (45, 40, 35, 34, 12)),
        ],
        solution=_fit,
        mistakes=[
            Mistake(_system_falls, "The system message is to stay, though it is the oldest."),
            Mistake(
                _one_at_a_time,
                "You leave an answer whose question is gone. What should leave together?",
            ),
            Mistake(_newest_falls, "You drop the newest first: also the one to be answered."),
            Mistake(_only_once, "Is there room now? One exchange less may not be enough."),
            Mistake(
                _without_the_system_in_the_sum, "The system message takes room in the window too."
            ),
            Mistake(
                _always_two,
                "You always take away two messages. A question can have no answer, or more than "
                "one.",
            ),
            Mistake(
                _full_is_too_much,
                "You throw an exchange away although everything fits: what fills the room to the "
                "last token may stay.",
            ),
        ],
    ),
    "dpo_of_pair": Exercise(
        task="log probabilities of the better and the worse answer, the same two under the model "
        "that one began with, and beta → the DPO loss of this pair.",
        inputs=[
            (-3.0, -2.5, -4.0, -1.75, 0.5),
            (-7.0, -1.0, -2.0, -1.5, 0.25),
            (-0.5, -6.0, -0.75, -3.5, 0.1),
        ],
        solution=_dpo,
        mistakes=[
            Mistake(
                _without_the_start,
                "Gained since when? You compare the two answers with each other, but neither with "
                "the model that one began with.",
            ),
            Mistake(
                _better_and_worse_exchanged,
                "With this loss the worse answer is the one that gains. Which sign does the gain "
                "of the better one have?",
            ),
            Mistake(_without_beta, "How strongly the gain counts is for beta to say."),
            Mistake(
                _no_logarithm,
                "This is a probability: of the better answer being chosen. The loss is made of "
                "its logarithm.",
            ),
            Mistake(
                _no_minus,
                "Training makes the loss small. Would yours be small where the better answer has "
                "gained?",
            ),
            Mistake(
                _only_the_better,
                "You look at the better answer alone. What has become of the worse one?",
            ),
        ],
    ),
}
