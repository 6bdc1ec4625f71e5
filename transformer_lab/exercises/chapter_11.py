"""Exercises of chapter 11: contextual embeddings."""

from __future__ import annotations

EXERCISES = {}
