"""Sounds placed all over an edit, for laying."""

from __future__ import annotations

import wave
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from timeline_io.edit import NO_FADE, Edit, Fade, PlacedClip
from timeline_io.frames import FrameSpan


def seven_takes(edit: Edit, folder: Path) -> list[PlacedClip]:
    """Seven sounds in `folder`, from the start of the edit on, each crossing the next over three frames, with handles
    hidden in their files and a short fade at the far edges."""
    step = edit.frame_count // 8
    frames = min(3, (step + 3) // 2)
    short = Fade(frames=1, seconds=Fraction(1, 100))
    crossing = Fade(frames=frames, seconds=frames / edit.rate, crossing=True)
    records = [FrameSpan(first=edit.start_frame + index * step, count=step + 3, rate=edit.rate) for index in range(7)]
    return [
        PlacedClip(
            name=f"take {index}",
            wav=folder / f"take_{index}.wav",
            record=record,
            shot_id="sh0010",
            label="rain",
            head_frames=min(4, record.first),
            tail_frames=6,
            fade_in=crossing if index else short,
            fade_out=crossing if index < 6 else short,
        )
        for index, record in enumerate(records)
    ]


def written_take(edit: Edit, index: int, folder: Path) -> PlacedClip:
    """The `index`-th of seven short sounds of an edit, written to `folder`: hidden handles where there is room, a fade
    at one edge, at the other or at both, and two stretches that sound."""
    step = edit.frame_count // 8
    record = FrameSpan(first=edit.start_frame + index * step, count=min(step, 24) + 3, rate=edit.rate)
    short = Fade(frames=1, seconds=Fraction(1, 100))
    clip = PlacedClip(
        name=f"take {index}",
        wav=folder / f"take_{index}.wav",
        record=record,
        shot_id="sh0010",
        label="rain",
        spans=(replace(record, first=record.first + 1, count=1), replace(record, first=record.end - 1, count=1)),
        head_frames=min(index, record.first),
        tail_frames=index % 3,
        fade_in=short if index % 2 else NO_FADE,
        fade_out=short if index % 3 else NO_FADE,
    )
    folder.mkdir(exist_ok=True)
    with wave.open(str(clip.wav), "wb") as writer:
        writer.setparams((1, 3, 48000, 0, "NONE", ""))
        writer.writeframes(bytes([index]) * 3 * clip.file.samples(48000)[1])
    return clip
