"""The markers on our clips that tell an editor where a sound was found, and that an editor may move.

clip     [      footsteps on gravel           ]
markers       |on: footst...|      |on: f..|       one per stretch in which it was heard
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from timeline_io.edit import PlacedClip
from timeline_io.frames import FrameSpan

NOTE = "Smooth-Foley heard it here; move or trim this marker, then run again"
_NAME = "on:"


def on_name(clip: PlacedClip) -> str:
    """What the markers on a clip are called."""
    return f"{_NAME} {clip.label}".strip()


def is_on(texts: Iterable[str]) -> bool:
    """Whether what is written on a marker says that a sound is on there."""
    plain = [text.strip().casefold() for text in texts]
    return any(text.startswith(_NAME) or text == _NAME.removesuffix(":") for text in plain)


def on_spans(clip: PlacedClip) -> Iterator[FrameSpan]:
    """The stretches of a clip that get a marker: those inside it."""
    for span in clip.spans:
        first, end = max(span.first, clip.record.first), min(span.end, clip.record.end)
        if first < end:
            yield FrameSpan(first=first, count=end - first, rate=clip.record.rate)
