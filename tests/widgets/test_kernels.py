"""The WebAssembly kernels: their bytes are their source's, their products those of torch."""

from __future__ import annotations

import base64

import gguf
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.conftest import ROOT, load_tool

ENGINE = ROOT / "transformer_lab/widgets/engine"
LINEAR = """({ x, weight, bias, shape, format }) => {
  const floats = text => new Float32Array(bytes(text).buffer);
  const matrix = { shape, format };
  if (!format) matrix.values = floats(weight);
  else (matrix.packed = kernels.roomFor(bytes(weight).length)).set(bytes(weight));
  const offset = { shape: [shape[0]], values: floats(bias) };
  const y = kernels.linear(floats(x), matrix, offset); // null if no kernel did it
  const rows = Array.from({ length: shape[0] }, (_, row) => row);
  return { y: [...y], rows: [...tensor.rows(matrix, rows)] };
}"""
ATTENTION = """({ queries, keys, weights, values, heads }) => {
  const floats = text => new Float32Array(bytes(text).buffer);
  return { scores: [...kernels.headScores(floats(queries), floats(keys), heads)],
           mixed: [...kernels.mixHeads(floats(weights), floats(values), heads)] };
}"""


def as_text(numbers) -> str:
    return base64.b64encode(numbers.tobytes()).decode()


def as_floats(tensor: Tensor) -> str:
    return as_text(tensor.contiguous().numpy())


def rounded(x: Tensor) -> Tensor:
    """To whole multiples of 1/32767 of the largest number in each block of 32."""
    blocks = x.double().reshape(-1, 32)
    scale = blocks.abs().amax(1, keepdim=True) / 32767
    return ((blocks / scale).round() * scale).reshape(x.shape).float()


def test_the_bytes_are_those_of_the_source():
    written = (ENGINE / "kernels_bytes.js").read_text(encoding="utf-8")
    assert written == load_tool("assemble_kernels").assembled(), "run tools/assemble_kernels.py"


@pytest.mark.parametrize("format", [None, "q4_1", "q8_0"])
def test_products_are_those_of_torch(engine, format):
    torch.manual_seed(0)
    for n_rows, n_in, n_out in [(1, 32, 1), (3, 64, 7), (5, 96, 33), (2, 576, 10), (9, 160, 64)]:
        x, weight, bias = torch.randn(n_rows, n_in), torch.randn(n_out, n_in), torch.randn(n_out)
        packed = weight.numpy()
        if format:
            kind = gguf.GGMLQuantizationType[format.upper()]
            packed = gguf.quants.quantize(packed, kind)
            weight, x_seen = torch.tensor(gguf.quants.dequantize(packed, kind)), rounded(x)
        result = engine(
            LINEAR,
            {
                "x": as_floats(x),
                "weight": as_text(packed),
                "bias": as_floats(bias),
                "shape": [n_out, n_in],
                "format": format,
            },
        )
        expected = F.linear(x_seen if format else x, weight, bias)
        torch.testing.assert_close(
            torch.tensor(result["y"]).view(n_rows, n_out), expected, atol=1e-4, rtol=0
        )
        torch.testing.assert_close(torch.tensor(result["rows"]).view_as(weight), weight)


@pytest.mark.parametrize(
    ("n_heads", "n_kv_heads", "head_size"), [(4, 4, 16), (9, 3, 64), (4, 1, 12)]
)
def test_attentions_products_are_those_of_torch(engine, n_heads, n_kv_heads, head_size):
    torch.manual_seed(0)
    for n_queries, n_keys in [(1, 1), (1, 11), (7, 7), (3, 10)]:
        queries = torch.randn(n_queries, n_heads, head_size)
        keys, values = torch.randn(2, n_keys, n_kv_heads, head_size)
        weights = torch.randn(n_heads, n_queries, n_keys)
        result = engine(
            ATTENTION,
            {
                "queries": as_floats(queries),
                "keys": as_floats(keys),
                "weights": as_floats(weights),
                "values": as_floats(values),
                "heads": {"nHeads": n_heads, "nKvHeads": n_kv_heads, "headSize": head_size},
            },
        )
        shared = n_heads // n_kv_heads
        keys, values = (tensor.repeat_interleave(shared, 1) for tensor in (keys, values))
        scores = torch.einsum("thk,shk->hts", queries, keys)
        mixed = torch.einsum("hts,shk->thk", weights, values)
        for name, expected in [("scores", scores), ("mixed", mixed)]:
            got = torch.tensor(result[name]).view_as(expected)
            torch.testing.assert_close(got, expected, atol=1e-4, rtol=0)
