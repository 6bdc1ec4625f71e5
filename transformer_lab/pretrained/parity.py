"""Parity: does a family's model here compute what Hugging Face's class computes?

For each family, Hugging Face's own class gets small random weights and writes them
to a folder; `from_pretrained` reads that folder; both get the same text. Nothing of
theirs is used on our side but the files. Needs the `transformers` package.

Taught in chapter 15.
"""

from __future__ import annotations

import tempfile
from typing import Any

import torch
from torch import Tensor, nn

from transformer_lab.attention import padding_mask
from transformer_lab.models import EncoderDecoder, MaskedWords
from transformer_lab.pretrained.reading import from_pretrained

_TEXT = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
_SIZES = {
    "vocab_size": 61,
    "hidden_size": 24,
    "num_attention_heads": 4,
    "num_hidden_layers": 6,
    "intermediate_size": 50,
    "max_position_embeddings": 40,
}
# Two query heads share each head of keys and values, and the heads' size is odd in
# another way: 4 * 10 is not 24.
_GROUPED = {**_SIZES, "num_key_value_heads": 2, "head_dim": 10}
# Name of the family: Hugging Face's two classes, and a small config for them.
_SMALL = {
    "bert": ("BertConfig", "BertForMaskedLM", _SIZES),
    "gpt2": (
        "GPT2Config",
        "GPT2LMHeadModel",
        {"vocab_size": 61, "n_embd": 24, "n_head": 4, "n_layer": 6, "n_positions": 40},
    ),
    "llama": ("LlamaConfig", "LlamaForCausalLM", _GROUPED),
    "gemma": ("GemmaConfig", "GemmaForCausalLM", _GROUPED),
    "gemma2": ("Gemma2Config", "Gemma2ForCausalLM", {**_GROUPED, "sliding_window": 4}),
    "gemma3_text": ("Gemma3TextConfig", "Gemma3ForCausalLM", {**_GROUPED, "sliding_window": 4}),
    "marian": (
        "MarianConfig",
        "MarianMTModel",
        {
            "vocab_size": 61,
            "d_model": 24,
            "encoder_layers": 6,
            "decoder_layers": 6,
            "encoder_attention_heads": 4,
            "decoder_attention_heads": 4,
            "encoder_ffn_dim": 50,
            "decoder_ffn_dim": 50,
            "scale_embedding": True,
            "decoder_start_token_id": 1,
        },
    ),
}
CHECKED = tuple(_SMALL)


@torch.no_grad()
def largest_difference(family: str, *, seed: int = 0) -> float:
    """The largest difference between their logits and ours, on two texts, one padded.

    Args:
        family: one of `CHECKED`.
        seed: of the weights and the texts.

    Raises:
        ImportError: if `transformers` is not installed.
        ValueError: if there is no such family.
    """
    if family not in _SMALL:
        raise ValueError(f"there is no family {family!r}; there are: {', '.join(_SMALL)}")
    torch.manual_seed(seed)
    theirs = _theirs(family)
    with tempfile.TemporaryDirectory() as folder:
        theirs.save_pretrained(folder)
        ours = from_pretrained(folder)
    ids, target = torch.randint(3, 61, (2, 2, 11))
    ids[1, 7:] = 0
    real = ids != 0
    texts = {"decoder_input_ids": target} if family == "marian" else {}
    expected = theirs(ids, attention_mask=real.long(), **texts).logits
    difference = (_logits(ours, ids, target) - expected).abs()
    return float(difference.max() if texts else difference[real].max())


def _logits(ours: nn.Module, ids: Tensor, target: Tensor) -> Tensor:
    if isinstance(ours, EncoderDecoder):
        return ours(ids, target, source_mask=padding_mask(ids, 0))
    if isinstance(ours, MaskedWords):
        return ours(ids, mask=padding_mask(ids, 0))
    return ours(ids)  # padding at the end needs no mask: no position sees the next ones


def _theirs(family: str) -> Any:
    """Hugging Face's model with random weights, norms and constants included."""
    import transformers

    config, model, sizes = _SMALL[family]
    # "eager" is attention step by step. The fast one, which many of their versions take
    # by themselves, leaves out the cap on Gemma 2's scores before version 5.23.
    options = {**_TEXT, **sizes, "attn_implementation": "eager"}
    theirs = getattr(transformers, model)(getattr(transformers, config)(**options)).eval()
    for name, parameter in theirs.named_parameters():
        if "embed_positions" in name:
            continue  # waves, not weights
        is_one = ("norm" in name.lower() or ".ln_" in name) and "gemma" not in family
        nn.init.normal_(parameter, mean=1.0 if is_one else 0.0, std=0.3)
    return theirs
