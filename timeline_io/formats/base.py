"""What there is to know about a format, whichever it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from timeline_io.edit import FoleyTrack
from timeline_io.formats.found import FoundTrack
from timeline_io.formats.target import Folders, Keep, Target
from timeline_io.model import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Laying:
    """How a format takes our tracks in (`add`) and gives them back (`remove`); neither touches another byte.

    `find` tells what lies on the audio tracks, ours and others. `empty(title, target, frames)` is a new timeline of
    that length without a clip, where our tracks may also stand alone in this format.
    """

    add: Callable[[bytes, Target, tuple[FoleyTrack, ...]], bytes]
    remove: Callable[[bytes, Target, Folders, Keep], bytes]
    find: Callable[[bytes, Target], tuple[FoundTrack, ...]]
    empty: Callable[[str, Target, int], bytes] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A format of edits: bytes in, a `model.Sequence` out, and our tracks into the same bytes.

    `title` is what people call it, with the suffixes that its files and bundles have. `suits` tells a file of it by
    its first bytes as text. `read(data, file_name, sequence)` gives the sequence of that name, or the only one there
    is; a format that does not state its frame rate has `read_at`, which takes the rate to read it at as well.
    `laying` is None where tracks cannot be laid into it.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    suits: Callable[[str], bool]
    read: Callable[[bytes, str, str | None], Sequence]
    read_at: Callable[[bytes, str, str | None, Fraction], Sequence] | None = None
    laying: Laying | None = None
