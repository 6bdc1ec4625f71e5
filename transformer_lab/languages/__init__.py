"""The tiny languages: seeded grammars whose truth is known.

- `grammar`: stories from templates, with the exact probability of every word.
- `stories`: the English of the story models.
"""
