"""`python -m tests.bench.table_of_edits FOLDER`: what is read of every edit in a folder, and what the file itself says.

"own length" comes from the file by other means: the duration attribute of XML formats, OpenTimelineIO's own reading,
pyaaf2's slot length, the last record out of a list.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree as ET

from timeline_io.edit import Edit
from timeline_io.errors import TimelineError
from timeline_io.frames import frame_at_timecode
from timeline_io.read import read_edit

_TIMECODE = re.compile(r"\d\d:\d\d:\d\d[:;]\d\d")


def main(folder: Path) -> None:
    """Print the table."""
    print("| file | rate | picture tracks with shots | shots | skipped | s | own length, s |")
    print("| --- | --- | ---: | ---: | --- | ---: | ---: |")
    for path in sorted(folder.iterdir()):
        if path.suffix != ".md":
            print(_row(path))


def _row(path: Path) -> str:
    try:
        edit = read_edit(path)
    except TimelineError as error:
        return f"| {path.name} | | | | {error} | | |"
    reasons = Counter(re.sub(r"behind .*", "behind others", item.reason) for item in edit.skipped)
    skipped = ", ".join(f"{count} {reason}" for reason, count in reasons.items()) or "none"
    tracks = len({shot.track for shot in edit.shots})
    seconds = float(edit.frame_count / edit.rate)
    return (
        f"| {path.name} | {edit.rate} | {tracks} | {len(edit.shots)} | {skipped} | {seconds:.2f} | {_own(path, edit)} |"
    )


def _own(path: Path, edit: Edit) -> str:
    try:
        return f"{float(_OWN[path.suffix](path, edit)):.2f}"
    except Exception as error:
        return f"{type(error).__name__}"


def _of_fcpxml(path: Path, edit: Edit) -> Fraction:
    sequence = ET.parse(path).find(".//project/sequence")
    assert sequence is not None
    return Fraction(sequence.get("duration", "").removesuffix("s"))


def _of_fcp7(path: Path, edit: Edit) -> Fraction:
    root = ET.parse(path).getroot()
    found = [s for s in root.iter("sequence") if s.findtext("name") == edit.name and s.find("media") is not None]
    return Fraction(found[0].findtext("duration") or "") / edit.rate


def _of_otio(path: Path, edit: Edit) -> Fraction:
    import opentimelineio as otio

    timeline = otio.adapters.read_from_file(str(path))
    return Fraction(timeline.duration().to_seconds())


def _of_edl(path: Path, edit: Edit) -> Fraction:
    records = [
        _TIMECODE.findall(line)[2:4] for line in path.read_text().splitlines() if len(_TIMECODE.findall(line)) == 4
    ]
    frames = [frame_at_timecode(code, edit.rate, edit.drop_frame) for record in records for code in record]
    return Fraction(max(frames) - min(frames)) / edit.rate


def _of_aaf(path: Path, edit: Edit) -> Fraction:
    import aaf2

    with aaf2.open(str(path)) as file:
        slots = [slot for mob in file.content.toplevel() for slot in mob.slots if slot.media_kind == "Picture"]
        return max(Fraction(slot.segment.length) / Fraction(str(slot.edit_rate)) for slot in slots)


_OWN = {".fcpxml": _of_fcpxml, ".xml": _of_fcp7, ".otio": _of_otio, ".edl": _of_edl, ".aaf": _of_aaf}

if __name__ == "__main__":
    main(Path(sys.argv[1]))
