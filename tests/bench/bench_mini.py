"""`make bench-mini`: the bundled model through the whole chain, movie file to WAV file, against other ways to do it.

Prints the tables and writes them as JSON. Fixed held-out scenes, fixed seeds; every figure comes from the WAV files.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray

from pipeline.clip_store import FeatureStore
from pipeline.evaluation.bootstrap import Interval, Statistic, bootstrap_interval
from pipeline.evaluation.metrics import METRICS, intervals_of
from pipeline.evaluation.presence import frame_counts, recall_within, roc_auc, toggles_per_clip
from pipeline.evaluation.table import Measure, ResultsTable, SystemResult, to_json, to_markdown
from pipeline.finish import write_bwf
from pipeline.generate import encode
from pipeline.generators.auffusion.generator import AuffusionGenerator
from pipeline.records import FoleyClip, TemporalCondition
from pipeline.runtime import parallel_takes, pin_threads
from tests.bench.few_steps import load_with_steps
from tests.bench.mini_measures import Heard, Listener, judged, presence_threshold_db
from tests.bench.mini_scenes import (
    DETECTION_SEED,
    LONG_S,
    LONG_SEED,
    SHORT_S,
    SHORT_SEED,
    HeldOutScene,
    continuous,
    film,
)
from tests.bench.mini_systems import System, best_of, by_label, codec_ceiling, label_free, systems, true_sound

Make = Callable[[HeldOutScene, int], FoleyClip]

DETECTION_MEASURES = (
    Measure(key="f1", title="F1, continuous", higher_is_better=True),
    Measure(key="auc", title="AUC, continuous", higher_is_better=True),
    Measure(key="two", title="AUC, two sounding objects", higher_is_better=True),
    Measure(key="off_screen", title="off-screen recall", higher_is_better=True),
    Measure(key="impact", title="F1, impacts", higher_is_better=True),
    Measure(key="toggles", title="toggles per clip", digits=2),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Film the scenes, run every system, print and keep the tables."""
    options = _options(arguments)
    bundle = load_with_steps(options.model, options.steps)
    with tempfile.TemporaryDirectory(prefix="bench-mini-") as name:
        folder = Path(name)
        tables = [_detection_table(folder, bundle, options.detection_scenes, options.resamples)]
        sets = (("4 s", SHORT_SEED, options.short_scenes, SHORT_S), ("10 s", LONG_SEED, options.long_scenes, LONG_S))
        trials = []
        for length, seed, count, duration_s in sets:
            if count:
                scenes = film(folder / length, first_seed=seed, count=count, duration_s=duration_s)
                trials.append(_try_systems(f"{length} scenes", folder / length, scenes, bundle, options))
        tables += [_generation_table(trial, options.resamples) for trial in (*trials, *_pooled(trials))]
    sys.stdout.write("\n".join(to_markdown(table) for table in tables))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text("[" + ",".join(to_json(table) for table in tables) + "]\n", encoding="utf-8")
    sys.stdout.write(f"\nAs JSON: {options.json}\n")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="mini", help="name or folder of the model")
    parser.add_argument("--json", type=Path, default=Path("build/bench_mini.json"))
    parser.add_argument("--short-scenes", type=int, default=100)
    parser.add_argument("--long-scenes", type=int, default=30)
    parser.add_argument("--detection-scenes", type=int, default=300)
    parser.add_argument("--resamples", type=int, default=1000, help="of the scenes, for an interval")
    parser.add_argument("--steps", type=int, default=0, help="of every take; 0 for the model's own")
    parser.add_argument("--only", default="", help="run only the systems whose name begins so")
    parser.add_argument("--takes", type=int, default=1, help="also the best of so many takes of ours, by their score")
    return parser.parse_args(arguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    """What every system made of a set of scenes, as heard; "true" are the scenes' own sounds."""

    title: str
    scenes: list[HeldOutScene]
    heard: dict[str, list[Heard]]


def _try_systems(
    title: str, folder: Path, scenes: list[HeldOutScene], bundle: AuffusionGenerator, options: argparse.Namespace
) -> _Trial:
    listener, features = Listener(bundle), FeatureStore(folder / "features")
    heard = {
        "true": _hear_all("true", folder, scenes, listener, lambda h, i: true_sound(h, bundle)),
        "codec (ceiling)": _hear_all("ceiling", folder, scenes, listener, lambda h, i: codec_ceiling(h, bundle)),
    }
    for system, takes in _runs(bundle, options):
        started, name = time.monotonic(), f"{system.name}, best of {takes} takes" if takes > 1 else system.name

        def take(held_out: HeldOutScene, number: int, system: System = system, takes: int = takes) -> FoleyClip:
            seen = encode(held_out.span, bundle, features, bundle.card.settings)
            return best_of(takes, system, held_out, seen, bundle, seed=number)

        heard[name] = _hear_all(name[:8], folder, scenes, listener, take)
        sys.stderr.write(f"{title}: {name}, {time.monotonic() - started:.0f} s\n")
    return _Trial(title=title, scenes=scenes, heard=heard)


def _runs(bundle: AuffusionGenerator, options: argparse.Namespace) -> list[tuple[System, int]]:
    """The systems asked for, with one take each, and ours once more with several."""
    wanted = [(one, 1) for one in systems(bundle.card.settings) if one.name.startswith(options.only)]
    return [*wanted, (wanted[-1][0], options.takes)] if options.takes > 1 else wanted


def _pooled(trials: list[_Trial]) -> list[_Trial]:
    """One trial over the scenes of all, where there are several."""
    if len(trials) < 2:
        return []
    scenes = [scene for trial in trials for scene in trial.scenes]
    heard = {name: [one for trial in trials for one in trial.heard[name]] for name in trials[0].heard}
    return [_Trial(title="all scenes", scenes=scenes, heard=heard)]


def _generation_table(trial: _Trial, resamples: int) -> ResultsTable:
    truth, scenes = trial.heard["true"], trial.scenes
    threshold_db = presence_threshold_db(truth, scenes)
    rows = tuple(
        SystemResult(system=name, cells=intervals_of(judged(heard, truth, scenes, threshold_db), resamples))
        for name, heard in trial.heard.items()
        if name != "true"
    )
    return ResultsTable(
        title=f"Generation, {trial.title}",
        clips=len(scenes),
        measures=tuple(metric.measure for metric in METRICS.values()),
        rows=rows,
    )


def _hear_all(name: str, folder: Path, scenes: list[HeldOutScene], listener: Listener, make: Make) -> list[Heard]:
    """Make every scene's sound, write it as a WAV file, read it back and measure what was read."""

    def one(item: tuple[int, HeldOutScene]) -> Heard:
        pin_threads()
        number, held_out = item
        clip = make(held_out, number)
        path = folder / f"{name}_{number:03d}.wav"
        write_bwf(path, clip.samples, clip.sample_rate_hz, time_reference=0)
        samples, rate_hz = soundfile.read(path, dtype="float32")
        return listener.hear(held_out, samples, rate_hz)

    with ThreadPoolExecutor(parallel_takes(torch.device("cpu"))) as pool:
        return list(pool.map(one, enumerate(scenes)))


def _detection_table(folder: Path, bundle: AuffusionGenerator, count: int, resamples: int) -> ResultsTable:
    scenes = film(folder / "detection", first_seed=DETECTION_SEED, count=count, duration_s=SHORT_S)
    features = FeatureStore(folder / "features")
    ours = bundle.card.settings
    listeners = {
        "label-free onset": (label_free("onset"), ours),
        "label-free presence": (label_free("presence"), ours),
        "label, linear (paper)": (by_label, replace(ours, detector="linear", median_frames=1)),
        "label, temporal (ours)": (by_label, ours),
    }
    rows = []
    for name, (listen, settings) in listeners.items():
        found = [
            listen(held_out, encode(held_out.span, bundle, features, ours), bundle, settings) for held_out in scenes
        ]
        rows.append(SystemResult(system=name, cells=_detection_cells(found, scenes, bundle, resamples)))
    return ResultsTable(title="Detection, 4 s scenes", clips=count, measures=DETECTION_MEASURES, rows=tuple(rows))


def _detection_cells(
    found: list[TemporalCondition], scenes: list[HeldOutScene], bundle: AuffusionGenerator, resamples: int
) -> dict[str, Interval]:
    step_s = float(bundle.grid.frame_s)
    truth = [s.present(step_s) for s in scenes]
    off_screen = [s.off_screen(step_s) for s in scenes]
    active = [c.active[: len(t)] for c, t in zip(found, truth, strict=True)]
    scores = [c.similarity[: len(t)] for c, t in zip(found, truth, strict=True)]
    lasting = np.array(continuous(scenes))
    impacts = np.setdiff1d(np.arange(len(scenes)), lasting)
    two = np.array([i for i in lasting if len(scenes[i].scene.actors) > 1])
    counts = frame_counts(active, truth)

    def pick(rows: list[np.ndarray], index: np.ndarray) -> list[np.ndarray]:
        return [rows[i] for i in index]

    statistics_of: dict[str, tuple[NDArray[np.intp], Statistic]] = {
        "f1": (lasting, lambda i: counts.of(i).f1),
        "auc": (lasting, lambda i: roc_auc(pick(scores, i), pick(truth, i))),
        "two": (two, lambda i: roc_auc(pick(scores, i), pick(truth, i))),
        "off_screen": (lasting, lambda i: recall_within(pick(active, i), pick(truth, i), pick(off_screen, i))),
        "impact": (impacts, lambda i: counts.of(i).f1),
        "toggles": (lasting, lambda i: float(toggles_per_clip(pick(active, i)).mean())),
    }
    return {
        key: _interval(statistic, index, resamples)
        for key, (index, statistic) in statistics_of.items()
        if len(index) > 1
    }


def _interval(statistic: Statistic, index: NDArray[np.intp], resamples: int) -> Interval:
    """Of a statistic over the scenes `index`, resampled."""
    rng = np.random.default_rng(7)
    return bootstrap_interval(lambda i: statistic(index[i]), clip_count=len(index), rng=rng, resamples=resamples)


if __name__ == "__main__":
    main()
