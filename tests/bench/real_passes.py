"""Passes with the bundled model: what of their cost is conducting, and whether two processes are kept busy."""

import json
import os
import sys
from fractions import Fraction
from pathlib import Path

from pipeline.scenes.catalogue import source_named
from pipeline.scenes.movie import write_scene_movie
from pipeline.scenes.scene import make_scene
from tests.bench.child import output_of
from tests.support.passes import Cut, write_edit
from tests.support.prefect_server import PrefectServer

_SHOT_FRAMES = 24
_THINGS = ("hammer", "train", "footsteps", "car")


def real_passes(folder: Path, server: PrefectServer, shots: int) -> None:
    """A pass without Prefect, then the same with it."""
    edit = drawn_edit(folder, shots)
    _print(f"\nA pass over {shots} shots of one second with `mini`, every take new:\n")
    _print("| Prefect | takes | wall, s | engine process, CPU s | conducting, CPU s | share | a shot, ms |")
    _print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for how, env in (("prefect", server.environment), ("plain", dict(os.environ))):
        sys.stderr.write(f"{shots} shots, {how}\n")
        found = json.loads(output_of("tests.bench.real_pass", edit, folder / f"real-{how}", how, env=env))
        own_s, engine_s = found["conductor_cpu_s"], found["engine_cpu_s"]
        share = f"{100 * own_s / (own_s + engine_s):.2f} % | {1000 * own_s / shots:.1f}"
        with_it = "yes" if how == "prefect" else "no"
        _print(f"| {with_it} | {found['made']} | {found['wall_s']:.0f} | {engine_s:.0f} | {own_s:.1f} | {share} |")


def two_processes(folder: Path, shots: int) -> None:
    """A pass with two engine processes: how much of the time each had work in its hands."""
    edit = drawn_edit(folder, shots)
    found = json.loads(output_of("tests.bench.real_pass", edit, folder / "two", "two"))
    _print(f"\nTwo engine processes on one processor each, {shots} shots, from the first work to the last:\n")
    _print("| process | had work in its hands | was making |")
    _print("| ---: | ---: | ---: |")
    for number, (busy, making) in enumerate(zip(found["busy"], found["making"], strict=True), start=1):
        _print(f"| {number} | {100 * busy:.1f} % | {100 * making:.1f} % |")
    _print(f"\nFrom the first work to the last: {found['span_s']:.0f} s, {found['ready_s']:.1f} s after the start.")
    _print(f"{found['summary']}; the model was loaded {len(found['loads'])} times.")


def drawn_edit(folder: Path, shots: int) -> Path:
    """Seconds of drawn scenes, each from a frame of its own; their names say what sounds in them."""
    movies = []
    for name in _THINGS:
        movie = folder / f"scene_{name}.mp4"
        if not movie.exists():
            scene = make_scene(0, 12.0, target=source_named(name), others=())
            write_scene_movie(scene, movie, rate=Fraction(24))
        movies.append(movie)
    cuts = [
        Cut(name=f"{_THINGS[n % 4]} {n:04d}", media=movies[n % 4], first=5 * (n // 4), count=_SHOT_FRAMES)
        for n in range(shots)
    ]
    return write_edit(folder / f"real{shots}.otio", cuts)


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
