"""Canvases longer than the model's window: overlapping windows whose predictions are averaged with Hann weights.

    canvas   |=====================================================|
    window 0 |====================|
    window 1                 |====================|
    window 2                                |=====================|   (the last one is flush with the end)

All windows look into one shared noise, so the sound is one sound (MultiDiffusion, arXiv 2302.08113). Flat weights leave
steps of energy at the edges; Hann weights do not.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_OVERLAP = 4  # a quarter of a window


@dataclass(frozen=True, slots=True)
class Window:
    """Latent columns [first, first + count)."""

    first: int
    count: int

    @property
    def columns(self) -> slice:
        """To index the last axis of a canvas."""
        return slice(self.first, self.first + self.count)


def split(columns: int, longest: int, multiple: int) -> tuple[Window, ...]:
    """Cover a canvas of `columns` with as few windows of at most `longest` columns as overlap by a quarter or more.

    Windows begin at multiples of `multiple`, as `columns` and `longest` are; all are equally wide, which is what lets
    the last one, flush with the end, overlap its neighbour almost wholly. Windows of one multiple lie side by side.
    """
    if columns <= longest:
        return (Window(0, columns),)
    hop = max(multiple, (longest - longest // _OVERLAP) // multiple * multiple)
    starts = [*range(0, columns - longest, hop), columns - longest]
    return tuple(Window(start, longest) for start in starts)


def hann_weights(windows: tuple[Window, ...], columns: int) -> list[Tensor]:
    """Per window a weight per column; over all windows the weights of a column sum to one."""
    raw = [torch.sin(torch.pi * (torch.arange(w.count) + 0.5) / w.count) ** 2 for w in windows]
    total = torch.zeros(columns)
    for window, weight in zip(windows, raw, strict=True):
        total[window.columns] += weight
    return [weight / total[window.columns] for window, weight in zip(windows, raw, strict=True)]
