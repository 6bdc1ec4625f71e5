"""Exercises of chapter 5: attention."""

from __future__ import annotations

EXERCISES = {}
