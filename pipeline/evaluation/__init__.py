"""Measures of how well a sound fits its picture."""
