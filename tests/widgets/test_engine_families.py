"""The page runs every family, and every choice of `Config`, and gives torch's numbers."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import asdict, fields

import pytest
import torch

from tests.pretrained.test_families import (
    SHAPES, bert, gemma, gemma2, gemma3, gpt2, llama, marian, written,
)  # fmt: skip
from transformer_lab.config import OPTIONAL, Config
from transformer_lab.model_file import weights_file
from transformer_lab.models import Decoder, Encoder, EncoderDecoder, MaskedWords
from transformer_lab.tokenization import WordPieceTokenizer
from transformer_lab.trace import capture

KINDS = {
    Decoder: "decoder", Encoder: "encoder",
    MaskedWords: "masked-words", EncoderDecoder: "encoder-decoder",
}  # fmt: skip
SOURCE, IDS = [7, 3, 22, 9, 9], [5, 9, 30, 7, 21, 9, 2, 17, 8, 11]

# What a model gives for some tokens at once, and where each looks; and what it gives for one
# after the other.
RUN = """([content, ids, source]) => {
  const { decoder, encoder, guesser, translator, config } = model_file.loadModel(bytes(content));
  const memory = translator?.encode(source).memory;
  const run = (some, cache) => decoder?.forward(some, { cache }) ?? guesser?.forward(some)
    ?? encoder?.forward(some) ?? translator.decode(some, memory, { cache });
  const { logits, vectors, attention, crossAttention = [] } = run(ids);
  const cache = (decoder ?? translator)?.newCache();
  const stepped = cache ? ids.flatMap(id => run([id], cache).logits) : [];
  const plain = x => (Array.isArray(x) ? x.map(plain) : [...x]);
  return [logits ?? tensor.rowsOf(vectors, config.d_model), stepped, attention, crossAttention].map(plain);
}"""


def content_of(model, **config) -> str:
    """A model of any kind as a model file, in base64; `config` replaces what it says."""
    words = (f"word{number}" for number in range(model.config.vocab_size - 5))
    content = weights_file(
        model,
        architecture=KINDS[type(model)],
        config=json.dumps(asdict(model.config) | config),
        tokenizer=WordPieceTokenizer.of_words(words).to_json(),
    )
    return base64.b64encode(content).decode()


@torch.no_grad()
def largest_difference(engine, model) -> float:
    """Between torch's numbers and the page's: logits or vectors, and attention weights."""
    found = engine(RUN, [content_of(model), IDS, SOURCE])
    texts = [SOURCE, IDS] if isinstance(model, EncoderDecoder) else [IDS]
    with capture(model) as seen:
        expected = model(*(torch.tensor([text]) for text in texts))[0]
    assert expected.std() > 0.1  # numbers so small that all are equal would prove nothing
    weights = [
        [value[0] for name, value in seen.items() if re.search(pattern, name)]
        for pattern in (r"(?<!encoder_)blocks\.\d+\.attention\.weights$", r"cross_attention\.weights$")
    ]  # fmt: skip
    return max(
        float((torch.tensor(ours) - torch.stack([*theirs])).abs().max())
        for ours, theirs in zip(found, [expected, expected, *weights], strict=True)
        if ours  # an encoder takes no token by itself, and only a translator looks across
    )


@pytest.mark.parametrize("make", [gpt2, llama, gemma, gemma2, gemma3, bert, marian])
@pytest.mark.parametrize("shape", SHAPES[:2])
def test_each_family_gives_torchs_numbers(engine, make, shape, tmp_path):
    _, model = written(make, shape, tmp_path)
    assert largest_difference(engine, model) < 1e-4
    if make is bert:  # what MiniLM is: the same without the last layer
        assert largest_difference(engine, model.encoder) < 1e-4
