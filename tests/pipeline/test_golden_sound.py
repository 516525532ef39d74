"""Sound to mel picture, mel picture to sound, latents to mel picture: the reference's numbers."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL
from safetensors.torch import save_file
from torch import Tensor
from transformers import SpeechT5HifiGanConfig

from pipeline.mel import AUFFUSION_MEL, MelScale, peak_normalised
from pipeline.nets.latents import LatentCodec
from pipeline.nets.vocoder import HifiGan, load_vocoder
from tests.support.golden import golden_case, golden_path


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


def test_latents_become_the_references_log_mel() -> None:
    case = golden_case("vae_decode")
    vae = AutoencoderKL.from_pretrained(golden_path("tiny/auffusion-full-no-adapter/vae"), use_safetensors=False)
    codec = LatentCodec(vae.eval(), picture="rgb-flipped")
    with torch.inference_mode():
        picture = codec.decode(torch.from_numpy(case["latents"]))
    np.testing.assert_allclose((picture[0].flip(0) + 1) / 2, case["image01"][0, 0], atol=1e-4, rtol=0)
    np.testing.assert_allclose(AUFFUSION_MEL.log_mel(picture)[0], case["log_mel"], atol=1e-3, rtol=0)


def _fused(published: dict[str, Tensor]) -> dict[str, Tensor]:
    """The published vocoder's tensors under transformers' names, weight norm multiplied out."""
    state = {}
    for name, value in published.items():
        renamed = name.replace("ups.", "upsampler.")
        if name.endswith("weight_v"):
            gain = published[name.replace("weight_v", "weight_g")]
            state[renamed.replace("weight_v", "weight")] = torch._weight_norm(value, gain, 0)
        elif not name.endswith("weight_g"):
            state[renamed] = value
    return state


@pytest.fixture(scope="module")
def vocoder(tmp_path_factory: pytest.TempPathFactory) -> HifiGan:
    source, folder = golden_path("tiny/FoleyCrafter/vocoder"), tmp_path_factory.mktemp("vocoder")
    published = json.loads((source / "config.json").read_text("utf-8"))
    config = SpeechT5HifiGanConfig(
        model_in_dim=published["num_mels"],
        sampling_rate=published["sampling_rate"],
        upsample_initial_channel=published["upsample_initial_channel"],
        upsample_rates=published["upsample_rates"],
        upsample_kernel_sizes=published["upsample_kernel_sizes"],
        resblock_kernel_sizes=published["resblock_kernel_sizes"],
        resblock_dilation_sizes=published["resblock_dilation_sizes"],
        leaky_relu_slope=0.1,
        normalize_before=False,
    )
    config.save_pretrained(folder)
    weights = torch.load(source / "vocoder.pt", map_location="cpu", weights_only=True)["generator"]
    save_file(_fused(weights), folder / "model.safetensors")
    loaded = load_vocoder("hifi-gan", AUFFUSION_MEL, folder)
    assert isinstance(loaded, HifiGan)
    return loaded


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
