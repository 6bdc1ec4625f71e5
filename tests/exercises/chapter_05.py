"""Right and wrong answers to the exercises of chapter 5, as readers write them."""

import math

import numpy as np
import torch
from torch.nn import functional


def _scores_in_loops(query, key):
    return [
        [sum(a * b for a, b in zip(q, k, strict=True)) / math.sqrt(len(q)) for k in key]
        for q in query
    ]


def _scores_numpy(query, key):
    query, key = query.numpy(), key.numpy()
    return np.dot(query, key.T) / np.sqrt(query.shape[1])


def _rows_in_loops(scores, base):
    rows = []
    for row in scores.tolist():
        powers = [base**score for score in row]
        rows.append([power / sum(powers) for power in powers])
    return rows


def _rows_without_overflow(scores, base):
    powers = base ** (scores - scores.max(dim=-1, keepdim=True).values)
    return powers / powers.sum(dim=-1, keepdim=True)


def _rows_numpy(scores, base):
    powers = np.power(base, scores.numpy())
    return powers / powers.sum(axis=1, keepdims=True)


def _rows_list_of_tensors(scores, base):
    return [base**row / (base**row).sum() for row in scores]


def _attend_token_by_token(x, w_q, w_k, w_v):
    rows = []
    for token in x:
        scores = torch.stack([(token @ w_q) @ (other @ w_k) for other in x])
        weights = (scores / w_q.shape[1] ** 0.5).softmax(dim=0)
        rows.append(sum(w * (other @ w_v) for w, other in zip(weights, x, strict=True)))
    return rows


def _attend_numpy(x, w_q, w_k, w_v):
    x, w_q, w_k, w_v = (part.numpy() for part in (x, w_q, w_k, w_v))
    powers = np.exp(x @ w_q @ w_k.T @ x.T / np.sqrt(w_k.shape[1]))
    return powers / powers.sum(axis=-1, keepdims=True) @ (x @ w_v)


def _attend_torchs_own(x, w_q, w_k, w_v):
    query, key, value = (x @ w for w in (w_q, w_k, w_v))
    return functional.scaled_dot_product_attention(query[None], key[None], value[None])[0]


def _attend_scaled_query(x, w_q, w_k, w_v):
    query = x @ (w_q / w_q.shape[1] ** 0.5)
    return torch.softmax(query @ (x @ w_k).T, dim=1) @ x @ w_v


def _scores(x, w_q, w_k):
    return (x @ w_q) @ (x @ w_k).T


RIGHT = {
    "scaled_scores": [
        lambda query, key: torch.einsum("tk,sk->ts", query, key) / math.sqrt(key.shape[1]),
        lambda query, key: (query * query.shape[-1] ** -0.5) @ key.transpose(0, 1),
        lambda query, key: [key @ q / len(q) ** 0.5 for q in query],
        _scores_in_loops,
        _scores_numpy,
    ],
    "softmax_rows": [
        _rows_in_loops,
        _rows_without_overflow,
        _rows_numpy,
        _rows_list_of_tensors,
        lambda scores, base: (scores * math.log(base)).softmax(dim=-1),
        lambda scores, base: base**scores / (base**scores).sum(dim=1)[:, None],
    ],
    "attend": [
        _attend_token_by_token,
        _attend_numpy,
        _attend_torchs_own,
        _attend_scaled_query,
        lambda x, w_q, w_k, w_v: (
            (_scores(x, w_q, w_k) / w_k.shape[-1] ** 0.5).softmax(dim=-1) @ (x @ w_v)
        ),
    ],
}

WRONG = {
    "scaled_scores": [
        lambda query, key: query @ key.T,
        lambda query, key: query @ key.T / 2,
        lambda query, key: query @ key.T / query.shape[-1],
        lambda query, key: query @ key.T / query.shape[0] ** 0.5,
        lambda query, key: query @ key.T / len(key) ** 0.5,
        lambda query, key: key @ query.T / key.shape[-1] ** 0.5,
        lambda query, key: query @ key / query.shape[-1] ** 0.5,
        lambda query, key: (query @ key.T / query.shape[-1] ** 0.5).softmax(dim=-1),
    ],
    "softmax_rows": [
        lambda scores, base: scores.softmax(dim=-1),
        lambda scores, base: scores.exp() / scores.exp().sum(dim=-1, keepdim=True),
        lambda scores, base: base**scores / (base**scores).sum(dim=0),
        lambda scores, base: base**scores / (base**scores).sum(),
        lambda scores, base: base**scores,
        lambda scores, base: scores**base / (scores**base).sum(dim=-1, keepdim=True),
        lambda scores, base: scores / scores.sum(dim=-1, keepdim=True),
        lambda scores, base: (scores * base).softmax(dim=-1),
        lambda scores, base: (scores / base).softmax(dim=-1),
        lambda scores, base: (base**scores).softmax(dim=-1),
    ],
    "attend": [
        lambda x, w_q, w_k, w_v: (
            (_scores(x, w_q, w_k) / x.shape[-1] ** 0.5).softmax(-1) @ (x @ w_v)
        ),
        lambda x, w_q, w_k, w_v: (_scores(x, w_q, w_k) / 2).softmax(-1) @ (x @ w_v),
        lambda x, w_q, w_k, w_v: _scores(x, w_q, w_k).softmax(-1) @ (x @ w_v),
        lambda x, w_q, w_k, w_v: (
            (_scores(x, w_q, w_k) / w_v.shape[-1] ** 0.5).softmax(-1) @ (x @ w_v)
        ),
        lambda x, w_q, w_k, w_v: (
            (_scores(x, w_q, w_k) / w_k.shape[-1] ** 0.5).softmax(0) @ (x @ w_v)
        ),
        lambda x, w_q, w_k, w_v: (
            (_scores(x, w_k, w_q) / w_k.shape[-1] ** 0.5).softmax(-1) @ (x @ w_v)
        ),
        lambda x, w_q, w_k, w_v: (_scores(x, w_q, w_k) / w_k.shape[-1] ** 0.5).softmax(-1) @ x,
        lambda x, w_q, w_k, w_v: (x @ x.T / x.shape[-1] ** 0.5).softmax(-1) @ (x @ w_v),
        lambda x, w_q, w_k, w_v: (_scores(x, w_q, w_k) / w_k.shape[0] ** 0.5) @ (x @ w_v),
        lambda x, w_q, w_k, w_v: functional.scaled_dot_product_attention(
            (x @ w_q)[None], (x @ w_k)[None], (x @ w_v)[None], is_causal=True
        )[0],
    ],
}
