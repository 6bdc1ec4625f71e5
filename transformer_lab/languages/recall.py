"""The recall language: notes, and a question about one of them.

A note such as `c3` says: the thing called c has the value 3. A text is a row of
notes about different things, then a question, `c?`. The answer is the value in
the note:

    f1 c3 a4 k2 c?  →  3

How many notes back the answer stands is the *distance*. A model that has
forgotten the note can only guess, and is right once in four times. It leaves
out everything else that makes language hard: only memory is tested.

Source: the idea of tasks that test memory over a distance, Hochreiter and
Schmidhuber 1997; key-value recall as in Graves et al. 2014. Taught in chapter 1.
"""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Tensor

THINGS = tuple("abcdefghijklmnopqrstuvwx")
VALUES = tuple("1234")
# Notes come first, so that the ID of a note is thing * len(VALUES) + value.
VOCABULARY = (
    *(thing + value for thing in THINGS for value in VALUES),
    *(thing + "?" for thing in THINGS),
)
MAX_NOTES = len(THINGS)  # a thing is noted once at most
CHANCE = 1 / len(VALUES)


def encode(text: str) -> list[int]:
    """The token IDs of a text such as "f1 c3 c?".

    Raises:
        ValueError: if a token is not in `VOCABULARY`.

    >>> encode("a1 a4 b?")
    [0, 3, 97]
    """
    unknown = [token for token in text.split() if token not in VOCABULARY]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no token of the recall language")
    return [VOCABULARY.index(token) for token in text.split()]


def decode(ids: list[int]) -> str:
    """The text of these token IDs.

    >>> decode([0, 3, 97])
    'a1 a4 b?'
    """
    return " ".join(VOCABULARY[id] for id in ids)


def sample(
    n: int, *, notes: int, distance: int, generator: torch.Generator
) -> tuple[Int[Tensor, "n T"], Int[Tensor, "n"]]:
    """Draw texts whose question is about the note `distance` places before it.

    Args:
        n: how many texts.
        notes: how many notes each has; they have T = notes + 1 tokens.
        distance: 1 asks for the last note, `notes` for the first.
        generator: gives the same texts for the same seed.

    Returns:
        The texts, and the answer to each: 0 for the value "1", and so on.

    Raises:
        ValueError: if there are more notes than things, or the distance does
            not lie among the notes.

    >>> texts, answers = sample(2, notes=3, distance=3, generator=torch.Generator().manual_seed(0))
    >>> texts.shape, bool((texts[:, 0] % len(VALUES) == answers).all())
    (torch.Size([2, 4]), True)
    """
    if not 1 <= distance <= notes <= MAX_NOTES:
        raise ValueError(
            f"distance={distance} and notes={notes} do not fit: the distance is at least 1 and at "
            f"most the number of notes, of which there are at most {MAX_NOTES}"
        )
    things = torch.rand(n, len(THINGS), generator=generator).argsort(dim=1)[:, :notes]
    values = torch.randint(len(VALUES), (n, notes), generator=generator)
    asked = notes - distance
    question = len(THINGS) * len(VALUES) + things[:, asked]
    texts = torch.cat([things * len(VALUES) + values, question[:, None]], dim=1)
    return texts, values[:, asked]
