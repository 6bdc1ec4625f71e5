"""A model file: weights, and all that one must know to use them.

One `safetensors` file, never a pickle: reading it runs no code. Its metadata say
which architecture it is, and hold its config and its tokenizer. The live figures
read the same files (`widgets/engine/model_file.js`).

Source: https://huggingface.co/docs/safetensors. In no chapter, and used in every chapter.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import nn

from transformer_lab.config import Config
from transformer_lab.models import Decoder, EncoderDecoder, MaskedWords
from transformer_lab.tokenization import BPETokenizer, CharacterTokenizer, WordPieceTokenizer

Model = Decoder | MaskedWords | EncoderDecoder
Tokenizer = BPETokenizer | CharacterTokenizer | WordPieceTokenizer

ARCHITECTURES: dict[str, type[Model]] = {
    "decoder": Decoder,
    "masked-words": MaskedWords,
    "encoder-decoder": EncoderDecoder,
}
TOKENIZERS: dict[str, type[Tokenizer]] = {
    "BPE": BPETokenizer,
    "WordLevel": CharacterTokenizer,
    "WordPiece": WordPieceTokenizer,
}


def model_file(model: Model, tokenizer: Tokenizer, **metadata: str) -> bytes:
    """A model as the bytes of one file that says what it is.

    Args:
        model: its weights and its config.
        tokenizer: goes along as a `tokenizer.json`.
        metadata: what else a figure must know, such as the `start` token.
    """
    names = {kind: name for name, kind in ARCHITECTURES.items()}
    return weights_file(
        model,
        architecture=names[type(model)],
        config=json.dumps(asdict(model.config)),
        tokenizer=tokenizer.to_json(),
        **metadata,
    )


def weights_file(model: nn.Module, **metadata: str) -> bytes:
    """The weights of any model as the bytes of one `safetensors` file: always the same bytes."""
    weights = {name: tensor.detach().contiguous() for name, tensor in model.state_dict().items()}
    content = safetensors.torch.save(weights)
    # The library writes the metadata in another order each time; here equal models are to be
    # equal bytes, so the metadata go into the header by hand.
    end = 8 + int.from_bytes(content[:8], "little")
    header = {"__metadata__": metadata} | json.loads(content[8:end])
    header = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # the weights begin at a multiple of 8
    return len(header).to_bytes(8, "little") + header + content[end:]


def read_model_file(path: Path) -> tuple[Model, Tokenizer]:
    """Read what `model_file` wrote.

    Raises:
        ValueError: if it is not such a file.
    """
    try:
        return read_model(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is not a model file of this package: {error}") from error


def read_model(content: bytes) -> tuple[Model, Tokenizer]:
    """The model and the tokenizer in the bytes of a model file.

    Raises:
        ValueError: if they are not such bytes.
    """
    try:
        weights = safetensors.torch.load(content)
        # The library gives the metadata of files only; the header is plain JSON.
        length = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + length])["__metadata__"]
        model = ARCHITECTURES[metadata["architecture"]](Config(**json.loads(metadata["config"])))
        model.load_state_dict(weights)
        kind = json.loads(metadata["tokenizer"])["model"]["type"]
        tokenizer = TOKENIZERS[kind].from_json(metadata["tokenizer"])
    except (SafetensorError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise ValueError(f"these bytes are no model of this package: {error}") from error
    return model.eval(), tokenizer
