"""Networks that are built or loaded in several threads at once come out as if there were one thread."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import nn

from pipeline.generators.auffusion.generator import AuffusionGenerator
from pipeline.nets.building import building
from pipeline.nets.label_detector import TemporalDetector
from pipeline.nets.strict import load_into
from pipeline.weights.registry import find_model
from tests.support.waiting import PATIENCE_S


@dataclass
class HeldOpen:
    """Loading stops while torch is changed: `inside` says that it does; it goes on once another thread says `other`.

    `patience_s`: that is not to happen, so it goes on after half a second as well.
    """

    patience_s: float = 0.5
    inside: threading.Event = field(default_factory=threading.Event)
    other: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        self.inside.set()
        self.other.wait(self.patience_s)


@pytest.fixture
def loading(monkeypatch: pytest.MonkeyPatch) -> HeldOpen:
    """Stops the UNet while its layers are being made."""
    held, make = HeldOpen(), UNet2DConditionModel.__init__

    def slowly(self: UNet2DConditionModel, *args: object, **options: object) -> None:
        make(self, *args, **options)
        held.stop()

    slowly.__wrapped__ = make  # type: ignore[attr-defined]  # diffusers reads the names of its arguments
    monkeypatch.setattr(UNet2DConditionModel, "__init__", slowly)
    return held


def mini() -> AuffusionGenerator:
    return AuffusionGenerator(find_model("mini"), torch.device("cpu"))


def devices(net: nn.Module) -> set[str]:
    return {str(one.device) for one in (*net.parameters(), *net.buffers())}


def two_convolutions() -> nn.Module:
    with building():
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


def the_detector_of(folder: Path) -> nn.Module:
    return load_into(partial(TemporalDetector, 128), folder / "detector" / "temporal.safetensors")


@pytest.mark.parametrize(
    "build", [two_convolutions, partial(the_detector_of, find_model("mini").folder), lambda: mini().codec.vae]
)
def test_what_is_built_while_another_thread_loads_is_real(loading: HeldOpen, build: Callable[[], nn.Module]) -> None:
    def other() -> nn.Module:
        assert loading.inside.wait(PATIENCE_S)
        built = build()
        loading.other.set()
        return built

    with ThreadPoolExecutor(2) as pool:
        loaded, built = pool.submit(lambda: mini().unet), pool.submit(other)
        assert devices(loaded.result(PATIENCE_S)) == devices(built.result(PATIENCE_S)) == {"cpu"}
    assert devices(nn.Linear(2, 2)) == {"cpu"}


def test_two_that_load_at_once_leave_torch_as_it_was(loading: HeldOpen, monkeypatch: pytest.MonkeyPatch) -> None:
    register, first_is_loaded = nn.Module.register_parameter, threading.Event()

    def stop() -> None:
        if loading.inside.is_set():
            loading.other.set()
            first_is_loaded.wait(PATIENCE_S)
        else:
            HeldOpen.stop(loading)

    monkeypatch.setattr(loading, "stop", stop)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(lambda: mini().unet)
        assert loading.inside.wait(PATIENCE_S)
        second = pool.submit(lambda: mini().unet)
        assert devices(first.result(PATIENCE_S)) == {"cpu"}
        first_is_loaded.set()
        assert devices(second.result(PATIENCE_S)) == {"cpu"}
    assert nn.Module.register_parameter is register


def test_who_builds_may_load_and_a_loaded_part_is_had_while_others_load(loading: HeldOpen) -> None:
    bundle, loading.patience_s = mini(), PATIENCE_S
    with building():
        codec = bundle.codec
    assert isinstance(codec.vae, AutoencoderKL)
    with ThreadPoolExecutor(1) as pool:
        loaded = pool.submit(lambda: bundle.unet)
        assert loading.inside.wait(PATIENCE_S)
        assert bundle.codec is codec and not loaded.done()
        loading.other.set()
        loaded.result(PATIENCE_S)
