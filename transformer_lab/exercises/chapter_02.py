"""Exercises of chapter 2: the map."""

from __future__ import annotations

EXERCISES = {}
