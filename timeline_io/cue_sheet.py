"""The cue sheet: which sound is wanted in which shot, as a CSV table that an editor may edit and hand back.

`heard` says when the sound was found, and `spans` begins as the same: changed, it decides when the sound is made; left
as it was or emptied, it leaves that to the detector.
`best` says which rendition a pass chose, and `take` begins as the same: changed, it is a person's pick; left as it was
or emptied, it leaves the choice to the next pass.
`spotted` says what `source` found (a note, the clip's name, the picture), and `label` begins as the same: changed, it
is a person's, and `source` becomes "sheet"; emptied or changed to "silence", the shot stays silent.
`tail` is how many frames the sound goes on beyond the cut of its shot. A yes in `lock` keeps label, seed and take
whatever else the next run is asked for.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from timeline_io.edit import Edit, Shot
from timeline_io.errors import CueSheetError
from timeline_io.files import write_atomically
from timeline_io.frames import FrameSpan, frame_at_timecode, timecode

COLUMNS = (
    "shot", "cue", "clip", "in", "out", "label", "category", "confidence", "heard", "spans", "seed", "best", "take",
    "lock", "tail", "source", "spotted", "score",
)  # fmt: skip
# What a person writes to have no sound.
SILENCE = "silence"
_SHEET = "sheet"
_SPOTTERS = frozenset({"note", "name", "heard"})
_MOST_TAIL_DIGITS = 6
_NEEDED = ("shot", "label")
_DELIMITERS = ",;\t"
_LABEL_SEPARATOR = ";"
_MAX_BYTES = 20_000_000
_LARGEST_SEED = 2**63
_ZIP_MARK = b"PK\x03\x04"
_SEPARATOR_LINE = re.compile(r"\Asep=.\r?\n", re.IGNORECASE)
_MOST_TAKES = 1000
_YES, _NO = frozenset({"yes", "y", "x", "true", "1", "lock", "locked"}), frozenset({"", "no", "n", "false", "0"})
_TIMECODE = r"(\d{1,3}[:;.]\d{1,2}[:;.]\d{1,2}[:;.,]\d{1,3})"
_SPAN = re.compile(rf"{_TIMECODE}\s*(?:[-\u2013\u2014]|\bto\b)\s*{_TIMECODE}(?:[\s;,|]+|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """One sound wanted in one shot; an empty label means silence, on purpose when its `source` is the sheet.

    `seed` is None when the sheet leaves the choice to the run; `confidence` lies in 0..1; `source`
    says who named the sound ("sheet", "note", "name", "heard"). `heard` and `spans` are stretches of record time;
    `spans` None leaves it to the detector. `take` is the rendition a person picked, from 1; None leaves the choice to
    the pass, and `best` is what it chose last time. `tail_frames` is how far it goes on beyond the cut. `score` says in
    words how good it is; a sheet only shows it.
    """

    cue_id: str
    shot_id: str
    label: str
    category: str = ""
    seed: int | None = None
    source: str = "sheet"
    confidence: float = 1.0
    heard: tuple[FrameSpan, ...] = ()
    spans: tuple[FrameSpan, ...] | None = None
    take: int | None = None
    best: int | None = None
    score: str = ""
    tail_frames: int = 0
    locked: bool = False

    @property
    def is_silent(self) -> bool:
        """Whether a person wants the shot to stay silent."""
        return not self.label.strip() and self.source == _SHEET


def silent_cue(shot_id: str, source: str) -> Cue:
    """The row of a shot without a sound, for a person to fill in; `source` says who left it silent."""
    return Cue(cue_id=f"{shot_id}_01", shot_id=shot_id, label="", source=source)


def write_cues(path: Path, edit: Edit, cues: Sequence[Cue]) -> Path:
    """Write the cues as CSV in UTF-8 with a byte order mark, so that spreadsheets read every name right.

    Raises CueSheetError for a cue of a shot that the edit does not have, LayingError when `path` cannot be written.
    """
    shots = {shot.shot_id: shot for shot in edit.shots}
    strays = [cue for cue in cues if cue.shot_id not in shots]
    if strays:
        raise CueSheetError(f"the cue {strays[0].cue_id} is for {strays[0].shot_id}, which is no shot of {edit.name}")
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(_row(cue, shots[cue.shot_id], edit) for cue in cues)
    write_atomically(path, table.getvalue().encode("utf-8-sig"))
    return path


def read_cues(path: Path, edit: Edit) -> tuple[Cue, ...]:
    """The cues of a sheet, in its order. Only `shot` and `label` are needed; `shot` may be a clip's name.

    One cell may hold several labels apart by `;`. Raises CueSheetError that names row and column.
    """
    header, rows = _table(path)
    missing = [name for name in _NEEDED if name not in header]
    if missing:
        raise CueSheetError(f"{path.name}, row 1: there is no column {missing[0]!r}")
    counts: Counter[str] = Counter()
    cues: list[Cue] = []
    for number, cells in rows:
        row = _Row(path.name, number, dict(zip(header, cells, strict=False)))
        for shot in row.shots(edit):
            cues += row.cues(shot, edit, counts)
    _check_ids(path.name, cues)
    return tuple(cues)


def _row(cue: Cue, shot: Shot, edit: Edit) -> tuple[str, ...]:
    return (
        cue.shot_id,
        cue.cue_id,
        shot.name,
        timecode(shot.record.first, edit.rate, edit.drop_frame),
        timecode(shot.record.end, edit.rate, edit.drop_frame),
        cue.label or (SILENCE if cue.source == _SHEET else ""),
        cue.category,
        f"{cue.confidence:.3f}",
        "" if cue.spans is not None else _spans_text(cue.heard, edit),
        _spans_text(cue.heard if cue.spans is None else cue.spans, edit),
        "" if cue.seed is None else str(cue.seed),
        "" if cue.best is None or cue.take is not None else str(cue.best),
        str(cue.take or cue.best or ""),
        "yes" if cue.locked else "",
        str(cue.tail_frames or ""),
        cue.source,
        "" if cue.source == _SHEET else cue.label,
        cue.score,
    )


def _spans_text(spans: Sequence[FrameSpan], edit: Edit) -> str:
    """Record time from the first frame to the one after the last."""
    edges = [[timecode(frame, edit.rate, edit.drop_frame) for frame in (span.first, span.end)] for span in spans]
    return " ".join(f"{first}-{end}" for first, end in edges)


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of a sheet, with what an error message needs to point at it."""

    file_name: str
    number: int
    cells: dict[str, str]

    def shots(self, edit: Edit) -> tuple[Shot, ...]:
        """The shots meant by the shot cell: one id, or every shot of a clip."""
        wanted = self._cell("shot").casefold()
        found = tuple(shot for shot in edit.shots if shot.shot_id.casefold() == wanted)
        found = found or tuple(shot for shot in edit.shots if shot.name.casefold() == wanted)
        if not wanted or not found:
            raise self._error("shot", f"no shot is called {self._cell('shot')!r}")
        clip = self._cell("clip")
        if clip and all(_plain(shot.name) != _plain(clip) for shot in found):
            what = f"the sheet says {clip!r}, but {found[0].shot_id} shows {found[0].name!r} now"
            raise self._error("clip", f"{what}: the sheet belongs to another cut of the edit")
        return found

    def cues(self, shot: Shot, edit: Edit, counts: Counter[str]) -> Iterator[Cue]:
        """One cue for each label of the row, or a silent one."""
        labels = [label.strip() for label in self._cell("label").split(_LABEL_SEPARATOR)]
        labels = [label for label in labels if label and label.casefold() != SILENCE]
        own_id, heard = self._cell("cue"), self._spans("heard", shot, edit)
        locked = self._lock()
        take, best = self._takes(locked)
        for label in labels or [""]:
            counts[shot.shot_id] += 1
            in_row = f"row {self.number}"
            counts[in_row] += 1
            # A row with a second label, or for a second shot, needs a second id.
            told_id = own_id if counts[in_row] == 1 else f"{own_id}-{counts[in_row]}"
            yield Cue(
                cue_id=told_id if own_id else f"{shot.shot_id}-{counts[shot.shot_id]}",
                shot_id=shot.shot_id,
                label=label,
                category=self._cell("category"),
                seed=self._seed(),
                source=self._source(label),
                confidence=self._confidence(),
                heard=heard or (),
                spans=self._told(heard, shot, edit),
                take=take,
                best=best,
                tail_frames=self._tail(),
                locked=locked,
            )

    def _source(self, label: str) -> str:
        """Who named the sound: what was spotted stays with whoever spotted it, all else is the sheet's own word."""
        source, is_silence = self._cell("source").casefold(), self._cell("label").casefold() == SILENCE
        untouched = "spotted" in self.cells and label.casefold() == self._cell("spotted").casefold()
        return source if source in _SPOTTERS and untouched and not is_silence else _SHEET

    def _tail(self) -> int:
        cell = self._cell("tail").removesuffix(".0").removesuffix(",0")
        if cell and (not cell.isdecimal() or len(cell) > _MOST_TAIL_DIGITS):
            raise self._error("tail", f"{cell[:40]!r} is not a whole number of frames")
        return int(cell or 0)

    def _seed(self) -> int | None:
        cell = self._cell("seed").removesuffix(".0").removesuffix(",0")
        if not cell:
            return None
        if not cell.isdecimal() or len(cell) > 19 or int(cell) >= _LARGEST_SEED:
            raise self._error("seed", f"{cell[:40]!r} is not a whole number from 0 up")
        return int(cell)

    def _takes(self, locked: bool) -> tuple[int | None, int | None]:
        """The take that a person picked, or the one that a pass chose; a lock makes a pick of the latter."""
        take, best = self._rendition("take"), self._rendition("best")
        picked = take is not None and (locked or take != best)
        return (take, None) if picked else (None, best)

    def _rendition(self, column: str) -> int | None:
        cell = self._cell(column)
        # A spreadsheet may have made a decimal number of it.
        whole = cell.removesuffix(".0").removesuffix(",0")
        if not whole:
            return None
        if not whole.isdecimal() or len(whole) > 4 or not 1 <= int(whole) <= _MOST_TAKES:
            raise self._error(column, f"{cell[:40]!r} is not a whole number from 1 to {_MOST_TAKES}")
        return int(whole)

    def _lock(self) -> bool:
        cell = self._cell("lock").casefold()
        if cell not in _YES | _NO:
            raise self._error("lock", f"{cell[:40]!r} is neither yes nor no")
        return cell in _YES

    def _told(self, heard: tuple[FrameSpan, ...] | None, shot: Shot, edit: Edit) -> tuple[FrameSpan, ...] | None:
        spans = self._spans("spans", shot, edit)
        if spans is None or spans == heard:
            return None
        if not any(span.first < shot.record.end and span.end > shot.record.first for span in spans):
            begin, end = (timecode(f, edit.rate, edit.drop_frame) for f in (shot.record.first, shot.record.end))
            what = f"{self._cell('spans')[:40]!r} lies outside {shot.shot_id}"
            raise self._error("spans", f"{what}, which runs from {begin} to {end}")
        return spans

    def _spans(self, column: str, shot: Shot, edit: Edit) -> tuple[FrameSpan, ...] | None:
        """The stretches of a cell, merged where they touch; None for an empty one."""
        cell = self._cell(column)
        if not cell:
            return None
        edges, read = [], 0
        for match in _SPAN.finditer(cell):
            if cell[read : match.start()].strip():
                break
            first = self._frame(column, match[1], shot.record.first, edit)
            edges.append((first, self._frame(column, match[2], first, edit)))
            read = match.end()
        if read < len(cell) or any(end <= first for first, end in edges):
            raise self._error(column, f"{cell[:40]!r} is no list of timecodes such as 01:00:02:05-01:00:03:10")
        return _merged(edges, edit)

    def _frame(self, column: str, text: str, near: int, edit: Edit) -> int:
        """The frame of a timecode; of the days it may be on, the one in which it lies nearest to `near`."""
        try:
            frame = frame_at_timecode(text, edit.rate, edit.drop_frame)
        except ValueError as error:
            raise self._error(column, str(error)) from error
        day = frame_at_timecode("24:00:00:00", edit.rate, edit.drop_frame)
        return min((frame, frame + day, frame + 2 * day), key=lambda one: abs(one - near))

    def _confidence(self) -> float:
        cell = self._cell("confidence").replace(",", ".")
        try:
            confidence = float(cell or "1")
        except ValueError:
            confidence = -1.0
        if not 0 <= confidence <= 1:
            raise self._error("confidence", f"{cell[:40]!r} is not a number from 0 to 1")
        return confidence

    def _cell(self, column: str) -> str:
        return self.cells.get(column, "").strip()

    def _error(self, column: str, what: str) -> CueSheetError:
        return CueSheetError(f"{self.file_name}, row {self.number}, column {column!r}: {what}")


def _merged(edges: Sequence[tuple[int, int]], edit: Edit) -> tuple[FrameSpan, ...]:
    merged: list[list[int]] = []
    for first, end in sorted(edges):
        if merged and first <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([first, end])
    return tuple(FrameSpan(first=first, count=end - first, rate=edit.rate) for first, end in merged)


def _plain(name: str) -> str:
    """A clip's name without what a spreadsheet may take away: it reads 007 as a number."""
    return name.strip().lstrip("0").casefold()


def _table(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header in lower case, and the rows that are not empty with the line they end on."""
    # Excel tells itself the separator in a line of its own.
    text = _SEPARATOR_LINE.sub("\n", _text(path), count=1)
    first_line = text.lstrip().partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        rows = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise CueSheetError(f"{path.name}, row {reader.line_num}: the row is no valid CSV ({error})") from error
    if not rows:
        raise CueSheetError(f"{path.name} is empty: it needs a header with the columns shot and label")
    header = [cell.strip().casefold() for cell in rows[0][1]]
    twice = [name for name, times in Counter(header).items() if name in COLUMNS and times > 1]
    if twice:
        raise CueSheetError(f"{path.name}, row 1: the column {twice[0]!r} stands there more than once")
    return header, rows[1:]


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise CueSheetError(f"{path} cannot be read ({error})") from error
    if len(data) > _MAX_BYTES:
        raise CueSheetError(f"{path.name} is too large for a cue sheet")
    if data.startswith(_ZIP_MARK):
        raise CueSheetError(f"{path.name} is a spreadsheet file: save it as CSV")
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        # Spreadsheets on Windows still save in the system's own code page.
        return data.decode("cp1252", errors="replace")


def _check_ids(file_name: str, cues: Sequence[Cue]) -> None:
    twice = [cue_id for cue_id, times in Counter(cue.cue_id for cue in cues).items() if times > 1]
    if twice:
        raise CueSheetError(f"{file_name}, column 'cue': {twice[0]!r} stands for more than one cue")
