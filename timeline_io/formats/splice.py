"""Cutting stretches out of a text or putting one in, everything else kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import AnyStr


def without(whole: AnyStr, stretches: Iterable[tuple[int, int]]) -> AnyStr:
    """`whole` without the stretches [start, end), which do not overlap."""
    for start, end in sorted(stretches, reverse=True):
        whole = whole[:start] + whole[end:]
    return whole


def inserted(whole: AnyStr, at: int, addition: AnyStr) -> AnyStr:
    """`whole` with `addition` before position `at`."""
    return whole[:at] + addition + whole[at:]
