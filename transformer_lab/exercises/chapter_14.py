"""Exercises of chapter 14: chat."""

from __future__ import annotations

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


_talk = [
    {"role": "system", "content": "you are a math teacher"},
    {"role": "user", "content": "what is 2 + 1"},
    {"role": "assistant", "content": "3"},
    {"role": "user", "content": "and 5 more"},
]
_turns = [
    ("system", [1, 20, 21, 0]),
    ("user", [2, 30, 31, 32, 0]),
    ("assistant", [3, 40, 41, 0]),
    ("user", [2, 33, 0]),
    ("assistant", [3, 42, 0]),
]
_sized = [
    ("system", 6),
    ("user", 9),
    ("assistant", 8),
    ("user", 7),
    ("assistant", 11),
    ("user", 5),
]

EXERCISES = {
    "one_sequence": Exercise(
        task="messages → one list of tokens: for each message its opening (such as '<|user|>'), "
        "its words, '<|end|>'; last the opening of the assistant's turn.",
        inputs=[(_talk,), (_talk[1:2],), (_talk[:2],)],
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
        ],
    ),
    "learned_targets": Exercise(
        task="turns, each a role and its IDs (opening, words, end) → one list: the ID where the "
        "model is to learn it, -100 elsewhere.",
        inputs=[(_turns,), (_turns[1:3],)],
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
        ],
    ),
    "fit_window": Exercise(
        task="messages, the first of them the system's, as (role, number of tokens), and the "
        "tokens there is room for → those that stay.",
        inputs=[(_sized, 46), (_sized, 45), (_sized, 30), (_sized, 28), (_sized, 12)],
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
        ],
    ),
}
