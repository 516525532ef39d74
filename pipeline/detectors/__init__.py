"""The ways to tell when a label sounds; pipeline/registries.py lists them."""
