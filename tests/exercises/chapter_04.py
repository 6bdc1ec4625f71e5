"""Right and wrong answers to the exercises of chapter 4, as readers write them."""

import math

import numpy as np
import torch
from torch.nn import functional


def _one_hot_by_hand(ids, table):
    rows = torch.zeros(len(ids), len(table))
    for t, id in enumerate(ids.tolist()):
        rows[t, id] = 1
    return rows.mm(table)


def _one_hot_in_numpy(ids, table):
    rows = np.zeros((len(ids), table.shape[0]))
    rows[np.arange(len(ids)), ids.numpy()] = 1
    return rows @ table.numpy()


def _one_hot_in_loops(ids, table):
    table = table.tolist()
    return [
        [sum((v == id) * table[v][d] for v in range(len(table))) for d in range(len(table[0]))]
        for id in ids.tolist()
    ]


def _scattered(ids, table):
    rows = torch.zeros(len(ids), len(table)).scatter_(1, ids[:, None], 1.0)
    return torch.matmul(rows, table)


def _row_in_a_loop(position, d_model):
    return [
        (math.cos if k % 2 else math.sin)(position / 10_000 ** (k // 2 * 2 / d_model))
        for k in range(d_model)
    ]


def _row_by_slices(position, d_model):
    row = torch.empty(d_model)
    angles = position / 10_000 ** (torch.arange(0, d_model, 2) / d_model)
    row[0::2], row[1::2] = angles.sin(), angles.cos()
    return row


def _row_in_numpy(position, d_model):
    i = np.arange(d_model)
    angles = position / np.power(10_000.0, 2 * (i // 2) / d_model)
    return np.where(i % 2 == 0, np.sin(angles), np.cos(angles))


def _row_by_exp(position, d_model):
    speeds = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10_000.0) / d_model))
    return torch.stack([(position * speeds).sin(), (position * speeds).cos()]).T.reshape(-1)


def _row(position, d_model, base=10_000.0, step=2, divide=None):
    i = torch.arange(d_model // 2)
    angles = position / base ** (step * i / (divide or d_model))
    return torch.stack([angles.sin(), angles.cos()], dim=1).flatten()


def _added_in_loops(x, table):
    x, table = x.tolist(), table.tolist()
    return [
        [[number + table[t][d] for d, number in enumerate(vector)] for t, vector in enumerate(text)]
        for text in x
    ]


def _neighbours_sorted(vectors, index, n):
    def likeness(i):
        return -torch.cosine_similarity(vectors[i], vectors[index], dim=0)

    return sorted((i for i in range(len(vectors)) if i != index), key=likeness)[:n]


def _neighbours_in_numpy(vectors, index, n):
    v = vectors.numpy()
    cosines = v @ v[index] / np.linalg.norm(v, axis=1) / np.linalg.norm(v[index])
    cosines[index] = -np.inf
    return np.argsort(-cosines)[:n]


def _neighbours_all_pairs(vectors, index, n):
    unit = functional.normalize(vectors, dim=-1)
    return (unit @ unit.T).fill_diagonal_(-2)[index].topk(n).indices


def _neighbours_without_the_first(vectors, index, n):
    order = torch.cosine_similarity(vectors, vectors[index][None]).argsort(descending=True)
    return tuple(order[1 : n + 1].tolist())


def _best(likeness, index, n):
    return [i for i in likeness.argsort(descending=True).tolist() if i != index][:n]


RIGHT = {
    "lookup_by_one_hot": [
        _one_hot_by_hand,
        _one_hot_in_numpy,
        _one_hot_in_loops,
        _scattered,
        lambda ids, table: torch.eye(table.shape[0])[ids] @ table,
        lambda ids, table: functional.one_hot(ids, len(table)).float() @ table,
        lambda ids, table: (ids[:, None] == torch.arange(len(table))).float() @ table,
        lambda ids, table: torch.einsum("tv,vd->td", torch.eye(len(table))[ids], table),
        lambda ids, table: functional.linear(torch.eye(len(table))[ids], table.T),
        lambda ids, table: list(torch.eye(len(table))[ids] @ table),
    ],
    "sinusoidal_row": [_row_in_a_loop, _row_by_slices, _row_in_numpy, _row_by_exp],
    "add_positions": [
        _added_in_loops,
        lambda x, table: x + table[torch.arange(x.shape[1])],
        lambda x, table: torch.stack([x[:, t] + table[t] for t in range(x.shape[1])], dim=1),
        lambda x, table: x.numpy() + table.numpy()[None, : x.shape[1]],
        lambda x, table: [text + table[: len(text)] for text in x],
        lambda x, table: x.add_(table[: x.size(1)].unsqueeze(0)),
    ],
    "cosine_neighbours": [
        _neighbours_sorted,
        _neighbours_in_numpy,
        _neighbours_all_pairs,
        _neighbours_without_the_first,
    ],
}

WRONG = {
    "lookup_by_one_hot": [
        lambda ids, table: table[ids],  # right numbers, but no product
        lambda ids, table: torch.stack([table[i] for i in ids.tolist()]),
        lambda ids, table: functional.embedding(ids, table),
        lambda ids, table: table.index_select(0, ids),
        lambda ids, table: torch.stack([list(table)[i] for i in ids.tolist()]),
        lambda ids, table: torch.eye(len(table))[ids],
        lambda ids, table: torch.eye(len(table))[ids].sum(dim=0) @ table,
        lambda ids, table: torch.eye(len(table))[ids - 1] @ table,
        lambda ids, table: (torch.eye(len(table))[ids] @ table).T,
        lambda ids, table: torch.eye(len(table))[ids.flip(0)] @ table,
        lambda ids, table: torch.eye(len(table))[ids].mean(dim=0, keepdim=True) @ table,
        lambda ids, table: functional.one_hot(ids) @ table,
    ],
    "sinusoidal_row": [
        lambda position, d_model: _row(position, d_model, base=1000.0),
        lambda position, d_model: _row(position + 1, d_model),
        lambda position, d_model: _row(position, d_model, step=1),
        lambda position, d_model: _row(position, d_model, step=-2),
        lambda position, d_model: _row(position, d_model, step=1, divide=d_model // 2 - 1),
        lambda position, d_model: _row(position, d_model).view(-1, 2).T.flatten(),
        lambda position, d_model: _row(position, d_model).view(-1, 2).flip(1).flatten(),
        lambda position, d_model: _row(position, d_model).flip(0),
        lambda position, d_model: _row(math.radians(position), d_model),
        lambda position, d_model: torch.sin(position / 10_000 ** (torch.arange(d_model) / d_model)),
        lambda position, d_model: [_row(position, d_model).tolist()],
    ],
    "add_positions": [
        lambda x, table: x,
        lambda x, table: table[: x.shape[1]].expand_as(x),
        lambda x, table: x + table[0],
        lambda x, table: x + table[1 : x.shape[1] + 1],
        lambda x, table: x + table[-x.shape[1] :],
        lambda x, table: x + table[: x.shape[0], None],
        lambda x, table: x * table[: x.shape[1]],
        lambda x, table: x + table[: x.shape[1]].mean(dim=0),
        lambda x, table: x + table[: x.shape[1]].flip(0),
        lambda x, table: x + table[: x.shape[1]] / x.shape[1] ** 0.5,
        lambda x, table: x + torch.arange(x.shape[1])[:, None],
        lambda x, table: (x + table[: x.shape[1]])[0],
        lambda x, table: torch.cat([x, table[: x.shape[1]].expand_as(x)], dim=-1),
        lambda x, table: x + table,  # rows that the texts do not have
    ],
    "cosine_neighbours": [
        lambda v, index, n: torch.cosine_similarity(v, v[index][None]).topk(n).indices,
        lambda v, index, n: _best(v @ v[index], index, n),
        lambda v, index, n: _best(-torch.cdist(v, v[index][None])[:, 0], index, n),
        lambda v, index, n: _best(-torch.cosine_similarity(v, v[index][None]), index, n),
        lambda v, index, n: _best(torch.cosine_similarity(v, v[index][None]).abs(), index, n),
        lambda v, index, n: _best((v @ v[index]) / v.norm(), index, n),
        lambda v, index, n: _best((v @ v[index]) / v.norm(dim=1) ** 2, index, n),
        lambda v, index, n: _best(
            torch.cosine_similarity(v - v.mean(0), (v - v.mean(0))[index][None]), index, n
        ),
        lambda v, index, n: _best(functional.normalize(v, dim=0) @ v[index], index, n),
        lambda v, index, n: sorted(_neighbours_sorted(v, index, n)),
        lambda v, index, n: _neighbours_sorted(v, index, n)[::-1],
        lambda v, index, n: _neighbours_sorted(v, index, n + 1),
        lambda v, index, n: torch.cosine_similarity(v, v[index][None]).topk(n + 1).values[1:],
        lambda v, index, n: v[_neighbours_sorted(v, index, n)],
    ],
}
