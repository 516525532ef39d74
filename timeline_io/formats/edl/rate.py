"""The frame rate of an edit decision list, which nothing in it states: found from what its numbers allow.

Three things speak. Someone may have written the rate into a comment or the title. Drop-frame timecode
exists at 29.97 and 59.94 only. And source and record of a plain cut last equally long:

    01:00:14:17 01:00:18:22   01:00:02:19 01:00:07:00      4 s + 5 frames = 5 s - 19 frames: 24 in a second

23.976 and 24 are counted alike; what tells them apart is the speed of a retime, written in frames per second.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from timeline_io.errors import UnreadableEditError
from timeline_io.formats.edl.event import Event
from timeline_io.formats.edl.text import EditList
from timeline_io.frames import can_drop_frames, frame_at_timecode, frames_of_day, rate_name, snap_rate
from timeline_io.motion import meant_speed

# Frames counted in a second, the likeliest first where the list leaves a choice.
COUNTED = (24, 25, 30, 50, 60, 48)
_WRITTEN = re.compile(
    r"frame ?rate[ :=]+(\d{2,3}(?:\.\d{1,3})?)|\b(\d{2,3}(?:\.\d{1,3})?) ?fps|\bfps[ :=]+(\d{2,3}(?:\.\d{1,3})?)",
    re.IGNORECASE,
)
_OTHERWISE = "if that is wrong, say the rate (--rate)"
# A speed this round was meant; every second speed of one decimal is a whole percentage by chance.
_ROUND_SPEED = Fraction(1, 10)


@dataclass(frozen=True, slots=True)
class Clock:
    """How the timecodes of a list count. `is_marked` tells that it writes drop-frame timecodes with `;`."""

    rate: Fraction
    drop_frame: bool
    is_marked: bool

    def frame(self, code: str, drop_frame: bool) -> int:
        """The absolute frame of a timecode under a mode; raises ValueError when it is none at this rate."""
        return frame_at_timecode(code, self.rate, self.drops(code, drop_frame))

    def drops(self, code: str, drop_frame: bool) -> bool:
        """Whether a timecode under a mode is one that drops numbers."""
        return (_is_marked(code) or (drop_frame and not self.is_marked)) and can_drop_frames(self.rate)

    @property
    def day(self) -> int:
        """The frames of 24 hours of timecode."""
        return frames_of_day(self.rate, self.drop_frame and can_drop_frames(self.rate))


def find_clock(edit: EditList, wanted: Fraction | None) -> tuple[Clock, str]:
    """The clock of a list, and the sentence that says on what evidence; "" for the rate that was asked for.

    Raises UnreadableEditError when the list cannot run at the wanted rate, or at any.
    """
    marked = any(_is_marked(code) for event in edit.events for code in event.record)
    drops = marked or bool(edit.drop_frame)
    if wanted is None:
        rate, evidence = _found(edit, drops, marked)
        text = f"an edit decision list does not say its frame rate: {rate_name(rate)} was taken because {evidence}"
        return Clock(rate, drops, marked), f"{text}; {_OTHERWISE}"
    if drops and wanted in (30, 60):
        ntsc = ntsc_rate(round(wanted))
        said = f"the list counts in drop-frame timecode: {wanted} was taken as {rate_name(ntsc)}, at which that exists"
        return Clock(ntsc, drops, marked), said
    if drops and not can_drop_frames(wanted):
        raise UnreadableEditError(
            f"the list counts in drop-frame timecode, which runs at 29.97 or 59.94 and not at {rate_name(wanted)}"
        )
    return Clock(wanted, drops, marked), ""


def _found(edit: EditList, drops: bool, marked: bool) -> tuple[Fraction, str]:
    highest = _highest_frame(edit)
    possible = [counted for counted in COUNTED if counted > highest and (not drops or counted in (30, 60))]
    written = _written(edit, possible)
    if written in (30, 60) and (drops or _sources_drop(edit)):
        return ntsc_rate(round(written)), "a comment or the title says so and timecode drops frames"
    if written is not None and (not drops or can_drop_frames(written)):
        return written, "a comment or the title says so"
    if not possible:
        raise UnreadableEditError(f"the list counts up to frame {highest} in a second, which no usual rate does")
    agreeing = {counted: _agreeing(edit, counted, drops, marked) for counted in possible}
    # Where all agree, a source that drops numbers is one of a list that could.
    drop = _sources_drop(edit)
    counted = max(possible, key=lambda item: (agreeing[item], drop and item in (30, 60), -possible.index(item)))
    evidence = _evidence(edit, counted, highest, agreeing)
    if drops:
        return ntsc_rate(counted), f"its timecode drops frames and {evidence}"
    if counted in (30, 60) and drop:
        return ntsc_rate(counted), f"{evidence} and the timecode of a source drops frames"
    if counted % 25 and _speeds_are_ntsc(edit, counted):
        return ntsc_rate(counted), f"{evidence} and its retimes are round speeds at that rate only"
    if counted % 25 == 0:
        return Fraction(counted), evidence
    return Fraction(counted), f"{evidence}, though {rate_name(ntsc_rate(counted))} is counted alike"


def ntsc_rate(counted: int) -> Fraction:
    """The rate of so many frames in 1.001 seconds."""
    return Fraction(counted * 1000, 1001)


def _is_marked(code: str) -> bool:
    return ";" in code or "," in code


def _sources_drop(edit: EditList) -> bool:
    """Whether a source counts in drop-frame timecode, which a list of whole 30 frames a second cannot."""
    return any(event.drop_frame or any(_is_marked(code) for code in event.source) for event in edit.events)


def _evidence(edit: EditList, counted: int, highest: int, agreeing: dict[int, int]) -> str:
    others = [count for other, count in agreeing.items() if other != counted]
    if others and agreeing[counted] > max(others):
        return f"the source and record lengths of {agreeing[counted]} of {len(edit.events)} events agree at it"
    return f"it is the likeliest rate for timecodes that count to frame {highest}"


def _highest_frame(edit: EditList) -> int:
    """The highest frame number of the record times; sources may be counted at rates of their own.

    One in a hundred may be mistyped: it is told when its event is placed.
    """
    numbers = sorted(int(re.split(r"[:;.,]", code)[3]) for event in edit.events for code in event.record)
    return numbers[-1 - len(numbers) // 100]


def _agreeing(edit: EditList, counted: int, drops: bool, marked: bool) -> int:
    """How many unchanged events are equally long in source and record when so many frames make a second."""
    clock = Clock(ntsc_rate(counted) if drops else Fraction(counted), drops, marked)
    return sum(_agrees(event, clock, bool(edit.drop_frame)) for event in edit.events if not event.speed)


def _agrees(event: Event, clock: Clock, drops: bool) -> bool:
    try:
        source = [clock.frame(code, event.drop_frame) for code in event.source]
        record = [clock.frame(code, drops) for code in event.record]
    except ValueError:
        return False
    return source[1] - source[0] == record[1] - record[0] > 0


def _written(edit: EditList, possible: Iterable[int]) -> Fraction | None:
    """The rate that a comment or the title names, if the timecodes can be counted so."""
    for comment in edit.comments:
        found = None if "CLIP NAME" in comment[:20].upper() else _WRITTEN.search(comment)
        if found:
            rate = snap_rate(next(group for group in found.groups() if group))
            if round(rate) in possible and abs(rate - round(rate)) < Fraction(1, 8):
                return rate
    return None


def _speeds_are_ntsc(edit: EditList, counted: int) -> bool:
    speeds = [event.speed for event in edit.events if event.speed.strip("-+0.")]
    ntsc, whole = ntsc_rate(counted), Fraction(counted)
    return sum(_is_round(speed, ntsc) for speed in speeds) > sum(_is_round(speed, whole) for speed in speeds)


def _is_round(speed: str, rate: Fraction) -> bool:
    return meant_speed(Fraction(speed), rate, _ROUND_SPEED) is not None
