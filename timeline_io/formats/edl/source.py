"""The source of one event of an edit decision list: where in the media's own timecode it begins, and how fast it runs.

An M2 line says how many frames of media are played in a second. Only the media knows what that is as a speed; until it
is at hand, source and record say it, and some lines only restate that media runs at a rate of its own:

    list at 30, M2 024.0, source 8 s, record 8 s     media at 24, normal speed
    list at 30, M2 012.0, source 4 s, record 8 s     media at 24, half speed
    list at 30, M2 024.0, source 6.4 s, record 8 s   media at 30, .8
    list at 30, M2 012.0, source 8 s, record 8 s     the source was not measured: .4
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from timeline_io.formats.edl.event import Event
from timeline_io.formats.edl.rate import COUNTED, Clock, ntsc_rate
from timeline_io.frames import Counting, can_drop_frames, rate_name
from timeline_io.motion import FASTEST, Motion, is_rounded_from, speed_at

_HALF_A_DAY_S = 12 * 3600
# Rates that cameras have and lists of 30 and 60 frames have not; an editor adapts the media to its list.
_CAMERAS = (Fraction(24000, 1001), Fraction(24), Fraction(25))
_LISTS_OF_CAMERAS = (30, 60)
# Those of which a source range tells that a list at 60 slows them down.
_HALVES = (Fraction(30000, 1001), Fraction(30))
_ADAPTED = (Fraction(4, 5), Fraction(5, 4))
# Frames by which the source range of a retime may be off: 70 frames have been seen for 36 at 1.983.
_ROUNDED_BY = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where in the media's own timecode an event begins, in seconds, and how fast it runs.

    `counted` is how its timecodes were counted. `motion` is set where the list says frames of media a second instead of
    a speed.
    """

    start_s: Fraction
    speed: Fraction = Fraction(1)
    notes: tuple[str, ...] = ()
    counted: Counting | None = None
    motion: Motion | None = None


@dataclass(frozen=True, slots=True)
class _Reading:
    """Source in and out in seconds from midnight, as one clock counts them."""

    counted: Counting
    first_s: Fraction
    last_s: Fraction

    @property
    def length_s(self) -> Fraction:
        return abs(self.last_s - self.first_s)

    def is_off_s(self, length_s: Fraction) -> Fraction:
        """How far the length is from another, in seconds."""
        return abs(self.length_s - length_s)


def source_of(event: Event, clock: Clock, length_s: Fraction) -> Source | None:
    """The source of an event that is `length_s` long on the list, None when its timecodes cannot be counted."""
    readings = [reading for own in _clocks(clock) if (reading := _read(event, own)) is not None]
    if not readings:
        return None
    if event.speed:
        return _moving(event, clock.rate, readings, length_s)
    first = readings[0]
    for reading in readings:
        if reading.last_s >= reading.first_s and reading.is_off_s(length_s) <= _frame_s(reading, clock.rate):
            return Source(start_s=reading.first_s, counted=reading.counted, notes=_counted_note(reading.counted, clock))
    if first.last_s <= first.first_s or first.length_s > FASTEST * length_s:
        # A source without a length was not measured; one that ends before it begins was mistyped.
        return Source(start_s=first.first_s, counted=first.counted) if first.last_s == first.first_s else None
    note = "its speed is not stated: it was taken from the lengths of source and record"
    speed = first.length_s / length_s if length_s else Fraction(1)
    return Source(start_s=first.first_s, counted=first.counted, speed=speed, notes=(note,))


def _moving(event: Event, rate: Fraction, readings: list[_Reading], length_s: Fraction) -> Source:
    """The source of an event with an M2 line, as well as it can be known without the media."""
    motion, text, first = Motion(fps=Fraction(event.speed), line=event.line), event.speed, readings[0]
    fps, speed = motion.fps, speed_at(motion.fps, rate)
    adapted = _adapted(fps, speed, rate, readings, length_s)
    if adapted is not None:
        note = f"M2 {text} was taken as the rate of its media, and no retime: source and record are equally long"
        return _from(adapted, Fraction(1 if fps > 0 else -1), replace(motion, note=note))
    if not fps or first.is_off_s(abs(speed) * length_s) <= _ROUNDED_BY * _frame_s(first, rate):
        return _from(first, speed, motion)
    for camera in (*_cameras(rate), *(_HALVES if round(rate) == 60 else ())):
        retimed = speed_at(fps, camera)
        if abs(retimed) != 1 and first.is_off_s(abs(retimed) * length_s) <= _frame_s(first, rate):
            how = f"speed {float(retimed):.4g} of media at {rate_name(camera)} frames a second"
            note = f"M2 {text} was taken as {how}, which its source range shows"
            return _from(first, retimed, replace(motion, note=note))
    note = f"M2 {text} was taken as speed {float(speed):.4g}, though its source range differs"
    return _from(first, speed, replace(motion, note=note))


def _adapted(
    fps: Fraction, speed: Fraction, rate: Fraction, readings: list[_Reading], length_s: Fraction
) -> _Reading | None:
    """The reading by which source and record are equally long, where `fps` is a rate that media may have of its own."""
    own = [media for media in (*(rate * part for part in _ADAPTED), *_cameras(rate)) if is_rounded_from(fps, media)]
    counted = {round(rate), *(round(media) for media in own)}
    for reading in readings:
        off_s = reading.is_off_s(length_s)
        if own and round(reading.counted.rate) in counted and off_s <= _frame_s(reading, rate):
            # In a short event a frame more or less decides between normal speed and what M2 is at the list's rate.
            return reading if off_s < reading.is_off_s(abs(speed) * length_s) else None
    return None


def _cameras(rate: Fraction) -> tuple[Fraction, ...]:
    return _CAMERAS if round(rate) in _LISTS_OF_CAMERAS else ()


def _from(reading: _Reading, speed: Fraction, motion: Motion) -> Source:
    """Backwards, a range is played from its far edge, whichever way round it is written."""
    start_s = max(reading.first_s, reading.last_s) if speed < 0 else reading.first_s
    return Source(
        start_s=start_s,
        speed=speed,
        notes=(motion.note,) if motion.note else (),
        counted=reading.counted,
        motion=motion if motion.fps else None,
    )


def _frame_s(reading: _Reading, rate: Fraction) -> Fraction:
    """The longer of a frame of the source and one of the list."""
    return max(1 / reading.counted.rate, 1 / rate)


def _clocks(clock: Clock) -> Iterator[Clock]:
    """The list's own clock, and those that a source of another rate may be counted by."""
    yield clock
    is_ntsc = clock.rate.denominator == 1001
    for counted in COUNTED:
        rate = ntsc_rate(counted) if is_ntsc and counted % 25 else Fraction(counted)
        if rate != clock.rate:
            yield Clock(rate, clock.drop_frame and can_drop_frames(rate), clock.is_marked)


def _read(event: Event, clock: Clock) -> _Reading | None:
    """A source that runs over midnight, either way, has one edge after it; None when it is none of this clock."""
    try:
        first_s, last_s = (clock.frame(code, event.drop_frame) / clock.rate for code in event.source)
    except ValueError:
        return None
    if first_s - last_s > _HALF_A_DAY_S:
        last_s += clock.day / clock.rate
    elif last_s - first_s > _HALF_A_DAY_S:
        first_s += clock.day / clock.rate
    counted = Counting(rate=clock.rate, drop_frame=clock.drops(event.source[0], event.drop_frame))
    return _Reading(counted, first_s, last_s)


def _counted_note(own: Counting, clock: Clock) -> tuple[str, ...]:
    return () if own.rate == clock.rate else (f"its source timecode counts {rate_name(own.rate)} frames a second",)
