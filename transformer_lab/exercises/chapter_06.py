"""Exercises of chapter 6: masking."""

from __future__ import annotations

EXERCISES = {}
