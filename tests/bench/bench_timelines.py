"""`make bench-timelines`: how long large edits take to read and to lay into, beside OpenTimelineIO's own adapters.

Both sides run in this process, one after the other, on the same file; read the ratios. An adapter that is not installed
is left out (`pip install -e '.[bench]'`).
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio

from tests.support.aaf_files import large
from timeline_io.edit import Edit, FoleyTrack, PlacedClip
from timeline_io.formats.aaf.reader import read_aaf
from timeline_io.frames import FrameSpan
from timeline_io.lay import lay_tracks, plan_tracks
from timeline_io.read import read_edit

FRAMES = 40
RATE = Fraction(24000, 1001)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="bench_timelines", description=__doc__)
    parser.add_argument("--clips", type=int, default=5000, help="of an edit")
    parser.add_argument("--aaf-clips", type=int, default=500)
    parser.add_argument("--runs", type=int, default=5, help="of which the median is taken")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-timelines-") as name:
        folder = Path(name)
        sys.stdout.write(
            "| file | clips | MB | read | lay | OTIO's adapter reads | ratio |\n| --- " + "| ---: " * 6 + "|\n"
        )
        for write in (_otio, _fcp7, _fcpxml, _edl):
            sys.stdout.write(_row(write(folder, asked.clips), folder, asked.clips, asked.runs))
        sys.stdout.write(_aaf(large(folder / "cut.aaf", asked.aaf_clips), asked.aaf_clips, asked.runs))


def _row(path: Path, folder: Path, clips: int, runs: int) -> str:
    edit = read_edit(path)
    assert len(edit.shots) == clips
    read_s = _median(lambda: read_edit(path), runs)
    lay_s = None if path.suffix == ".edl" else _median(lambda: _lay(edit, folder), runs)
    return _line(path, len(edit.shots), read_s, lay_s, _adapter(path))


def _aaf(path: Path, clips: int, runs: int) -> str:
    import aaf2

    def walk() -> None:
        with aaf2.open(str(path)) as file:
            for mob in file.content.mobs:
                for slot in mob.slots:
                    for prop in slot.segment.properties():
                        prop.value  # noqa: B018  (reading it is the work)

    data = path.read_bytes()
    library, ours = [], []
    for _ in range(runs):
        # Taken in turn, so that whatever else the machine does falls on both.
        library.append(_timed(walk))
        ours.append(_timed(lambda: read_aaf(data, path.name, None)))
    ratio = statistics.median(ours) / statistics.median(library)
    line = _line(path, clips, statistics.median(ours), None, _adapter(path))
    return (
        line + f"\nAAF: pyaaf2 opens and walks it in {statistics.median(library):.2f} s; ours / pyaaf2 = {ratio:.2f}\n"
    )


def _lay(edit: Edit, folder: Path) -> None:
    lay_tracks(edit, _tracks(edit, folder), folder / f"laid{edit.path.suffix}")


def _tracks(edit: Edit, folder: Path) -> tuple[FoleyTrack, ...]:
    placed = [
        PlacedClip(
            name=f"{shot.shot_id}_steps",
            wav=folder / "takes" / f"{shot.shot_id}_steps.wav",
            record=shot.record,
            shot_id=shot.shot_id,
            label="footsteps",
            cue_id=f"{shot.shot_id}_01",
        )
        for shot in edit.shots
    ]
    return plan_tracks({"FOLEY Footsteps": placed})


def _adapter(path: Path) -> float | None:
    try:
        return _timed(lambda: _adapted(path))
    except Exception as error:
        sys.stderr.write(f"{path.suffix}: no figure of OpenTimelineIO's adapter ({type(error).__name__}: {error})\n")
        return None


def _adapted(path: Path) -> None:
    more = {"rate": 24} if path.suffix == ".edl" else {}
    name = {".fcpxml": "fcpx_xml", ".xml": "fcp_xml"}.get(path.suffix)
    otio.adapters.read_from_file(str(path), adapter_name=name, **more)


def _line(path: Path, clips: int, read_s: float, lay_s: float | None, adapter_s: float | None) -> str:
    cells = [
        path.suffix,
        str(clips),
        f"{path.stat().st_size / 1e6:.1f}",
        f"{read_s:.2f} s",
        "" if lay_s is None else f"{lay_s:.2f} s",
        "" if adapter_s is None else f"{adapter_s:.2f} s",
        "" if adapter_s is None else f"{adapter_s / read_s:.1f}",
    ]
    return f"| {' | '.join(cells)} |\n"


def _median(run: Callable[[], object], runs: int) -> float:
    return statistics.median(_timed(run) for _ in range(runs))


def _timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _otio(folder: Path, clips: int) -> Path:
    rate = float(RATE)

    def span(first: int, count: int) -> otio.opentime.TimeRange:
        return otio.opentime.TimeRange(otio.opentime.RationalTime(first, rate), otio.opentime.RationalTime(count, rate))

    timeline = otio.schema.Timeline(name="cut", global_start_time=otio.opentime.RationalTime(86400, rate))
    for kind in ("Video", "Audio"):
        track = otio.schema.Track(name=kind, kind=kind)
        track.extend(
            otio.schema.Clip(
                name=f"{i}.mov",
                media_reference=otio.schema.ExternalReference(f"/rushes/{i}.mov", span(0, 9000)),
                source_range=span(i % 200, FRAMES),
            )
            for i in range(clips)
        )
        timeline.tracks.append(track)
    path = folder / "cut.otio"
    otio.adapters.write_to_file(timeline, str(path))
    return path


def _fcp7(folder: Path, clips: int) -> Path:
    rate = "<rate><timebase>24</timebase><ntsc>TRUE</ntsc></rate>"

    def item(kind: str, i: int) -> str:
        file = f'<file id="f{i}"/>'
        if kind == "video":
            url = f"file://localhost/rushes/{i}.mov"
            file = f'<file id="f{i}"><pathurl>{url}</pathurl>{rate}<duration>9000</duration></file>'
        return (
            f'<clipitem id="{kind}{i}"><name>{i}.mov</name>{rate}'
            f"<start>{i * FRAMES}</start><end>{(i + 1) * FRAMES}</end>"
            f"<in>{i % 200}</in><out>{i % 200 + FRAMES}</out>{file}<link><linkclipref>video{i}</linkclipref></link>"
            f"<link><linkclipref>audio{i}</linkclipref></link></clipitem>\n"
        )

    video, audio = ("".join(item(kind, i) for i in range(clips)) for kind in ("video", "audio"))
    path = folder / "cut.xml"
    path.write_text(
        f'<?xml version="1.0"?>\n<!DOCTYPE xmeml>\n<xmeml version="5"><sequence id="s"><name>cut</name>{rate}<media>'
        f"<video><track>{video}</track></video><audio><track>{audio}</track></audio></media></sequence></xmeml>\n",
        encoding="utf-8",
    )
    return path


def _fcpxml(folder: Path, clips: int) -> Path:
    def seconds(frames: int) -> str:
        return f"{frames * 1001}/24000s"

    assets = "".join(
        f'<asset id="r{i + 2}" name="{i}" start="0s" duration="{seconds(9000)}" hasVideo="1" format="r1">'
        f'<media-rep kind="original-media" src="file:///rushes/{i}.mov"/></asset>\n'
        for i in range(clips)
    )
    spine = "".join(
        f'<asset-clip ref="r{i + 2}" name="{i}" offset="{seconds(i * FRAMES)}" start="{seconds(i % 200)}" '
        f'duration="{seconds(FRAMES)}"/>\n'
        for i in range(clips)
    )
    path = folder / "cut.fcpxml"
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n<fcpxml version="1.10"><resources>'
        f'<format id="r1" frameDuration="1001/24000s"/>{assets}</resources><library><event><project name="cut">'
        f'<sequence format="r1" tcStart="0s" duration="{seconds(clips * FRAMES)}"><spine>{spine}</spine></sequence>'
        "</project></event></library></fcpxml>\n",
        encoding="utf-8",
    )
    return path


def _edl(folder: Path, clips: int) -> Path:
    from timeline_io.frames import timecode

    def lines() -> Iterator[str]:
        yield "TITLE: cut\nFCM: NON-DROP FRAME\n"
        for i in range(clips):
            source, record = (FrameSpan(first=f, count=FRAMES, rate=RATE) for f in (i % 200, 86400 + i * FRAMES))
            codes = [timecode(frame, RATE) for span in (source, record) for frame in (span.first, span.end)]
            yield f"{i + 1:06d}  AX       V     C        {' '.join(codes)}\n* FROM CLIP NAME: {i}.mov\n"

    path = folder / "cut.edl"
    path.write_text("".join(lines()), encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
