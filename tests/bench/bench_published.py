"""`make bench-published`: the published models at full size, ours beside the reference pipeline as its script runs it.

Random weights (10 GB on the disk while it runs), a filmed scene of 720 lines with a camera's noise, every case a
process of its own on the same cores. Times are of this machine; read the ratios. Half an hour on two idle cores, of
which the reference takes a third; --evaluations and --clip-frames shorten it, and the table says so.

    plain    the reference: 150 frames, 26 evaluations, float32, a canvas of 10.24 s whatever the shot's length
    equal    ours doing the same in the number format of the processor: half precision where it computes in it
    default  ours with the settings that the model brings
    shots    the same for twenty shots of 2 to 4 s, one after the other in a longer film
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.child import output_of
from tests.bench.full_size import install_random
from tests.bench.noisy_movie import film
from tests.bench.plain_reference import EVALUATIONS, FRAMES, STEPS

_LENGTHS = (2.0, 2.5, 3.0, 3.5, 4.0) * 4
_SHORT = tuple(f"{sum(_LENGTHS[:k])}:{length}" for k, length in enumerate(_LENGTHS))
_EQUAL = (
    "sampler=pndm",
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
)
_ROOM_GB = 12
_PICTURE = {"full": (1280, 720), "tiny": (160, 90)}


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


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the cases that are asked for and print the tables."""
    told = _options(arguments)
    folder = told.keep or Path(tempfile.mkdtemp(prefix="bench-published-"))
    try:
        sys.stdout.write(_bench(folder, told))
    finally:
        if not told.keep:
            shutil.rmtree(folder, ignore_errors=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="work here, leave everything, use what is there")
    parser.add_argument("--size", default="full", choices=("tiny", "full"))
    parser.add_argument("--evaluations", type=int, default=EVALUATIONS, help="of the reference's 26")
    parser.add_argument("--clip-frames", type=int, default=FRAMES, help="of the reference's 150")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of the shot")
    parser.add_argument("--shots", type=int, default=len(_SHORT), help="how many shots the last case has")
    parser.add_argument("--steps", type=int, default=STEPS, help="of the equal set")
    parser.add_argument("--precision", default="auto", help="of the equal set; auto is what this processor computes in")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="over the default set")
    return parser.parse_args(arguments)


def _bench(folder: Path, told: argparse.Namespace) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    model, movie, long_movie = folder / told.size, folder / "movie.mp4", folder / "long.mp4"
    if not (model / "model.json").is_file():
        _require_room(folder, told.size)
        install_random(model, told.size)
    if not movie.is_file():
        film(movie, seconds=math.ceil(told.seconds) + 2, size=_PICTURE[told.size])
    if not long_movie.is_file():
        film(long_movie, seconds=math.ceil(sum(_LENGTHS[: told.shots])) + 1, size=_PICTURE[told.size])
    short = ["--seconds", str(told.seconds), "--evaluations", str(told.evaluations)]
    short += ["--clip-frames", str(told.clip_frames)]
    plain = _run("plain", "plain_reference", model, movie, folder, told.seconds, short)
    plain = _lengthened(plain, told)
    shot = f"0:{told.seconds}"
    found = [
        _ours("equal", model, movie, folder, shot, [*_EQUAL, f"steps={told.steps}", f"precision={told.precision}"])
    ]
    if not _shortened(told):
        errors = _errors(plain, found[0])
    else:
        errors = "The reference was shortened: no errors of results.\n"
    found.append(_ours("default", model, movie, folder, shot, told.set))
    found.append(_ours("default, nothing skipped", model, movie, folder, shot, [*told.set, "near_duplicate_levels=0"]))
    found.append(_ours("shots", model, long_movie, folder, ",".join(_SHORT[: told.shots]), told.set))
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
    """Run one case in a process of its own."""
    out = folder / name.replace(", ", "-").replace(" ", "-")
    sys.stderr.write(f"{name} ...\n")
    # Waiting threads that spin would be counted as work where other programs run as well.
    env = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    output_of(f"tests.bench.{module}", model, movie, out, *options, env=env)
    stem = "plain" if module == "plain_reference" else "ours"
    facts = json.loads((out / f"{stem}.json").read_text(encoding="utf-8"))
    return Case(name=name, seconds_of_sound=length, facts=facts, arrays=dict(np.load(out / f"{stem}.npz")))


def _shortened(told: argparse.Namespace) -> bool:
    return (told.evaluations, told.clip_frames) != (EVALUATIONS, FRAMES)


def _lengthened(plain: Case, told: argparse.Namespace) -> Case:
    """The shortened parts of the reference stretched to their full length."""
    seconds = dict(plain.facts["seconds"])
    shares = {"denoise": EVALUATIONS / told.evaluations, "clip": FRAMES / told.clip_frames}
    for part, share in shares.items():
        for kind in ("", " cpu"):
            seconds[part + kind] *= share
    facts = {**plain.facts, "seconds": seconds}
    return Case(name=plain.name, seconds_of_sound=plain.seconds_of_sound, facts=facts, arrays=plain.arrays)


def _table(plain: Case, ours: list[Case], told: argparse.Namespace) -> str:
    lines = [
        f"{ours[0].facts['processor']}\n",
        "| case | computed in | looked at | evaluations | s | core s | core s per s of sound | of plain | peak MB |",
        "| :-- | :-- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    # The reference takes as long for a shot of 3 s as for one of 10 s.
    per_shot = plain.seconds(" cpu")
    for case in (plain, *ours):
        shots = told.shots if case.name == "shots" else 1
        looked, evaluations = case.facts.get("looked_at", FRAMES), case.facts["evaluations"]
        count = EVALUATIONS if isinstance(evaluations, list) else evaluations
        core = case.seconds(" cpu")
        lines.append(
            f"| {case.name} | {case.facts.get('number_format', 'float32')} | {looked} | {count} | {case.seconds():.0f} "
            f"| {core:.0f} | {core / case.seconds_of_sound:.1f} "
            f"| {core / (per_shot * shots):.3f} | {case.facts['peak_mb']:.0f} |"
        )
    if _shortened(told):
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
