"""GGUF: a model as llama.cpp writes it, one file with weights of few bits.

Holds what that format means: its metadata as choices of `Config` and as a tokenizer,
its tensor names, and how LLaMA's queries and keys are ordered in it. What is in it and
is not supported here is refused. The arithmetic of the packed numbers is left to the
`gguf` package.

Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
Taught in chapter 15.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from transformer_lab.config import Config
from transformer_lab.models import Decoder
from transformer_lab.pretrained.families import fill, rename
from transformer_lab.pretrained.fields import Fields
from transformer_lab.tokenization import BPETokenizer

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


# What a file says of itself, and what changes no number: about its making, its model's
# ancestors, its license, how best to draw tokens, and what its bits were chosen with.
_INERT = re.compile(
    r"""GGUF\.(version|tensor_count|kv_count)
    |general\.(name|author|version|organization|finetune|basename|description|quantized_by
        |size_label|license(\.name|\.link)?|url|doi|uuid|repo_url|tags|languages|datasets|file_type
        |alignment|(source|base_model|dataset|sampling)\..*)
    |quantize\.imatrix\..*""",
    re.VERBOSE,
)
_PRE = {"gpt-2": False, "smollm": True}  # ways to cut text into words; whether digits stand alone
_NORMAL, _CONTROL = 1, 3  # llama.cpp's kinds of tokens


def read_gguf(path: Path) -> nn.Module:
    """The LLaMA-family model in a GGUF file, its numbers unpacked to float32.

    Raises:
        ImportError: if the `gguf` package is missing.
        ValueError: if the file is damaged, holds another kind of model, or has a field
            that is not supported.
    """
    config, weights, _ = _read(path, _unpack)
    return fill(Decoder, config, weights)


def read_gguf_packed(path: Path) -> tuple[Config, dict[str, Tensor], dict[str, str]]:
    """The same model with its numbers packed as they are.

    Returns:
        Its config; its tensors by our names, of which those that are packed hold bytes,
        (rows, bytes of a row); and for each of these its format, such as "q4_1".

    Raises:
        ImportError, ValueError: as for `read_gguf`.
    """
    return _read(path, lambda tensor: torch.tensor(tensor.data))


def _read(
    path: Path, take: Callable[[Any], Tensor]
) -> tuple[Config, dict[str, Tensor], dict[str, str]]:
    """The config, what `take` makes of each tensor, and the formats of those that are packed."""
    fields, tensors = _open(path, without="tokenizer.")
    if (kind := fields.get("general.architecture", None)) != "llama":
        raise ValueError(
            f"{path} holds a model of the kind {reprlib.repr(kind)}; of GGUF we read only 'llama'"
        )
    if "token_embd.weight" not in tensors:
        raise ValueError(f"{path} does not say 'token_embd.weight'")
    try:
        weights = {name: take(tensor) for name, tensor in tensors.items()}
    except (NotImplementedError, ValueError) as error:
        raise ValueError(f"{path} holds numbers that cannot be unpacked: {error}") from error
    config = Config(**_choices(fields, weights))
    fields.refuse_others()
    formats = {name: tensor.tensor_type.name.lower() for name, tensor in tensors.items()}
    packed = {rename(name, _NAMES): kind for name, kind in formats.items() if kind != "f32"}
    return config, _convert(weights, config), packed


def read_gguf_tokenizer(path: Path) -> BPETokenizer:
    """The byte-level BPE tokenizer in a GGUF file.

    Raises:
        ImportError: if the `gguf` package is missing.
        ValueError: if the file is damaged, or its tokenizer cuts text in another way.
    """
    fields, _ = _open(path, only="tokenizer.")
    names = "model pre tokens token_type merges".split()
    kind, way, tokens, kinds, merges = (fields.get(f"tokenizer.ggml.{name}") for name in names)
    if kind != "gpt2" or way not in _PRE:
        raise ValueError(
            f"{path} cuts text as {reprlib.repr(kind)} and {reprlib.repr(way)} do; we read 'gpt2' "
            f"with {' or '.join(map(repr, _PRE))}"
        )
    # What is put around a text; and spaces that some put in or take away.
    around = "add_bos_token add_eos_token add_sep_token add_space_prefix remove_extra_whitespaces"
    fields.only(**{f"tokenizer.ggml.{name}": [False] for name in around.split()})
    fields.refuse_others([name for name in fields.values if _NAMES_A_TOKEN.fullmatch(name)])
    pairs = [tuple(merge.split(" ")) for merge in merges]
    if not set(kinds) <= {_NORMAL, _CONTROL} or not len(kinds) == len(tokens) == len(set(tokens)):
        raise ValueError(f"{path} has tokens that occur twice, or of a kind that we do not know")
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"{path} has a merge that is no pair")
    return BPETokenizer(
        {token: id for id, token in enumerate(tokens)},
        pairs,
        [token for token, kind in zip(tokens, kinds, strict=True) if kind == _CONTROL],
        split_digits=_PRE[way],
    )


# Which token ends a text, fills it up, ...: nothing of how a text is cut.
_NAMES_A_TOKEN = re.compile(
    r"tokenizer\.(ggml\.(bos|eos|eot|eom|unknown|seperator|padding|mask|fim_(pre|suf|mid|pad|rep|sep)"
    r"|prefix|suffix|middle)_token_id|chat_templates?(\..*)?)"
)


def read_gguf_chat_template(path: Path) -> str:
    """The Jinja template of a conversation that a GGUF file carries."""
    fields, _ = _open(path, only="tokenizer.chat_template")
    return fields.get("tokenizer.chat_template")


def _open(path: Path, *, only: str = "", without: str = "$") -> tuple[Fields, dict]:
    """What a file says under the names that begin so, and its tensors, still packed.

    Raises:
        ImportError: if the `gguf` package is missing.
        ValueError: if the file is damaged.
    """
    try:
        from gguf import GGUFReader
    except ImportError as error:
        raise ImportError("a GGUF file is read with the gguf package: pip install gguf") from error

    class Reader(GGUFReader):
        """One that stops at the end of the file, however long a list is said to be."""

        def _get(self, offset, dtype, count=1, *args, **options):
            found = super()._get(offset, dtype, count, *args, **options)
            if len(found) != count:
                raise ValueError("it ends too early")
            return found

    try:
        reader = Reader(path)
        values = {
            name: field.contents()
            for name, field in reader.fields.items()
            if name.startswith(only) and not name.startswith(without) and not _INERT.fullmatch(name)
        }
        place = reader.data_offset
        for tensor in reader.tensors:  # one after the other, each from a round number on
            if tensor.data_offset != place:
                raise ValueError(f"{tensor.name} does not follow the tensor before it")
            place += -(-tensor.n_bytes // int(reader.alignment)) * int(reader.alignment)
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"{path} is no whole GGUF file: {error}") from error
    return Fields(values, str(path)), {tensor.name: tensor for tensor in reader.tensors}


def _unpack(tensor) -> Tensor:
    from gguf import dequantize

    numbers = dequantize(tensor.data, tensor.tensor_type)
    # Numbers that were never packed are still the file itself, which is read-only.
    return torch.from_numpy(numbers if numbers.flags.writeable else numbers.copy())


def _choices(fields: Fields, weights: dict[str, Tensor]) -> dict:
    """The choices of a LLaMA, from the metadata of its file.

    Raises:
        ValueError: if it says something that our blocks do not do.
    """
    if (kind := fields.get("llama.rope.scaling.type", "none")) != "none":
        raise ValueError(
            f"rotary positions of the kind {reprlib.repr(kind)} are not worked out here"
        )
    size = fields.whole("llama.embedding_length")
    n_heads = fields.whole("llama.attention.head_count")
    head_size = fields.whole("llama.attention.key_length", size // n_heads)
    if fields.get("llama.rope.dimension_count", head_size) != head_size:
        raise ValueError("rotary positions turn only a part of each head, but here they turn all")
    vocab_size = len(weights["token_embd.weight"])
    fields.only(
        **{
            "general.type": ["model"],
            "general.quantization_version": [2],
            "split.count": [0, 1],
            "split.no": [0],
            "split.tensors.count": [len(weights)],
            "llama.vocab_size": [vocab_size],
            "llama.attention.value_length": [head_size],
            "llama.attention.causal": [True],
            "llama.rope.scaling.factor": [1.0],
            "llama.rope.scaling.attn_factor": [1.0],
            "llama.expert_count": [0],
            "llama.expert_used_count": [0],
        }
    )
    return {
        "vocab_size": vocab_size,
        "max_len": fields.whole("llama.context_length"),
        "d_model": size,
        "n_heads": n_heads,
        "n_kv_heads": fields.whole("llama.attention.head_count_kv", n_heads),
        "head_size": head_size if head_size * n_heads != size else None,
        "n_layers": fields.whole("llama.block_count"),
        "d_ff": fields.whole("llama.feed_forward_length"),
        "positions": "rotary",
        "rope_base": fields.positive("llama.rope.freq_base", 10_000.0),
        "activation": "swiglu",
        "bias": "blk.0.attn_output.bias" in weights,
        "norm": "rms",
        "norm_eps": fields.positive("llama.attention.layer_norm_rms_epsilon"),
        "tie_head": "output.weight" not in weights,
    }


def _convert(weights: dict[str, Tensor], config: Config) -> dict[str, Tensor]:
    """Our names, and our order of numbers within each head."""
    result = {}
    for name, tensor in weights.items():
        ours = rename(name, _NAMES)
        is_turned = ".attention.query." in ours or ".attention.key." in ours
        if is_turned and tensor.ndim and len(tensor) % config.d_head == 0:
            tensor = _pairs_apart(tensor, config.d_head)
        if ours in result:
            raise ValueError(f"two tensors have the place of {ours!r}, {name!r} is one of them")
        result[ours] = tensor
    return result


def _pairs_apart(tensor: Tensor, head_size: int) -> Tensor:
    """Put what rotary positions turn together half a head apart, as `rotate` has it.

    llama.cpp turns neighbours, 0 with 1, so its files hold the rows of LLaMA's
    queries and keys in that order; `embeddings.rotate` turns 0 with K/2.
    """
    heads = tensor.unflatten(0, (-1, head_size // 2, 2))  # (H, K/2, 2, ...)
    return heads.transpose(1, 2).flatten(0, 2)
