"""The onset detector with seeded weights gives the reference's logits, on every scale of pixels."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pipeline.nets.onset import OnsetDetector, preprocess
from tests.support.golden import golden_case, seeded_normal, seeded_weights


@pytest.fixture(scope="module")
def detector() -> OnsetDetector:
    model = OnsetDetector()
    model.load_state_dict(seeded_weights("timestamp_detector", 18))
    return model.eval()


@pytest.fixture(scope="module")
def case() -> dict[str, NDArray[Any]]:
    return golden_case("onset")


@pytest.mark.parametrize(("name", "unit_scale"), [("unit_scale", True), ("ref_scale", False)])
def test_frames_are_prepared_as_the_reference_does(case: dict[str, NDArray[Any]], name: str, unit_scale: bool) -> None:
    prepared = preprocess(torch.from_numpy(case["frames_uint8"]), unit_scale=unit_scale)
    assert prepared.shape == (12, 3, 112, 112)
    atol = 1e-6 if unit_scale else 3e-4
    np.testing.assert_allclose(prepared[:2, :, :8, :8], case[f"input_{name}_slice"], atol=atol, rtol=0)


@torch.inference_mode()
@pytest.mark.parametrize(
    ("name", "unit_scale"), [("unit_scale", True), pytest.param("ref_scale_0_255", False, marks=pytest.mark.steady)]
)
def test_frames_give_the_references_logits(
    detector: OnsetDetector, case: dict[str, NDArray[Any]], name: str, unit_scale: bool
) -> None:
    logits = detector(preprocess(torch.from_numpy(case["frames_uint8"]), unit_scale=unit_scale)[None])
    np.testing.assert_allclose(logits, case[f"logits_{name}"], atol=1e-4, rtol=0)


@pytest.mark.steady
@torch.inference_mode()
def test_noise_gives_the_references_logits_alone_and_in_a_batch(
    detector: OnsetDetector, case: dict[str, NDArray[Any]]
) -> None:
    noise = seeded_normal(112, (12, 3, 112, 112))
    np.testing.assert_allclose(detector(noise[None]), case["logits_randn_seed112"], atol=1e-4, rtol=0)
    both = torch.stack([noise, noise.flip(0)])
    np.testing.assert_allclose(detector(both), case["logits_batch2"], atol=1e-4, rtol=0)
