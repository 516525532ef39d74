"""Every bench at a size of seconds, from its command line to its table, as the code under it changes."""

from __future__ import annotations

import io
import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from threading import Lock

import pytest
import torch

from flows.options import PassOptions
from pipeline.nets import onset
from tests.bench import (
    bench_gpu,
    bench_kills,
    bench_long,
    bench_mini,
    bench_orchestration,
    bench_published,
    bench_speed,
    bench_timelines,
    child,
    plain_reference,
    published_parts,
    published_switches,
)
from tests.bench.full_size import install_random
from tests.bench.noisy_movie import film
from tests.support.killing import Process

STEADY = pytest.mark.steady


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bench's child processes become calls of their `main`: starting torch again takes longer than the work."""

    one_at_a_time = Lock()  # what is printed is redirected for all threads

    def output_of(module: str, *arguments: object, env: Mapping[str, str] | None = None) -> str:
        printed = io.StringIO()
        with one_at_a_time, redirect_stdout(printed):
            import_module(module).main([str(argument) for argument in arguments])
        return printed.getvalue()

    for bench in (bench_long, bench_orchestration, bench_published, bench_speed):
        monkeypatch.setattr(bench, "output_of", output_of)


def rows(printed: str) -> list[list[str]]:
    """The cells of all lines of tables."""
    return [[cell.strip() for cell in line.strip("| ").split("|")] for line in printed.splitlines() if "|" in line]


def test_mini(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ["--short-scenes", "2", "--long-scenes", "0", "--detection-scenes", "8", "--takes", "2", "--steps", "1"]
    bench_mini.main([*sizes, "--resamples", "9", "--json", str(tmp_path / "mini.json")])
    detection, generation = json.loads((tmp_path / "mini.json").read_text())
    assert [row["system"] for row in detection["systems"]][-1] == "label, temporal (ours)"
    assert generation["systems"][0]["system"] == "codec (ceiling)"
    assert [row["system"] for row in generation["systems"]][-2:] == ["ours", "ours, best of 2 takes"]
    assert "Generation, 4 s scenes" in capsys.readouterr().out


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("only", ["cost", *(pytest.param(table, marks=STEADY) for table in ("seams", "presence"))])
def test_long(only: str, tmp_path: Path) -> None:
    seconds = {"seams": 12, "cost": 2, "presence": 20}[only]
    command = ["--only", only, "--seconds", str(seconds), "--steps", "1"]
    bench_long.main([*command, "--json", str(tmp_path / "long.json")])
    (table,) = json.loads((tmp_path / "long.json").read_text())
    results = {row["system"]: row["results"] for row in table["systems"]}
    measured = {
        "seams": lambda: results["Hann weights"]["picture"]["value"] > 0,
        "cost": lambda: results["2 s"]["seconds"]["value"] > 0,
        "presence": lambda: results["one long shot"]["difference"]["low"] < 1,
    }
    assert measured[only]()


@pytest.mark.usefixtures("in_this_process")
def test_speed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_speed, "cost_of", lambda module, *arguments: (8.0, 900.0))
    bench_speed.main(["--lengths", "1", "2", "--counts", "4"])
    found = rows(capsys.readouterr().out)
    assert [row[0] for row in found] == ["seconds of sound", "---:", "1", "2", "shots", "---:", "4"]
    assert found[-1] == ["4", "8.0", "2.00", "900"]


def test_timelines(capsys: pytest.CaptureFixture[str]) -> None:
    bench_timelines.main(["--clips", "20", "--aaf-clips", "3", "--runs", "1"])
    found = rows(capsys.readouterr().out)
    assert [row[:2] for row in found[2:]] == [[s, "20"] for s in (".otio", ".xml", ".fcpxml", ".edl")] + [[".aaf", "3"]]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published model of a tiny size."""
    return install_random(tmp_path_factory.mktemp("published") / "tiny", "tiny")


@pytest.mark.usefixtures("in_this_process")
def test_our_side_of_published(tiny: Path, tmp_path: Path) -> None:
    movie = film(tmp_path / "movie.mp4", seconds=2, size=(160, 90))
    settings = ["precision=float32", "steps=1", "detector=always"]
    case = bench_published._ours("default", tiny, movie, tmp_path, "0:0.5", settings)
    assert case.seconds_of_sound == 0.5 and case.seconds() > 0 and case.facts["evaluations"] == 1
    assert "prediction" in bench_published._errors(case, case)


@pytest.mark.steady
@pytest.mark.usefixtures("in_this_process")
def test_published(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for detector in (onset.OnsetDetector, plain_reference._Onset):  # it has one size, and takes a minute
        monkeypatch.setattr(detector, "forward", lambda self, frames: torch.ones(frames.shape[:2]))
    short = ["--seconds", "1", "--shots", "1", "--evaluations", "2", "--clip-frames", "4"]
    quick = ["--precision", "float32", "--steps", "1", "--set", "precision=float32", "--set", "steps=2"]
    bench_published.main(["--keep", str(tmp_path), "--size", "tiny", *short, *quick])
    printed = capsys.readouterr().out
    assert [row[0] for row in rows(printed)[2:]] == ["plain", "equal", "default", "default, nothing skipped", "shots"]
    assert "plain ran 2 of 26 evaluations" in printed


@pytest.mark.parametrize(("only", "count"), [("clip", 1), pytest.param("unet codec vocoder", 11, marks=STEADY)])
def test_parts_of_published(only: str, count: int, tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    published_parts.main([str(tiny), "--repeats", "1", "--dtype", "float32", "--only", *only.split()])
    assert len(rows(capsys.readouterr().out)) == 2 + count


@pytest.mark.steady
def test_switches_of_published(tiny: Path, tmp_path: Path) -> None:
    movie = film(tmp_path / "movie.mp4", seconds=2, size=(160, 90))
    command = [str(tiny), str(movie), str(tmp_path / "out.json"), "--shots", "0:1", "--steps", "2"]
    published_switches.main([*command, "--only", "steps=8"])
    assert [row["name"] for row in json.loads((tmp_path / "out.json").read_text())] == ["float32", "steps=8"]


def test_gpu(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ["--model", str(tiny), "--size", "tiny", "--steps", "1", "--seconds", "1", "--batches", "1"]
    bench_gpu.main(["--device", "cpu", "--dtype", "float32", *sizes])
    assert [row[0] for row in rows(capsys.readouterr().out)] == ["shots at once", "---:", "1"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA GPU")
def test_gpu_without_one() -> None:
    with pytest.raises(SystemExit, match="needs a CUDA GPU and torch finds none"):
        bench_gpu.main([])


@pytest.mark.usefixtures("in_this_process")
def test_orchestration_without_its_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = bench_orchestration.stub_passes(tmp_path, None, [2, 4])
    assert [(result["shots"], result["made"]) for result in results] == [(2, 2), (4, 4)]
    bench_orchestration.show(results)
    assert "4 shots against 2" in capsys.readouterr().out


@pytest.mark.slow
def test_orchestration(capsys: pytest.CaptureFixture[str]) -> None:
    bench_orchestration.main(["--counts", "2", "4", "--shots", "2", "--shots-of-two", "2"])
    printed = capsys.readouterr().out
    assert "| prefect |" in printed and "COMPLETED" in printed.upper() and "made" in printed


@pytest.mark.slow
def test_processes_of_their_own() -> None:
    assert child.output_of("json.tool", "--help").startswith("usage:")
    with pytest.raises(SystemExit, match=r"json\.tool ended with status 2"):
        child.output_of("json.tool", "--nonsense")


def test_kills_is_told_what_to_kill(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[bench_kills.Wanted] = []

    def kill_passes(folder: Path, wanted: bench_kills.Wanted) -> bench_kills.Tally:
        asked.append(wanted)
        return bench_kills.Tally(shots=wanted.shots, passes=1, kills=Counter({"flow": 3}))

    monkeypatch.setattr(bench_kills, "kill_passes", kill_passes)
    with pytest.raises(SystemExit) as ended:
        bench_kills.main(["--kills", "3", "--shots", "4", "--kinds", "flow,engine"])
    assert ended.value.code == 0
    assert asked == [bench_kills.Wanted(kills=3, shots=4, kinds=("flow", "engine"))]
    assert capsys.readouterr().out.startswith("3 kills (flow 3) over 1 passes of 4 shots")


def test_kills_chooses_among_what_is_there() -> None:
    found = [Process(1, "worker"), Process(2, "flow"), Process(3, "flow")]
    dice = random.Random(0)
    victims = [bench_kills._victim(found, dice, ("flow", "engine")) for _ in range(20)]
    assert {victim.pid for victim in victims if victim} == {2, 3}


def test_kills_knows_the_undisturbed_pass(tmp_path: Path) -> None:
    edit = bench_kills._edit(tmp_path, 2)
    options = PassOptions(out=tmp_path / "out", store=tmp_path / "store", device="cpu", preview=False)
    assert b"FOLEY" in bench_kills._undisturbed(edit, options, 2)
    assert not (tmp_path / "out").exists()
