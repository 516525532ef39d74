"""Fixtures of a pass without torch."""

from tests.support.passes import card, edit_of, engine, movie, options

__all__ = ["card", "edit_of", "engine", "movie", "options"]
