"""The family: well-known models as rows of `Config`, and what each costs.

Holds the published sizes of some models, and three costs that follow from a row
alone: parameters (part by part), the bytes that the key/value cache grows by with
each token, and the arithmetic of one more token. It leaves out weights (see
`pretrained`) and models whose sizes were never published, such as Gemini.

Sources: Vaswani et al. 2017, table 3; Devlin et al. 2019; Radford et al. 2019;
Touvron et al. 2023 (LLaMA, table 2; Llama 2, table 1); Grattafiori et al. 2024
(Llama 3, table 3); Gemma Team 2024 (Gemma, table 1; Gemma 2, table 1) and 2025
(Gemma 3, table 1, and the config.json of its 1B model); Ben Allal et al. 2025
(SmolLM2). Taught in chapter 15.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Literal

from transformer_lab.config import Config
from transformer_lab.feedforward import ACTIVATIONS
from transformer_lab.models import TRANSFORMER_2017, Decoder, Encoder, EncoderDecoder

Kind = Literal["encoder", "decoder", "encoder-decoder"]
MODELS: dict[Kind, type[Encoder | Decoder | EncoderDecoder]] = {
    "encoder": Encoder,
    "decoder": Decoder,
    "encoder-decoder": EncoderDecoder,
}

_LLAMA = Config(
    vocab_size=32_000,
    max_len=2048,
    d_model=4096,
    n_heads=32,
    n_layers=32,
    d_ff=11_008,
    positions="rotary",
    activation="swiglu",
    bias=False,
    norm="rms",
    norm_eps=1e-6,
    tie_head=False,
)
_GEMMA = replace(
    _LLAMA,
    vocab_size=256_128,
    max_len=8192,
    d_model=2048,
    n_heads=8,
    n_kv_heads=1,
    head_size=256,
    n_layers=18,
    d_ff=16_384,
    activation="geglu",
    embedding_scale=2048**0.5,
    tie_head=True,
)
_GEMMA2 = replace(
    _GEMMA,
    d_model=2304,
    n_kv_heads=4,
    n_layers=26,
    d_ff=9216,
    embedding_scale=2304**0.5,
    norm_order="sandwich",
    score_scale=256**-0.5,
    score_cap=50.0,
    logit_cap=30.0,
    windows=(4096, None) * 13,
)

# Name: what kind of model it is, and its row.
FAMILY: dict[str, tuple[Kind, Config]] = {
    "Transformer 2017, base": ("encoder-decoder", TRANSFORMER_2017),
    "BERT base": (
        "encoder",
        Config(
            vocab_size=30_522,
            max_len=512,
            d_model=768,
            n_heads=12,
            n_layers=12,
            n_token_types=2,
            embedding_norm=True,
            activation="gelu",
            norm_order="post",
            norm_eps=1e-12,
        ),
    ),
    "GPT-2 small": (
        "decoder",
        Config(vocab_size=50_257, max_len=1024, d_model=768, n_heads=12, n_layers=12),
    ),
    "LLaMA 7B": ("decoder", _LLAMA),
    "Llama 2 70B": (
        "decoder",
        replace(
            _LLAMA,
            max_len=4096,
            d_model=8192,
            n_heads=64,
            n_kv_heads=8,
            n_layers=80,
            d_ff=28_672,
            norm_eps=1e-5,
        ),
    ),
    "Llama 3 8B": (
        "decoder",
        replace(
            _LLAMA,
            vocab_size=128_256,
            max_len=8192,
            n_kv_heads=8,
            d_ff=14_336,
            rope_base=500_000.0,
            norm_eps=1e-5,
        ),
    ),
    "SmolLM2 135M": (
        "decoder",
        replace(
            _LLAMA,
            vocab_size=49_152,
            max_len=8192,
            d_model=576,
            n_heads=9,
            n_kv_heads=3,
            n_layers=30,
            d_ff=1536,
            rope_base=100_000.0,
            norm_eps=1e-5,
            tie_head=True,
        ),
    ),
    "Gemma 2B": ("decoder", _GEMMA),
    "Gemma 2 2B": ("decoder", _GEMMA2),
    "Gemma 2 9B": (
        "decoder",
        replace(
            _GEMMA2,
            d_model=3584,
            n_heads=16,
            n_kv_heads=8,
            n_layers=42,
            d_ff=14_336,
            embedding_scale=3584**0.5,
            windows=(4096, None) * 21,
        ),
    ),
    "Gemma 3 1B": (
        "decoder",
        replace(
            _GEMMA2,
            vocab_size=262_144,
            max_len=32_768,
            d_model=1152,
            n_heads=4,
            n_kv_heads=1,
            d_ff=6912,
            embedding_scale=1152**0.5,
            rope_base=1_000_000.0,
            local_rope_base=10_000.0,
            score_cap=None,  # the norms of queries and keys took its place
            logit_cap=None,
            head_norm=True,
            windows=((512,) * 5 + (None,)) * 4 + (512,) * 2,
        ),
    ),
}

# Name: the family it belongs to, and the year in which it was published.
_PUBLISHED: dict[str, tuple[str, int]] = {
    "Transformer 2017, base": ("Transformer", 2017),
    "BERT base": ("BERT", 2018),
    "GPT-2 small": ("GPT-2", 2019),
    "LLaMA 7B": ("LLaMA", 2023),
    "Llama 2 70B": ("LLaMA", 2023),
    "Llama 3 8B": ("LLaMA", 2024),
    "SmolLM2 135M": ("LLaMA", 2024),
    "Gemma 2B": ("Gemma", 2024),
    "Gemma 2 2B": ("Gemma", 2024),
    "Gemma 2 9B": ("Gemma", 2024),
    "Gemma 3 1B": ("Gemma", 2025),
}


def figure_rows() -> list[dict]:
    """The family as the live figure of chapter 15 takes it: plain dictionaries."""
    return [
        {
            "family": _PUBLISHED[name][0],
            "name": name,
            "year": _PUBLISHED[name][1],
            "architecture": kind,
            "config": asdict(config),
        }
        for name, (kind, config) in FAMILY.items()
    ]


def parameters(kind: Kind, config: Config) -> dict[str, int]:
    """How many numbers are learned, part by part.

    Returns:
        Counts under "embeddings" (tokens, positions, segments), "attention",
        "feed-forward", "norms" and "head". A tied head has none of its own.

    Raises:
        ValueError: for a choice that this kind of model does not support.

    >>> kind, config = FAMILY["GPT-2 small"]
    >>> sum(parameters(kind, config).values())
    124439808
    """
    config.refuse_unsupported(MODELS[kind])
    d, bias = config.d_model, int(config.bias)
    queries, keys = config.n_heads * config.d_head, config.kv_heads * config.d_head
    attention = 2 * d * queries + 2 * d * keys + bias * (queries + 2 * keys + d)
    if config.head_norm:
        attention += 2 * config.d_head * (2 if config.norm == "layer" else 1)
    widening = 2 if ACTIVATIONS[config.activation][1] else 1  # a gate is a second one
    feed_forward = (widening + 1) * d * config.d_ff + bias * (widening * config.d_ff + d)
    norm = 2 * d if config.norm == "layer" else d
    each = 2 if config.norm_order == "sandwich" else 1  # norms around a layer
    last = 0 if config.norm_order == "post" else 1
    counts = {
        "embeddings": (config.vocab_size + (config.n_token_types or 0)) * d
        + (config.max_len * d if config.positions == "learned" else 0),
        "attention": config.n_layers * attention,
        "feed-forward": config.n_layers * feed_forward,
        "norms": (config.n_layers * 2 * each + last + config.embedding_norm) * norm,
        "head": 0,
    }
    if kind == "encoder-decoder":  # a second stack, whose blocks also look across
        counts["attention"] *= 3
        counts["feed-forward"] *= 2
        counts["norms"] = (config.n_layers * 5 * each + 2 * last) * norm
        counts["head"] = config.vocab_size if config.logit_bias else 0
    elif kind == "decoder" and not config.tie_head:
        counts["head"] = config.vocab_size * d
    return counts


def cache_bytes(config: Config, *, bytes_per_number: int = 2) -> int:
    """What the key/value cache of a decoder grows by with each token, in bytes.

    Each layer keeps a key and a value for each head that has its own. A layer with
    a window stops growing once the window is full.

    >>> cache_bytes(FAMILY["LLaMA 7B"][1])
    524288
    """
    return 2 * config.n_layers * config.kv_heads * config.d_head * bytes_per_number


def cache_size(config: Config, context: int, *, bytes_per_number: int = 2) -> int:
    """The key/value cache of a text of `context` tokens, in bytes; a window ends its growth."""
    each = cache_bytes(config, bytes_per_number=bytes_per_number) // config.n_layers
    return each * sum(_seen(config, context))


def flops_per_token(config: Config, context: int) -> int:
    """The additions and multiplications of a decoder's next token, after `context` tokens.

    Each weight of a matrix is used once: a multiplication and an addition. So are
    all keys (for the scores) and all values (for the mix) that may be seen. Norms,
    activations and the softmax are left out: they are small beside these.

    Source: the count of Kaplan et al. 2020, section 2.1, with the head.

    >>> f"{flops_per_token(FAMILY['GPT-2 small'][1], 1024):.2e}"
    '2.85e+08'
    """
    d, bias_free = config.d_model, replace(config, bias=False, head_norm=False)
    counts = parameters("decoder", bias_free)
    matrices = counts["attention"] + counts["feed-forward"] + config.vocab_size * d
    looking = 4 * config.n_heads * config.d_head * sum(_seen(config, context))
    return 2 * matrices + looking


def _seen(config: Config, context: int) -> list[int]:
    """How many positions each layer sees."""
    return [context if window is None else min(context, window) for window in config.layer_windows]
