"""Text to numbers and back.

- `byte_level`: bytes as letters, text cut into words.
- `bpe`: byte-pair encoding, the tokenizer of the GPT and LLaMA families.
- `wordpiece`: the tokenizer of BERT.
- `ranked`: tokenizers whose pieces have ranks, as LLaMA's and GPT-4's.
- `characters`: a token for each character.
- `vocabulary`: pieces and their IDs, which all of these have.
- `merging`: pairs and their counts, which the first two are trained with.
- `hugging_face`: the file format that all are kept in.

Taught in chapter 3.
"""

from transformer_lab.tokenization.bpe import BPETokenizer
from transformer_lab.tokenization.characters import CharacterTokenizer
from transformer_lab.tokenization.wordpiece import WordPieceTokenizer

__all__ = ["BPETokenizer", "CharacterTokenizer", "WordPieceTokenizer"]
