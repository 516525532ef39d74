"""One line of a CMX3600 edit decision list -> the event it describes.

    002  B002     V     D    024 01:00:08:08 01:00:18:08 01:00:10:00 01:00:20:00

Number, reel, channels, transition and its length, source in and out, record in and out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_MOST_DIGITS = 6
_TRANSITION = re.compile(r"C|D|W\d{0,3}|K[BO]?", re.IGNORECASE)
_CHANNELS = re.compile(r"(V\d{0,2}|A{1,2}\d{0,2}|B|BOTH|NONE)([/+,]?(V\d{0,2}|A{1,2}\d{0,2}))*", re.IGNORECASE)


@dataclass(slots=True)
class Event:
    """One line of the list; `said` holds what its comments say by their key, `notes` what people wrote."""

    line: int
    number: str
    reel: str
    channels: str
    transition: str
    source: tuple[str, str]
    record: tuple[str, str]
    drop_frame: bool
    transition_frames: int = 0
    said: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    speed: str = ""
    is_still: bool = False

    @property
    def where(self) -> str:
        """How to find the event in the file."""
        return f"event {self.number} on line {self.line}"

    @property
    def is_incoming(self) -> bool:
        """Whether the event comes in by a dissolve or a wipe, whose comments name what goes out as well."""
        return self.transition[:1] in ("D", "W")


def event_of(line: int, tokens: list[str], first: int, drop_frame: bool) -> Event | None:
    """An event from its words, of which the one at `first` is the source in; None when they are no event."""
    words = tokens[1:first]
    transition_frames = 0
    if words and words[-1].isdigit():
        transition_frames = int(words.pop()[:_MOST_DIGITS])
    if len(words) > 1 and words[-1].upper() in ("B", "O") and words[-2].upper() == "K":
        words = [*words[:-2], words[-2] + words[-1]]
    if len(words) > 1 and not _TRANSITION.fullmatch(words[-1]) and _CHANNELS.fullmatch(words[-1]):
        # Some programs leave the letter out: what has a length is a dissolve.
        words = [*words, "D" if transition_frames else "C"]
    if len(words) < 2 or not _TRANSITION.fullmatch(words[-1]):
        return None
    codes = tokens[first : first + 4]
    return Event(
        line=line,
        number=tokens[0],
        reel=" ".join(words[:-2]),
        channels=words[-2].upper(),
        transition=words[-1].upper(),
        source=(codes[0], codes[1]),
        record=(codes[2], codes[3]),
        drop_frame=drop_frame,
        transition_frames=transition_frames,
    )


def video_track(channels: str) -> int:
    """The number of the picture track of an event: V and B (both) are 1, AA/V is 1, V2 is 2; 0 for sound only."""
    found = re.search(r"V(\d{0,2})", channels)
    if found:
        return max(1, int(found[1] or 1))
    return 1 if channels in ("B", "BOTH") else 0
