"""Takes denoised together are the takes denoised alone, however full the batches are."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from pipeline.errors import OutOfMemoryError
from pipeline.generators.auffusion.denoise import DenoisingPlan, denoise, plan_denoising
from pipeline.generators.auffusion.feature_reuse import DeepCacheUNet
from pipeline.generators.auffusion.generator import AuffusionGenerator, load_auffusion
from pipeline.generators.auffusion.settings import AuffusionSettings
from pipeline.generators.auffusion.window_batch import Stage
from pipeline.records import ShotFeatures, TemporalCondition, clip_features
from pipeline.runtime import pin_threads

FAST = AuffusionSettings(steps=3)
LITERAL = replace(FAST, frame_attention="literal")


@pytest.fixture
def bundle() -> Iterator[AuffusionGenerator]:
    bundle = load_auffusion("mini", device="cpu")
    usual = bundle.windows_at_once
    pin_threads()
    yield bundle
    bundle.windows_at_once = usual


def _shot(frames: int, seed: int) -> tuple[ShotFeatures, TemporalCondition]:
    """A shot of `frames` CLIP frames of 32 ms with random features that sounds in its first half."""
    rng = np.random.default_rng(seed)
    embeddings = rng.standard_normal((frames, 128)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    times_s = (np.arange(frames, dtype=np.float64) + 0.5) * 0.032
    active = np.arange(frames) < frames // 2
    return clip_features(embeddings, times_s), TemporalCondition(
        similarity=active.astype(np.float32), active=active, times_s=times_s
    )


def _plan(bundle: AuffusionGenerator, settings: AuffusionSettings, frames: int, seed: int) -> DenoisingPlan:
    features, condition = _shot(frames, seed)
    with torch.inference_mode():
        return plan_denoising("rain falling", seed, features, condition, bundle, settings)


def _denoised(
    plans: list[DenoisingPlan], bundle: AuffusionGenerator, settings: AuffusionSettings
) -> list[torch.Tensor]:
    with torch.inference_mode():
        return denoise(plans, bundle, settings)


@pytest.mark.steady
@pytest.mark.parametrize(
    "settings",
    [
        FAST,
        pytest.param(LITERAL, marks=pytest.mark.steady),
        pytest.param(replace(FAST, frame_attention="clip_wise"), marks=pytest.mark.steady),
    ],
)
def test_takes_of_a_batch_are_the_takes_made_alone(bundle: AuffusionGenerator, settings: AuffusionSettings) -> None:
    """Two widths, a long take of two windows, a batch that does not come out even."""
    plans = [_plan(bundle, settings, frames, seed) for seed, frames in enumerate([32, 32, 48, 400, 32])]
    alone = [_denoised([plan], bundle, settings)[0] for plan in plans]
    bundle.windows_at_once = 2
    together = _denoised(plans, bundle, settings)
    backwards = _denoised(plans[::-1], bundle, settings)[::-1]
    for one, other, third in zip(alone, together, backwards, strict=True):
        torch.testing.assert_close(other, one, atol=2e-5, rtol=1e-4)
        torch.testing.assert_close(third, one, atol=2e-5, rtol=1e-4)
    assert (alone[0] - alone[1]).abs().max() > 0.1


def test_one_window_at_a_time_gives_the_same_bits_in_any_company(bundle: AuffusionGenerator) -> None:
    plans = [_plan(bundle, FAST, frames, seed) for seed, frames in enumerate([32, 32, 48])]
    alone = [_denoised([plan], bundle, FAST)[0] for plan in plans]
    together = _denoised(plans[::-1], bundle, FAST)[::-1]
    assert all(torch.equal(one, other) for one, other in zip(alone, together, strict=True))


def test_equal_frames_count_as_often_as_they_are_shown(bundle: AuffusionGenerator) -> None:
    features, condition = _shot(32, 1)
    rows = features.clip.values[[0] * 20 + [1] * 8 + [2, 3, 4, 5]]
    runs = clip_features(rows, features.clip.times_s)
    with torch.inference_mode():
        plan = plan_denoising("rain falling", 1, runs, condition, bundle, LITERAL)
    (window,) = plan.windows
    assert window.frames is not None and window.frames.shape[1] == 6
    every = replace(window, frames=torch.from_numpy(rows)[None], log_counts=torch.zeros(1, 32))
    expected = _denoised([replace(plan, windows=(every,))], bundle, LITERAL)[0]
    uncounted = replace(window, log_counts=torch.zeros(1, 6))
    torch.testing.assert_close(_denoised([plan], bundle, LITERAL)[0], expected, atol=2e-5, rtol=1e-4)
    without = _denoised([replace(plan, windows=(uncounted,))], bundle, LITERAL)[0]
    assert (without - expected).abs().max() > 1e-3


def test_the_order_of_frames_means_nothing_without_the_bias(bundle: AuffusionGenerator) -> None:
    features, condition = _shot(32, 3)
    shuffled = clip_features(features.clip.values[np.random.default_rng(0).permutation(32)], features.clip.times_s)
    for settings, differs in ((LITERAL, False), (FAST, True)):
        with torch.inference_mode():
            plans = [plan_denoising("rain falling", 1, f, condition, bundle, settings) for f in (features, shuffled)]
        one, other = _denoised(plans, bundle, settings)
        assert bool((one - other).abs().max() > 1e-3) == differs


def test_adapters_at_zero_are_no_adapters(bundle: AuffusionGenerator) -> None:
    features, condition = _shot(32, 4)
    off = replace(FAST, frame_attention="off", temporal_scale=0.0)
    zero = replace(FAST, frame_scale=0.0, temporal_until=0.0)
    latents = []
    for settings in (off, zero, FAST):
        with torch.inference_mode():
            plan = plan_denoising("rain falling", 1, features, condition, bundle, settings)
        latents.append(_denoised([plan], bundle, settings)[0])
    assert torch.equal(latents[0], latents[1])
    assert (latents[0] - latents[2]).abs().max() > 1e-2


class _SmallDevice:
    """A UNet that has memory for `room` rows."""

    def __init__(self, unet: Any, room: int) -> None:
        self._unet = unet
        self.room = room
        self.seen: list[int] = []

    def __call__(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        self.seen.append(len(x))
        if len(x) > self.room:
            raise torch.OutOfMemoryError("no room")
        return self._unet(x, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._unet, name)


@pytest.mark.steady
def test_batches_are_halved_until_they_fit(bundle: AuffusionGenerator, monkeypatch: pytest.MonkeyPatch) -> None:
    plans = [_plan(bundle, FAST, 32, seed) for seed in range(8)]
    alone = [_denoised([plan], bundle, FAST)[0] for plan in plans]
    small = _SmallDevice(bundle.unet, room=4)
    monkeypatch.setitem(bundle._parts, "unet", small)
    bundle.windows_at_once = 8
    together = _denoised(plans, bundle, FAST)
    assert small.seen[:2] == [16, 8] and set(small.seen[2:]) == {4}
    assert bundle.windows_at_once == 2
    for one, other in zip(alone, together, strict=True):
        torch.testing.assert_close(other, one, atol=2e-5, rtol=1e-4)
    small.room = 1
    with pytest.raises(OutOfMemoryError, match="single window"):
        _denoised(plans[:1], bundle, FAST)


def test_deep_features_of_the_same_step_are_the_full_answer(bundle: AuffusionGenerator) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 8, 8, 16, generator=generator)
    text = torch.cat([bundle.prompt_states(""), bundle.prompt_states("rain falling")])
    net = DeepCacheUNet(bundle.unet, keep=True)
    with torch.inference_mode():
        full = net(x, torch.tensor(500), text, None, None)
        again = net(x, torch.tensor(500), text, None, None, shallow=True)
        other = net(x + 1, torch.tensor(500), text, None, None, shallow=True)
        late = net(x[1:], torch.tensor(500), text[1:], None, None, shallow=True)
    torch.testing.assert_close(again, full, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(late, full[1:], atol=1e-5, rtol=1e-4)
    assert (other - full).abs().max() > 1e-2


@pytest.mark.steady
def test_reused_features_change_a_take_a_little_and_a_long_one_not_at_all(bundle: AuffusionGenerator) -> None:
    settings = replace(FAST, steps=8)
    short, long = _plan(bundle, settings, 32, 1), _plan(bundle, settings, 1600, 2)
    assert len(long.windows) > 4
    reusing = replace(settings, feature_reuse=2)
    plain, other = _denoised([short], bundle, settings)[0], _denoised([short], bundle, reusing)[0]
    assert 1e-3 < float((other - plain).square().mean().sqrt() / plain.square().mean().sqrt()) < 0.5
    one_step = replace(FAST, steps=1)
    assert torch.equal(
        _denoised([long], bundle, one_step)[0], _denoised([long], bundle, replace(one_step, feature_reuse=2))[0]
    )


def test_stages_follow_the_shares_of_the_steps() -> None:
    settings = AuffusionSettings(steps=10, guidance_from=0.2, guidance_until=0.7, temporal_until=0.5, feature_reuse=3)
    stages = [Stage.at(index, 10, settings) for index in range(10)]
    assert [stage.guided for stage in stages] == [False, False, True, True, True, True, True, False, False, False]
    assert [stage.controlled for stage in stages] == [True] * 5 + [False] * 5
    assert [not stage.shallow for stage in stages] == [True, False, False] * 3 + [True]
    assert all(Stage.at(index, 11, AuffusionSettings()).guided for index in range(11))
    assert not Stage.at(0, 10, AuffusionSettings(guidance_scale=1.0)).guided


def test_networks_that_only_visit_the_device_make_the_same_take(monkeypatch: pytest.MonkeyPatch) -> None:
    staying, visiting = load_auffusion("mini", device="cpu"), load_auffusion("mini", device="cpu", offload=True)
    assert staying is not visiting
    expected = _denoised([_plan(staying, FAST, 32, 1)], staying, FAST)[0]
    plan = _plan(visiting, FAST, 32, 1)
    moved: list[tuple[str, str]] = []
    for part in ("unet", "temporal_adapter", "clip"):
        module = getattr(visiting, part)
        monkeypatch.setattr(module, "to", lambda place, part=part: moved.append((part, str(place))))
    assert torch.equal(_denoised([plan], visiting, FAST)[0], expected)
    assert moved == [(part, "cpu") for part in ("unet", "temporal_adapter") * 2]
    with pytest.raises(ZeroDivisionError), visiting.on_device("clip"):
        raise ZeroDivisionError
    assert moved[4:] == [("clip", "cpu")] * 2
