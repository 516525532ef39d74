"""The reel, tape or card that an OpenTimelineIO clip was made from, which is told in the metadata of its program.

{"cmx_3600": {"reel": "A001"}}                                a clip that was an event of a list
{"fcp_xml": {"timecode": {"reel": {"name": "A001"}}}}         media that was a file of Final Cut Pro 7 XML
{"Reel Name": "A001"}, {"tape_name": "A001"}                  as programs call it
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from timeline_io.formats.otio.document import OtioObject
from timeline_io.formats.pictures import known_reel

_REELS = frozenset({"reel", "reelname", "reelid", "tape", "tapename", "tapeid"})
_MOST_NOTES = 1000


def reel_of(clip: OtioObject, reference: OtioObject) -> str:
    """The reel of a clip, or else that of its media; "" where none is told."""
    blocks = [thing.get("metadata") for thing in (clip, reference)]
    return next((reel for block in blocks for reel in islice(_reels(block), 1)), "")


def _reels(block: Any) -> Iterator[str]:
    for key, value in islice(_notes(block), _MOST_NOTES):
        if "".join(filter(str.isalnum, key)).casefold() in _REELS:
            name = value.get("name") if isinstance(value, dict) else value
            if isinstance(name, str) and known_reel(name.strip()):
                yield name.strip()


def _notes(block: Any) -> Iterator[tuple[str, Any]]:
    """What a block says by name, the outer before the inner."""
    waiting = [block] if isinstance(block, dict) else []
    for inner in waiting:
        yield from inner.items()
        waiting += [value for value in inner.values() if isinstance(value, dict)]
