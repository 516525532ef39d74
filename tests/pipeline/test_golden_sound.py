"""Sound to mel picture, mel picture to sound, latents to mel picture: the reference's numbers."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.generators.auffusion.generator import AuffusionGenerator
from pipeline.generators.auffusion.vocoder import HifiGan
from pipeline.mel import AUFFUSION_MEL, MelScale, peak_normalised
from tests.support.golden import golden_case


def test_sound_becomes_the_references_log_mel_and_picture() -> None:
    case = golden_case("mel")
    wave = peak_normalised(torch.from_numpy(case["pcm_int16"].astype(np.float32)) / 32768)
    np.testing.assert_allclose(wave, case["normalised_audio"], atol=1e-6, rtol=0)
    log_mel = torch.log((AUFFUSION_MEL.filters() @ AUFFUSION_MEL.magnitudes(wave)).clamp_min(1e-5))
    np.testing.assert_allclose(log_mel, case["log_mel"], atol=1e-4, rtol=0)
    picture = AUFFUSION_MEL.picture(wave)
    np.testing.assert_allclose((picture.flip(0) + 1) / 2, case["image_ch0"], atol=1e-4, rtol=0)
    np.testing.assert_allclose(AUFFUSION_MEL.log_mel(picture), case["denorm_log_mel"], atol=1e-4, rtol=0)


def test_the_filterbank_is_the_references() -> None:
    case = golden_case("mel")
    bank = AUFFUSION_MEL.filters().numpy()
    np.testing.assert_allclose(bank[[0, 100, 255]], case["filterbank_rows_0_100_255"], atol=1e-7, rtol=0)
    np.testing.assert_allclose(bank.sum(1), case["filterbank_rowsum"], atol=1e-6, rtol=0)


def test_latents_become_the_references_log_mel(reference: AuffusionGenerator) -> None:
    case = golden_case("vae_decode")
    with torch.inference_mode():
        picture = reference.codec.decode(torch.from_numpy(case["latents"]))
    np.testing.assert_allclose((picture[0].flip(0) + 1) / 2, case["image01"][0, 0], atol=1e-4, rtol=0)
    np.testing.assert_allclose(AUFFUSION_MEL.log_mel(picture)[0], case["log_mel"], atol=1e-3, rtol=0)


@pytest.fixture
def vocoder(reference: AuffusionGenerator) -> HifiGan:
    assert isinstance(reference.vocoder, HifiGan)
    return reference.vocoder


# The case's log-mel goes below what a picture can hold.
DEEPER = replace(AUFFUSION_MEL, log_floor=-13.0)


def _picture(log_mel: Tensor, scale: MelScale = AUFFUSION_MEL) -> Tensor:
    return (log_mel[None] - scale.log_floor) / (scale.log_ceiling - scale.log_floor) * 2 - 1


@torch.inference_mode()
def test_a_log_mel_becomes_the_references_wave(vocoder: HifiGan) -> None:
    case = golden_case("vocoder_w100")
    wave = HifiGan(DEEPER, vocoder.model)(_picture(torch.from_numpy(case["log_mel"]), DEEPER))
    np.testing.assert_allclose(wave, case["waveform"], atol=1e-4, rtol=0)


@torch.inference_mode()
def test_chunks_give_the_wave_of_the_whole_and_need_their_margins(vocoder: HifiGan) -> None:
    log_mel = torch.from_numpy(golden_case("vocoder_w100")["log_mel"])
    picture = _picture(torch.cat([log_mel, log_mel.flip(1)], dim=1))
    whole = vocoder(picture)
    chunked = HifiGan(AUFFUSION_MEL, vocoder.model, longest=30)
    torch.testing.assert_close(chunked(picture), whole, atol=1e-5, rtol=0)
    chunked.reach = 2
    assert (chunked(picture) - whole).abs().max() > 1e-4


@torch.inference_mode()
def test_what_a_sample_depends_on_lies_within_the_reach(vocoder: HifiGan) -> None:
    picture = _picture(torch.from_numpy(golden_case("vocoder_w100")["log_mel"])).double()
    changed = picture.clone()
    changed[..., 50] += 0.5
    network = vocoder.model.double()
    waves = [network(AUFFUSION_MEL.log_mel(p).transpose(1, 2))[0] for p in (picture, changed)]
    network.float()
    columns = torch.nonzero(waves[0] != waves[1])[:, 0] // AUFFUSION_MEL.hop
    found = max(50 - int(columns.min()), int(columns.max()) - 50)
    assert vocoder.reach - 6 <= found <= vocoder.reach
