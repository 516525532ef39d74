"""A take depends on its request alone: same bits alone, in a batch, in another order, after a resume."""

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.clip_store import ClipStore, FeatureStore
from pipeline.detect import active_spans, detect, from_spans, spot
from pipeline.detectors.projected import median_filter
from pipeline.errors import MediaError
from pipeline.evaluation.presence import frame_f1
from pipeline.generate import encode, generate_takes, make_take
from pipeline.generators.auffusion.denoise import denoise, plan_denoising
from pipeline.generators.auffusion.generator import AuffusionGenerator, load_auffusion
from pipeline.generators.auffusion.settings import AuffusionSettings
from pipeline.generators.auffusion.vocode import vocode
from pipeline.probe import probe_movie
from pipeline.records import SAMPLE_RATE_HZ, ClipReceipt, FoleyRequest, MediaSpan, clip_features
from pipeline.runtime import pin_threads, take_noise
from pipeline.scenes.catalogue import source_named
from pipeline.scenes.movie import write_scene_movie
from pipeline.scenes.scene import audible, make_scene, silent_scene

FAST = AuffusionSettings(steps=3)


@pytest.fixture(scope="module")
def bundle() -> AuffusionGenerator:
    return load_auffusion("mini", device="cpu")


@pytest.fixture(scope="module")
def train(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scene = make_scene(245, 12.5, target=source_named("train"), others=())
    return write_scene_movie(scene, tmp_path_factory.mktemp("movies") / "train.mp4", rate=Fraction(25))


def _span(movie: Path, start_s: str, duration_s: str, speed: int = 1) -> MediaSpan:
    return MediaSpan(
        path=movie,
        digest=probe_movie(movie).digest,
        start_s=Fraction(start_s),
        duration_s=Fraction(duration_s),
        speed=Fraction(speed),
    )


def _request(span: MediaSpan, bundle: AuffusionGenerator, seed: int = 1, label: str = "train passing") -> FoleyRequest:
    return FoleyRequest(span=span, label=label, seed=seed, settings_digest=FAST.digest(), model_digest=bundle.digest)


def _make(requests: Sequence[FoleyRequest], bundle: AuffusionGenerator, folder: Path) -> list[ClipReceipt]:
    features, clips = FeatureStore(folder / "features"), ClipStore(folder / "takes")
    return generate_takes(requests, bundle, FAST, features, clips)


@pytest.fixture(scope="module")
def requests(train: Path, bundle: AuffusionGenerator) -> list[FoleyRequest]:
    spans = [_span(train, "4", "3/2"), _span(train, "5", "4/10"), _span(train, "9", "2", -1), _span(train, "6", "1")]
    return [_request(span, bundle, seed=i) for i, span in enumerate(spans)]


@pytest.mark.steady
def test_alone_in_a_batch_and_in_another_order_the_bits_are_the_same(
    requests: list[FoleyRequest], bundle: AuffusionGenerator, tmp_path: Path
) -> None:
    together = _make(requests, bundle, tmp_path / "together")
    backwards = _make(requests[::-1], bundle, tmp_path / "backwards")[::-1]
    alone = [_make([request], bundle, tmp_path / f"alone{i}")[0] for i, request in enumerate(requests)]
    assert [r.sha256 for r in together] == [r.sha256 for r in backwards] == [r.sha256 for r in alone]
    assert [r.score for r in together] == [r.score for r in backwards] == [r.score for r in alone]
    assert not any(r.silent for r in together)
    assert len({r.sha256 for r in together}) == len(requests)


def test_a_resumed_pass_makes_only_what_is_missing_and_the_same_bits(
    requests: list[FoleyRequest], bundle: AuffusionGenerator, tmp_path: Path
) -> None:
    whole = _make(requests, bundle, tmp_path / "whole")
    _make(requests[:2], bundle, tmp_path / "resumed")
    kept = {p: p.stat().st_mtime_ns for p in (tmp_path / "resumed" / "takes").rglob("*.wav")}
    resumed = _make(requests, bundle, tmp_path / "resumed")
    assert [r.sha256 for r in resumed] == [r.sha256 for r in whole]
    assert all(path.stat().st_mtime_ns == when for path, when in kept.items())


def test_a_take_is_kept_with_a_score_that_its_label_earns(
    train: Path, bundle: AuffusionGenerator, tmp_path: Path
) -> None:
    span = _span(train, "4", "3/2")
    train_score, stranger_score = (
        _make([_request(span, bundle, label=label)], bundle, tmp_path)[0].score
        for label in ("train passing", "dragon breathing")
    )
    assert train_score and stranger_score
    assert train_score.label is not None and 0 <= train_score.label <= 1
    assert train_score.presence > 0.5 and train_score.level is not None and train_score.total > 0
    assert (stranger_score.label, train_score.speech, train_score.music) == (None, None, None)


def test_another_seed_is_another_take(train: Path, bundle: AuffusionGenerator, tmp_path: Path) -> None:
    span = _span(train, "5", "1")
    first, second = _make([_request(span, bundle, seed=1), _request(span, bundle, seed=2)], bundle, tmp_path)
    assert first.sha256 != second.sha256


@pytest.mark.parametrize("duration_s", ["1/24", "4/10", "1001/1000", "10427/2400"])
def test_a_take_has_the_samples_of_its_length_rounded_up(
    train: Path, bundle: AuffusionGenerator, tmp_path: Path, duration_s: str
) -> None:
    receipt = _make([_request(_span(train, "3", duration_s), bundle)], bundle, tmp_path)[0]
    samples, rate = soundfile.read(receipt.wav, dtype="int32")
    assert rate == SAMPLE_RATE_HZ
    assert len(samples) == receipt.samples == math.ceil(Fraction(duration_s) * SAMPLE_RATE_HZ)


def test_the_key_is_the_content_and_not_the_place(train: Path, bundle: AuffusionGenerator, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere.mp4"
    copy.write_bytes(train.read_bytes())
    assert _request(_span(train, "1", "2"), bundle).key() == _request(_span(copy, "1", "2"), bundle).key()
    other = replace(_span(train, "1", "2"), speed=Fraction(2))
    assert _request(other, bundle).key() != _request(_span(train, "1", "2"), bundle).key()


def test_a_label_that_never_sounds_gives_digital_silence(
    train: Path, bundle: AuffusionGenerator, tmp_path: Path
) -> None:
    receipt = _make([_request(_span(train, "1", "2"), bundle, label="hammer hitting metal")], bundle, tmp_path)[0]
    assert receipt.silent and receipt.peak == 0.0
    assert not soundfile.read(receipt.wav)[0].any()


def test_a_truncated_movie_is_one_sentence(bundle: AuffusionGenerator, train: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(train.read_bytes()[:600])
    span = replace(_span(train, "1", "1"), path=broken, digest="0" * 64)
    with pytest.raises(MediaError, match=r"broken\.mp4"):
        encode(span, bundle, FeatureStore(tmp_path / "f"), FAST)


def test_features_are_looked_at_once(train: Path, bundle: AuffusionGenerator, tmp_path: Path) -> None:
    features = FeatureStore(tmp_path / "f")
    first = encode(_span(train, "1", "1"), bundle, features, FAST)
    gone = replace(_span(train, "1", "1"), path=tmp_path / "gone.mp4")
    np.testing.assert_array_equal(encode(gone, bundle, features, FAST).clip.values, first.clip.values)


def test_detection_follows_the_scene(bundle: AuffusionGenerator, train: Path, tmp_path: Path) -> None:
    scene = make_scene(245, 12.5, target=source_named("train"), others=())
    features = encode(_span(train, "0", "12"), bundle, FeatureStore(tmp_path / "f"), FAST)
    found = detect(features, "train passing", bundle, bundle.card.settings)
    truth = audible(scene.stems[0], features.clip.times_s)
    assert frame_f1([found.active], [truth]) > 0.9
    backwards = encode(_span(train, "12", "12", -1), bundle, FeatureStore(tmp_path / "f"), FAST)
    reverse = detect(backwards, "train passing", bundle, bundle.card.settings)
    assert frame_f1([reverse.active], [audible(scene.stems[0], 12 - features.clip.times_s)]) > 0.85


def test_clip_itself_spots_what_sounds_and_leaves_silence_alone(
    bundle: AuffusionGenerator, train: Path, tmp_path: Path
) -> None:
    store = FeatureStore(tmp_path / "f")
    heard = spot(encode(_span(train, "1", "6"), bundle, store, FAST), bundle, bundle.card.settings)
    assert [s.label for s in heard] == ["train passing"] and heard[0].category == "vehicles"
    quiet = write_scene_movie(silent_scene(51, 4.0), tmp_path / "quiet.mp4", rate=Fraction(25))
    assert spot(encode(_span(quiet, "0", "4"), bundle, store, FAST), bundle, bundle.card.settings) == ()


def test_a_long_canvas_is_made_in_windows_and_a_short_one_is_not(
    bundle: AuffusionGenerator, train: Path, tmp_path: Path
) -> None:
    features = encode(_span(train, "0", "12"), bundle, FeatureStore(tmp_path / "f"), FAST)
    condition = detect(features, "train passing", bundle, FAST)
    with torch.inference_mode():
        plan = plan_denoising("train passing", 1, features, condition, bundle, FAST)
        (latents,) = denoise([plan], bundle, FAST)
    assert len(plan.windows) == 2
    assert latents.shape[-1] == bundle.grid.latents_for(Fraction(12))
    assert torch.isfinite(latents).all() and 0.5 < float(latents.std()) < 2.0


def test_switching_both_adapters_off_leaves_the_text_alone(
    bundle: AuffusionGenerator, train: Path, tmp_path: Path
) -> None:
    features = encode(_span(train, "3", "2"), bundle, FeatureStore(tmp_path / "f"), FAST)
    other = clip_features(features.clip.values[::-1].copy(), features.clip.times_s)
    off = replace(FAST, frame_scale=0.0, temporal_scale=0.0, detector="always")
    on = replace(FAST, detector="always")
    request = _request(_span(train, "3", "2"), bundle)
    without = [make_take(request, f, bundle, off)[0].samples for f in (features, other)]
    with_frames = [make_take(request, f, bundle, on)[0].samples for f in (features, other)]
    np.testing.assert_array_equal(without[0], without[1])
    assert not np.array_equal(with_frames[0], with_frames[1])


def test_noise_is_that_of_the_seed() -> None:
    torch.manual_seed(123)
    first = take_noise(7, (1, 2, 3))
    torch.randn(10)
    assert torch.equal(first, take_noise(7, (1, 2, 3)))
    torch.set_num_threads(2)
    pin_threads()
    assert torch.get_num_threads() == 1


def test_the_median_takes_flicker_and_leaves_edges() -> None:
    row = np.array([0, 0, 1, 0, 0, 1, 1, 1, 1, 0, 1, 1], dtype=np.float32)
    np.testing.assert_array_equal(median_filter(row, 3), [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1])
    np.testing.assert_array_equal(median_filter(row, 1), row)


def test_spans_are_half_open_and_in_seconds(bundle: AuffusionGenerator, train: Path, tmp_path: Path) -> None:
    features = encode(_span(train, "1", "1"), bundle, FeatureStore(tmp_path / "f"), FAST)
    condition = detect(features, "train passing", bundle, FAST)
    flags = np.zeros(len(condition.active), dtype=bool)
    flags[2:5] = flags[-1] = True
    spans = active_spans(replace(condition, active=flags))
    assert spans == ((0.064, 0.16), (round((len(flags) - 1) * 0.032, 3), round(len(flags) * 0.032, 3)))


def test_a_person_may_say_when_it_sounds(bundle: AuffusionGenerator, train: Path, tmp_path: Path) -> None:
    features = encode(_span(train, "1", "2"), bundle, FeatureStore(tmp_path / "f"), FAST)
    heard = detect(features, "train passing", bundle, FAST)
    told = from_spans(heard, [(Fraction(1, 2), Fraction(1)), (Fraction(3, 2), Fraction(9))])
    on = ((features.clip.times_s >= 0.5) & (features.clip.times_s < 1)) | (features.clip.times_s >= 1.5)
    np.testing.assert_array_equal(told.active, on)
    assert heard.level_db is not None and told.level_db is not None
    np.testing.assert_array_equal(told.level_db[heard.active], heard.level_db[heard.active])
    assert not from_spans(heard, []).active.any()


def test_told_spans_are_where_the_take_sounds(bundle: AuffusionGenerator, train: Path, tmp_path: Path) -> None:
    features = encode(_span(train, "1", "2"), bundle, FeatureStore(tmp_path / "f"), FAST)
    told = replace(_request(_span(train, "1", "2"), bundle), spans_s=((Fraction(1), Fraction(3, 2)),))
    clip, _ = make_take(told, features, bundle, FAST)
    sound = np.abs(clip.samples[0])
    assert sound[: int(0.8 * 48000)].max() < 0.2 * sound.max()
    assert sound[48000:72000].max() == sound.max()
    silent, _ = make_take(replace(told, spans_s=()), features, bundle, FAST)
    assert not silent.samples.any()


def test_an_ordered_sound_that_is_not_seen_is_made_over_the_whole_take(
    train: Path, bundle: AuffusionGenerator, tmp_path: Path
) -> None:
    request = _request(_span(train, "4", "3/2"), bundle, label="ball bouncing")
    ordered = replace(request, ordered=True)
    plain, made = _make([request, ordered], bundle, tmp_path)
    assert plain.silent and not plain.unseen
    assert made.unseen and not made.silent
    assert made.active_spans_s[0][0] == 0 and made.active_spans_s[-1][1] >= 1.5
    assert _loudest_frame_db(soundfile.read(made.wav)[0]) > -40
    seen = _request(_span(train, "4", "3/2"), bundle)
    receipts = _make([seen, replace(seen, ordered=True)], bundle, tmp_path)
    assert [receipt.unseen for receipt in receipts] == [False, False]
    assert receipts[0].sha256 == receipts[1].sha256


@pytest.mark.parametrize("label", ["train passing", "ball bouncing", "footsteps walking", "rain falling"])
def test_a_named_stretch_holds_to_the_sample_whatever_is_seen(
    label: str, train: Path, bundle: AuffusionGenerator, tmp_path: Path
) -> None:
    frame_s = Fraction(1001, 24000)
    spans = ((5 * frame_s, 13 * frame_s), (22 * frame_s, 30 * frame_s))
    request = replace(_request(_span(train, "4", "3/2"), bundle, label=label), spans_s=spans)
    (receipt,) = _make([request], bundle, tmp_path)
    samples = soundfile.read(receipt.wav)[0]
    outside = np.ones(len(samples), bool)
    for first_s, end_s in spans:
        first, end = round(first_s * SAMPLE_RATE_HZ), round(end_s * SAMPLE_RATE_HZ)
        outside[first:end] = False
        assert _loudest_frame_db(samples[first:end]) > -40
    assert np.abs(samples[outside]).max() < 10 ** (-60 / 20)


def _loudest_frame_db(samples: np.ndarray) -> float:
    """The RMS of the loudest frame of 1/24 s."""
    frames = [samples[first : first + 2000] for first in range(0, len(samples) - 1999, 2000)]
    return max(10 * math.log10(max(float(np.mean(frame**2)), 1e-18)) for frame in frames)


def test_a_take_that_leaves_its_sound_out_is_made_again_with_other_noise(
    bundle: AuffusionGenerator, train: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, features = _request(_span(train, "6", "1"), bundle), FeatureStore(tmp_path)
    seen, voiced = encode(request.span, bundle, features, FAST), []

    def vocode_all_but_the_first(latents: Tensor, *how: Any) -> NDArray[np.float32]:
        voiced.append(latents)
        return vocode(latents, *how) * float(len(voiced) > 1)

    monkeypatch.setattr("pipeline.generators.auffusion.generator.vocode", vocode_all_but_the_first)
    clip, condition = make_take(request, seen, bundle, FAST)
    assert condition.active.any() and np.abs(clip.samples).max() > 0.01
    assert len(voiced) >= 2 and not torch.equal(voiced[0], voiced[1])
