"""Conversations, before any model: a list of messages, and how it becomes tokens.

- `messages`: the list, its roles and its rules.
- `template`: the list becomes one sequence of tokens.

Below the models and the chat, because models are also trained on conversations.
Taught in chapter 14.
"""
