"""GGUF: a model as llama.cpp writes it, one file with weights of few bits.

Holds what that format means: its metadata as choices of `Config`, its tensor
names, and how LLaMA's queries and keys are ordered in it. The arithmetic of the
packed numbers is left to the `gguf` package.

Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
Taught in chapter 15.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from transformer_lab.config import Config
from transformer_lab.models import Decoder
from transformer_lab.pretrained.families import fill, rename

_NAMES = {
    r"^token_embd": "embeddings.token",
    r"^output_norm": "final_norm",
    r"^output\.": "head.",
    r"^blk": "blocks",
    r"\.attn_norm": ".attention_norm",
    r"\.attn_q": ".attention.query",
    r"\.attn_k": ".attention.key",
    r"\.attn_v": ".attention.value",
    r"\.attn_output": ".attention.output",
    r"\.ffn_norm": ".feed_forward_norm",
    r"\.ffn_gate": ".feed_forward.gate",
    r"\.ffn_up": ".feed_forward.expand",
    r"\.ffn_down": ".feed_forward.contract",
}


def read_gguf(path: Path) -> nn.Module:
    """The LLaMA-family model in a GGUF file, its numbers unpacked to float32.

    Raises:
        ImportError: if the `gguf` package is missing.
        ValueError: if the file is damaged, or holds another kind of model.
    """
    try:
        from gguf import GGUFReader, dequantize
    except ImportError as error:
        raise ImportError("a GGUF file is read with the gguf package: pip install gguf") from error
    try:
        reader = GGUFReader(path)
        fields = {
            name: field.contents()
            for name, field in reader.fields.items()
            if not name.startswith("tokenizer.")  # long lists, and not needed here
        }
    except (ValueError, IndexError, KeyError) as error:
        raise ValueError(f"{path} is no whole GGUF file: {error}") from error
    if (kind := fields.get("general.architecture")) != "llama":
        raise ValueError(f"{path} holds a model of the kind {kind!r}; of GGUF we read only 'llama'")
    weights = {}
    for tensor in reader.tensors:
        if tensor.name == "rope_freqs.weight":
            raise ValueError(f"{path} stretches its rotary positions, which is not worked out here")
        numbers = dequantize(tensor.data, tensor.tensor_type)
        # Numbers that were never packed are still the file itself, which is read-only.
        numbers = numbers if numbers.flags.writeable else numbers.copy()
        weights[tensor.name] = torch.from_numpy(numbers)
    try:
        config = Config(**_choices(fields, weights))
    except KeyError as missing:
        raise ValueError(f"{path} does not say {missing}") from None
    return fill(Decoder, config, _convert(weights, config))


def _choices(fields: dict, weights: dict[str, Tensor]) -> dict:
    """The choices of a LLaMA, from the metadata of its file.

    Raises:
        ValueError: if its rotary positions are of a kind that we do not know.
    """
    if (kind := fields.get("llama.rope.scaling.type", "none")) != "none":
        raise ValueError(f"rotary positions of the kind {kind!r} are not worked out here")
    size, n_heads = fields["llama.embedding_length"], fields["llama.attention.head_count"]
    head_size = fields.get("llama.attention.key_length", size // n_heads)
    if fields.get("llama.rope.dimension_count", head_size) != head_size:
        raise ValueError("rotary positions turn only a part of each head, but here they turn all")
    return {
        "vocab_size": len(weights["token_embd.weight"]),
        "max_len": fields["llama.context_length"],
        "d_model": size,
        "n_heads": n_heads,
        "n_kv_heads": fields.get("llama.attention.head_count_kv", n_heads),
        "head_size": head_size if head_size * n_heads != size else 0,
        "n_layers": fields["llama.block_count"],
        "d_ff": fields["llama.feed_forward_length"],
        "positions": "rotary",
        "rope_base": fields.get("llama.rope.freq_base", 10_000.0),
        "activation": "swiglu",
        "bias": "blk.0.attn_output.bias" in weights,
        "norm": "rms",
        "norm_eps": fields["llama.attention.layer_norm_rms_epsilon"],
        "tie_head": "output.weight" not in weights,
    }


def _convert(weights: dict[str, Tensor], config: Config) -> dict[str, Tensor]:
    """Our names, and our order of numbers within each head."""
    result = {}
    for name, tensor in weights.items():
        ours = rename(name, _NAMES)
        if ".attention.query." in ours or ".attention.key." in ours:
            tensor = _pairs_apart(tensor, config.d_head)
        result[ours] = tensor
    return result


def _pairs_apart(tensor: Tensor, head_size: int) -> Tensor:
    """Put what rotary positions turn together half a head apart, as `rotate` has it.

    llama.cpp turns neighbours, 0 with 1, so its files hold the rows of LLaMA's
    queries and keys in that order; `embeddings.rotate` turns 0 with K/2.
    """
    heads = tensor.unflatten(0, (-1, head_size // 2, 2))  # (H, K/2, 2, ...)
    return heads.transpose(1, 2).flatten(0, 2)
