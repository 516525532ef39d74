"""What our sounds are called inside a bundle, whose media all lie in one folder and need different names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from timeline_io.files import sound_digest

# How the names of our sounds begin inside a bundle, where one folder holds everybody's media.
BUNDLED_PREFIX = "smooth-foley-"
MEDIA_FOLDER = PurePosixPath("media")
_BUNDLED = re.compile(re.escape(BUNDLED_PREFIX) + "[0-9a-f]{12}-")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._-]+")


def bundled_names(wavs: Iterable[Path]) -> dict[Path, PurePosixPath]:
    """Sound file -> `media/smooth-foley-<digest of its content>-<its name in plain letters>`.

    The same sound has the same name in every run, so laying twice writes the same bundle. Raises LayingError when a
    sound cannot be read.
    """
    return {wav: MEDIA_FOLDER / f"{BUNDLED_PREFIX}{sound_digest(wav)[:12]}-{plain_name(wav.name)}" for wav in wavs}


def name_before(name: str) -> str:
    """What a sound was called, in plain letters, before it got its name in a bundle; "" for any other file's name."""
    match = _BUNDLED.match(name)
    return name[match.end() :] if match else ""


def is_our_sound(name: str) -> bool:
    """Whether a file of a bundle (by its path in it) is a sound that laying put there."""
    path = PurePosixPath(name)
    return path.parent == MEDIA_FOLDER and path.name.startswith(BUNDLED_PREFIX)


def plain_name(name: str) -> str:
    """The name of a file in plain letters; of a long one the end, which holds the suffix."""
    return _NOT_PLAIN.sub("_", name)[-100:]
