"""`foley` in a process of its own, with a made-up model and an engine that does as it was told.

    python -m tests.support.foley_process ENGINE PATIENCE DASK run reel.otio ...

ENGINE is a file that holds the pickled function that builds the engine, PATIENCE the seconds until work counts as hung,
DASK the address of a scheduler or "".
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest import mock

from flows import pass_steps, run
from flows.planning import plan
from flows.work.dask_workshop import DaskWorkshop
from flows.work.engine import Build, use_engine
from plugin.cli import main
from tests.support.passes import made_up_card


def foley(
    arguments: Sequence[str | Path],
    build: Build,
    folder: Path,
    *,
    patience_s: int = 300,
    dask: str = "",
    env: Mapping[str, str] = {},
) -> "subprocess.Popen[str]":
    """Start `foley` with an engine that `build` makes; its words come through pipes."""
    engine = folder / "engine.pickle"
    engine.write_bytes(pickle.dumps(build))
    command = [sys.executable, "-W", "ignore", "-m", "tests.support.foley_process", str(engine)]
    return subprocess.Popen(
        [*command, str(patience_s), dask, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"FOLEY_STORE": str(folder / "store")} | dict(env),
    )


def _as_told(engine: Path, patience_s: int, dask: str, arguments: list[str]) -> None:
    mock.patch.object(plan, "find_model", lambda name: made_up_card()).start()
    mock.patch.object(pass_steps, "limit_s", lambda options, sounds_s: float(patience_s)).start()
    if dask:
        mock.patch.object(run, "workshop_for", lambda options, **_: DaskWorkshop(dask)).start()
    with use_engine(pickle.loads(engine.read_bytes())):
        main(arguments)


if __name__ == "__main__":
    _as_told(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
