"""Exercises of chapter 1: why transformers."""

from __future__ import annotations

EXERCISES = {}
