"""`make bench-orchestration`: what conducting a pass costs, and what Prefect adds to it.

Passes of 100, 1,000 and 5,000 shots with an engine that costs nothing (stub_pass.py says what is stubbed), with Prefect
and without, on a server of its own; then real passes with the bundled model. Every pass is a process of its own.
Compare processor time: wall time is that of a machine that may have other things to do.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.child import output_of
from tests.bench.real_passes import real_passes, two_processes
from tests.support.movies import grey_movie
from tests.support.passes import Cut, write_edit
from tests.support.prefect_server import PrefectServer, running_server

_COUNTS = (100, 1000, 5000)
_SHOTS_PER_MOVIE = 25
_PHASES = ("plan", "loop", "lay")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="bench_orchestration", description=__doc__)
    parser.add_argument("--home", type=Path, help="keep the server's database here, to look at the runs afterwards")
    parser.add_argument("--only", choices=("stub", "real", "two"), help="one part")
    parser.add_argument("--counts", type=int, nargs="+", default=_COUNTS, help="shots of the passes that make nothing")
    parser.add_argument("--shots", type=int, default=200, help="of the real passes")
    parser.add_argument("--shots-of-two", type=int, default=60, help="of the pass with two engine processes")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        if asked.only != "two":
            with running_server((asked.home or folder / "server").absolute()) as server:
                if asked.only != "real":
                    show(stub_passes(folder, server, asked.counts))
                if asked.only != "stub":
                    real_passes(folder, server, asked.shots)
        if asked.only in (None, "two"):
            two_processes(folder, asked.shots_of_two)


def stub_passes(folder: Path, server: PrefectServer | None, counts: Sequence[int]) -> list[dict[str, Any]]:
    """What passes of so many shots cost, in threads and, where there is a server, with Prefect."""
    results = []
    for count in counts:
        edit = _edit(folder / f"stub{count}.otio", count)
        results.append(_stub_pass(edit, folder / f"threads{count}"))
        if server:
            results.append(_stub_pass(edit, folder / f"prefect{count}", server))
        sys.stderr.write(f"{count} shots done\n")
    return results


def show(results: Sequence[dict[str, Any]]) -> None:
    _show_costs(results)
    _show_lines(results)
    _show_records(results)


def _edit(path: Path, count: int) -> Path:
    """An edit of half seconds, `_SHOTS_PER_MOVIE` from each movie; nothing but CLIP can know what sounds in them."""
    movies = []
    for number in range(-(-count // _SHOTS_PER_MOVIE)):
        movie = path.parent / f"M{number:04d}.mp4"
        movies.append(movie if movie.exists() else grey_movie(movie, metadata={"title": str(number)}, size=(64, 64)))
    cuts = [
        Cut(name=f"A{n:05d}", media=movies[n // _SHOTS_PER_MOVIE], first=n % _SHOTS_PER_MOVIE, count=12)
        for n in range(count)
    ]
    return write_edit(path, cuts)


def _stub_pass(edit: Path, out: Path, server: PrefectServer | None = None) -> dict[str, Any]:
    how = "prefect" if server else "threads"
    before = server.cpu_s() if server else 0.0
    began = time.monotonic()
    found = output_of("tests.bench.stub_pass", edit, out, how, env=server.environment if server else None)
    result: dict[str, Any] = json.loads(found)
    result |= {"how": how, "whole_s": time.monotonic() - began}
    assert result["made"] == result["shots"]
    if server:
        run = server.last_run()
        result["recorded"] = server.settle(run["id"], expected=result["task runs"], wait_s=60)
        result["known"] = server.task_runs(run["id"])
        result["state"] = run["state"]["name"]
        result["server_cpu_s"] = server.cpu_s() - before
    return result


def _show_costs(results: Sequence[dict[str, Any]]) -> None:
    _print("\nMilliseconds a shot, wall (processor); the stub's own writing is in the loop, and in the last column:\n")
    _print("| shots | conducted by | planning | work loop | laying | start, s | stub |")
    _print("| ---: | --- | ---: | ---: | ---: | ---: | ---: |")
    for result in results:
        shots = result["shots"]
        cells = [f"{_ms(result, phase, 'wall_s'):.1f} ({_ms(result, phase, 'cpu_s'):.1f})" for phase in _PHASES]
        start = f"{result['start']['wall_s']:.1f} ({result['start']['cpu_s']:.1f})"
        stub = 1000 * result["stub_cpu_s"] / shots
        _print(f"| {shots} | {result['how']} | {' | '.join(cells)} | {start} | {stub:.1f} |")


def _show_lines(results: Sequence[dict[str, Any]]) -> None:
    few_shots, many_shots = sorted({result["shots"] for result in results})[-2:]
    against = f"{many_shots:,} shots against {few_shots:,}"
    _print(f"\nProcessor time a shot, {against} (1 is a straight line), and memory in the work loop:\n")
    _print("| conducted by | planning | work loop | laying | MB at the start | MB per 1,000 shots | peak MB |")
    _print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for how in sorted({result["how"] for result in results}, reverse=True):
        of_this = {result["shots"]: result for result in results if result["how"] == how}
        few, many = of_this[few_shots], of_this[many_shots]
        cells = [f"{_ms(many, phase, 'cpu_s') / _ms(few, phase, 'cpu_s'):.2f}" for phase in _PHASES]
        first, slope = _growth(many["memory"])
        _print(f"| {how} | {' | '.join(cells)} | {first:.0f} | {slope:.1f} | {many['peak_mb']:.0f} |")


def _show_records(results: Sequence[dict[str, Any]]) -> None:
    _print("\nWhat the server knows of it:\n")
    _print("| shots | task runs submitted | on the server | of them completed | flow run | server CPU, s |")
    _print("| ---: | ---: | ---: | ---: | --- | ---: |")
    for result in results:
        if result["how"] == "prefect":
            names = ("shots", "task runs", "known", "recorded", "state")
            cells = " | ".join(str(result[name]) for name in names)
            _print(f"| {cells} | {result['server_cpu_s']:.1f} |")


def _ms(result: dict[str, Any], phase: str, kind: str) -> float:
    return 1000 * float(result[phase][kind]) / int(result["shots"])


def _growth(memory: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """MB at the first look, and the slope of a straight line through all after the first fifth, per 1,000 shots."""
    done, megabytes = np.array(memory, float).reshape(-1, 2).T
    late = done > done.max(initial=0) / 5
    if len(set(done[late])) < 2:
        return float("nan"), float("nan")  # over before it was looked at twice
    return float(megabytes[0]), float(1000 * np.polyfit(done[late], megabytes[late], 1)[0])


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
