"""What kind of picture a clip shows, where only its name tells."""

from __future__ import annotations

from pathlib import PurePosixPath

_STILL_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".exr", ".dpx", ".bmp", ".psd", ".tga", ".webp", ".heic", ".cin"}
)

# Resolve writes its titles and generators as clips whose media is missing; only the name tells.
_RESOLVE_GENERATORS = frozenset(
    {
        "adjustment clip",
        "adjustment layer",
        "text",
        "text+",
        "multitext",
        "scroll",
        "subtitle",
        "solid color",
        "black video",
        "transparent video",
        "bars and tone",
        "fusion title",
    }
)


def is_still_name(ref: str) -> bool:
    """Whether a media reference names one picture; `shot.[0001-0100].exr` and `shot.%04d.exr` name many."""
    name = ref.replace("\\", "/").rpartition("/")[2]
    return PurePosixPath(name).suffix.lower() in _STILL_SUFFIXES and "[" not in name and "%0" not in name


def is_generator_name(clip_name: str) -> bool:
    """Whether a clip without media is a title, a generator or an adjustment layer."""
    return clip_name.strip().casefold() in _RESOLVE_GENERATORS
