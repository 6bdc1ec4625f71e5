"""Text to numbers and back.

- `byte_level`: bytes as letters, text cut into words.
- `bpe`: byte-pair encoding, the tokenizer of the GPT and LLaMA families.
- `wordpiece`: the tokenizer of BERT.
- `merging`: pairs and their counts, which both are trained with.
- `hugging_face`: the file format that both are kept in.

Taught in chapter 3.
"""

from transformer_lab.tokenization.bpe import BPETokenizer
from transformer_lab.tokenization.wordpiece import WordPieceTokenizer

__all__ = ["BPETokenizer", "WordPieceTokenizer"]
