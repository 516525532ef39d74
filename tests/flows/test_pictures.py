"""Pictures of the shots a person should look at: what is on them, how big they are, whose files they are."""

import io
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flows.options import PassOptions
from flows.output.pictures import MOST_BYTES, ShotView, picture_of
from flows.output.problem_pictures import MOST_PICTURES
from flows.records import PassReport
from flows.run import run_pass
from pipeline.bwf import write_bwf
from pipeline.clip_store import ClipStore
from pipeline.curve import DetectionCurve, curve_of
from pipeline.errors import MediaError
from pipeline.generators.auffusion.settings import AuffusionSettings
from pipeline.label import ZeroShotLabel
from pipeline.records import FoleyClip, MediaSpan, TemporalCondition
from pipeline.spectrogram import place_of, spectrogram
from tests.support.passes import Cut, FakeEngine

pytestmark = pytest.mark.usefixtures("card")
Movie = Callable[[str], Path]
EditOf = Callable[..., Path]
KEY = "ab" + "0" * 62
ON, BLUE = (206, 230, 214), (38, 88, 140)


def span_of(path: Path, duration_s: int = 2) -> MediaSpan:
    return MediaSpan(path=path, digest="d", start_s=Fraction(0), duration_s=Fraction(duration_s))


def curve_up_to(highest: float, threshold: float = 0.5) -> DetectionCurve:
    levels = np.round(np.linspace(0, highest, 100) * 255).astype(np.uint8)
    return DetectionCurve(levels=levels.tobytes(), duration_s=2.0, threshold=threshold)


def drawn(view: ShotView) -> np.ndarray:
    png = picture_of(view)
    assert png is not None
    assert len(png) <= MOST_BYTES
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def near(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    close: np.ndarray = np.abs(picture.astype(int) - colour) <= 10
    return np.asarray(close.all(axis=2))


def noise_wav(path: Path, seconds: float = 2.0) -> Path:
    samples = np.random.default_rng(0).normal(0, 0.2, round(seconds * 48_000)).astype(np.float32)
    write_bwf(path, samples[None], 48_000, time_reference=0)
    return path


def test_the_stretches_that_sound_are_where_they_are_in_time(tmp_path: Path) -> None:
    gone = span_of(tmp_path / "gone.mp4")
    picture = drawn(ShotView(title="sh0010", span=gone, curve=curve_up_to(0.2), spans_s=((0.5, 1.0),)))
    columns = np.flatnonzero(near(picture, ON).sum(axis=0) > 20)
    inner_left, inner = 44, 560 - 44 - 8
    assert columns[0] == pytest.approx(inner_left + inner * 0.25, abs=3)
    assert columns[-1] == pytest.approx(inner_left + inner * 0.5, abs=3)


def test_a_curve_that_rises_is_drawn_rising(tmp_path: Path) -> None:
    picture = drawn(ShotView(title="", span=span_of(tmp_path / "gone.mp4"), curve=curve_up_to(1.0)))
    line = near(picture, BLUE)
    heights = [np.flatnonzero(line[:, left]).max() for left in (200, 300, 400, 500)]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] - heights[-1] > 30


def test_noise_from_end_to_end_still_makes_a_small_file(movie: Movie, tmp_path: Path) -> None:
    view = ShotView(
        title="列車 " * 40,
        span=span_of(movie("a.mp4")),
        curve=curve_up_to(1.0),
        wav=noise_wav(tmp_path / "a.wav"),
        remark="why " * 80,
    )
    assert drawn(view).shape == (18 + 80 + 74 + 100 + 14 + 18, 560, 3)


def test_what_cannot_be_had_is_left_out(movie: Movie, tmp_path: Path) -> None:
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    only_strip = drawn(ShotView(title="", span=span_of(movie("a.mp4")), wav=tmp_path / "broken.wav"))
    assert only_strip.shape[0] == 18 + 80 + 14
    assert picture_of(ShotView(title="words alone", span=span_of(tmp_path / "gone.mp4"))) is None


def test_the_spectrogram_shows_a_tone_at_its_pitch(tmp_path: Path) -> None:
    times_s = np.arange(96_000) / 48_000
    tone = (0.3 * np.sin(2 * np.pi * 1000 * times_s) * (times_s > 1)).astype(np.float32)
    write_bwf(tmp_path / "tone.wav", tone[None], 48_000, time_reference=0)
    loudness = spectrogram(tmp_path / "tone.wav", 100, 40)
    row = int(loudness[:, 75].argmax())
    assert 1 - (row + 0.5) / 40 == pytest.approx(place_of(1000), abs=0.05)
    assert loudness[row, 75] > 0.8
    assert loudness[:, :45].max() == 0


@pytest.mark.parametrize("samples", [0, 10, 2047, 100_000])
def test_a_sound_of_any_length_has_a_spectrogram(tmp_path: Path, samples: int) -> None:
    write_bwf(tmp_path / "a.wav", np.full((1, samples), 0.1, np.float32), 48_000, time_reference=0)
    assert spectrogram(tmp_path / "a.wav", 50, 20).shape == (20, 50)


def condition(values: np.ndarray) -> TemporalCondition:
    times_s = (np.arange(len(values), dtype=np.float64) + 0.5) * 0.1
    return TemporalCondition(similarity=values.astype(np.float32), active=values > 0.5, times_s=times_s)


def test_a_long_curve_keeps_every_hit() -> None:
    values = np.zeros(5000)
    values[1234] = 0.9
    curve = curve_of(condition(values), AuffusionSettings())
    assert len(curve.levels) == 256
    assert curve.values.max() == pytest.approx(0.9, abs=0.003)
    assert curve.values.argmax() == pytest.approx(1234 * 256 / 5000, abs=1)
    assert (curve.duration_s, curve.threshold) == (500.0, 0.5)


def test_the_threshold_is_that_of_the_detector() -> None:
    assert curve_of(condition(np.zeros(5)), AuffusionSettings(detector="null_margin")).threshold == 0.55


CLIP = FoleyClip(samples=np.zeros((1, 480), np.float32), sample_rate_hz=48_000)


def test_the_store_keeps_a_curve_beside_the_receipt(tmp_path: Path) -> None:
    store = ClipStore(tmp_path)
    receipt = store.put(KEY, CLIP, confidence=0.4, curve=curve_up_to(0.7))
    assert store.find(KEY) == receipt
    assert store.curve(KEY) == curve_up_to(0.7)


def test_takes_from_before_curves_serve_as_they_did(tmp_path: Path) -> None:
    store = ClipStore(tmp_path)
    receipt = store.put(KEY, CLIP)
    assert store.find(KEY) == receipt
    assert store.curve(KEY) is None
    assert store.curve("cd" + "0" * 62) is None


@pytest.mark.parametrize("damage", [7, {"levels": "not base64!", "duration_s": 1, "threshold": 1}, {"levels": "AA=="}])
def test_a_damaged_curve_costs_no_take(tmp_path: Path, damage: object) -> None:
    store = ClipStore(tmp_path)
    receipt = store.put(KEY, CLIP, curve=curve_up_to(0.7))
    sidecar = receipt.wav.with_suffix(".json")
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | {"curve": damage}))
    assert store.find(KEY) == receipt
    assert store.curve(KEY) is None


def run(edit: Path, options: PassOptions) -> PassReport:
    return run_pass(edit, options, with_prefect=False)


def test_a_pass_draws_its_problems_and_names_them_in_its_papers(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    engine.errors_by_label = {"bouncing ball": MediaError("it fell off")}
    edit = edit_of(Cut(name="train", media=movie("a.mp4")), Cut(name="ball", media=movie("b.mp4")))
    report = run(edit, options)
    fine, failed = report.shots
    assert fine.picture is None
    assert failed.picture is not None
    out = report.outputs.folder
    name = failed.picture.relative_to(out).as_posix()
    manifest = json.loads((out / "foley_manifest.json").read_text())
    assert name in manifest["files"]
    assert manifest["shots"][1]["picture"] == name
    assert f'<img src="{name}"' in (out / "report.html").read_text()
    assert Image.open(failed.picture).size[0] == 560


def test_an_unsure_sound_is_drawn_with_its_take(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.watching.shot_rows.UNSURE_BELOW", 0.8)
    engine.hears = (ZeroShotLabel(label="train passing", category="vehicles", confidence=0.7),)
    (shot,) = run(edit_of(Cut(name="A002", media=movie("a.mp4"))), options).shots
    assert shot.picture is not None
    assert Image.open(shot.picture).size == (560, 18 + 80 + 100 + 14 + 18)


def test_a_second_pass_draws_nothing_again(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.watching.shot_rows.UNSURE_BELOW", 0.8)
    edit = edit_of(Cut(name="train", media=movie("a.mp4")))
    first = run(edit, options).shots[0].picture
    assert first is not None
    before = first.stat().st_mtime_ns
    assert run(edit, options).shots[0].picture == first
    assert first.stat().st_mtime_ns == before
    first.write_bytes(b"scribbled on")
    assert run(edit, options).shots[0].picture is None
    assert first.read_bytes() == b"scribbled on"


def test_many_problems_are_not_all_drawn(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn_views: list[ShotView] = []
    monkeypatch.setattr("flows.watching.shot_rows.UNSURE_BELOW", 0.8)

    def drawn(view: ShotView) -> bytes:
        drawn_views.append(view)
        return b"png"

    monkeypatch.setattr("flows.output.problem_pictures.picture_of", drawn)
    cuts = [Cut(name="train", media=movie("a.mp4"), first=n % 20, count=4 + n // 20) for n in range(MOST_PICTURES + 6)]
    report = run(edit_of(*cuts), options)
    assert len(drawn_views) == MOST_PICTURES
    assert sum(shot.picture is not None for shot in report.shots) == MOST_PICTURES


def test_a_picture_that_cannot_be_drawn_stops_nothing(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def burst(view: ShotView) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr("flows.watching.shot_rows.UNSURE_BELOW", 0.8)
    monkeypatch.setattr("flows.output.problem_pictures.picture_of", burst)
    report = run(edit_of(Cut(name="train", media=movie("a.mp4"))), options)
    assert report.exit_code == 0
    assert report.shots[0].picture is None
