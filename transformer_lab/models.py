"""Whole models, each a page: embed, go through the blocks, predict.

Holds `Config` and the `Decoder` (GPT: text in, a prediction for the next token
out at every position). The `Encoder` and the `EncoderDecoder` join here in
chapters 10 and 13, from the same blocks. It leaves out training and sampling,
which need no more than a model that gives logits.

Shapes: `B` batch, `T` time, `D` = `d_model`, `V` = `vocab_size`.

Source: Radford et al. 2019 (GPT-2), after Vaswani et al. 2017.
Taught in chapters 2 (the map), 10 and 12.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from jaxtyping import Float, Int
from torch import Tensor, nn

from transformer_lab.attention import KeyValueCache, MultiHeadAttention, causal_mask
from transformer_lab.blocks import DecoderBlock
from transformer_lab.embeddings import Embeddings
from transformer_lab.feedforward import ACTIVATIONS, FeedForward


@dataclass(frozen=True, kw_only=True)
class Config:
    """The choices that make one model: its sizes and its variants.

    Raises:
        ValueError: if the choices do not fit together; the message says what
            would.

    >>> Config(vocab_size=50, max_len=16, d_model=10, n_heads=4, n_layers=1)
    Traceback (most recent call last):
    ...
    ValueError: d_model=10 is not divisible by n_heads=4; the nearest sizes that are: 8 and 12
    """

    vocab_size: int  # tokens in the vocabulary
    max_len: int  # positions that the model can see at once
    d_model: int  # size of the vector that stands for a token
    n_heads: int  # attention heads in each layer
    n_layers: int  # blocks
    d_ff: int = 0  # neurons in each feed-forward layer; 0 means 4 * d_model
    activation: str = "gelu_tanh"  # the bend in the feed-forward layer
    tie_head: bool = True  # predict with the token embeddings themselves

    def __post_init__(self) -> None:
        if self.d_ff == 0:
            object.__setattr__(self, "d_ff", 4 * self.d_model)
        for name in ("vocab_size", "max_len", "d_model", "n_heads", "n_layers", "d_ff"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is too small: at least 1")
        if self.d_model % self.n_heads:
            below = self.d_model // self.n_heads * self.n_heads
            fits = [size for size in (below, below + self.n_heads) if size > 0]
            raise ValueError(
                f"d_model={self.d_model} is not divisible by n_heads={self.n_heads}; "
                f"the nearest sizes that are: {' and '.join(map(str, fits))}"
            )
        if self.activation not in ACTIVATIONS:
            raise ValueError(
                f"activation={self.activation!r} is not one of {', '.join(ACTIVATIONS)}"
            )


class Decoder(nn.Module):
    """A GPT: at every position, a score for each token that could come next.

    >>> import torch
    >>> model = Decoder(Config(vocab_size=50, max_len=16, d_model=8, n_heads=2, n_layers=1))
    >>> model(torch.tensor([[3, 1, 4]])).shape
    torch.Size([1, 3, 50])
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config.vocab_size, config.max_len, config.d_model)
        self.blocks = nn.ModuleList(
            DecoderBlock(config.d_model, config.n_heads, config.d_ff, activation=config.activation)
            for _ in range(config.n_layers)
        )
        self.final_norm = nn.LayerNorm(config.d_model)
        # A tied head has no weights of its own: a token is predicted by how
        # well its embedding matches the final vector (Press and Wolf 2017).
        self.head = None
        if not config.tie_head:
            self.head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        self.apply(partial(initialise, n_layers=config.n_layers))

    def forward(
        self, ids: Int[Tensor, "B T"], *, cache: list[KeyValueCache] | None = None
    ) -> Float[Tensor, "B T V"]:
        """Score every possible next token, at each position.

        Args:
            ids: token IDs.
            cache: from `new_cache`. If given, `ids` are only the tokens that
                the cache has not seen yet; they are remembered in it.

        Raises:
            ValueError: if the text is longer than `max_len`, or an ID is
                outside of the vocabulary.
        """
        n_seen = len(cache[0]) if cache else 0
        n_new = ids.shape[-1]
        mask = causal_mask(n_new, n_seen + n_new, device=ids.device)  # (T, S)
        x = self.embeddings(ids, start=n_seen)  # (B, T, D)
        for layer, block in enumerate(self.blocks):
            x = block(x, mask=mask, cache=cache[layer] if cache else None)
        x = self.final_norm(x)
        if self.head is None:
            return x @ self.embeddings.token.weight.T  # (B, T, V)
        return self.head(x)  # (B, T, V)

    def new_cache(self) -> list[KeyValueCache]:
        """An empty key/value cache, one for each layer."""
        return [KeyValueCache() for _ in self.blocks]


def count_parameters(model: nn.Module) -> int:
    """The number of numbers that training can change; a shared one counts once."""
    return sum(parameter.numel() for parameter in model.parameters())


def initialise(module: nn.Module, *, n_layers: int) -> None:
    """Set the weights that training starts from; for use with `Module.apply`.

    - A linear layer keeps the size of what passes through it: standard
      deviation 1/sqrt(inputs). The two that write into the residual stream
      start smaller, by 1/sqrt(2 * n_layers), so that the stream does not grow
      with depth (Radford et al. 2019, section 2.3).
    - Each attention layer starts as a copier: `output` undoes `value`, so that
      it passes on whatever it looks at, and has only to learn where to look.
      (The idea of starting near a multiple of the identity: Trockman and
      Kolter 2023, "Mimetic Initialization of Self-Attention Layers".)
    - Token embeddings start at 0.2, positions at 0.02: what a token is counts
      from the first step, where it stands is learned. GPT-2's 0.02 for both is
      made for vectors twelve times as long.
    """
    into_stream = (2 * n_layers) ** -0.5
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=module.in_features**-0.5)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, Embeddings):
        nn.init.normal_(module.token.weight, std=0.2)
        nn.init.normal_(module.position.weight, std=0.02)
    elif isinstance(module, FeedForward):
        module.contract.weight.data *= into_stream
    elif isinstance(module, MultiHeadAttention):
        nn.init.orthogonal_(module.value.weight)
        module.output.weight.data = into_stream * module.value.weight.data.T.clone()
