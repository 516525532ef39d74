"""An edit through the published models' own loading code, from the published file layouts with random weights.

What it sounds like is noise; that it is placed, batched, repeated and reported as any other model's is what is shown.
"""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.scenes.catalogue import source_named
from pipeline.scenes.movie import write_scene_movie
from pipeline.scenes.scene import make_scene
from plugin.cli import exit_code_of
from tests.support.published_files import write_published

pytestmark = pytest.mark.steady


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny published files, fetched as a user fetches real ones."""
    folder = tmp_path_factory.mktemp("published")
    write_published(folder / "downloads")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FOLEY_MODELS", str(folder / "models"))
        for name in ("foleycrafter", "auffusion"):
            command = ["models", "fetch", name, "--from", str(folder / "downloads"), "--accept-licence", "--quiet"]
            assert exit_code_of(command) == 0
    return folder / "models"


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scene = make_scene(245, 3.0, target=source_named("train"), others=())
    return write_scene_movie(scene, tmp_path_factory.mktemp("movies") / "train.mp4", rate=Fraction(25), size=256)


def _run(movie: Path, models: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, Path]:
    monkeypatch.setenv("FOLEY_MODELS", str(models))
    command = ["run", str(movie), "--out", str(folder / "out"), "--store", str(folder / "store"), "--no-prefect"]
    command += ["--no-preview", "--quiet", "--device", "cpu", *words]
    return exit_code_of(command), folder / "out"


def _sound(out: Path) -> np.ndarray:
    (wav,) = (out / "takes").glob("*.wav")
    samples, rate = soundfile.read(wav, dtype="float32")
    assert rate == 48_000
    return np.asarray(samples)


# Three seconds, and the handle behind them; before them is midnight, where a movie begins.
SAMPLES = (3 * 25 + 12) * 1920
ALWAYS = ("--set", "detector=always", "--set", "steps=2")


def test_a_published_model_makes_a_take_as_long_as_the_shot(
    movie: Path, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out = _run(movie, models, tmp_path, monkeypatch, "--model", "foleycrafter", *ALWAYS)
    assert code == 0
    first = _sound(out)
    assert len(first) == SAMPLES and np.isfinite(first).all() and first.std() > 0
    code, again = _run(movie, models, tmp_path / "again", monkeypatch, "--model", "foleycrafter", *ALWAYS)
    np.testing.assert_array_equal(_sound(again), first)
    assert json.loads((out / "foley_manifest.json").read_text(encoding="utf-8"))["model"]["name"] == "foleycrafter"


def test_every_switch_reaches_the_sound(
    movie: Path, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(name: str, *words: str) -> np.ndarray:
        code, out = _run(movie, models, tmp_path / name, monkeypatch, "--model", "foleycrafter", *ALWAYS, *words)
        assert code == 0
        return _sound(out)

    plain = made("plain", "--dtype", "float32")
    switches = {
        "half": ("--dtype", "bfloat16"),
        "sampler": ("--dtype", "float32", "--set", "sampler=pndm"),
        "guided": ("--dtype", "float32", "--set", "guidance_until=1"),
        "temporal": ("--dtype", "float32", "--set", "temporal_until=0"),
        "frames": ("--dtype", "float32", "--set", "frame_scale=0.5"),
    }
    for name, words in switches.items():
        assert np.abs(made(name, *words) - plain).max() > 0, name


def test_a_model_that_goes_by_the_label_alone_never_looks(
    movie: Path, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out = _run(movie, models, tmp_path, monkeypatch, "--model", "auffusion", "--set", "steps=2")
    assert code == 0 and len(_sound(out)) == SAMPLES


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--set", "stepz=3"), "there is no setting 'stepz'"),
        (("--set", "steps"), "write it as NAME=VALUE"),
        (("--preset", "fastest"), "has no preset 'fastest'"),
        (("--dtype", "float8"), "float8"),
        (("--set", "sampler=euler"), "must be one of dpm++, unipc, pndm"),
        (("--device", "cuda:7"), "cuda:7"),
        (("--set", "detector=linear"), "model foleycrafter is without what detector 'linear' needs"),
        (("--set", "detector=onset"), "without what detector 'onset' needs: fetch it again with that part"),
        (
            ("--model", "auffusion", "--set", "frame_attention=literal", "--set", "frame_scale=1"),
            "frame_attention 'literal' needs",
        ),
        (("--model", "auffusion", "--set", "temporal_scale=1"), "temporal_scale other than 0 needs"),
    ],
)
def test_what_cannot_be_set_is_one_sentence(
    movie: Path,
    models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    sentence: str,
) -> None:
    code, out = _run(movie, models, tmp_path, monkeypatch, "--model", "foleycrafter", *words)
    error = capsys.readouterr().err
    assert code == (4 if "--device" in words else 2) and sentence in error and "Traceback" not in error
    assert not (out / "takes").exists()
