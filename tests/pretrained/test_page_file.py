"""A page's file holds the numbers that Python computes with."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict

import pytest
import safetensors.torch
import torch
from gguf import GGMLQuantizationType, dequantize

from transformer_lab import pretrained
from transformer_lab.config import Config
from transformer_lab.conversation import template
from transformer_lab.pretrained import page_file
from transformer_lab.tokenization import BPETokenizer, WordPieceTokenizer
from transformer_lab.widgets.real_model import SMOLLM2


def read(content: bytes, without: str = "$^") -> tuple[dict, dict[str, torch.Tensor]]:
    """The metadata, and the tensors with all numbers unpacked, but for those of some names."""
    length = int.from_bytes(content[:8], "little")
    assert length % 8 == 0  # where the numbers begin
    metadata = json.loads(content[8 : 8 + length])["__metadata__"]
    tensors = safetensors.torch.load(content)
    for name, meaning in json.loads(metadata["packed"]).items():
        if re.match(without, name):
            del tensors[name]
            continue
        kind = GGMLQuantizationType[meaning["format"].upper()]
        tensors[name] = torch.from_numpy(dequantize(tensors[name].numpy(), kind))
        assert list(tensors[name].shape) == meaning["shape"]
    return metadata, tensors


def test_smollm2s_numbers_are_its_own():
    inner_layers = r"blocks\.([1-9]|1\d|2[0-8])\."  # as the others, and it takes long
    content = page_file.smollm2_file()
    assert hashlib.sha256(content).hexdigest() == SMOLLM2.sha256
    metadata, tensors = read(content, without=inner_layers)
    model = pretrained.smollm2()
    expected = model.state_dict()
    packed = json.loads(metadata["packed"])
    assert tensors.keys() | packed.keys() == expected.keys()
    for name, tensor in tensors.items():
        assert torch.equal(tensor, expected[name]), name
    assert metadata["architecture"] == "decoder"
    assert json.loads(metadata["config"]) == asdict(model.config)
    assert packed.pop("embeddings.token.weight")["format"] == "q8_0"
    assert {meaning["format"] for meaning in packed.values()} == {"q4_1"}
    tokenizer = BPETokenizer.from_json(metadata["tokenizer"])
    text = "In 1984 she said: “naïve”, <|im_end|>"
    assert tokenizer.encode(text) == pretrained.smollm2_tokenizer().encode(text)
    assert json.loads(metadata["template"]) == asdict(template.SMOLLM2)
    assert metadata["stop"] == "<|im_end|>"


def test_minilms_matrices_are_rounded_to_8_bits_and_nothing_else():
    metadata, tensors = read(page_file.minilm_file())
    expected = pretrained.minilm().state_dict()
    packed = json.loads(metadata["packed"])
    assert tensors.keys() == expected.keys()
    assert packed.keys() == {name for name, tensor in expected.items() if tensor.ndim == 2}
    for name, tensor in tensors.items():
        if name not in packed:
            assert torch.equal(tensor, expected[name]), name
            continue
        blocks = expected[name].unflatten(1, (-1, 32))
        step = blocks.abs().amax(-1, keepdim=True) / 127
        # Half a step from rounding, and the step itself is rounded to 16 bits.
        error = (tensor.unflatten(1, (-1, 32)) - blocks).abs()
        assert (error <= step * (0.5 + 127 * 2**-11) + 127 * 2**-25).all(), name
    assert metadata["architecture"] == "encoder"
    tokenizer = WordPieceTokenizer.from_json(metadata["tokenizer"])
    assert tokenizer.encode("a river's bank") == pretrained.bert_tokenizer().encode(
        "a river's bank"
    )


def test_float32_comes_first_and_an_unknown_format_is_refused():
    config = Config(vocab_size=4, max_len=4, d_model=32, n_heads=1, n_layers=1)
    tensors = {"rows": torch.zeros(4, 34, dtype=torch.uint8), "one": torch.ones(3)}
    content = page_file.page_file(config, tensors, {"rows": "q8_0"}, architecture="decoder")
    assert content.endswith(torch.ones(3).numpy().tobytes() + bytes(4 * 34))
    with pytest.raises(ValueError, match="rows is packed as 'q2_k', but a page reads only q4_1"):
        page_file.page_file(config, tensors, {"rows": "q2_k"})
