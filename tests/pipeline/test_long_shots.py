"""Shots longer than the model's window: no seams where windows meet, no drift, presence as in short shots."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.detect import detect
from pipeline.generators.auffusion.denoise import denoise, plan_denoising
from pipeline.generators.auffusion.generator import AuffusionGenerator, load_auffusion
from pipeline.generators.auffusion.windows import Window, split
from pipeline.records import clip_features
from pipeline.runtime import pin_threads
from tests.bench.bench_long import presence_table, seam_table
from tests.bench.long_measures import edges_of, flat_weights
from tests.bench.long_shots import in_a_row, steady

LATENTS = 140


@pytest.fixture(scope="module")
def bundle() -> AuffusionGenerator:
    return load_auffusion("mini", device="cpu")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    pin_threads(1)
    yield
    torch.set_num_threads(threads)


def _latents(bundle: AuffusionGenerator) -> np.ndarray:
    """Two windows' worth of rain in one step, (channels * rows, columns): the frames all look the same."""
    grid, settings = bundle.grid, replace(bundle.card.settings, steps=1, detector="always")
    count = grid.frames_for(LATENTS)
    frame = np.full((1, bundle.clip.embed_dim), bundle.clip.embed_dim**-0.5, dtype=np.float32)
    features = clip_features(frame.repeat(count, axis=0), grid.frame_times(count))
    with torch.inference_mode():
        condition = detect(features, "rain falling", bundle, settings)
        plan = plan_denoising("rain falling", 3, features, condition, bundle, settings)
        return denoise([plan], bundle, settings)[0][0].flatten(0, 1).numpy()


def test_edges_are_where_windows_begin_and_end_inside_the_canvas() -> None:
    assert edges_of([Window(0, 80)]) == []
    assert edges_of(split(200, 80, 4)) == [60, 80, 120, 140]


def test_weights_count_only_where_windows_overlap_and_least_in_the_middle(bundle: AuffusionGenerator) -> None:
    ours = _latents(bundle)
    with flat_weights():
        flat = _latents(bundle)
    difference = np.abs(ours - flat).mean(axis=0)
    np.testing.assert_array_equal(difference[:60], 0.0)
    np.testing.assert_array_equal(difference[80:], 0.0)
    # In the middle of an overlap Hann weights are flat; at its ends flat ones let a window begin and end with a step.
    assert difference[69:71].max() < 0.3 * difference[[60, 61, 78, 79]].min()
    np.testing.assert_array_equal(ours, _latents(bundle))


@pytest.mark.steady
def test_a_minute_shows_no_seam_and_does_not_drift_where_flat_weights_do(
    bundle: AuffusionGenerator, tmp_path: Path
) -> None:
    shots = [steady(tmp_path, source, seconds=60) for source in ("rain", "car")]
    ours, _, flat, *_ = (row.cells for row in seam_table("a minute", shots, bundle).rows)
    for measure in ("picture", "level"):
        assert ours[measure].value < 1.25
        assert ours[f"{measure}_rank"].value < 0.95
        assert flat[measure].value > 1.25
        assert flat[f"{measure}_rank"].value > 0.99
    assert ours["slope"].value < 2


@pytest.mark.steady
def test_presence_in_a_minute_is_as_in_its_short_pieces(bundle: AuffusionGenerator, tmp_path: Path) -> None:
    shots = [in_a_row(tmp_path, source, seconds=60) for source in ("rain", "train")]
    short, long = presence_table("a minute", shots, bundle).rows
    assert short.cells["f1"].value > 0.9
    assert long.cells["difference"].value > -0.02
