"""Mel pictures: where a sound lands in time and pitch, and that the vocoders bring it back."""

import math

import numpy as np
import pytest
import torch

from pipeline.errors import WeightsError
from pipeline.mel import MelScale
from pipeline.nets.vocoder import GriffinLim, Vocos, load_vocoder
from pipeline.scenes.catalogue import source_named
from pipeline.scenes.scene import make_scene
from pipeline.training.sizes import MEL

PUBLISHED = MelScale(
    sample_rate_hz=16_000,
    n_fft=2048,
    hop=160,
    bands=256,
    fmin_hz=0.0,
    fmax_hz=8000.0,
    log_floor=math.log(1e-5),
    log_ceiling=math.log(200),
    norm="slaney",
)


def _click(at: int, length: int = 16_384) -> torch.Tensor:
    wave = torch.zeros(length)
    wave[at] = 0.9
    return wave


@pytest.mark.parametrize("scale", [MEL, PUBLISHED], ids=["bundled", "published"])
@pytest.mark.parametrize("column", [5, 20, 40])
def test_a_click_in_the_middle_of_a_column_is_loudest_there(scale: MelScale, column: int) -> None:
    at = column * scale.hop + scale.hop // 2
    energy = scale.magnitudes(_click(at)).square().sum(0)
    window = scale.n_fft // scale.hop
    near = energy[column - 3 : column + 4]
    assert int(near.argmax()) == 3
    assert energy.shape == (16_384 // scale.hop,)
    assert energy[column + window :].max() < 1e-6 * energy[column]


@pytest.mark.parametrize("hertz", [220.0, 1000.0, 5000.0])
def test_a_tone_lands_in_the_band_of_its_pitch(hertz: float) -> None:
    time = torch.arange(16_384) / 16_000
    picture = MEL.picture(0.5 * torch.sin(2 * torch.pi * hertz * time))
    band = int(picture.mean(1).argmax())
    response = MEL.filters()[band]
    bin_of_tone = round(hertz / 16_000 * MEL.n_fft)
    assert response[bin_of_tone] > 0


def test_the_scale_is_undone_exactly() -> None:
    picture = torch.rand(2, MEL.bands, 16) * 1.9 - 0.95
    again = (torch.log(MEL.mel(picture) * MEL.gain) - MEL.log_floor) / (MEL.log_ceiling - MEL.log_floor) * 2 - 1
    torch.testing.assert_close(again, picture, atol=1e-5, rtol=0)


def test_silence_is_the_floor_and_a_wave_shorter_than_the_window_works() -> None:
    assert torch.all(MEL.picture(torch.zeros(4096)) == -1)
    assert MEL.picture(torch.zeros(256)).shape == (MEL.bands, 1)


@pytest.mark.parametrize("name", ["airplane", "rain", "hammer", "door"])
def test_griffin_lim_brings_back_the_picture_it_was_given(name: str) -> None:
    wave = torch.from_numpy(make_scene(300, 4.096, target=source_named(name)).target_sound())
    picture = MEL.picture(wave)[None]
    again = GriffinLim(MEL)(picture)
    assert again.shape == (1, wave.shape[0])
    audible = picture > -0.9
    error_db = (MEL.picture(again) - picture).abs()[audible].mean() * 40
    assert error_db < 2.0


def test_griffin_lim_gives_the_same_wave_alone_and_in_a_batch() -> None:
    pictures = torch.rand(3, MEL.bands, 32) - 0.8
    vocoder = GriffinLim(MEL, iterations=4)
    together = vocoder(pictures)
    torch.testing.assert_close(vocoder(pictures[1:2])[0], together[1], atol=1e-5, rtol=1e-4)


def test_vocos_gives_a_hop_of_samples_per_column_and_can_learn() -> None:
    torch.manual_seed(0)
    vocoder = Vocos(MEL, width=32, hidden=64, depth=2)
    wave = torch.from_numpy(make_scene(301, 1.024, target=source_named("rain")).target_sound())[None]
    picture = MEL.picture(wave)
    optimizer = torch.optim.Adam(vocoder.parameters(), 1e-3)
    losses = []
    for _ in range(12):
        loss = (MEL.picture(vocoder(picture)) - picture).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert vocoder(picture).shape == wave.shape
    assert losses[-1] < losses[0]


def test_an_unknown_vocoder_is_refused_by_name(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(WeightsError, match="griffin-lim, hifi-gan, vocos"):
        load_vocoder("wavenet", MEL, tmp_path)


def test_pictures_of_numbers_match_a_plain_computation() -> None:
    """The published analysis, written out with numpy for one column."""
    rng = np.random.default_rng(0)
    wave = rng.standard_normal(4000).astype(np.float32) * 0.1
    pad = (PUBLISHED.n_fft - PUBLISHED.hop) // 2
    padded = np.pad(wave, pad, mode="reflect")
    column = 7
    piece = padded[column * 160 : column * 160 + 2048] * np.hanning(2049)[:-1]
    expected = np.abs(np.fft.rfft(piece))
    np.testing.assert_allclose(PUBLISHED.magnitudes(torch.from_numpy(wave))[:, column], expected, atol=2e-4)
