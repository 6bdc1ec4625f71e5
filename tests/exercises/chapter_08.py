"""Right and wrong answers to the exercises of chapter 08, as readers write them."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional


def token_by_token(x, w_1, b_1, w_2, b_2):
    rows = []
    for token in x:
        neurons = [max(0.0, float(token @ w_1[:, j] + b_1[j])) for j in range(len(b_1))]
        rows.append(torch.tensor(neurons) @ w_2 + b_2)
    return rows


def in_numpy(x, w_1, b_1, w_2, b_2):
    x, w_1, b_1, w_2, b_2 = (t.numpy() for t in (x, w_1, b_1, w_2, b_2))
    return np.maximum(x @ w_1 + b_1, 0) @ w_2 + b_2


def with_two_modules(x, w_1, b_1, w_2, b_2):
    expand, contract = torch.nn.Linear(*w_1.shape), torch.nn.Linear(*w_2.shape)
    expand.weight.data, expand.bias.data = w_1.T, b_1
    contract.weight.data, contract.bias.data = w_2.T, b_2
    return torch.nn.Sequential(expand, torch.nn.ReLU(), contract)(x)


def as_lists(x, w_1, b_1, w_2, b_2):
    return tuple(row.tolist() for row in functional.relu(x @ w_1 + b_1) @ w_2 + b_2)


def probed(w_1, b_1, w_2, b_2):
    """What the two layers make of nothing is the bias; of each unit vector, a row more."""
    bias = b_1 @ w_2 + b_2
    return [(unit @ w_1 + b_1) @ w_2 + b_2 - bias for unit in torch.eye(len(w_1))] + [bias]


def with_a_column_of_ones(w_1, b_1, w_2, b_2):
    together = torch.vstack([w_1, b_1]) @ w_2
    together[-1] += b_2
    return together


def number_by_number(w_1, b_1, w_2, b_2):
    d, f, e = len(w_1), len(b_1), len(b_2)
    rows = [
        [sum(float(w_1[i, k] * w_2[k, j]) for k in range(f)) for j in range(e)] for i in range(d)
    ]
    return [*rows, [sum(float(b_1[k] * w_2[k, j]) for k in range(f)) + b_2[j] for j in range(e)]]


def gate_by_hand(x, w_gate, w_up, w_down):
    gate = x @ w_gate
    return (gate / (1 + torch.exp(-gate)) * (x @ w_up)) @ w_down


def gate_in_numpy(x, w_gate, w_up, w_down):
    gate, up = (x @ w_gate).numpy(), (x @ w_up).numpy()
    return (gate / (1 + np.exp(-gate)) * up) @ w_down.numpy()


def gate_in_einsum(x, w_gate, w_up, w_down):
    gate = functional.silu(torch.einsum("td,df->tf", x, w_gate))
    return torch.einsum("tf,td,df,fe->te", gate, x, w_up, w_down)


def gate_token_by_token(x, w_gate, w_up, w_down):
    return [
        torch.nn.SiLU()(token @ w_gate).mul(token @ w_up).matmul(w_down).tolist() for token in x
    ]


RIGHT = {
    "feed_forward": [
        lambda x, w_1, b_1, w_2, b_2: (x @ w_1 + b_1).clamp(min=0) @ w_2 + b_2,
        token_by_token,
        in_numpy,
        with_two_modules,
        as_lists,
    ],
    "collapse": [
        lambda w_1, b_1, w_2, b_2: (
            torch.cat([w_1, b_1[None]]) @ w_2
            + torch.cat([torch.zeros(len(w_1), len(b_2)), b_2[None]])
        ),
        probed,
        with_a_column_of_ones,
        number_by_number,
        lambda w_1, b_1, w_2, b_2: np.vstack([w_1 @ w_2, b_1 @ w_2 + b_2]),
    ],
    "swiglu": [
        gate_by_hand,
        gate_in_numpy,
        gate_in_einsum,
        gate_token_by_token,
    ],
}

WRONG = {
    "feed_forward": [
        lambda x, w_1, b_1, w_2, b_2: functional.linear(functional.linear(x, w_1.T, b_1), w_2.T),
        lambda x, w_1, b_1, w_2, b_2: (x @ w_1 + b_1) @ w_2 + b_2,
        lambda x, w_1, b_1, w_2, b_2: (x @ w_1 + b_1).abs() @ w_2 + b_2,
        lambda x, w_1, b_1, w_2, b_2: (x @ w_1 + b_1).sigmoid() @ w_2 + b_2,
        lambda x, w_1, b_1, w_2, b_2: functional.leaky_relu(x @ w_1 + b_1) @ w_2 + b_2,
        lambda x, w_1, b_1, w_2, b_2: functional.relu(x) @ w_1 @ w_2 + b_2,
        lambda x, w_1, b_1, w_2, b_2: torch.relu(x @ w_1 + b_1),
        lambda x, w_1, b_1, w_2, b_2: (torch.relu(x @ w_1 + b_1) @ w_2 + b_2)[0],
        lambda x, w_1, b_1, w_2, b_2: (torch.relu(x @ w_1 + b_1) @ w_2 + b_2).T,
        lambda x, w_1, b_1, w_2, b_2: torch.relu(x @ w_1 - b_1) @ w_2 + b_2,
    ],
    "collapse": [
        lambda w_1, b_1, w_2, b_2: torch.cat([w_2 @ w_1, (b_1 @ w_2 + b_2)[None]]),
        lambda w_1, b_1, w_2, b_2: torch.cat([w_1 @ w_2, (b_2 - b_1 @ w_2)[None]]),
        lambda w_1, b_1, w_2, b_2: w_1 @ w_2 + b_1 @ w_2 + b_2,
        lambda w_1, b_1, w_2, b_2: torch.cat([w_1 @ w_2, b_2[None]]),
        lambda w_1, b_1, w_2, b_2: (w_1 @ w_2, b_1 @ w_2 + b_2),
        lambda w_1, b_1, w_2, b_2: torch.cat([w_1.relu() @ w_2, (b_1 @ w_2 + b_2)[None]]),
        lambda w_1, b_1, w_2, b_2: [*(w_1 @ w_2).tolist(), [0.0] * len(b_2)],
    ],
    "swiglu": [
        lambda x, gate, up, down: (functional.glu(torch.cat([x @ up, x @ gate], -1))) @ down,
        lambda x, gate, up, down: (functional.relu(x @ gate) * (x @ up)) @ down,
        lambda x, gate, up, down: functional.silu(x @ gate) * (x @ up),
        lambda x, gate, up, down: (functional.silu(x @ gate * 1.702) * (x @ up)) @ down,
        lambda x, gate, up, down: (functional.silu(x @ gate) * functional.silu(x @ up)) @ down,
        lambda x, gate, up, down: (functional.silu(x @ gate) @ (x @ up).T) @ x,
        lambda x, gate, up, down: (functional.silu(x) @ gate * (x @ up)) @ down,
        lambda x, gate, up, down: x + (functional.silu(x @ gate) * (x @ up)) @ down,
    ],
}
