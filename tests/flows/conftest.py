"""Fixtures of a pass without torch, its edits read without a process of their own."""

from tests.support.passes import card, edit_of, engine, movie, options, read_here

__all__ = ["card", "edit_of", "engine", "movie", "options", "read_here"]
