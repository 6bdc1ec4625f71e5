"""Right and wrong answers to the exercises of chapter 13, as readers write them."""

import numpy as np
import torch
from torch.nn import functional


def with_loops(ids):
    rows = ids.tolist()
    return [[[2, *row] for row in rows], [[*row, 3] for row in rows]]


def one_word_at_a_time(x, memory):
    mixed = []
    for query in x:
        weights = torch.tensor([float(query @ key) / len(query) ** 0.5 for key in memory]).exp()
        mixed.append((weights / weights.sum()) @ memory)
    return mixed


def in_numpy(x, memory):
    x, memory = x.numpy(), memory.numpy()
    weights = np.exp(x @ memory.T / np.sqrt(x.shape[1]))
    return weights / weights.sum(axis=1, keepdims=True) @ memory


def counted(written, truth):
    right = 0
    for i in range(len(truth)):
        if len(written[i]) == len(truth[i]) and all(a == b for a, b in zip(written[i], truth[i])):  # noqa: B905
            right += 1
    return right / len(truth)


RIGHT = {
    "shift_right": [
        lambda ids: torch.stack(
            [functional.pad(ids, (1, 0), value=2), functional.pad(ids, (0, 1), value=3)]
        ),
        lambda ids: (functional.pad(ids, (1, 0), value=2), functional.pad(ids, (0, 1), value=3)),
        with_loops,
        lambda ids: np.stack(
            [np.insert(ids.numpy(), 0, 2, axis=1), np.append(ids, [[3]] * len(ids), axis=1)]
        ),
    ],
    "cross_attention": [
        lambda x, memory: functional.scaled_dot_product_attention(
            x[None], memory[None], memory[None]
        )[0],
        one_word_at_a_time,
        in_numpy,
        lambda x, memory: (
            torch.einsum("td,sd->ts", x, memory).div(x.shape[1] ** 0.5).softmax(1) @ memory
        ).tolist(),
    ],
    "exact_match": [
        lambda written, truth: (
            len([1 for i in range(len(truth)) if " ".join(written[i]) == " ".join(truth[i])])
            / len(truth)
        ),
        counted,
        lambda written, truth: np.mean([w == t for w, t in zip(written, truth)]),  # noqa: B905
        lambda written, truth: torch.tensor([*map(list.__eq__, written, truth)]).float().mean(),
    ],
}

WRONG = {
    "shift_right": [
        lambda ids: torch.stack([ids, ids]),
        lambda ids: torch.stack([functional.pad(ids, (1, 0), value=2)] * 2),
        lambda ids: torch.stack([functional.pad(ids, (0, 1), value=3)] * 2),
        lambda ids: torch.stack(
            [functional.pad(ids, (0, 1), value=3), functional.pad(ids, (1, 0), value=2)]
        ),
        lambda ids: torch.stack(
            [functional.pad(ids, (1, 0), value=3), functional.pad(ids, (0, 1), value=2)]
        ),
        lambda ids: torch.stack(
            [functional.pad(ids, (1, 0), value=0), functional.pad(ids, (0, 1), value=0)]
        ),
        lambda ids: (ids[:, :-1], ids[:, 1:]),
    ],
    "cross_attention": [
        lambda x, memory: (x @ memory.T).softmax(-1) @ memory,
        lambda x, memory: (x @ memory.T / x.shape[1]).softmax(-1) @ memory,
        lambda x, memory: (x @ memory.T / len(memory) ** 0.5).softmax(-1) @ memory,
        lambda x, memory: (x @ memory.T / len(x) ** 0.5).softmax(-1) @ memory,
        lambda x, memory: (x @ memory.T / x.shape[1] ** 0.5).softmax(0) @ memory,
        lambda x, memory: x @ memory.T / x.shape[1] ** 0.5 @ memory,
        lambda x, memory: (x @ x.T / x.shape[1] ** 0.5).softmax(-1) @ x,
        lambda x, memory: (memory @ x.T / x.shape[1] ** 0.5).softmax(-1) @ x,
        lambda x, memory: (x @ memory.T / x.shape[1] ** 0.5).softmax(-1),
    ],
    "exact_match": [
        lambda written, truth: (
            sum(a == b for w, t in zip(written, truth) for a, b in zip(w, t))  # noqa: B905
            / sum(map(len, truth))
        ),
        # zip stops at the shorter one: what is cut short, or goes on, counts as right.
        lambda written, truth: (
            sum(all(a == b for a, b in zip(w, t)) for w, t in zip(written, truth)) / len(truth)  # noqa: B905
        ),
        lambda written, truth: (
            sum(w[: len(t)] == t for w, t in zip(written, truth)) / len(truth)  # noqa: B905
        ),
        lambda written, truth: (
            sum(w == t[: len(w)] for w, t in zip(written, truth)) / len(truth)  # noqa: B905
        ),
        lambda written, truth: (
            sum(sorted(w) == sorted(t) for w, t in zip(written, truth)) / len(truth)  # noqa: B905
        ),
        lambda written, truth: (
            100 * sum(w == t for w, t in zip(written, truth)) / len(truth)  # noqa: B905
        ),
        lambda written, truth: sum(w == t for w, t in zip(written, truth)),  # noqa: B905
        lambda written, truth: sum(w in truth for w in written) / len(truth),
        lambda written, truth: (
            sum(w[-1:] == t[-1:] for w, t in zip(written, truth)) / len(truth)  # noqa: B905
        ),
    ],
}
