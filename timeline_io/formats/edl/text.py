"""The text of a CMX3600 edit decision list -> events and what is said about them, nothing interpreted yet.

    TITLE: reel 1
    FCM: NON-DROP FRAME
    002  A001     V     C        01:00:04:00 01:00:04:00 01:00:10:00 01:00:10:00
    002  B002     V     D    024 01:00:08:08 01:00:18:08 01:00:10:00 01:00:20:00
    M2   B002       048.0                01:00:08:08
    * FROM CLIP NAME:  a.mov
    * TO CLIP NAME:  b.mov

The first two timecodes of an event are source in and out, the last two record in and out. What follows
an event speaks of it, or of all the lines of its number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from timeline_io.errors import UnreadableEditError
from timeline_io.formats.edl.event import Event, event_of, video_track

# A day of single frames at 60 has fewer cuts; a longer list is no list.
_MAX_EVENTS = 100_000
_LONGEST_LINE = 1000
_LINE_END = re.compile(r"\r\n|\r|\n")
_NUMBER = re.compile(r"\d{1,8}[A-Za-z]?")
_TIMECODE = re.compile(r"\d{1,2}[:;.]\d{1,2}[:;.]\d{1,2}[:;.,]\d{1,3}")
_LIKE_TIMECODE = re.compile(r"\S{1,4}[:;]\S{1,4}[:;]\S{1,4}[:;.,]\S{1,4}")
_HEAD = re.compile(
    r"^[^\S\n]*(TITLE[^\S\n]*:|FCM[^\S\n]*:|\d{1,8}[A-Za-z]?[^\S\n]+\S.*\d[:;]\d\d[:;.,]\d\d[^\S\n]+\d\d[:;]\d\d)",
    re.IGNORECASE | re.MULTILINE,
)
_RESOLVE_MARKER = re.compile(r"\|C:ResolveColor")
_SPEED = re.compile(r"[+-]?(\d{1,6}(\.\d{0,6})?|\.\d{1,6})")
# A sign that stands apart from its number.
_APART = re.compile(r"(\s[+-])\s+(?=[\d.])")
_NOTHING = frozenset({"", "(NULL)", "NULL", "NONE"})


@dataclass(slots=True)
class EditList:
    """One list of a file: its events in the order of the file."""

    title: str
    drop_frame: bool | None = None
    events: list[Event] = field(default_factory=list)
    locators: list[tuple[str, str]] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    marker_lines: int = 0
    remarks: list[str] = field(default_factory=list)


def looks_like_edl(head: str) -> bool:
    """Whether the opening of a file is that of an edit decision list."""
    return bool(_HEAD.search(_LINE_END.sub("\n", head.replace("\0", ""))))


def edit_lists(data: bytes, file_name: str) -> list[EditList]:
    """The lists of a file that hold events; raises UnreadableEditError when there is none."""
    parser = _Parser(file_name)
    for number, line in enumerate(_LINE_END.split(_decoded(data)), 1):
        parser.take(number, line.strip())
    found = [item for item in parser.lists if item.events]
    if not found:
        raise UnreadableEditError(f"{file_name} is an edit decision list without an event that can be read")
    return found


def _decoded(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = data.decode("utf-16", "replace")
    elif data[1:2] == b"\0":
        text = data.decode("utf-16-le", "replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            # The lists of older programs are in the code page of their day; every byte is a letter there.
            text = data.decode("cp1252", "replace")
    return text.replace("\0", "").replace("\x1a", "")


class _Parser:
    """Takes the lines of a file one by one."""

    def __init__(self, file_name: str) -> None:
        self._file_name = file_name
        self._drop_frame = False
        self._role = "FROM"
        # Whether the last event could not be read: what is said after it speaks of no other.
        self._is_lost = False
        self._list = EditList(title="")
        self.lists = [self._list]

    def take(self, number: int, line: str) -> None:
        upper = line[:40].upper()
        if upper.startswith("TITLE"):
            self._begin(line[5:].lstrip(": \t"))
        elif upper.startswith("FCM"):
            self._set_mode(upper)
        elif upper.split()[:1] == ["M2"] and self._list.events and not self._is_lost:
            self._motion(number, line)
        elif _NUMBER.fullmatch(line[:10].partition(" ")[0].partition("\t")[0]):
            self._event(number, line)
        elif upper.startswith(("*", "FROM CLIP", "TO CLIP")):
            self._comment(line.lstrip("* \t"))
        elif _RESOLVE_MARKER.search(line):
            self._list.marker_lines += 1

    def _begin(self, title: str) -> None:
        self._is_lost = False
        if self._list.events:
            self._list = EditList(title=title)
            self.lists.append(self._list)
        self._list.title = title
        self._list.comments.append(title)

    def _set_mode(self, line: str) -> None:
        """The first mode is that of the record times; a later one says how the sources after it count."""
        self._drop_frame = "DROP" in line and "NON" not in line
        if self._list.drop_frame is None:
            self._list.drop_frame = self._drop_frame

    def _event(self, number: int, line: str) -> None:
        tokens = line[:_LONGEST_LINE].split()
        codes = {index for index, token in enumerate(tokens) if _TIMECODE.fullmatch(token)}
        first = next((at for at in sorted(codes) if {at + 1, at + 2, at + 3} <= codes), None)
        event = None if first is None else event_of(number, tokens, first, self._drop_frame)
        if event is not None:
            self._role, self._is_lost = "FROM", False
            self._list.events.append(event)
            if len(self._list.events) > _MAX_EVENTS:
                raise UnreadableEditError(f"{self._file_name} holds more than {_MAX_EVENTS} events")
        elif sum(bool(_LIKE_TIMECODE.fullmatch(token)) for token in tokens) > 1:
            self._is_lost = True
            self._list.remarks.append(f"line {number} is no event that can be read and was left out: {line[:80]}")

    def _motion(self, number: int, line: str) -> None:
        """`M2 reel speed timecode`: how fast the event with that reel, or the last one, runs."""
        tokens = _APART.sub(r"\1", line).split()
        if len(tokens) > 1 and _SPEED.fullmatch(tokens[-1]):
            # Without the timecode: it only repeats the source in.
            tokens.append("")
        if len(tokens) < 3 or not _SPEED.fullmatch(tokens[-2]):
            self._list.remarks.append(
                f"line {number} is no motion effect that can be read and was left out: {line[:80]}"
            )
            return
        group = self._group()
        named = [event for event in group if tokens[1].startswith(event.reel) or event.reel.startswith(tokens[1])]
        exact = [event for event in named if event.source[0] == tokens[-1]]
        (exact or named or group)[-1].speed = tokens[-2]

    def _group(self) -> list[Event]:
        """The lines of the last event number that speak of picture, or all of them."""
        last = self._list.events[-1]
        group = [event for event in self._list.events[-4:] if event.number == last.number]
        return [event for event in group if video_track(event.channels)] or group

    def _comment(self, comment: str) -> None:
        self._list.comments.append(comment)
        key, _, value = (part.strip() for part in comment.partition(":"))
        key = " ".join(key.upper().split())
        if key == "LOC" and self._list.events:
            code, _, text = value.partition(" ")
            self._list.locators.append((code, text.strip()))
        elif self._list.events and not self._is_lost:
            self._comment_on(self._group()[-1], key, value, comment)

    def _comment_on(self, event: Event, key: str, value: str, comment: str) -> None:
        if key in ("COMMENT", "COMMENTS", "NOTE", "NOTES", "CMT", "DESCRIPTION"):
            event.notes.append(value)
        elif key.startswith("FOLEY"):
            event.notes.append(comment)
        elif "FREEZE FRAME" in key or "IS A STILL" in key:
            self._freeze(event, key)
        elif value.upper() not in _NOTHING:
            self._say(event, key, value)

    def _freeze(self, event: Event, key: str) -> None:
        if key.startswith("FROM") and event.is_incoming:
            # It speaks of what goes out, which has a line of its own or an event before.
            before = [other for other in self._group() if other is not event]
            if not before:
                return
            event = before[-1]
        event.is_still = "STILL" in key
        event.speed = event.speed or "0"

    def _say(self, event: Event, key: str, value: str) -> None:
        if key in ("FROM CLIP NAME", "TO CLIP NAME", "KEY CLIP NAME"):
            self._role = key.split()[0]
            event.said.setdefault(key, value)
        elif key in ("FROM CLIP", "TO CLIP", "FROM FILE", "TO FILE"):
            event.said.setdefault(f"{key.split()[0]} PATH", value)
        elif key == "SOURCE FILE":
            # It follows the name it belongs to.
            event.said.setdefault(f"{self._role} PATH", value)
