"""Exercises of chapter 4: embeddings."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize, one_hot

from transformer_lab.exercises.exercise import Exercise, Mistake


def _rows_of_ones(ids: Tensor, table: Tensor) -> Tensor:
    return one_hot(ids, len(table)).float()


def _lookup_by_one_hot(ids: Tensor, table: Tensor) -> Tensor:
    return _rows_of_ones(ids, table) @ table


def _sinusoidal_row(position: int, d_model: int) -> Tensor:
    return _in_turn(*_waves(position, d_model))


def _waves(position: int, d_model: int, exponent: float = -2.0) -> tuple[Tensor, Tensor]:
    """The sines and the cosines of one row."""
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


# Sizes that all differ: what is meant for one axis then fits no other.
_random = torch.Generator().manual_seed(4)
_table, _wide = torch.randn(8, 5, generator=_random), torch.randn(6, 9, generator=_random)
_texts, _more = (torch.randn(*shape, generator=_random) for shape in ((2, 3, 5), (3, 4, 9)))
_one_text = torch.randn(1, 7, 5, generator=_random)
_lengths = torch.tensor([1.0, 5.0, 0.3, 2.0, 0.1, 3.0, 1.5, 0.5, 4.0])
# A product reads every row of the table, and what is not a number stays so, even times 0; who
# picks rows never meets the one that was not asked for.
_with_nan = _table.clone()
_with_nan[5] = torch.nan
_vectors = torch.randn(9, 5, generator=torch.Generator().manual_seed(9)) * _lengths[:, None]

EXERCISES = {
    "lookup_by_one_hot": Exercise(
        task="ids (T), table (V, D) → the rows of the table (T, D), by one matrix product.",
        inputs=[
            (torch.tensor([3, 0, 3]), _table),
            (torch.tensor([4, 1, 5, 2]), _wide),
            (torch.tensor([3, 0, 3]), _with_nan),
        ],
        solution=_lookup_by_one_hot,
        mistakes=[
            Mistake(
                lambda ids, table: table[ids],
                "These are the right rows, but each was picked by its number. The question asks "
                "for a product with the whole table.",
            ),
            Mistake(
                _rows_of_ones,
                "These are the one-hot rows themselves. What do you multiply them with to "
                "get from V numbers to D?",
            ),
            Mistake(
                lambda ids, table: _rows_of_ones(ids, table).sum(0) @ table,
                "All tokens were added into one vector. Each token keeps a row of its own.",
            ),
            Mistake(
                lambda ids, table: _rows_of_ones((ids - 1) % len(table), table) @ table,
                "Each token got the row before its own: IDs count from 0.",
            ),
            Mistake(
                lambda ids, table: ids[:, None] * _rows_of_ones(ids, table) @ table,
                "The rows are the right ones, but multiplied by the ID. The ID is a name: the "
                "one-hot row holds a 1 in its place, and nothing else.",
            ),
            Mistake(
                lambda ids, table: _rows_of_ones(ids, table).softmax(dim=-1) @ table,
                "The rows are mixed: a softmax leaves something at every place. In a one-hot row "
                "all but one number are 0.",
            ),
        ],
    ),
    "sinusoidal_row": Exercise(
        task="position, d_model → the row (d_model): sine and cosine in turn, fast waves first.",
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
        task="x (B, T, D), table (max_len, D) → the tokens, each with its position added "
        "(B, T, D).",
        inputs=[(_texts, _table), (_more, _wide), (_one_text, _table)],
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
            Mistake(
                lambda x, table: table[: x.shape[1]].expand_as(x),
                "These are the positions alone: what was in the text is gone.",
            ),
            Mistake(
                lambda x, table: x + table[: x.shape[1]].flip(0),
                "The positions run backwards: the first token got the last of the rows.",
            ),
        ],
    ),
    "cosine_neighbours": Exercise(
        task="vectors (V, D), index, n → the indices of the n vectors most like that one.",
        inputs=[(_vectors, 0, 3), (_vectors, 4, 2), (_vectors, 6, 4)],
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
            Mistake(
                lambda vectors, index, n: (
                    normalize(vectors, dim=1) @ normalize(vectors[index], dim=0)
                )[_cosine_neighbours(vectors, index, n)],
                "These are the cosines. The question asks where the vectors stand: for their "
                "indices.",
            ),
            Mistake(
                lambda vectors, index, n: _cosine_neighbours(vectors, index, n).sort().values,
                "The neighbours are the right ones, but in the order of the table. The most "
                "similar comes first.",
            ),
            Mistake(
                lambda vectors, index, n: _best(
                    (normalize(vectors, dim=0) @ normalize(vectors, dim=0)[index]), index, n
                ),
                "Here each column was brought to length 1. It is the rows that are the vectors.",
            ),
        ],
    ),
}
