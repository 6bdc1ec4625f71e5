"""Text to numbers and back.

- `byte_level`: bytes as letters, text cut into words.
- `bpe`: byte-pair encoding, the tokenizer of the GPT and LLaMA families.

Taught in chapter 3.
"""

from transformer_lab.tokenization.bpe import BPETokenizer

__all__ = ["BPETokenizer"]
