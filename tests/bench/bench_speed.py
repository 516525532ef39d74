"""`make bench`: how fast a ten-second shot gets its sound, and whether memory grows with the number of shots.

Figures are of this machine; read the ratios. Every run is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

from pipeline.scenes.catalogue import source_named
from pipeline.scenes.movie import write_scene_movie
from pipeline.scenes.scene import make_scene
from tests.bench.child import cost_of, output_of

_SHOT_FRAMES = 24
_RATE = 24
_MOVIE_S = 45
_LONG_RATE = 8  # drawing ten minutes at 24 takes longer than their sound
LENGTHS_S, COUNTS = (1, 2, 5, 10, 20, 60, 120, 300, 600), (20, 200)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="bench_speed", description=__doc__)
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS_S, help="seconds of one shot")
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, help="shots of a pass")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        _lengths(folder, _hammer(folder / "long.mp4", seconds=max(asked.lengths) + 1, rate=_LONG_RATE), asked.lengths)
        _counts(folder, _hammer(folder / "short.mp4", seconds=_MOVIE_S, rate=_RATE), asked.counts)


def _hammer(path: Path, *, seconds: int, rate: int) -> Path:
    scene = make_scene(0, float(seconds), target=source_named("hammer"), others=())
    return write_scene_movie(scene, path, rate=Fraction(rate))


def _lengths(folder: Path, movie: Path, lengths_s: Sequence[int]) -> None:
    sys.stdout.write("One shot on one core, model loaded (features not cached):\n\n")
    sys.stdout.write("| seconds of sound | seconds | per second | peak MB |\n| ---: | ---: | ---: | ---: |\n")
    with _one_core():
        found = output_of("tests.bench.one_shot", movie, folder / "store", *lengths_s)
    for line in found.splitlines():
        length, seconds, peak = (float(word) for word in line.split())
        sys.stdout.write(f"| {length:.0f} | {seconds:.2f} | {seconds / length:.3f} | {peak:.0f} |\n")


@contextmanager
def _one_core() -> Iterator[None]:
    """Keep this process and its children on one core, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    all_cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(all_cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, all_cores)


def _counts(folder: Path, movie: Path, counts: Sequence[int]) -> None:
    sys.stdout.write("\nWhole passes, one-second shots, all takes new:\n\n")
    sys.stdout.write("| shots | seconds | per shot | peak MB |\n| ---: | ---: | ---: | ---: |\n")
    for count in counts:
        seconds, peak = _pass(folder / str(count), movie, count)
        sys.stdout.write(f"| {count} | {seconds:.1f} | {seconds / count:.2f} | {peak:.0f} |\n")


def _pass(folder: Path, movie: Path, count: int) -> tuple[float, float]:
    """Wall seconds and peak MB of the process of one `foley run`."""
    folder.mkdir()
    edit = folder / "many.otio"
    edit.write_text(json.dumps(edit_of_shots(movie, count)), encoding="utf-8")
    options = ("--quiet", "--no-preview", "--handles", "0", "--store", folder / "store")
    return cost_of("plugin.cli", "run", edit, *options)


def edit_of_shots(movie: Path, count: int) -> dict[str, object]:
    """`count` shots, each one second of the movie, each starting at a different frame."""
    return {
        "OTIO_SCHEMA": "Timeline.1",
        "name": "many",
        "tracks": {"OTIO_SCHEMA": "Stack.1", "children": [_track(movie, count)]},
    }


def _track(movie: Path, count: int) -> dict[str, object]:
    clips = [
        {
            "OTIO_SCHEMA": "Clip.1",
            "name": f"hammer_{number:04d}",
            "source_range": _range(number * 4, _SHOT_FRAMES),
            "media_reference": {
                "OTIO_SCHEMA": "ExternalReference.1",
                "target_url": str(movie),
                "available_range": _range(0, _MOVIE_S * _RATE),
            },
        }
        for number in range(count)
    ]
    return {"OTIO_SCHEMA": "Track.1", "kind": "Video", "name": "V1", "children": clips}


def _range(first: int, count: int) -> dict[str, object]:
    def moment(value: int) -> dict[str, object]:
        return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(_RATE), "value": float(value)}

    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": moment(first), "duration": moment(count)}


if __name__ == "__main__":
    main()
