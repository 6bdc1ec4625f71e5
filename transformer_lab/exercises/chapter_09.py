"""Exercises of chapter 9: residuals and norm."""

from __future__ import annotations

EXERCISES = {}
