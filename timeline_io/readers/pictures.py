"""What kind of picture a clip shows, where only its name tells."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import PurePosixPath

from timeline_io.media_paths import plain_path
from timeline_io.model import Clip

_STILL_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".exr", ".dpx", ".bmp", ".psd", ".tga", ".webp", ".heic", ".cin"}
)
_FILM_SUFFIXES = frozenset({".exr", ".dpx", ".cin", ".tif", ".tiff", ".tga"})

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


INVISIBLE = "invisible: its opacity is 0"
IMAGE_SEQUENCE = "offline: an image sequence, which is not read as a movie yet"
_RANGE = re.compile(r"\[(\d{1,10})-\d{1,10}\]")
_PRINTF = re.compile(r"%0(\d{1,2})d")
_HASHES = re.compile(r"#{2,20}")
_FRAME_NUMBER = re.compile(r"[._-]\d{3,10}$")


def image_sequence(ref: str) -> str:
    """The path of many numbered pictures as FFmpeg's image2 opens it, `name.%04d.exr`; "" for anything else.

    Editors write `name.[0001-0100].exr`, `name.####.exr` or the pattern itself. The number of the first picture
    is not kept: it is the lowest one in the folder, and what image2 wants to be told as `start_number`.
    """
    path = plain_path(_PRINTF.sub(lambda found: "#" * int(found[1]), ref)) or ref
    folder, slash, name = path.replace("\\", "/").rpartition("/")
    if PurePosixPath(name).suffix.lower() not in _STILL_SUFFIXES:
        return ""
    hashed = _RANGE.sub(lambda found: "#" * max(2, len(found[1])), name, count=1)
    pattern = _HASHES.sub(lambda found: f"%0{len(found[0])}d", hashed, count=1)
    return "" if pattern == name else folder + slash + pattern


def is_frame_of_many(ref: str) -> bool:
    """Whether a picture's name ends in a frame number, as those of a rendered or scanned shot do."""
    name = PurePosixPath(ref.replace("\\", "/").rpartition("/")[2])
    return name.suffix.lower() in _FILM_SUFFIXES and bool(_FRAME_NUMBER.search(name.stem))


def nothing_seen(name: str, start_s: Fraction, length_s: Fraction, why: str) -> Clip:
    """A stretch of a track that shows nothing and covers nothing, listed with the reason."""
    return Clip(
        name=name,
        start_s=start_s,
        length_s=length_s,
        source_start_s=Fraction(0),
        speed=Fraction(1),
        media_ref="",
        no_picture=why,
    )


def is_still_name(ref: str) -> bool:
    """Whether a media reference names one picture, and not one for each frame."""
    name = ref.replace("\\", "/").rpartition("/")[2]
    return PurePosixPath(name).suffix.lower() in _STILL_SUFFIXES and not image_sequence(ref)


def is_generator_name(clip_name: str) -> bool:
    """Whether a clip without media is a title, a generator or an adjustment layer."""
    return clip_name.strip().casefold() in _RESOLVE_GENERATORS
