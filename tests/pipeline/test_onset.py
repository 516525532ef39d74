"""The onset detector: any number of frames, the same answer in chunks, weights that fit or are refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from pipeline.errors import WeightsError
from pipeline.nets.onset import OnsetDetector, load_onset_detector, onset_probability, preprocess

FRAMES = np.random.default_rng(0).integers(0, 256, (40, 30, 50, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def detector() -> OnsetDetector:
    torch.manual_seed(0)
    return OnsetDetector().eval()


@torch.inference_mode()
def _whole(detector: OnsetDetector, frames: np.ndarray) -> np.ndarray:
    logits = detector(preprocess(torch.from_numpy(frames))[None])[0]
    return torch.sigmoid(logits).numpy()


@pytest.mark.steady
def test_chunks_of_time_give_the_answer_of_the_whole(detector: OnsetDetector, monkeypatch: pytest.MonkeyPatch) -> None:
    # Time is cut, not the picture: a smaller one shows the same.
    monkeypatch.setattr("pipeline.nets.onset._CROPPED", [48, 48])
    whole = _whole(detector, FRAMES)
    assert np.ptp(whole) > 1e-4
    np.testing.assert_allclose(onset_probability(detector, FRAMES, chunk=15), whole, atol=1e-5, rtol=0)


@pytest.mark.steady
def test_a_frame_sees_seventeen_to_either_side_and_no_further(detector: OnsetDetector) -> None:
    struck = torch.zeros(1, 40, 3, 48, 48)
    struck[0, 20] = 5.0
    with torch.inference_mode():
        change = (detector(struck) - detector(torch.zeros_like(struck)))[0].abs()
    assert np.flatnonzero(change > 0).tolist() == list(range(3, 38))


def test_one_frame_and_no_frame_have_an_answer(detector: OnsetDetector) -> None:
    one = onset_probability(detector, FRAMES[:1])
    assert one.shape == (1,) and 0 < one[0] < 1
    assert onset_probability(detector, FRAMES[:0]).shape == (0,)


@pytest.mark.steady
def test_half_precision_stays_close(detector: OnsetDetector, tmp_path: Path) -> None:
    save_file(detector.state_dict(), tmp_path / "model.safetensors")
    half = load_onset_detector(tmp_path, torch.bfloat16)
    found = onset_probability(half, FRAMES[:6])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, _whole(detector, FRAMES[:6]), atol=0.05)


@pytest.mark.steady
def test_loaded_weights_are_the_saved_ones_and_misfits_are_named(detector: OnsetDetector, tmp_path: Path) -> None:
    state = detector.state_dict()
    save_file(state, tmp_path / "model.safetensors")
    loaded = load_onset_detector(tmp_path)
    np.testing.assert_array_equal(_whole(loaded, FRAMES[:4]), _whole(detector, FRAMES[:4]))
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    save_file({k: v for k, v in state.items() if k != "fc.2.bias"}, tmp_path / "model.safetensors")
    with pytest.raises(WeightsError, match=r"1 missing \(fc\.2\.bias first\)"):
        load_onset_detector(tmp_path)
