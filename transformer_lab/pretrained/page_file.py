"""A page's file: a real model as the live figures load it.

It is a model file like those of `model_file`, but its matrices stay packed: in blocks of
32 numbers of 4 or 8 bits, as llama.cpp packs them. SmolLM2's are those of its own file,
MiniLM's are rounded here. A page multiplies with them as they are, so nothing in it is
ever as large as in float32. It leaves out reading, which is
`widgets/engine/safetensors.js`.

Sources: https://huggingface.co/docs/safetensors (the file);
https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h (the blocks).
In no chapter.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict

import torch
from torch import Tensor

from transformer_lab import pretrained
from transformer_lab.config import Config
from transformer_lab.conversation import template
from transformer_lab.pretrained.gguf_file import read_gguf_packed

FORMATS = ("q4_1", "q8_0")  # those that a page multiplies with


def smollm2_file() -> bytes:
    """SmolLM2-135M-Instruct: 4 bits a weight, and 8 in the token vectors, as its file has them.

    Raises:
        ConnectionError, OSError: as for `pretrained.package_file`.
    """
    path = pretrained.package_file(pretrained.SMOLLM2, pretrained.SMOLLM2_FILE)
    config, tensors, formats = read_gguf_packed(path)
    return page_file(
        config,
        tensors,
        formats,
        architecture="decoder",
        tokenizer=pretrained.smollm2_tokenizer().to_json(),
        template=json.dumps(asdict(template.SMOLLM2)),
        stop=template.SMOLLM2.closing,
    )


def minilm_file() -> bytes:
    """all-MiniLM-L6-v2: its matrices rounded to 8 bits a weight.

    Raises:
        ConnectionError, OSError: as for `pretrained.package_file`.
    """
    from gguf import GGMLQuantizationType, quantize

    model = pretrained.minilm()
    tensors = {name: tensor.detach() for name, tensor in model.state_dict().items()}
    packed = {
        name: torch.from_numpy(quantize(tensor.numpy(), GGMLQuantizationType.Q8_0))
        for name, tensor in tensors.items()
        if tensor.ndim == 2
    }
    return page_file(
        model.config,
        tensors | packed,
        dict.fromkeys(packed, "q8_0"),
        architecture="encoder",
        tokenizer=pretrained.bert_tokenizer().to_json(),
    )


def page_file(
    config: Config, tensors: Mapping[str, Tensor], formats: Mapping[str, str], **metadata: str
) -> bytes:
    """A model as the bytes of one `safetensors` file: always the same bytes.

    Args:
        config: the choices that make the model.
        tensors: its weights by name: float32, or if they are packed bytes,
            (rows, bytes of a row).
        formats: of the packed ones.
        metadata: what else a figure must know, such as `architecture` and `tokenizer`.

    Raises:
        ValueError: if a tensor is packed in a format that no page multiplies with.
    """
    packed = {name: _meaning(name, tensors[name], formats[name]) for name in formats}
    about = {"config": json.dumps(asdict(config)), "packed": json.dumps(packed), **metadata}
    header: dict[str, object] = {"__metadata__": about}
    # Numbers of four bytes first: so each of them begins at a multiple of four.
    in_order = sorted(tensors.items(), key=lambda item: item[0] in formats)
    place = 0
    for name, tensor in in_order:
        header[name] = {
            "dtype": "U8" if name in formats else "F32",
            "shape": list(tensor.shape),
            "data_offsets": [place, place := place + tensor.nbytes],
        }
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the numbers begin at a multiple of 8
    numbers = (tensor.contiguous().numpy().data for _, tensor in in_order)
    return b"".join([len(text).to_bytes(8, "little"), text, *numbers])


def _meaning(name: str, tensor: Tensor, kind: str) -> dict[str, object]:
    """What the bytes of a packed tensor mean: their format, and the shape of their numbers."""
    from gguf import GGMLQuantizationType
    from gguf.quants import quant_shape_from_byte_shape

    if kind not in FORMATS:
        known = " and ".join(FORMATS)
        raise ValueError(f"{name} is packed as {kind!r}, but a page reads only {known}")
    shape = quant_shape_from_byte_shape(tuple(tensor.shape), GGMLQuantizationType[kind.upper()])
    return {"format": kind, "shape": list(shape)}
