"""`make bench-kills`: a studio's processes are killed (-9) at random while it makes passes of 60 shots with the bundled
model; every pass must come to the same end as an undisturbed one.

Killed are the flow's process, its engines, the worker, the server, and `foley studio up` itself. What is not started
again by itself, this program starts again as a person would: the studio, and a run that the studio gave up after three
crashes.

With `--workers 2` two workers share each pass; with `--second-machine` one of them is on a machine of another name that
joined the studio (in a namespace of its own, so only root of a Linux machine can). Counted: takes made twice (files of
the store that were replaced), laid edits that differ from the undisturbed one by a byte, runs that stay "Running"
without a process longer than the heartbeat's limit.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from flows.options import PassOptions
from flows.run import run_pass
from flows.studio.environment import LOST_AFTER_S
from flows.studio.home import StudioHome
from flows.studio.reach import connect
from pipeline.scenes.catalogue import source_named
from pipeline.scenes.movie import write_scene_movie
from pipeline.scenes.scene import make_scene
from tests.bench.bench_speed import edit_of_shots
from tests.support.killing import KINDS, Process, StoreWatch, processes_of

_DEPLOYMENT = "foley-pass/studio"
_SHOTS = 60
# A server that was killed needs half a minute on a busy machine until it answers again.
_PATIENCE_S = 900.0
_KILLS_PER_PASS = 8
# What is killed how often; while no flow runs it is mostly waited for, or nothing but the start would be tested.
_WEIGHTS = {"flow": 3, "engine": 3, "worker": 2, "server": 2, "studio": 1}
_LET_IT_COME_UP = 0.9


@dataclass
class Tally:
    """What came of it."""

    shots: int = _SHOTS
    kills: Counter[str] = field(default_factory=Counter)
    passes: int = 0
    begun_by_hand: int = 0
    made_twice: list[str] = field(default_factory=list)
    other_bytes: list[str] = field(default_factory=list)
    bad_ends: list[str] = field(default_factory=list)
    orphaned_s: list[float] = field(default_factory=list)
    back_at_work_s: list[float] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not (self.made_twice or self.other_bytes or self.bad_ends) and max(self.orphaned_s, default=0) < 180

    def in_words(self) -> str:
        killed = ", ".join(f"{kind} {count}" for kind, count in sorted(self.kills.items()))
        return (
            f"{sum(self.kills.values())} kills ({killed}) over {self.passes} passes of {self.shots} shots; "
            f"{self.begun_by_hand} runs begun again by hand\n"
            f"takes made twice: {len(self.made_twice)}; laid edits with other bytes: {len(self.other_bytes)}; "
            f"bad ends: {self.bad_ends or 0}\n"
            f"longest 'Running' without a process: {max(self.orphaned_s, default=0):.0f} s (limit {LOST_AFTER_S} s and "
            f"the time the server was away); back at work after a kill: median "
            f"{sorted(self.back_at_work_s)[len(self.back_at_work_s) // 2] if self.back_at_work_s else 0:.0f} s\n"
        )


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be killed, how often, in which studio."""

    kills: int
    seed: int = 0
    port: int = 4790
    database: str | None = None
    device: str = "cpu,cpu"
    workers: int = 1
    second_machine: bool = False
    kinds: tuple[str, ...] = KINDS
    shots: int = _SHOTS


class Machine:
    """A machine that takes part: one command of `foley studio` that stays, in a folder of its own."""

    def __init__(self, home: Path, *command: str, name: str = "") -> None:
        self.home = home
        # Another name needs a namespace of its own.
        as_other = ["unshare", "--uts", "sh", "-c", f'hostname {name} && exec "$@"', "sh"] if name else []
        self._command = [*as_other, sys.executable, "-m", "plugin.cli", "studio", *command]
        self._log = home.with_suffix(".log").open("ab")
        self._environment = os.environ | {"FOLEY_STUDIO": str(home)}
        self.up()

    def up(self) -> None:
        self.process = subprocess.Popen(
            self._command, env=self._environment, stdout=self._log, stderr=self._log, start_new_session=True
        )

    def keep_up(self) -> None:
        if self.process.poll() is not None:
            self.up()

    def wait(self) -> None:
        give_up_at = time.monotonic() + _PATIENCE_S
        while not (self.home / "studio.json").is_file():
            self.keep_up()
            if time.monotonic() > give_up_at:
                raise SystemExit(f"the studio does not come up: see {self._log.name}")
            time.sleep(0.5)

    def down(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=120)


class Studio:
    """The machine with the server, and the one that joined it, if one is wanted."""

    def __init__(self, folder: Path, wanted: Wanted) -> None:
        url = f"http://127.0.0.1:{wanted.port}/api"
        own_workers = 1 if wanted.second_machine else wanted.workers
        database = ["--database", wanted.database] if wanted.database else []
        up = ("up", "--port", str(wanted.port), "--workers", str(own_workers), *database)
        self.machines = [Machine(folder / "studio", *up)]
        self.machines[0].wait()
        if wanted.second_machine:
            password = str(self.machines[0].home / "password")
            join = ("join", url, "--password-file", password, "--workers", str(max(1, wanted.workers - 1)))
            self.machines.append(Machine(folder / "second", *join, name="foley-second"))
            self.machines[1].wait()

    @property
    def home(self) -> Path:
        return self.machines[0].home

    def keep_up(self) -> None:
        for machine in self.machines:
            machine.keep_up()

    def processes(self) -> list[Process]:
        return [process for machine in self.machines for process in processes_of(machine.home)]

    def down(self) -> None:
        for machine in reversed(self.machines):
            machine.down()


def main(arguments: Sequence[str] | None = None) -> None:
    """Kill, count, tell; exit code 1 when a pass came to another end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--port", type=int, default=4790)
    parser.add_argument("--database", help="such as postgresql+asyncpg://foley@localhost/foley; default: SQLite")
    parser.add_argument("--device", default="cpu,cpu")
    parser.add_argument("--workers", type=int, default=1, help="how many share a pass")
    parser.add_argument("--second-machine", action="store_true", help="one of them on a machine that joined")
    parser.add_argument("--kinds", default=KINDS, type=lambda text: tuple(text.split(",")), help="what is killed")
    parser.add_argument("--shots", type=int, default=_SHOTS, help="of a pass")
    wanted = Wanted(**vars(parser.parse_args(arguments)))
    folder = Path(tempfile.mkdtemp(prefix="bench-kills-"))
    tally = kill_passes(folder, wanted)
    sys.stdout.write(tally.in_words())
    if tally.ok:
        shutil.rmtree(folder)
    sys.exit(0 if tally.ok else f"see {folder}")


def kill_passes(folder: Path, wanted: Wanted) -> Tally:
    """Passes, one after the other, until so many processes are killed."""
    edit = _edit(folder, wanted.shots)
    options = PassOptions(
        out=folder / "out",
        store=folder / "store",
        device=wanted.device,
        workers=wanted.workers,
        preview=False,
        patience_s=120,
    )
    undisturbed = _undisturbed(edit, options, wanted.shots)
    studio, tally, dice = Studio(folder, wanted), Tally(shots=wanted.shots), random.Random(wanted.seed)
    try:
        connect(StudioHome(studio.home))
        while (left := wanted.kills - sum(tally.kills.values())) > 0:
            kills = min(left, dice.randint(1, _KILLS_PER_PASS))
            _one_pass(studio, edit, options, undisturbed, tally, dice, kills, wanted.kinds)
            sys.stderr.write(tally.in_words())
    finally:
        studio.down()
    return tally


def _edit(folder: Path, shots: int) -> Path:
    scene = make_scene(0, 45.0, target=source_named("hammer"), others=())
    movie = write_scene_movie(scene, folder / "hammer.mp4", rate=Fraction(24))
    edit = folder / "reel.otio"
    edit.write_text(json.dumps(edit_of_shots(movie, shots)))
    return edit


def _undisturbed(edit: Path, options: PassOptions, shots: int) -> bytes:
    started = time.monotonic()
    report = run_pass(edit, options.model_copy(update={"device": "cpu", "workers": 1}), with_prefect=False)
    assert report.outputs.edit and report.counts["made"] + report.counts["silent"] == shots, report.summary
    laid = report.outputs.edit.read_bytes()
    sys.stderr.write(f"undisturbed, in threads: {report.summary} in {time.monotonic() - started:.0f} s\n")
    _clean(options)
    return laid


def _clean(options: PassOptions) -> None:
    for place in (options.out, options.store):
        if place:
            shutil.rmtree(place, ignore_errors=True)


def _one_pass(
    studio: Studio,
    edit: Path,
    options: PassOptions,
    undisturbed: bytes,
    tally: Tally,
    dice: random.Random,
    kills: int,
    kinds: Sequence[str],
) -> None:
    assert options.store and options.out
    run = _begin(edit, options)
    orphan = _Orphan(tally)
    with StoreWatch(options.store) as watch:
        next_kill = time.monotonic() + dice.uniform(2, 20)
        give_up_at = time.monotonic() + _PATIENCE_S + 60 * kills
        while True:
            time.sleep(0.5)
            studio.keep_up()
            state = _state(run)
            orphan.look(state, studio)
            if state in ("COMPLETED", "FAILED", "CANCELLED"):
                if state == "COMPLETED":
                    break
                # Given up after three crashes: a person has a look and begins it again.
                tally.begun_by_hand += 1
                run = _begin(edit, options)
            if kills and time.monotonic() >= next_kill:
                victim = _victim(studio.processes(), dice, kinds)
                if victim:
                    victim.kill()
                    tally.kills[victim.kind] += 1
                    kills -= 1
                    orphan.killed(victim)
                    next_kill = time.monotonic() + dice.uniform(0.5, 5)
            if time.monotonic() > give_up_at:
                tally.bad_ends.append(f"pass {tally.passes}: {state} for too long")
                break
    tally.passes += 1
    laid = options.out / "reel.foley.otio"
    if not laid.is_file() or laid.read_bytes() != undisturbed:
        tally.other_bytes.append(f"pass {tally.passes}")
    else:
        _clean(options)
    tally.made_twice += watch.made_twice


class _Orphan:
    """Measures for how long a run is told to be running while nobody works on it."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._since: float | None = None
        self._killed_at: float | None = None

    def killed(self, victim: Process) -> None:
        if victim.kind in ("flow", "worker", "studio"):
            self._killed_at = time.monotonic()

    def look(self, state: str | None, studio: Studio) -> None:
        working = any(process.kind == "flow" for process in studio.processes())
        now = time.monotonic()
        if self._killed_at and working and now > self._killed_at + 1:
            self._tally.back_at_work_s.append(now - self._killed_at)
            self._killed_at = None
        if state is None:
            return
        if state == "RUNNING" and not working:
            self._since = self._since or now
        elif self._since:
            self._tally.orphaned_s.append(now - self._since)
            self._since = None


def _victim(found: Sequence[Process], dice: random.Random, kinds: Sequence[str]) -> Process | None:
    """Any kind that is there, the flow and its engines first of all, then any process of that kind."""
    there = [kind for kind in kinds if any(process.kind == kind for process in found)]
    if "flow" not in there and dice.random() < _LET_IT_COME_UP:
        return None
    if not there:
        return None
    kind = dice.choices(there, [_WEIGHTS[kind] for kind in there])[0]
    return dice.choice([process for process in found if process.kind == kind])


def _begin(edit: Path, options: PassOptions) -> Any:
    from prefect.deployments import run_deployment

    parameters = {"edit": str(edit), "options": options.model_dump(mode="json")}
    give_up_at = time.monotonic() + _PATIENCE_S
    while True:
        try:
            run: Any = run_deployment(_DEPLOYMENT, parameters=parameters, timeout=0)
            return run.id
        except Exception:
            # The server may have been killed just now.
            if time.monotonic() > give_up_at:
                raise
            time.sleep(1)


def _state(run: Any) -> str | None:
    """The run's state, None while the server does not answer."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    try:
        with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}), get_client(sync_client=True) as client:
            state = client.read_flow_run(run).state
    except Exception:
        return None
    return state.type.value if state else None


if __name__ == "__main__":
    main()
