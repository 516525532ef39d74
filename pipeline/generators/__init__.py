"""The families of models that make sound; pipeline/registries.py lists them, base.py says what one is asked for."""
