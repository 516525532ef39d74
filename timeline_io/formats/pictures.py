"""What kind of picture a clip shows, where only its name tells."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import PurePosixPath

from timeline_io.edit import Numbered
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


# What lists hold as the reel of a file that has none.
_NO_REEL = frozenset({"", "AX"})
INVISIBLE = "invisible: its opacity is 0"
# One of these in a name counts the pictures: [0001-0100], ####, or %d.
_COUNTER = re.compile(r"\[(\d{1,10})-\d{1,10}\]|(#{2,20})|(?<!%)%d")
_PRINTF = re.compile(r"%0(\d{1,2})d")
_FRAME_NUMBER = re.compile(r"[._-]\d{3,10}$")


def media_named(ref: str, rate: Fraction | None = None) -> tuple[str, Numbered | None]:
    """A media reference as media is searched by it: that of an image sequence as `name.%04d.exr`, and how it counts.

    Editors write `name.[0001-0100].exr`, which tells the first number, `name.####.exr`, or the pattern itself. `rate`
    is that of the pictures, where the edit states it. Anything else comes back as it is.
    """
    path = plain_path(_PRINTF.sub(lambda found: "#" * int(found[1]), ref)) or ref
    folder, slash, name = path.replace("\\", "/").rpartition("/")
    counter = _COUNTER.search(name)
    if counter is None or PurePosixPath(name).suffix.lower() not in _STILL_SUFFIXES:
        return ref, None
    width = len(counter[1] or counter[2] or "")
    digits = f"%0{width}d" if width > 1 else "%d"
    first = int(counter[1]) if counter[1] else None
    pattern = folder + slash + name[: counter.start()] + digits + name[counter.end() :]
    return pattern, Numbered(rate=rate, first=first)


def known_reel(reel: str) -> str:
    """The reel that a list names, "" where it is what stands for none."""
    return "" if reel.upper() in _NO_REEL else reel


def is_frame_of_many(ref: str) -> bool:
    """Whether a picture's name ends in a frame number, as those of a rendered or scanned shot do."""
    name = PurePosixPath(ref.replace("\\", "/").rpartition("/")[2])
    return name.suffix.lower() in _FILM_SUFFIXES and bool(_FRAME_NUMBER.search(name.stem))


def invisible_clip(name: str, start_s: Fraction, length_s: Fraction, why: str) -> Clip:
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
    return PurePosixPath(name).suffix.lower() in _STILL_SUFFIXES and media_named(ref)[1] is None


def is_generator_name(clip_name: str) -> bool:
    """Whether a clip without media is a title, a generator or an adjustment layer."""
    return clip_name.strip().casefold() in _RESOLVE_GENERATORS
