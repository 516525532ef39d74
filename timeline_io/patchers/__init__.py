"""Patchers, one per format: a copy of the exported file that differs by our tracks only."""
