"""Recurrent networks: what came before the Transformer.

A recurrent network reads one token after another and keeps what it has read in
one vector, the state. Three ways to update the state: the plain RNN, the LSTM
with its gates and a second, protected state, and the GRU, a simpler LSTM. It
leaves out several layers and reading backwards.

Shapes: `B` batch, `T` time, `D` size of the state and of a token's vector, `V`
vocabulary.

Source: Elman 1990 (RNN); Hochreiter and Schmidhuber 1997, with the forget gate
of Gers et al. 2000 (LSTM); Cho et al. 2014 (GRU). Taught in chapter 1.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


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

    Raises:
        ValueError: if `kind` is not one of `CELLS`.

    >>> model = Recurrent("lstm", vocab_size=26, d_model=8)
    >>> model(torch.tensor([[3, 1, 4]])).shape
    torch.Size([1, 3, 26])
    """

    def __init__(self, kind: str, *, vocab_size: int, d_model: int) -> None:
        super().__init__()
        if kind not in CELLS:
            raise ValueError(f"kind={kind!r} is not one of {', '.join(CELLS)}")
        self.kind = kind
        self.token = nn.Embedding(vocab_size, d_model)
        self.cell = CELLS[kind](d_model)
        self.head = nn.Linear(d_model, vocab_size)

    def forward(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B T V"]:
        """Score every possible next token, at each position."""
        x = self.token(ids)  # (B, T, D)
        states = self.first_states(len(ids), device=ids.device)
        shown = []
        for t in range(ids.shape[1]):  # each step waits for the one before
            states = self.cell(x[:, t], states)
            shown.append(states[0])
        return self.head(torch.stack(shown, dim=1))  # (B, T, V)

    def first_states(
        self, n_texts: int, *, device: torch.device | str | None = None
    ) -> tuple[Float[Tensor, "B D"], ...]:
        """What the network knows before it has read anything: zeros."""
        size = self.token.embedding_dim
        return tuple(torch.zeros(n_texts, size, device=device) for _ in range(self.cell.n_states))
