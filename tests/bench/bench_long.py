"""`make bench-long`: shots longer than the model's window: seams, drift, presence, time and memory.

Two takes at a time, some 25 core-minutes. Prints tables and writes them as JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from pipeline.evaluation.bootstrap import Interval, bootstrap_interval, paired_difference
from pipeline.evaluation.envelope import STEP_S, best_threshold, loudness_envelope_db, presence_from_envelope
from pipeline.evaluation.presence import frame_counts
from pipeline.evaluation.seams import Drift, loudness_drift
from pipeline.evaluation.table import Measure, ResultsTable, SystemResult, to_json, to_markdown
from pipeline.generators.auffusion.generator import AuffusionGenerator
from pipeline.scenes.synthesis import SCENE_RATE_HZ
from tests.bench.child import output_of
from tests.bench.few_steps import load_with_steps
from tests.bench.long_measures import Take, Where, flat_weights, level_steps, picture_steps, take_of
from tests.bench.long_shots import SHORT_S, LongShot, in_a_row, steady

STEADY = {60: ("rain", "car", "airplane", "train", "helicopter", "siren"), 300: ("rain", "car")}
COMING_AND_GOING = {60: ("rain", "train", "siren"), 300: ("car",)}
LENGTHS_S = (1, 10, 60, 300, 600)
STAGES = ("look", "listen", "compose", "voice")
_AT_ONCE = 2

SEAM_MEASURES = (
    Measure(key="picture", title="picture steps, edges / inside", digits=2, higher_is_better=False),
    Measure(key="picture_rank", title="rank among random places", digits=3),
    Measure(key="level", title="level steps, edges / inside", digits=2, higher_is_better=False),
    Measure(key="level_rank", title="rank among random places", digits=3),
    Measure(key="slope", title="largest drift", unit="dB/min", digits=2, higher_is_better=False),
    Measure(key="deviation", title="largest 5 s deviation, mean", unit="dB", digits=1, higher_is_better=False),
)
PRESENCE_MEASURES = (
    Measure(key="f1", title="presence F1", higher_is_better=True),
    Measure(key="difference", title="against short shots", higher_is_better=True),
)
COST_MEASURES = (
    Measure(key="seconds", title="seconds", digits=1, higher_is_better=False),
    Measure(key="per_second", title="per second of sound", digits=2, higher_is_better=False),
    *(Measure(key=stage, title=f"peak of {stage}", unit="MB", digits=0) for stage in STAGES),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Film the shots, make their sounds, print each table when it is there, keep them all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, default=Path("build/bench_long.json"))
    parser.add_argument("--only", choices=("seams", "presence", "cost"), help="this part alone")
    parser.add_argument("--seconds", type=int, help="one shot of this length for each table instead of all")
    parser.add_argument("--steps", type=int, default=0, help="of takes whose cost is not asked; 0 for the model's own")
    options = parser.parse_args(arguments)
    tables = []
    with tempfile.TemporaryDirectory(prefix="bench-long-") as name:
        for table in _tables(Path(name), load_with_steps("mini", options.steps), options.only, options.seconds):
            sys.stdout.write(to_markdown(table) + "\n")
            sys.stdout.flush()
            tables.append(table)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text("[" + ",".join(to_json(table) for table in tables) + "]\n", encoding="utf-8")
    sys.stdout.write(f"As JSON: {options.json}\n")


def _tables(folder: Path, bundle: AuffusionGenerator, only: str | None, one_s: int | None) -> Iterator[ResultsTable]:
    if only in (None, "seams"):
        for seconds, sources in ({one_s: ("rain",)} if one_s else STEADY).items():
            shots = [steady(folder / "steady", source, seconds=seconds) for source in sources]
            yield seam_table(f"Sounding throughout, {seconds} s shots", shots, bundle)
    if only in (None, "presence"):
        for seconds, sources in ({one_s: ("car",)} if one_s else COMING_AND_GOING).items():
            rows = [in_a_row(folder / "rows", source, seconds=seconds) for source in sources]
            yield presence_table(f"Coming and going, {seconds} s shots of {SHORT_S} s scenes", rows, bundle)
    if only in (None, "cost"):
        yield cost_table(folder, (1, one_s) if one_s else LENGTHS_S)


def seam_table(title: str, shots: Sequence[LongShot], bundle: AuffusionGenerator) -> ResultsTable:
    """Our weights, the control with flat ones, and how much short takes in a row and the true sounds drift."""
    ours = _takes(shots, bundle)
    with flat_weights():
        flat = _takes(shots, bundle)
    short = [np.concatenate([piece.samples for piece in pieces]) for pieces in _in_pieces(shots, bundle)]
    true = [loudness_drift(shot.sound(), SCENE_RATE_HZ) for shot in shots]
    rows = (
        SystemResult(system="Hann weights", cells=_seams(ours) | _drift([take.drift for take in ours])),
        SystemResult(system="Hann weights, at the VAE's tiles", cells=_seams(ours, "tiles")),
        SystemResult(system="flat weights (control)", cells=_seams(flat) | _drift([take.drift for take in flat])),
        SystemResult(system="short takes in a row", cells=_drift([loudness_drift(w, SCENE_RATE_HZ) for w in short])),
        SystemResult(system="true sound", cells=_drift(true)),
    )
    return ResultsTable(title=title, clips=len(shots), measures=SEAM_MEASURES, rows=rows)


def presence_table(title: str, shots: Sequence[LongShot], bundle: AuffusionGenerator) -> ResultsTable:
    """The same pictures as one shot and as short ones, judged by one threshold, chosen on the true sounds."""
    truth = [shot.present(STEP_S) for shot in shots]
    true_db = [loudness_envelope_db(shot.sound(), SCENE_RATE_HZ, step_s=STEP_S) for shot in shots]
    threshold_db = best_threshold([e[: len(t)] for e, t in zip(true_db, truth, strict=True)], truth)
    made = {
        "short shots": [np.concatenate([p.samples for p in pieces]) for pieces in _in_pieces(shots, bundle)],
        "one long shot": [take.samples for take in _takes(shots, bundle)],
    }
    counts = {}
    for name, waves in made.items():
        heard = [presence_from_envelope(loudness_envelope_db(w, SCENE_RATE_HZ), threshold_db) for w in waves]
        counts[name] = frame_counts(_in_short(heard, shots), _in_short(truth, shots))
    clips = len(counts["short shots"].hits)

    def f1(name: str, rows: np.ndarray) -> float:
        return counts[name].of(rows).f1

    rows = []
    for name in made:
        interval = bootstrap_interval(partial(f1, name), clip_count=clips, rng=np.random.default_rng(7))
        rows.append(SystemResult(system=name, cells={"f1": interval}))
    difference = paired_difference(
        lambda i: f1("one long shot", i),
        lambda i: f1("short shots", i),
        clip_count=clips,
        rng=np.random.default_rng(7),
    )
    rows[-1] = SystemResult(system="one long shot", cells={**rows[-1].cells, "difference": difference})
    return ResultsTable(title=title, clips=clips, measures=PRESENCE_MEASURES, rows=tuple(rows))


def cost_table(folder: Path, lengths_s: Iterable[int]) -> ResultsTable:
    """Seconds and peak memory over the loaded model by length, each in a process of its own."""
    shot = steady(folder / "cost", "rain", seconds=max(lengths_s))

    def row(seconds: int) -> SystemResult:
        stages = json.loads(output_of("tests.bench.long_memory", shot.span.path, shot.label, seconds))["stages"]
        total = sum(stage["seconds"] for stage in stages.values())
        cells = {name: stage["peak_mb"] for name, stage in stages.items()}
        cells |= {"seconds": total, "per_second": total / seconds}
        return SystemResult(system=f"{seconds} s", cells={k: Interval(value=v) for k, v in cells.items()})

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        rows = list(pool.map(row, sorted(lengths_s, reverse=True)))[::-1]
    return ResultsTable(title="Cost of one shot", clips=len(rows), measures=COST_MEASURES, rows=tuple(rows))


def _takes(shots: Sequence[LongShot], bundle: AuffusionGenerator) -> list[Take]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda item: take_of(item[1].label, item[1].span, bundle, item[0]), enumerate(shots)))


def _in_pieces(shots: Sequence[LongShot], bundle: AuffusionGenerator) -> list[list[Take]]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return [
            list(pool.map(lambda item, s=shot: take_of(s.label, item[1], bundle, item[0]), enumerate(shot.pieces())))
            for shot in shots
        ]


def _in_short(rows: Sequence[np.ndarray], shots: Sequence[LongShot]) -> list[np.ndarray]:
    """Every row of presence cut into one part for each scene, so that scenes can be resampled."""
    count = [round(float(shot.span.duration_s) / STEP_S) - 1 for shot in shots]
    return [
        part
        for row, n, shot in zip(rows, count, shots, strict=True)
        for part in np.array_split(row[:n], len(shot.scenes))
    ]


def _seams(takes: Sequence[Take], where: Where = "windows") -> dict[str, Interval]:
    """Steps in the picture and in the level; nothing for takes of one window or tile."""
    if not any(getattr(take, where) for take in takes):
        return {}
    picture, level = picture_steps(takes, where), level_steps(takes, where)
    cells = {"picture": picture.ratio, "picture_rank": picture.rank, "level": level.ratio, "level_rank": level.rank}
    return {key: Interval(value=value) for key, value in cells.items()}


def _drift(drifts: Sequence[Drift]) -> dict[str, Interval]:
    """The steepest slope of any shot, either way, and the mean over shots of their largest deviations."""
    slope = float(np.max([abs(d.slope_db_per_min) for d in drifts]))
    deviation = float(np.mean([d.largest_deviation_db for d in drifts]))
    return {"slope": Interval(value=slope), "deviation": Interval(value=deviation)}


if __name__ == "__main__":
    main()
