"""`make bench-published`: the published models at full size, ours beside the reference pipeline as its script runs it.

Random weights (10 GB on the disk while it runs), a filmed scene of 720 lines with a camera's noise, every case a
process of its own on the same cores. Times are of this machine; read the ratios. Half an hour on two idle cores, of
which the reference takes a third; --evaluations and --clip-frames shorten it, and the table says so.

    plain    the reference: 150 frames, 26 evaluations, float32, a canvas of 10.24 s whatever the shot's length
    equal    ours doing the same in the half precision of the processor
    default  ours with the settings that the model brings
    shots    the same for twenty shots of 2 to 4 s, one after the other in a longer film
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.full_size import install_random
from tests.bench.noisy_movie import film
from tests.bench.plain_reference import EVALUATIONS, FRAMES

_TEN_S = "0:10"
_LENGTHS = (2.0, 2.5, 3.0, 3.5, 4.0) * 4
_SHORT = tuple(f"{sum(_LENGTHS[:k])}:{length}" for k, length in enumerate(_LENGTHS))
_EQUAL = (
    "sampler=pndm",
    "steps=25",
    "guidance_from=0",
    "guidance_until=1",
    "temporal_until=1",
    "feature_reuse=1",
    "canvas=full",
    "frame_attention=clip_wise",
    "near_duplicate_levels=0",
    "detector=onset",
    "threshold=0.5",
    "quirks=time_grid,frames,pixel_range,int16",
    "precision=bfloat16",
)
_ROOM_GB = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One way to make sounds. seconds_of_sound: of all its shots; facts: what its process wrote."""

    name: str
    seconds_of_sound: float
    facts: dict[str, Any]
    arrays: dict[str, np.ndarray]

    def seconds(self, kind: str = "") -> float:
        """Wall seconds of everything but loading, or with " cpu" those of all cores together."""
        parts = self.facts["seconds"]
        return sum(
            s for part, s in parts.items() if not part.startswith("load") and part.endswith(" cpu") == bool(kind)
        )


def main() -> None:
    """Run the cases that are asked for and print the tables."""
    told = _options()
    folder = told.keep or Path(tempfile.mkdtemp(prefix="bench-published-"))
    try:
        sys.stdout.write(_bench(folder, told))
    finally:
        if not told.keep:
            shutil.rmtree(folder, ignore_errors=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="work here, leave everything, use what is there")
    parser.add_argument("--size", default="full", choices=("tiny", "full"))
    parser.add_argument("--evaluations", type=int, default=EVALUATIONS, help="of the reference's 26")
    parser.add_argument("--clip-frames", type=int, default=FRAMES, help="of the reference's 150")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="over the default set")
    return parser.parse_args()


def _bench(folder: Path, told: argparse.Namespace) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    model, movie, long_movie = folder / told.size, folder / "movie.mp4", folder / "long.mp4"
    if not (model / "model.json").is_file():
        _require_room(folder, told.size)
        install_random(model, told.size)
    if not movie.is_file():
        film(movie, seconds=12)
    if not long_movie.is_file():
        film(long_movie, seconds=math.ceil(sum(_LENGTHS)) + 1)
    short = ["--evaluations", str(told.evaluations), "--clip-frames", str(told.clip_frames)]
    plain = _run("plain", "plain_reference", model, movie, folder, 10.0, short)
    plain = _lengthened(plain, told.evaluations, told.clip_frames)
    found = [_ours("equal", model, movie, folder, _TEN_S, _EQUAL)]
    if (told.evaluations, told.clip_frames) == (EVALUATIONS, FRAMES):
        errors = _errors(plain, found[0])
    else:
        errors = "The reference was shortened: no errors of results.\n"
    found.append(_ours("default", model, movie, folder, _TEN_S, told.set))
    found.append(
        _ours("default, nothing skipped", model, movie, folder, _TEN_S, [*told.set, "near_duplicate_levels=0"])
    )
    found.append(_ours("shots", model, long_movie, folder, ",".join(_SHORT), told.set))
    return "\n".join(["", _table(plain, found, told), errors])


def _require_room(folder: Path, size: str) -> None:
    free_gb = shutil.disk_usage(folder).free / 1e9
    if size == "full" and free_gb < _ROOM_GB:
        sys.exit(
            f"{folder} has {free_gb:.0f} GB free and the weights need {_ROOM_GB}: choose another with --keep FOLDER"
        )


def _ours(name: str, model: Path, movie: Path, folder: Path, shots: str, settings: Any) -> Case:
    options = ["--shots", shots]
    for setting in settings:
        options += ["--set", setting]
        if setting.startswith("precision="):
            options += ["--dtype", setting.removeprefix("precision=")]
    length = sum(float(shot.split(":")[1]) for shot in shots.split(","))
    return _run(name, "published_case", model, movie, folder, length, options)


def _run(name: str, module: str, model: Path, movie: Path, folder: Path, length: float, options: list[str]) -> Case:
    """Run one case in a process of its own. Exits with its last words when it fails."""
    out = folder / name.replace(", ", "-").replace(" ", "-")
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        f"tests.bench.{module}",
        str(model),
        str(movie),
        str(out),
        *options,
    ]
    sys.stderr.write(f"{name} ...\n")
    # Waiting threads that spin would be counted as work where other programs run as well.
    done = subprocess.run(command, env={**os.environ, "OMP_WAIT_POLICY": "passive"}, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{name} failed: {done.stderr[-2000:]}")
    stem = "plain" if module == "plain_reference" else "ours"
    facts = json.loads((out / f"{stem}.json").read_text(encoding="utf-8"))
    return Case(name=name, seconds_of_sound=length, facts=facts, arrays=dict(np.load(out / f"{stem}.npz")))


def _lengthened(plain: Case, evaluations: int, clip_frames: int) -> Case:
    """The shortened parts of the reference stretched to their full length."""
    seconds = dict(plain.facts["seconds"])
    for part, share in (("denoise", EVALUATIONS / evaluations), ("clip", FRAMES / clip_frames)):
        for kind in ("", " cpu"):
            seconds[part + kind] *= share
    facts = {**plain.facts, "seconds": seconds}
    return Case(name=plain.name, seconds_of_sound=plain.seconds_of_sound, facts=facts, arrays=plain.arrays)


def _table(plain: Case, ours: list[Case], told: argparse.Namespace) -> str:
    lines = [
        "| case | looked at | evaluations | s | core s | core s per s of sound | of plain | peak MB |",
        "| :-- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    # The reference takes as long for a shot of 3 s as for one of 10 s.
    per_shot = plain.seconds(" cpu")
    for case in (plain, *ours):
        shots = len(_SHORT) if case.name == "shots" else 1
        looked, evaluations = case.facts.get("looked_at", FRAMES), case.facts["evaluations"]
        count = EVALUATIONS if isinstance(evaluations, list) else evaluations
        core = case.seconds(" cpu")
        lines.append(
            f"| {case.name} | {looked} | {count} | {case.seconds():.0f} "
            f"| {core:.0f} | {core / case.seconds_of_sound:.1f} "
            f"| {core / (per_shot * shots):.3f} | {case.facts['peak_mb']:.0f} |"
        )
    if (told.evaluations, told.clip_frames) != (EVALUATIONS, FRAMES):
        lines.append(
            f"\nplain ran {told.evaluations} of {EVALUATIONS} evaluations and looked at {told.clip_frames} of {FRAMES} "
            "frames; its seconds are stretched in proportion."
        )
    return "\n".join(lines) + "\n"


def _errors(plain: Case, equal: Case) -> str:
    lines = ["Relative rms difference of equal from plain:"]
    for name in ("embeddings", "prediction", "latents", "mel", "wave"):
        if name in equal.arrays and plain.arrays[name].size == equal.arrays[name].size:
            lines.append(f"    {name:<11} {relative_rms(equal.arrays[name], plain.arrays[name]):.1e}")
    return "\n".join(lines) + "\n"


def relative_rms(these: np.ndarray, those: np.ndarray) -> float:
    """Rms of the difference over the rms of `those`."""
    a, b = (np.ravel(x).astype(np.float64) for x in (these, those))
    return float(np.sqrt(np.mean((a - b) ** 2) / np.mean(b**2)))


if __name__ == "__main__":
    main()
