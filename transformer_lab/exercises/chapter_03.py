"""Exercises of chapter 3: tokenization."""

from __future__ import annotations

EXERCISES = {}
