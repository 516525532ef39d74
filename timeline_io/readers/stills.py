"""Still pictures: shown frozen, however long the clip."""

from __future__ import annotations

from pathlib import PurePosixPath

_STILL_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".exr", ".dpx", ".bmp", ".psd", ".tga", ".webp", ".heic", ".cin"}
)


def is_still_name(ref: str) -> bool:
    """Whether a media reference names one picture; `shot.[0001-0100].exr` and `shot.%04d.exr` name many."""
    name = ref.replace("\\", "/").rpartition("/")[2]
    return PurePosixPath(name).suffix.lower() in _STILL_SUFFIXES and "[" not in name and "%0" not in name
