"""The formats that our tracks can be laid into, as functions from bytes to bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from timeline_io.edit import FoleyTrack
from timeline_io.errors import LayingError
from timeline_io.patchers import aaf, fcp7, fcpxml, otio
from timeline_io.patchers.found import FoundTrack
from timeline_io.patchers.target import Folders, Keep, Target

__all__ = ["PATCHERS", "Folders", "Keep", "Patcher", "Target", "patcher_of"]


@dataclass(frozen=True, slots=True)
class Patcher:
    """How one format takes our tracks in (`add`) and gives them back (`remove`); neither touches another byte.

    `find` tells what lies on the audio tracks, ours and others.
    """

    add: Callable[[bytes, Target, tuple[FoleyTrack, ...]], bytes]
    remove: Callable[[bytes, Target, Folders, Keep], bytes]
    find: Callable[[bytes, Target], tuple[FoundTrack, ...]]


PATCHERS = {
    "aaf": Patcher(aaf.add_tracks, aaf.remove_tracks, aaf.find_tracks),
    "otio": Patcher(otio.add_tracks, otio.remove_tracks, otio.find_tracks),
    "fcp7": Patcher(fcp7.add_tracks, fcp7.remove_tracks, fcp7.find_tracks),
    "fcpxml": Patcher(fcpxml.add_tracks, fcpxml.remove_tracks, fcpxml.find_tracks),
}


def patcher_of(format_name: str) -> Patcher:
    """The patcher of a format; raises LayingError when tracks cannot be laid into it."""
    patcher = PATCHERS.get(format_name)
    if patcher is None:
        raise LayingError(
            f"tracks cannot be laid into an edit of the format {format_name!r}: write companion timelines beside it"
        )
    return patcher
