"""Edit decision lists as text, for tests that know every number in them."""

from __future__ import annotations

from pathlib import Path

from timeline_io.edit import Edit

HEAD = "TITLE: cut\nFCM: NON-DROP FRAME\n"
# 5 s - 19 frames = 4 s + 5 frames: only at 24.
AT_24 = "900  TAIL  V  C  01:00:14:17 01:00:18:22 02:00:02:19 02:00:07:00"


def written(
    folder: Path, *lines: str, head: str = HEAD, encoding: str = "utf-8", end: str = "\n", name: str = "cut.edl"
) -> Path:
    """A list of `lines` after a title."""
    path = folder / name
    path.write_bytes((head + "\n".join(lines) + "\n").replace("\n", end).encode(encoding))
    return path


def event(
    number: int, source: str, record: str, *, reel: str = "A001", channels: str = "V", kind: str = "C", name: str = ""
) -> str:
    """An event; source and record as `seconds:frames-seconds:frames` after one hour."""
    codes = [f"01:00:{code}" for span in (source, record) for code in span.split("-")]
    line = f"{number:03d}  {reel}  {channels}  {kind}  {' '.join(codes)}"
    return f"{line}\n* FROM CLIP NAME: {name}" if name else line


def seen(edit: Edit) -> list[tuple[str, int, int]]:
    """Name, first frame and frames of each shot, counted from the start of the list."""
    return [(shot.name, shot.record.first - edit.start_frame, shot.record.count) for shot in edit.shots]
