"""Sounds placed all over an edit, for laying."""

from __future__ import annotations

from pathlib import Path

from timeline_io.edit import Edit, PlacedClip
from timeline_io.frames import FrameSpan


def seven_takes(edit: Edit, folder: Path) -> list[PlacedClip]:
    """Seven sounds in `folder`, from the start of the edit on, each reaching three frames into the next."""
    step = edit.frame_count // 8
    return [
        PlacedClip(
            name=f"take {index}",
            wav=folder / f"take_{index}.wav",
            record=FrameSpan(first=edit.start_frame + index * step, count=step + 3, rate=edit.rate),
            shot_id="sh0010",
            label="rain",
        )
        for index in range(7)
    ]
