"""Mel pictures: where a sound lands in time and pitch, and that the vocoders bring it back."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

from pipeline.errors import WeightsError
from pipeline.generators.auffusion.vocoder import GriffinLim, HifiGan, Vocos, load_vocoder
from pipeline.mel import AUFFUSION_MEL, MelScale, peak_normalised
from pipeline.scenes.catalogue import source_named
from pipeline.scenes.scene import make_scene
from pipeline.training.sizes import MEL

PUBLISHED = replace(AUFFUSION_MEL, window=None, power_floor=0.0)


def _click(at: int, length: int = 16_384) -> torch.Tensor:
    wave = torch.zeros(length)
    wave[at] = 0.9
    return wave


@pytest.mark.parametrize("scale", [MEL, PUBLISHED], ids=["bundled", "long window"])
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


def test_an_unknown_vocoder_is_refused_by_name(tmp_path: Path) -> None:
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


def test_the_published_window_is_half_as_long_and_its_power_has_a_floor() -> None:
    window = AUFFUSION_MEL.hann(torch.device("cpu"))
    torch.testing.assert_close(window[512:1536], torch.hann_window(1024), rtol=0, atol=0)
    assert window.shape == (2048,) and window[:512].sum() == window[1536:].sum() == 0
    silence = AUFFUSION_MEL.magnitudes(torch.zeros(3200))
    torch.testing.assert_close(silence, torch.full((1025, 20), 1e-9).sqrt())
    assert AUFFUSION_MEL.magnitudes(_click(4000))[:, 25].mean() > 0.5
    assert torch.all(AUFFUSION_MEL.picture(torch.zeros(3200)) == -1)


def test_a_wave_is_brought_to_its_peak_and_silence_stays_silence() -> None:
    waves = torch.tensor([[0.1, -0.2, 0.0], [0.0, 0.0, 0.0]])
    expected = torch.tensor([[0.475, -0.95, 0.0], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(peak_normalised(waves), expected)


def test_griffin_lim_in_chunks_gives_the_wave_of_the_whole() -> None:
    pictures = torch.rand(2, MEL.bands, 150, generator=torch.Generator().manual_seed(0)) - 0.8
    whole = GriffinLim(MEL, iterations=4)(pictures)
    chunked = GriffinLim(MEL, iterations=4, longest=40)
    assert whole.shape == (2, 150 * MEL.hop)
    torch.testing.assert_close(chunked(pictures), whole, atol=1e-5, rtol=0)


def _saved_hifi_gan(folder: Path, *, bands: int = 256) -> SpeechT5HifiGan:
    torch.manual_seed(0)
    model = SpeechT5HifiGan(
        SpeechT5HifiGanConfig(
            model_in_dim=bands,
            upsample_initial_channel=16,
            upsample_rates=[5, 4, 4, 2],
            upsample_kernel_sizes=[11, 8, 8, 4],
            normalize_before=False,
        )
    )
    model.save_pretrained(folder)
    return model.eval()


@torch.inference_mode()
def test_a_saved_hifi_gan_speaks_as_it_did(tmp_path: Path) -> None:
    model = _saved_hifi_gan(tmp_path)
    vocoder = load_vocoder("hifi-gan", AUFFUSION_MEL, tmp_path, "cpu")
    picture = torch.rand(2, 256, 12) * 2 - 1
    torch.testing.assert_close(vocoder(picture), model(AUFFUSION_MEL.log_mel(picture).transpose(1, 2)))


def test_a_hifi_gan_with_a_key_too_many_is_refused(tmp_path: Path) -> None:
    state = _saved_hifi_gan(tmp_path).state_dict()
    save_file(state | {"conv_more.bias": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(WeightsError, match=r"1 unknown to it \(conv_more\.bias first\)"):
        load_vocoder("hifi-gan", AUFFUSION_MEL, tmp_path)


def test_a_hifi_gan_for_other_pictures_is_refused(tmp_path: Path) -> None:
    _saved_hifi_gan(tmp_path, bands=80)
    with pytest.raises(WeightsError, match=r"160 samples of 80 bands.* 160 and 256"):
        load_vocoder("hifi-gan", AUFFUSION_MEL, tmp_path)


def test_a_hifi_gan_may_leave_out_statistics_it_does_not_use_only(tmp_path: Path) -> None:
    model = _saved_hifi_gan(tmp_path)
    state = {name: value for name, value in model.state_dict().items() if name not in ("mean", "scale")}
    save_file(state, tmp_path / "model.safetensors")
    assert isinstance(load_vocoder("hifi-gan", AUFFUSION_MEL, tmp_path), HifiGan)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"normalize_before": True}))
    with pytest.raises(WeightsError, match=r"2 missing \(mean first\)"):
        load_vocoder("hifi-gan", AUFFUSION_MEL, tmp_path)
