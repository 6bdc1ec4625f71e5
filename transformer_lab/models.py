"""Whole models: embed, go through the blocks, predict.

Holds the `Decoder` (GPT: text in, a prediction for the next token out at every
position), the `Encoder` (BERT: text in, a vector for each token out, made from
both sides; with `MaskedWords`, a prediction for a word that was
hidden), and the `EncoderDecoder` (the Transformer of 2017: one text in, another
out). They are built from the same blocks. It leaves out training and sampling,
which need no more than a model that gives logits.

Shapes: `B` batch, `T` time, `S` time in the source text, `D` = `d_model`,
`V` = `vocab_size`.

Source: Vaswani et al. 2017; Radford et al. 2019 (GPT-2); Devlin et al. 2019 (BERT).
Taught in chapters 2 (the map), 10, 12 and 13.
"""

from __future__ import annotations

from functools import partial

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from transformer_lab.attention import KeyValueCache, causal_mask, soft_cap
from transformer_lab.blocks import Block, make_norm
from transformer_lab.config import Config
from transformer_lab.embeddings import Embeddings
from transformer_lab.feedforward import ACTIVATIONS
from transformer_lab.initialisation import initialise


class Decoder(nn.Module):
    """A GPT: at every position, a score for each token that could come next.

    >>> import torch
    >>> model = Decoder(Config(vocab_size=50, max_len=16, d_model=8, n_heads=2, n_layers=1))
    >>> model(torch.tensor([[3, 1, 4]])).shape
    torch.Size([1, 3, 50])
    """

    supports = frozenset({"tie_head", "logit_cap", "windows", "local_rope_base"})

    def __init__(self, config: Config) -> None:
        super().__init__()
        config.refuse_unsupported(Decoder)
        self.config = config
        self.embeddings = make_embeddings(config)
        self.blocks = nn.ModuleList(
            Block(config, local=window is not None) for window in config.layer_windows
        )
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
        windows = self.config.layer_windows
        masks = {  # (T, S) each
            window: causal_mask(n_new, n_seen + n_new, window=window, device=ids.device)
            for window in set(windows)
        }
        x = self.embeddings(ids, start=n_seen)  # (B, T, D)
        for layer, block in enumerate(self.blocks):
            x = block(x, mask=masks[windows[layer]], cache=cache[layer] if cache else None)
        x = self.final_norm(x)
        logits = x @ self.embeddings.token.weight.T if self.head is None else self.head(x)
        if self.config.logit_cap is not None:
            logits = soft_cap(logits, self.config.logit_cap)
        return logits  # (B, T, V)

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

    supports = frozenset({"n_token_types", "embedding_norm"})

    def __init__(self, config: Config) -> None:
        super().__init__()
        config.refuse_unsupported(Encoder)
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


class MaskedWords(nn.Module):
    """A BERT that guesses: at every position, a score for each token that may stand there.

    An encoder, and on top of it a small head: one linear layer, the
    activation function, a norm, and the comparison with every token's embedding.

    Source: Devlin et al. 2019, section 3.1, task 1. Taught in chapter 10.

    >>> import torch
    >>> config = Config(vocab_size=50, max_len=16, d_model=8, n_heads=2, n_layers=1)
    >>> MaskedWords(config)(torch.tensor([[3, 1, 4]])).shape
    torch.Size([1, 3, 50])
    """

    supports = Encoder.supports

    def __init__(self, config: Config) -> None:
        super().__init__()
        config.refuse_unsupported(MaskedWords)
        self.config = config
        self.encoder = Encoder(config)
        self.transform = nn.Linear(config.d_model, config.d_model)
        self.activation = ACTIVATIONS[config.activation][0]()  # without a gate
        self.norm = make_norm(config)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))
        self.transform.apply(partial(initialise, n_layers=config.n_layers))

    def forward(
        self,
        ids: Int[Tensor, "B T"],
        token_types: Int[Tensor, "B T"] | None = None,
        *,
        mask: Bool[Tensor, "..."] | None = None,
    ) -> Float[Tensor, "B T V"]:
        """Score every token of the vocabulary for each position.

        Args:
            ids: token IDs, some of them those of `[MASK]`.
            token_types, mask: as for `Encoder`.

        Raises:
            ValueError: as for `Encoder`.
        """
        x = self.encoder(ids, token_types, mask=mask)  # (B, T, D)
        x = self.norm(self.activation(self.transform(x)))  # (B, T, D)
        return x @ self.encoder.embeddings.token.weight.T + self.bias  # (B, T, V)


# The sizes of the paper's base model, whose two languages share 37,000 tokens.
# Source: Vaswani et al. 2017, table 3 and section 5.1.
TRANSFORMER_2017 = Config(
    vocab_size=37_000,
    max_len=512,
    d_model=512,
    n_heads=8,
    n_layers=6,
    d_ff=2048,
    positions="sinusoidal",
    embedding_scale=512**0.5,
    activation="relu",
    norm_order="post",
)


class EncoderDecoder(nn.Module):
    """The Transformer of 2017: reads one text whole, and writes another, token by token.

    The encoder's blocks look both ways over the source. The decoder's look back
    over what is written so far, and across at what the encoder has understood.
    Both share one vocabulary and its embeddings; `n_layers` counts each stack.

    Source: Vaswani et al. 2017. Taught in chapter 13.

    >>> import torch
    >>> config = Config(vocab_size=50, max_len=16, d_model=8, n_heads=2, n_layers=1)
    >>> model = EncoderDecoder(config)
    >>> model(torch.tensor([[3, 1, 4]]), torch.tensor([[2, 7]])).shape
    torch.Size([1, 2, 50])
    """

    supports = frozenset({"logit_bias"})

    def __init__(self, config: Config) -> None:
        super().__init__()
        config.refuse_unsupported(EncoderDecoder)
        self.config = config
        self.embeddings = make_embeddings(config)
        self.encoder_blocks = nn.ModuleList(Block(config) for _ in range(config.n_layers))
        self.encoder_norm = make_final_norm(config)
        self.decoder_blocks = nn.ModuleList(
            Block(config, crosses=True) for _ in range(config.n_layers)
        )
        self.decoder_norm = make_final_norm(config)
        self.logit_bias = None
        if config.logit_bias:
            self.logit_bias = nn.Parameter(torch.zeros(config.vocab_size))
        self.apply(partial(initialise, n_layers=config.n_layers))

    def forward(
        self,
        source: Int[Tensor, "B S"],
        target: Int[Tensor, "B T"],
        *,
        source_mask: Bool[Tensor, "..."] | None = None,
    ) -> Float[Tensor, "B T V"]:
        """Score every possible next token after each position of `target`.

        Args:
            source: the text to translate.
            target: the translation so far, from its start token on.
            source_mask: hides the padding of `source` (see `padding_mask`).

        Raises:
            ValueError: if a text is longer than `max_len`, or an ID is outside
                of the vocabulary.
        """
        memory = self.encode(source, source_mask=source_mask)
        return self.decode(target, memory, source_mask=source_mask)

    def encode(
        self, source: Int[Tensor, "B S"], *, source_mask: Bool[Tensor, "..."] | None = None
    ) -> Float[Tensor, "B S D"]:
        """Read the source: for each of its tokens a vector that knows the others."""
        x = self.embeddings(source)  # (B, S, D)
        for block in self.encoder_blocks:
            x = block(x, mask=source_mask)
        return self.encoder_norm(x)

    def decode(
        self,
        target: Int[Tensor, "B T"],
        memory: Float[Tensor, "B S D"],
        *,
        source_mask: Bool[Tensor, "..."] | None = None,
        cache: list[tuple[KeyValueCache, KeyValueCache]] | None = None,
    ) -> Float[Tensor, "B T V"]:
        """Score every possible next token after each position of `target`.

        Args:
            target: the translation so far; with a cache, its new tokens only.
            memory: from `encode`.
            source_mask: as in `forward`.
            cache: from `new_cache`.
        """
        n_seen = len(cache[0][0]) if cache else 0
        n_new = target.shape[-1]
        x = self.embeddings(target, start=n_seen)  # (B, T, D)
        mask = causal_mask(n_new, n_seen + n_new, device=target.device)  # (T, S)
        for layer, block in enumerate(self.decoder_blocks):
            written, read = cache[layer] if cache else (None, None)
            x = block(
                x,
                mask=mask,
                cache=written,
                context=memory,
                context_mask=source_mask,
                context_cache=read,
            )
        logits = self.decoder_norm(x) @ self.embeddings.token.weight.T  # (B, T, V)
        return logits if self.logit_bias is None else logits + self.logit_bias

    def new_cache(self) -> list[tuple[KeyValueCache, KeyValueCache]]:
        """For each layer two empty caches: of what is written, and of what was read."""
        return [(KeyValueCache(), KeyValueCache()) for _ in self.decoder_blocks]

    def after_reading(self, source: Int[Tensor, "1 S"]) -> AfterReading:
        """Read a source once; what comes back continues a translation like a `Decoder`."""
        return AfterReading(self, self.encode(source))


class AfterReading:
    """An `EncoderDecoder` that has read its source: from IDs to logits, for `generation`."""

    def __init__(self, model: EncoderDecoder, memory: Float[Tensor, "1 S D"]) -> None:
        self.model = model
        self.memory = memory

    def __call__(self, ids: Int[Tensor, "B T"], *, cache=None) -> Float[Tensor, "B T V"]:
        """The logits of `EncoderDecoder.decode`, each row after the same source."""
        memory = self.memory.expand(len(ids), -1, -1)  # (B, S, D)
        return self.model.decode(ids, memory, cache=cache)

    def new_cache(self) -> list[tuple[KeyValueCache, KeyValueCache]]:
        """See `EncoderDecoder.new_cache`."""
        return self.model.new_cache()


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
    return nn.Identity() if config.norm_order == "post" else make_norm(config)


def count_parameters(model: nn.Module) -> int:
    """The number of numbers that training can change; a shared one counts once."""
    return sum(parameter.numel() for parameter in model.parameters())
