"""Exercises of chapter 4: embeddings."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize, one_hot

from transformer_lab.embeddings import sinusoidal_positions
from transformer_lab.exercises.exercise import Exercise, Mistake


def _lookup_by_one_hot(ids: Tensor, table: Tensor) -> Tensor:
    return one_hot(ids, len(table)).to(table.dtype) @ table


def _sinusoidal_row(position: int, d_model: int) -> Tensor:
    return sinusoidal_positions(position + 1, d_model)[position]


def _waves(position: int, d_model: int, exponent: float = -2.0) -> tuple[Tensor, Tensor]:
    """Sines and cosines of one row, for the mistakes."""
    angles = position * 10_000.0 ** (exponent * torch.arange(d_model // 2) / d_model)
    return angles.sin(), angles.cos()


def _in_turn(first: Tensor, second: Tensor) -> Tensor:
    return torch.stack([first, second], dim=-1).flatten()


def _add_positions(x: Tensor, table: Tensor) -> Tensor:
    return x + table[: x.shape[1]]


def _cosine_neighbours(vectors: Tensor, index: int, n: int) -> Tensor:
    return _best(normalize(vectors, dim=1) @ normalize(vectors[index], dim=0), index, n)


def _best(nearness: Tensor, index: int, n: int) -> Tensor:
    order = nearness.argsort(descending=True)
    return order[order != index][:n]


_random = torch.Generator().manual_seed(4)
_square, _table = torch.randn(5, 5, generator=_random), torch.randn(8, 5, generator=_random)
_lengths = torch.tensor([1.0, 5.0, 0.3, 2.0, 0.1, 3.0, 1.5, 0.5])
_vectors = torch.randn(8, 4, generator=_random) * _lengths[:, None]

EXERCISES = {
    "lookup_by_one_hot": Exercise(
        task="ids (T), table (V, D) → (T, D): the rows of the table, by one matrix product.",
        inputs=[(torch.tensor([3, 0, 3]), _table), (torch.tensor([4, 1]), _square)],
        solution=_lookup_by_one_hot,
        mistakes=[
            Mistake(
                lambda ids, table: one_hot(ids, len(table)),
                "These are the one-hot rows themselves. What do you multiply them with to "
                "get from V numbers to D?",
            ),
            Mistake(
                lambda ids, table: one_hot(ids, len(table)).sum(0).to(table.dtype) @ table,
                "All tokens were added into one vector. Each token keeps a row of its own.",
            ),
            Mistake(
                lambda ids, table: table[ids - 1],
                "Each token got the row before its own: IDs count from 0.",
            ),
            Mistake(
                lambda ids, table: ids[:, None] * table[ids],
                "The rows are the right ones, but multiplied by the ID. The ID is a name: the "
                "one-hot row holds a 1 in its place, and nothing else.",
            ),
            Mistake(
                lambda ids, table: table.T[ids],
                "These are columns of the table. A token's vector is a row.",
            ),
        ],
    ),
    "sinusoidal_row": Exercise(
        task="position, d_model → (d_model): sine and cosine in turn, the fast wave first.",
        inputs=[(0, 4), (3, 8), (50, 6)],
        solution=_sinusoidal_row,
        mistakes=[
            Mistake(
                lambda position, d_model: torch.cat(_waves(position, d_model)),
                "The numbers are right, but all sines come first and then all cosines. The "
                "paper lays sine and cosine of one wave side by side.",
            ),
            Mistake(
                lambda position, d_model: _in_turn(*reversed(_waves(position, d_model))),
                "Sine and cosine are the wrong way round: position 0 should begin with 0.",
            ),
            Mistake(
                lambda position, d_model: _in_turn(*_waves(position + 1, d_model)),
                "This is the row of the next position: positions count from 0.",
            ),
            Mistake(
                lambda position, d_model: _in_turn(*_waves(position, d_model, exponent=-1.0)),
                "The waves slow down only half as fast as they should. In the exponent stands "
                "2i, which runs over the even numbers up to d_model.",
            ),
            Mistake(
                lambda position, d_model: _in_turn(*_waves(position, d_model, exponent=2.0)),
                "The waves get faster along the row, but they should get slower. Is the sign "
                "of the exponent right?",
            ),
        ],
    ),
    "add_positions": Exercise(
        task="x (B, T, D), table (max_len, D) → (B, T, D): add to each token its position.",
        inputs=[
            (torch.zeros(2, 3, 5), _table),
            (torch.ones(3, 3, 5), _table),
            (torch.randn(1, 4, 5, generator=_random), _table),
        ],
        solution=_add_positions,
        mistakes=[
            Mistake(
                lambda x, table: x + 2 * table[: x.shape[1]],
                "The position is in there twice. It is added once, at the entrance.",
            ),
            Mistake(
                lambda x, table: x + table[: len(x), None],
                "Every text of the batch got a position, and all tokens of one text the same. "
                "Which axis of x counts the tokens?",
            ),
            Mistake(
                lambda x, table: x + table[1 : x.shape[1] + 1],
                "The first token got the second row: positions count from 0.",
            ),
            Mistake(
                lambda x, table: x + table[0],
                "All tokens got the row of position 0. Then nobody can tell them apart.",
            ),
            Mistake(
                lambda x, table: x + table[-x.shape[1] :],
                "These are the last rows of the table. A text begins at position 0, however "
                "long the table is.",
            ),
            Mistake(
                lambda x, table: x * table[: x.shape[1]],
                "The rows are the right ones, but multiplied. Token and position are added.",
            ),
        ],
    ),
    "cosine_neighbours": Exercise(
        task="vectors (V, D), index, n → the indices of the n vectors most like that one.",
        inputs=[(_vectors, 0, 3), (_vectors, 4, 2), (_vectors, 1, 4)],
        solution=_cosine_neighbours,
        mistakes=[
            Mistake(
                lambda vectors, index, n: (normalize(vectors, dim=1) @ vectors[index]).topk(n)[1],
                "The word itself is first on its own list. Leave it out.",
            ),
            Mistake(
                lambda vectors, index, n: _best(vectors @ vectors[index], index, n),
                "Here long vectors win because they are long. Cosine compares directions only: "
                "what is left when every vector has length 1?",
            ),
            Mistake(
                lambda vectors, index, n: _best(-(vectors - vectors[index]).norm(dim=1), index, n),
                "This is the distance between the tips of the arrows, not the cosine of the "
                "angle between them.",
            ),
            Mistake(
                lambda vectors, index, n: _best(
                    -(normalize(vectors, dim=1) @ vectors[index]), index, n
                ),
                "These are the vectors that are least like it: the order is the wrong way round.",
            ),
        ],
    ),
}
