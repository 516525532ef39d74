"""CMX3600 edit decision lists (.edl) -> model.Sequence.

A list says which part of which reel is recorded where, and nothing else: not its frame rate, not at which
timecode the media begins, rarely a path. Black is a gap. A dissolve begins at the cut: the outgoing clip
ends there, the incoming is seen from there on. A key lies above the track it is keyed over. An event that
is recorded over an earlier one hides it, as on tape.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import groupby, pairwise

from timeline_io.errors import UnreadableEditError, UnsupportedEditError
from timeline_io.formats.edl.clip import Comment, clip_of, comment_of, is_black
from timeline_io.formats.edl.event import Event, video_track
from timeline_io.formats.edl.rate import Clock, find_clock
from timeline_io.formats.edl.source import source_of
from timeline_io.formats.edl.text import EditList, edit_lists
from timeline_io.formats.pick import pick
from timeline_io.model import Clip, Dissolve, Marker, Sequence, Track

_LOCATOR_COLOURS = frozenset(
    ("RED", "GREEN", "BLUE", "CYAN", "MAGENTA", "YELLOW", "BLACK", "WHITE", "PINK", "ORANGE", "PURPLE", "BROWN", "GREY",
     "GRAY", "DENIM", "VIOLET")
)  # fmt: skip
_MOST_REMARKS = 5

# Track number and layer (1 for what is keyed over it), record in and out in frames.
_Place = tuple[tuple[int, int], int, int]


def read_edl(data: bytes, file_name: str, sequence: str | None) -> Sequence:
    """The list of that title, or the only one of the file, at the rate that its numbers point to."""
    return read_edl_at(data, file_name, sequence, None)


def read_edl_at(data: bytes, file_name: str, sequence: str | None, rate: Fraction | None) -> Sequence:
    """As `read_edl`, at the exact frame rate given."""
    lists = edit_lists(data, file_name)
    edit = pick(lists, [item.title for item in lists], file_name, sequence)
    if edit.marker_lines >= len(edit.events):
        raise UnsupportedEditError(
            f"{file_name} holds the markers of a Resolve timeline and no edit: "
            "export the timeline itself (File > Export > Timeline) as .otio, FCP 7 XML or EDL"
        )
    clock, remark = find_clock(edit, rate)
    return _Builder(edit, clock).sequence(remark)


class _Builder:
    """Turns one list into the model; record times are frames from midnight until they become seconds."""

    def __init__(self, edit: EditList, clock: Clock) -> None:
        self._edit = edit
        self._clock = clock
        events = [event for event in edit.events if video_track(event.channels)]
        self._sound_only = len(edit.events) - len(events)
        self._events = events
        self._places = self._placed()
        self._start = min((first for _track, first, _end in self._places.values()), default=0)

    def sequence(self, remark: str) -> Sequence:
        tracks = self._tracks()
        end = max((end for _track, _first, end in self._places.values()), default=self._start)
        return Sequence(
            name=self._edit.title,
            rate=self._clock.rate,
            start_frame=self._start,
            length_s=self._seconds(end),
            tracks=tracks,
            markers=self._markers(),
            drop_frame=self._clock.drop_frame,
            remarks=tuple(text for text in (remark, *self._remarks()) if text),
        )

    def _placed(self) -> dict[int, _Place]:
        """The place of each event by its line; a list that runs over midnight goes on after it."""
        following = zip(self._events, [*self._events, None][1:], strict=True)
        places = {event.line: self._place(event) for event, after in following if not _is_notation(event, after)}
        firsts = [first for _track, first, _end in places.values()]
        day = self._clock.day
        if not firsts or max(firsts) - min(firsts) <= day // 2:
            return places
        return {
            line: (track, first, end) if first >= day // 2 else (track, first + day, end + day)
            for line, (track, first, end) in places.items()
        }

    def _place(self, event: Event) -> _Place:
        try:
            first, end = (self._clock.frame(code, bool(self._edit.drop_frame)) for code in event.record)
        except ValueError as error:
            raise UnreadableEditError(f"{event.where} cannot be placed: {error}") from error
        if first - end > self._clock.day // 2:
            end += self._clock.day
        if end < first:
            raise UnreadableEditError(f"{event.where} is recorded out at {event.record[1]}, before {event.record[0]}")
        return (video_track(event.channels), int(event.transition in ("K", "KO"))), first, end

    def _tracks(self) -> tuple[Track, ...]:
        items: dict[tuple[int, int], list[Clip]] = {}
        before: Event | None = None
        for _number, same in groupby(self._events, key=lambda event: event.number):
            group = list(same)
            for event in group:
                if event.line in self._places:
                    clips = items.setdefault(self._places[event.line][0], [])
                    clips += self._clips(event, comment_of(event, before, group[-1]))
                before = event
        # The first item that lies at a place is seen; on tape it is the one recorded last.
        return tuple(
            Track(
                name=f"V{number}" + " key" * layer,
                items=tuple(reversed(items[number, layer])),
                dissolves=self._dissolves((number, layer)),
            )
            for number, layer in sorted(items)
        )

    def _dissolves(self, track: tuple[int, int]) -> tuple[Dissolve, ...]:
        """The dissolves and wipes of a track: they begin at the cut."""
        found = []
        for event in self._events:
            if event.is_incoming and event.transition_frames and self._places.get(event.line, (None,))[0] == track:
                cut_s = self._seconds(self._places[event.line][1])
                end_s = cut_s + event.transition_frames / self._clock.rate
                found.append(Dissolve(start_s=cut_s, cut_s=cut_s, end_s=end_s))
        return tuple(found)

    def _clips(self, event: Event, said: Comment) -> list[Clip]:
        """The clip of an event, none for black."""
        _track, first, end = self._places[event.line]
        if is_black(event, said):
            return []
        length_s = (end - first) / self._clock.rate
        source = source_of(event, self._clock, length_s)
        return [clip_of(event, said, source, self._seconds(first), length_s)]

    def _markers(self) -> tuple[Marker, ...]:
        markers = []
        for code, text in self._edit.locators:
            colour, _, rest = text.partition(" ")
            words = rest.strip() if colour.upper() in _LOCATOR_COLOURS else text
            try:
                frame = self._clock.frame(code, bool(self._edit.drop_frame))
            except ValueError:
                continue
            if words:
                markers.append(Marker(at_s=self._seconds(frame), length_s=Fraction(0), texts=(words,)))
        return tuple(markers)

    def _remarks(self) -> list[str]:
        remarks = self._edit.remarks[:_MOST_REMARKS]
        if len(self._edit.remarks) > _MOST_REMARKS:
            remarks.append(f"{len(self._edit.remarks) - _MOST_REMARKS} more lines were left out")
        if self._sound_only:
            remarks.append(f"{self._sound_only} of {len(self._edit.events)} events carry sound only and were left out")
        return remarks + self._overlaps()

    def _overlaps(self) -> list[str]:
        """One sentence about the first two events of a track that are recorded over each other."""
        places = sorted((key, first, end, line) for line, (key, first, end) in self._places.items() if end > first)
        for (key, _first, end, line), (other_key, first, _end, other) in pairwise(places):
            if key == other_key and first < end:
                return [f"the events on lines {line} and {other} overlap in record time: the later one is seen"]
        return []

    def _seconds(self, frame: int) -> Fraction:
        return (frame - self._start) / self._clock.rate


def _is_notation(event: Event, after: Event | None) -> bool:
    """Whether an event only names what a dissolve goes out of: a line without length before that of the dissolve."""
    return event.record[0] == event.record[1] and after is not None and after.number == event.number
