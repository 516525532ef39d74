"""Procedural audio-visual scenes with known truth."""
