"""How a movie may be opened, and what a picture stream says of its length, each container in a way of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

from av.video.stream import VideoStream

# A playlist may name other files; it must never make this machine reach out over the network.
LOCAL_FILES_ONLY = {"protocol_whitelist": "file,crypto,data"}
_CLOCK_TIME = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")


def start_pts(stream: VideoStream) -> int:
    """The PTS of media time 0, in the stream's time base."""
    return stream.start_time or 0


def said_frame_count(stream: VideoStream) -> int | None:
    """How many pictures a stream says it has; None when it does not."""
    counted = tag(stream.metadata, "number_of_frames")
    return stream.frames or (int(counted) if counted.isdecimal() else None)


def stream_duration_s(stream: VideoStream) -> Fraction | None:
    """The length of the picture; None where only its packets tell.

    Matroska has it among the tags of the stream, and gives the length of the whole file for that of the stream. Who
    writes no statistics means the end, counted from the beginning of the file.
    """
    told = _CLOCK_TIME.fullmatch(tag(stream.metadata, "duration"))
    if told is not None:
        told_s = int(told[1]) * 3600 + int(told[2]) * 60 + Fraction(told[3])
        return told_s if tag(stream.metadata, "_statistics_writing_app") else since_first(told_s, stream)
    return stream.duration * stream.time_base if stream.duration and stream.time_base else None


def since_first(end_s: Fraction, stream: VideoStream) -> Fraction:
    """Seconds from the first picture to a time that is counted from the beginning of the file."""
    first_s = start_pts(stream) * (stream.time_base or Fraction(0))
    return end_s - first_s if first_s < end_s else end_s


def tag(metadata: Mapping[str, str], name: str) -> str:
    """The tag of that name in whatever case and language, "" where there is none: Matroska has DURATION-eng."""
    return next((text for key, text in metadata.items() if key.lower().partition("-")[0] == name), "")
