"""The families of models that make sound: a new one is a package here and a line in FAMILIES. Loads no torch."""

from __future__ import annotations

from pipeline.errors import WeightsError
from pipeline.generators.auffusion import AUFFUSION
from pipeline.generators.base import Family

FAMILIES: dict[str, Family] = {"auffusion": AUFFUSION}


def family_named(name: str) -> Family:
    """The family of that name, as a model card has it. Raises WeightsError."""
    if name not in FAMILIES:
        raise WeightsError(f"there is no family of models called {name!r}; there are {', '.join(FAMILIES)}")
    return FAMILIES[name]
