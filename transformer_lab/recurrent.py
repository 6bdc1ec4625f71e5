"""Recurrent networks: what came before the Transformer.

A recurrent network reads one token after another and keeps what it has read in
one vector, the state. Three ways to update the state: the plain RNN, the LSTM
with its gates and a second, protected state, and the GRU, a simpler LSTM. Beside them,
two ways to measure any model: how long its products must wait for each other, and
how much gradient comes back to each token. It leaves out several layers and
reading backwards.

Shapes: `B` batch, `T` time, `D` size of the state and of a token's vector, `V`
vocabulary.

Source: Elman 1990 (RNN); Hochreiter and Schmidhuber 1997, with the forget gate
of Gers et al. 2000 (LSTM); Cho et al. 2014 (GRU). Taught in chapter 1.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode


class RNNCell(nn.Module):
    """The new state is a mixture of the token and the old state, squashed.

    h = tanh(W x + U h + b)
    """

    n_states = 1

    def __init__(self, d_model: int) -> None:
        super().__init__()
        self.input = nn.Linear(d_model, d_model)
        self.state = nn.Linear(d_model, d_model, bias=False)

    def forward(
        self, x: Float[Tensor, "B D"], states: tuple[Float[Tensor, "B D"], ...]
    ) -> tuple[Float[Tensor, "B D"], ...]:
        """Read one token; the first state is what the network shows."""
        (h,) = states
        return (torch.tanh(self.input(x) + self.state(h)),)


class LSTMCell(nn.Module):
    """A second state c that is only added to, and gates that guard it.

    i, f, o = sigmoid(...)     what to write, what to keep, what to show
    g = tanh(...)              what could be written
    c = f c + i g
    h = o tanh(c)
    """

    n_states = 2

    def __init__(self, d_model: int) -> None:
        super().__init__()
        self.input = nn.Linear(d_model, 4 * d_model)
        self.state = nn.Linear(d_model, 4 * d_model, bias=False)
        # Start by keeping: then the gradient passes from the first step on.
        self.input.bias.data[d_model : 2 * d_model] = 1.0

    def forward(
        self, x: Float[Tensor, "B D"], states: tuple[Float[Tensor, "B D"], ...]
    ) -> tuple[Float[Tensor, "B D"], ...]:
        """Read one token; the first state is what the network shows."""
        h, c = states
        write, keep, new, show = (self.input(x) + self.state(h)).chunk(4, dim=-1)
        c = keep.sigmoid() * c + write.sigmoid() * new.tanh()
        return show.sigmoid() * c.tanh(), c


class GRUCell(nn.Module):
    """One state, and a gate that slides between the old and the new.

    r, z = sigmoid(...)                  what of the old to look at, what to keep
    n = tanh(W x + b + r (U h + d))
    h = (1 - z) n + z h
    """

    n_states = 1

    def __init__(self, d_model: int) -> None:
        super().__init__()
        self.input = nn.Linear(d_model, 3 * d_model)
        self.state = nn.Linear(d_model, 3 * d_model)

    def forward(
        self, x: Float[Tensor, "B D"], states: tuple[Float[Tensor, "B D"], ...]
    ) -> tuple[Float[Tensor, "B D"], ...]:
        """Read one token; the first state is what the network shows."""
        (h,) = states
        look, keep, new = self.input(x).chunk(3, dim=-1)
        look_h, keep_h, new_h = self.state(h).chunk(3, dim=-1)
        keep = (keep + keep_h).sigmoid()
        new = (new + (look + look_h).sigmoid() * new_h).tanh()
        return ((1 - keep) * new + keep * h,)


CELLS = {"rnn": RNNCell, "lstm": LSTMCell, "gru": GRUCell}


class Recurrent(nn.Module):
    """A language model that reads from left to right, one token at a time.

    Like `models.Decoder` it takes token IDs and gives, at each position, a score
    for every token that could come next.

    Args:
        kind: one of `CELLS`.
        vocab_size: the number of tokens.
        d_model: the size of the state, and of a token's vector.
        fused: whether PyTorch's own kernel (that of `nn.LSTM` and its like) runs
            through the tokens: the same numbers, several times as fast as the
            loop in Python.

    Raises:
        ValueError: if `kind` is not one of `CELLS`.

    >>> model = Recurrent("lstm", vocab_size=26, d_model=8)
    >>> model(torch.tensor([[3, 1, 4]])).shape
    torch.Size([1, 3, 26])
    """

    def __init__(self, kind: str, *, vocab_size: int, d_model: int, fused: bool = False) -> None:
        super().__init__()
        if kind not in CELLS:
            raise ValueError(f"kind={kind!r} is not one of {', '.join(CELLS)}")
        self.kind = kind
        self.fused = fused
        self.token = nn.Embedding(vocab_size, d_model)
        self.cell = CELLS[kind](d_model)
        self.head = nn.Linear(d_model, vocab_size)

    def forward(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B T V"]:
        """Score every possible next token, at each position."""
        x = self.token(ids)  # (B, T, D)
        shown = self._fused(x) if self.fused else self._step_by_step(x)
        return self.head(shown)  # (B, T, V)

    def _step_by_step(self, x: Float[Tensor, "B T D"]) -> Float[Tensor, "B T D"]:
        states = self.first_states(len(x), device=x.device)
        shown = []
        for t in range(x.shape[1]):  # each step waits for the one before
            states = self.cell(x[:, t], states)
            shown.append(states[0])
        return torch.stack(shown, dim=1)

    def _fused(self, x: Float[Tensor, "B T D"]) -> Float[Tensor, "B T D"]:
        read: Any = {"rnn": torch.rnn_tanh, "lstm": torch.lstm, "gru": torch.gru}[self.kind]
        token, state = self.cell.input, self.cell.state
        state_bias = torch.zeros_like(token.bias) if state.bias is None else state.bias
        weights = [token.weight, state.weight, token.bias, state_bias]
        states = [each[None] for each in self.first_states(len(x), device=x.device)]
        # With biases, one layer, no dropout, in one direction, batch first.
        settings = (True, 1, 0.0, self.training, False, True)
        return read(x, states if self.kind == "lstm" else states[0], weights, *settings)[0]

    def first_states(
        self, n_texts: int, *, device: torch.device | str | None = None
    ) -> tuple[Float[Tensor, "B D"], ...]:
        """What the network knows before it has read anything: zeros."""
        shape = (n_texts, self.token.embedding_dim)
        zeros = torch.zeros(shape, device=device, dtype=self.token.weight.dtype)
        return (zeros,) * self.cell.n_states


def work_and_wait(model: nn.Module, ids: Int[Tensor, "B T"]) -> tuple[int, int]:
    """How much a model multiplies to read a text, and how much of it must wait.

    Only matrix products count: they are nearly all of the work.

    Args:
        model: a `models.Decoder`, or a `Recurrent` that is not fused (what happens
            inside of a fused kernel cannot be seen from here).
        ids: the text.

    Returns:
        The number of multiplications, and the length of the longest row of products
        in which each needs the result of the one before.

    >>> work_and_wait(Recurrent("rnn", vocab_size=5, d_model=2), torch.tensor([[3, 1, 4]]))
    (54, 4)
    """
    with FlopCounterMode(display=False) as counted:
        scores = model(ids)
    # PyTorch has recorded which operation made what; follow the record back.
    in_a_row = {}
    to_do = [scores.grad_fn]
    while to_do:
        operation = to_do[-1]
        before = [earlier for earlier, _ in operation.next_functions if earlier is not None]
        unknown = [earlier for earlier in before if earlier not in in_a_row]
        if unknown:
            to_do.extend(unknown)
        else:
            is_product = operation.name() in {"MmBackward0", "AddmmBackward0", "BmmBackward0"}
            longest = max((in_a_row[earlier] for earlier in before), default=0)
            in_a_row[operation] = longest + is_product
            to_do.pop()
    return counted.get_total_flops() // 2, in_a_row[scores.grad_fn]


def gradient_at_tokens(
    model: nn.Module, table: nn.Embedding, ids: Int[Tensor, "B T"], answers: Int[Tensor, "B"]
) -> Float[Tensor, "B T"]:
    """How strongly the error in the last answer pulls at each token's vector.

    Args:
        model: one that scores every next token at each position.
        table: where the model takes the tokens' vectors from.
        ids: the texts.
        answers: the token that should follow each text.

    Returns:
        The length of the gradient of the loss at each token's vector.
    """
    seen = []
    hook = table.register_forward_hook(lambda _module, _inputs, vectors: seen.append(vectors))
    scores = model(ids)[:, -1]
    hook.remove()
    loss = functional.cross_entropy(scores, answers, reduction="sum")
    [gradient] = torch.autograd.grad(loss, seen)
    return gradient.norm(dim=-1)
