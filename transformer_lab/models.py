"""Whole models, each a page: embed, go through the blocks, predict.

Holds the `Decoder` (GPT: text in, a prediction for the next token out at every
position) and the `Encoder` (BERT: text in, a vector for each token out, made
with a look at both sides). They are built from the same blocks. The
`EncoderDecoder` joins here in chapter 13. It leaves out training and sampling,
which need no more than a model that gives logits.

Shapes: `B` batch, `T` time, `D` = `d_model`, `V` = `vocab_size`.

Source: Radford et al. 2019 (GPT-2) and Devlin et al. 2019 (BERT), after
Vaswani et al. 2017.
Taught in chapters 2 (the map), 10 and 12.
"""

from __future__ import annotations

from functools import partial

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from transformer_lab.attention import KeyValueCache, MultiHeadAttention, causal_mask
from transformer_lab.blocks import Block, make_norm
from transformer_lab.config import Config
from transformer_lab.embeddings import Embeddings
from transformer_lab.feedforward import FeedForward


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
        self.embeddings = make_embeddings(config)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layers))
        self.final_norm = make_final_norm(config)
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


class Encoder(nn.Module):
    """A BERT without its last layer: for each token a vector that knows its neighbours.

    >>> import torch
    >>> model = Encoder(Config(vocab_size=50, max_len=16, d_model=8, n_heads=2, n_layers=1))
    >>> model(torch.tensor([[3, 1, 4]])).shape
    torch.Size([1, 3, 8])
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embeddings = make_embeddings(config)
        self.embedding_norm = make_norm(config) if config.embedding_norm else nn.Identity()
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layers))
        self.final_norm = make_final_norm(config)
        self.apply(partial(initialise, n_layers=config.n_layers))

    def forward(
        self,
        ids: Int[Tensor, "B T"],
        token_types: Int[Tensor, "B T"] | None = None,
        *,
        mask: Bool[Tensor, "..."] | None = None,
    ) -> Float[Tensor, "B T D"]:
        """Turn each token into a vector that depends on the whole text.

        Args:
            ids: token IDs.
            token_types: the segment of each token, if the model tells them apart.
            mask: True where looking is allowed (default: everywhere); a batch
                of texts of unequal length needs `padding_mask`.

        Raises:
            ValueError: if the text is longer than `max_len`, or an ID is
                outside of the vocabulary.
        """
        x = self.embedding_norm(self.embeddings(ids, token_types))  # (B, T, D)
        for block in self.blocks:
            x = block(x, mask=mask)
        return self.final_norm(x)


def make_embeddings(config: Config) -> Embeddings:
    """The embeddings that a model of this kind uses."""
    return Embeddings(
        config.vocab_size,
        config.max_len,
        config.d_model,
        positions=config.positions,
        n_token_types=config.n_token_types,
        scale=config.embedding_scale,
    )


def make_final_norm(config: Config) -> nn.Module:
    """With post-norm, the last block has already normalised its result."""
    return make_norm(config) if config.norm_order == "pre" else nn.Identity()


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
        if isinstance(module.position, nn.Embedding):
            nn.init.normal_(module.position.weight, std=0.02)
    elif isinstance(module, FeedForward):
        module.contract.weight.data *= into_stream
    elif isinstance(module, MultiHeadAttention):
        nn.init.orthogonal_(module.value.weight)
        module.output.weight.data = into_stream * module.value.weight.data.T.clone()
