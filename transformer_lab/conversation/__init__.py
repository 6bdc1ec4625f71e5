"""Conversations, before any model: a list of messages, and how it becomes tokens.

- `messages`: the list, its roles and its rules.
- `template`: the list becomes one sequence of tokens.

Low in the house, since models are trained on conversations as well as asked in them.
Taught in chapter 14.
"""
