"""`make bench`: how fast a ten-second shot gets its sound, and whether memory grows with the number of shots.

Figures are of this machine; read the ratios. Every run is a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

from pipeline.scenes.catalogue import source_named
from pipeline.scenes.movie import write_scene_movie
from pipeline.scenes.scene import make_scene

_SHOT_FRAMES = 24
_RATE = 24
_LONG_RATE = 8  # drawing ten minutes at 24 takes longer than their sound
_ONE_SHOT = """
import resource, sys, time
from fractions import Fraction
from pathlib import Path
from pipeline.clip_store import ClipStore, FeatureStore
from pipeline.generate import generate_takes
from pipeline.nets.bundle import load_bundle
from pipeline.probe import probe_movie
from pipeline.records import FoleyRequest, MediaSpan
movie, store = Path(sys.argv[1]), Path(sys.argv[2])
bundle = load_bundle("mini", device="cpu")
settings = bundle.card.settings
def take(seconds, seed):
    span = MediaSpan(path=movie, digest=probe_movie(movie).digest, start_s=Fraction(0), duration_s=Fraction(seconds))
    digests = {"settings_digest": settings.digest(), "model_digest": bundle.digest}
    request = FoleyRequest(span=span, label="hammer hitting metal", seed=seed, **digests)
    started = time.perf_counter()
    generate_takes([request], bundle, settings, FeatureStore(store / "features"), ClipStore(store / "takes"))
    return time.perf_counter() - started
take(1, 0)
for seconds in (1, 2, 5, 10, 20, 60, 120, 300, 600):
    print(seconds, take(seconds, seconds), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def main() -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        _lengths(folder, _hammer(folder / "long.mp4", seconds=610, rate=_LONG_RATE))
        _counts(folder, _hammer(folder / "short.mp4", seconds=45, rate=_RATE))


def _hammer(path: Path, *, seconds: int, rate: int) -> Path:
    scene = make_scene(0, float(seconds), target=source_named("hammer"), others=())
    return write_scene_movie(scene, path, rate=Fraction(rate))


def _lengths(folder: Path, movie: Path) -> None:
    sys.stdout.write("One shot on one core, model loaded (features not cached):\n\n")
    sys.stdout.write("| seconds of sound | seconds | per second | peak MB |\n| ---: | ---: | ---: | ---: |\n")
    pinned = ["taskset", "-c", "0"] if hasattr(os, "sched_setaffinity") else []
    command = [*pinned, sys.executable, "-W", "ignore", "-c", _ONE_SHOT, str(movie), str(folder / "store")]
    for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines():
        length, seconds, peak = (float(word) for word in line.split())
        sys.stdout.write(f"| {length:.0f} | {seconds:.2f} | {seconds / length:.3f} | {peak:.0f} |\n")


def _counts(folder: Path, movie: Path) -> None:
    sys.stdout.write("\nWhole passes, one-second shots, all takes new:\n\n")
    sys.stdout.write("| shots | seconds | per shot | peak MB |\n| ---: | ---: | ---: | ---: |\n")
    for count in (20, 200):
        seconds, peak = _pass(folder / str(count), movie, count)
        sys.stdout.write(f"| {count} | {seconds:.1f} | {seconds / count:.2f} | {peak:.0f} |\n")


def _pass(folder: Path, movie: Path, count: int) -> tuple[float, float]:
    """Wall seconds and peak MB of the process of one `foley run`."""
    folder.mkdir()
    edit = folder / "many.otio"
    edit.write_text(json.dumps(edit_of_shots(movie, count)), encoding="utf-8")
    command = [sys.executable, "-W", "ignore", "-m", "plugin.cli", "run", str(edit), "--quiet", "--no-preview"]
    command += ["--store", str(folder / "store"), "--handles", "0"]
    started = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"the pass over {count} shots ended with status {status}")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


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
                "available_range": _range(0, 45 * _RATE),
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
