"""Two passes into one output folder at the same time: one lays after the other, and what is said is what lies there."""

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.options import PassOptions
from flows.output import laying
from flows.records import PassReport
from flows.run import run_pass
from tests.support.passes import Cut, FakeEngine
from tests.support.waiting import PATIENCE_S
from timeline_io.cue_sheet import write_cues

pytestmark = pytest.mark.usefixtures("card")


def test_the_manifest_tells_of_the_sounds_that_the_edit_beside_it_plays(
    engine: FakeEngine,
    movie: Callable[[str], Path],
    edit_of: Callable[..., Path],
    options: PassOptions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    edit = edit_of(Cut(name="train", media=movie("a.mp4")))
    begun, go_on = threading.Event(), threading.Event()

    def slowly(*arguments: object) -> object:
        if not begun.is_set():
            begun.set()
            go_on.wait(PATIENCE_S)
        return write_cues(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(laying, "write_cues", slowly)
    reports: dict[int, PassReport] = {}

    def one_pass(seed: int) -> None:
        reports[seed] = run_pass(edit, options.model_copy(update={"seed": seed}), with_prefect=False)

    first, second = (threading.Thread(target=one_pass, args=(seed,)) for seed in (1, 2))
    first.start()
    assert begun.wait(PATIENCE_S)
    second.start()
    second.join(1)
    go_on.set()
    first.join(PATIENCE_S)
    second.join(PATIENCE_S)
    assert [reports[seed].exit_code for seed in (1, 2)] == [0, 0]
    folder = reports[1].outputs.folder
    manifest = json.loads((folder / "foley_manifest.json").read_text())
    told = Path(manifest["shots"][0]["cues"][0]["wav"]).name
    laid = (folder / "reel.foley.otio").read_text()
    assert told in laid
