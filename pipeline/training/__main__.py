"""`python -m pipeline.training`: make the bundled model from nothing, on two processor cores."""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys
import time
from pathlib import Path

import torch

from pipeline.generators.auffusion.settings import AuffusionSettings
from pipeline.training.export import export_bundle
from pipeline.training.recipe import STAGES, Job, is_done
from pipeline.training.sizes import FULL, SMOKE

_EFFORTS = {"full": FULL, "smoke": SMOKE}
_CORES = 2
# At 1.5 what is made keeps to the condition better than at 1, on scenes that were in no training.
_SETTINGS = AuffusionSettings(temporal_scale=1.5)
BUNDLED_FOLDER = Path(__file__).parents[1] / "weights" / "mini"
_log = logging.getLogger("pipeline.training")


def main() -> None:
    """Run all stages that are not done, or one process of one stage."""
    options = _parser().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    if options.stage is None:
        _run_all(options)
        if options.install:
            _log.info("the model lies in %s", export_bundle(options.work / "parts", BUNDLED_FOLDER, _SETTINGS).parent)
        return
    torch.set_num_threads(1)
    job = Job(
        work=options.work,
        effort=_EFFORTS[options.effort],
        seed=options.seed,
        rank=options.rank,
        team_size=options.team_size,
    )
    STAGES[options.stage].run(job)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline.training", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("build/mini"), help="folder for scenes, checkpoints, parts")
    parser.add_argument("--effort", choices=sorted(_EFFORTS), default="full")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stage", choices=list(STAGES), help="run this stage only, in this process")
    parser.add_argument("--install", action="store_true", help="put the model into the package at the end")
    parser.add_argument("--rank", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--team-size", type=int, default=1, help=argparse.SUPPRESS)
    return parser


def _run_all(options: argparse.Namespace) -> None:
    options.work.mkdir(parents=True, exist_ok=True)
    done = {name for name, stage in STAGES.items() if is_done(stage, options.work)}
    running: dict[str, list[subprocess.Popen[bytes]]] = {}
    started: dict[str, float] = {}
    while len(done) < len(STAGES):
        for name in _startable(done, running):
            running[name] = _start(name, options)
            started[name] = time.monotonic()
            _log.info("%s starts", name)
        for name in [n for n, processes in running.items() if all(p.poll() is not None for p in processes)]:
            _check(name, running.pop(name))
            done.add(name)
            _log.info("%s took %.0f s", name, time.monotonic() - started[name])
        time.sleep(0.5)


def _startable(done: set[str], running: dict[str, list[subprocess.Popen[bytes]]]) -> list[str]:
    """Stages whose needs are met, in order, as long as there are cores for them."""
    free = _CORES - sum(STAGES[name].processes for name in running)
    chosen: list[str] = []
    for name, stage in STAGES.items():
        ready = name not in done and name not in running and set(stage.needs) <= done
        if ready and stage.processes <= free:
            chosen.append(name)
            free -= stage.processes
    return chosen


def _start(name: str, options: argparse.Namespace) -> list[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "pipeline.training", "--work", str(options.work), "--stage", name]
    command += ["--effort", options.effort, "--seed", str(options.seed)]
    team = STAGES[name].processes if name == "base" else 1
    (options.work / f"{name}.meeting").unlink(missing_ok=True)
    return [subprocess.Popen([*command, "--rank", str(rank), "--team-size", str(team)]) for rank in range(team)]


def _check(name: str, processes: list[subprocess.Popen[bytes]]) -> None:
    if any(p.returncode for p in processes):
        sys.exit(f"stage {name} failed; run the command again and it goes on from its last checkpoint")


if __name__ == "__main__":
    main()
