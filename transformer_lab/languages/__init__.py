"""The tiny languages: seeded, and their truth is known.

- `grammar`: stories from templates, with the exact probability of every word.
- `stories`: the English of the story models.
- `recall`: notes and a question about one of them, over a chosen distance.
- `translation`: English sentences and the same in Hindi.
- `hindi`: the forms of Hindi words, and their sound.
- `arithmetic`: conversations with a teacher of sums.

Taught in chapters 1 (recall), 12 (stories), 13 (translation) and 14 (arithmetic).
"""
