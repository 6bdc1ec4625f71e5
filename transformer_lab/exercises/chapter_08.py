"""Exercises of chapter 8: feed-forward."""

from __future__ import annotations

EXERCISES = {}
