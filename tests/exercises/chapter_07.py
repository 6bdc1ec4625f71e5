"""Right and wrong answers to the exercises of chapter 7, as readers write them."""

import numpy as np
import torch


def by_loops(x, n_heads):
    size = x.shape[-1] // n_heads
    return [
        [[list(token[h * size : (h + 1) * size]) for token in text] for h in range(n_heads)]
        for text in x.tolist()
    ]


def mean_by_loop(weights):
    total = 0.0
    for i in range(1, len(weights)):
        total += float(weights[i][i - 1])
    return total / (len(weights) - 1)


RIGHT = {
    "split_heads": [
        lambda x, n: x.view(*x.shape[:2], n, x.shape[2] // n).permute(0, 2, 1, 3),
        lambda x, n: torch.stack(x.chunk(n, dim=-1), dim=1),
        lambda x, n: torch.stack(x.split(x.shape[-1] // n, dim=-1), dim=1),
        lambda x, n: np.stack(np.split(x.numpy(), n, axis=-1), axis=1),
        by_loops,
        lambda x, n: [text.reshape(len(text), n, -1).transpose(0, 1) for text in x],
        lambda x, n: tuple(tuple(text.chunk(n, dim=-1)) for text in x),
    ],
    "previous_token_score": [
        lambda w: sum(w[i, i - 1] for i in range(1, len(w))) / (len(w) - 1),
        mean_by_loop,
        lambda w: np.diag(w.numpy(), k=-1).mean(),
        lambda w: w[1:, :-1].diagonal().mean(),
        lambda w: w[torch.arange(1, len(w)), torch.arange(len(w) - 1)].mean().item(),
        lambda w: torch.trace(w.roll(-1, 0)[:-1, :-1]) / (len(w) - 1),
    ],
}

WRONG = {
    "split_heads": [
        lambda x, n: x.view(x.shape[0], n, x.shape[1], x.shape[2] // n),
        lambda x, n: x.view(*x.shape[:2], n, x.shape[2] // n),
        lambda x, n: x.view(*x.shape[:2], x.shape[2] // n, n).permute(0, 3, 1, 2),
        lambda x, n: torch.stack(x.split(n, dim=-1), dim=1),
        lambda x, n: torch.stack(x.chunk(n, dim=-1), dim=0),
        lambda x, n: torch.stack(x.chunk(n, dim=-1), dim=2),
        lambda x, n: torch.stack(x.chunk(n, dim=-1), dim=-1),
        lambda x, n: x[:, None].expand(-1, n, -1, -1),
        lambda x, n: x.chunk(n, dim=-1)[0],
        lambda x, n: x.unflatten(-1, (n, -1)).permute(0, 2, 3, 1),
        lambda x, n: np.stack(np.split(x.numpy(), n, axis=-1), axis=1)[:, ::-1].copy(),
    ],
    "previous_token_score": [
        lambda w: w.diagonal().mean(),
        lambda w: w.T.diagonal(offset=-1).mean(),
        lambda w: w.diagonal(offset=1).mean(),
        lambda w: sum(w[i, i - 1] for i in range(len(w))) / len(w),
        lambda w: w.diagonal(offset=-1).sum() / len(w),
        lambda w: w.diagonal(offset=-1).sum(),
        lambda w: w[1:, :-1].mean(),
        lambda w: w.tril(-1).sum() / (len(w) - 1),
        lambda w: w.diagonal(offset=-1).median(),
        lambda w: w.diagonal(offset=-1),
        lambda w: w[-1, -2],
        lambda w: w[1:, 0].mean(),
        lambda w: w.diagonal(offset=-2).mean(),
    ],
}
