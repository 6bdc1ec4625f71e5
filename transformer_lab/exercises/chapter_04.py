"""Exercises of chapter 4: embeddings."""

from __future__ import annotations

EXERCISES = {}
