"""It has no weights."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.weights.parts import PartLayout

PARTS: Mapping[str, PartLayout] = {}
