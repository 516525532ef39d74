"""Installed from the reference's own tiny files, the networks compute what the reference computes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer, CLIPVisionModelWithProjection, SpeechT5HifiGan

from pipeline.weights.install import fetch
from pipeline.weights.registry import ModelCard
from pipeline.weights.sources import PlainFolder

GOLDEN = Path(__file__).parents[3] / "shared" / "golden"
pytestmark = pytest.mark.skipif(not (GOLDEN / "tiny").is_dir(), reason="the golden data is not on this machine")


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> ModelCard:
    models = tmp_path_factory.mktemp("models")
    told: list[str] = []
    card = fetch("foleycrafter-reference", PlainFolder(GOLDEN / "tiny"), models, accept_licence=True, tell=told.append)
    text_only = fetch("auffusion", PlainFolder(GOLDEN / "tiny"), models, tell=told.append)
    unet = "unet/diffusion_pytorch_model.safetensors"
    assert (card.folder / unet).samefile(text_only.folder / unet)
    assert any(line.startswith("without onset") for line in told)
    return card


def _case(name: str) -> dict[str, np.ndarray]:
    return dict(np.load(GOLDEN / "cases" / f"{name}.npz"))


def _near(found: torch.Tensor, expected: np.ndarray, tolerance: float) -> None:
    np.testing.assert_allclose(found.detach().numpy(), expected, atol=tolerance, rtol=0)


def test_text(reference: ModelCard) -> None:
    case = _case("text")
    tokenizer = CLIPTokenizer.from_pretrained(reference.folder / "tokenizer")
    encoder = CLIPTextModel.from_pretrained(reference.folder / "text_encoder")
    assert tokenizer.model_max_length == case["input_ids"].shape[1]
    with torch.inference_mode():
        _near(encoder(torch.from_numpy(case["input_ids"]).long()).last_hidden_state, case["last_hidden_state"], 1e-5)


def test_image_encoder(reference: ModelCard) -> None:
    case = _case("image_encoder")
    encoder = CLIPVisionModelWithProjection.from_pretrained(reference.folder / "image_encoder")
    with torch.inference_mode():
        _near(encoder(torch.from_numpy(case["pixel_values_0"])[None]).image_embeds, case["image_embeds"][:1], 1e-5)


def test_temporal_adapter(reference: ModelCard) -> None:
    case = {name: torch.from_numpy(value) for name, value in _case("controlnet_t41").items()}
    adapter = ControlNetModel.from_pretrained(reference.folder / "temporal_adapter")
    batch = len(case["latents"])
    with torch.inference_mode():
        down, middle = adapter(
            case["latents"], 41, case["prompt_embeds"], case["cond"].expand(batch, -1, -1, -1), return_dict=False
        )
    for number, found in enumerate(down):
        _near(found, case[f"down_{number}"].numpy(), 1e-4)
    _near(middle, case["mid"].numpy(), 1e-4)


def test_vae(reference: ModelCard) -> None:
    case = _case("vae_decode")
    vae = AutoencoderKL.from_pretrained(reference.folder / "vae")
    with torch.inference_mode():
        latents = torch.from_numpy(case["latents"]) / float(case["scaling_factor"])
        _near(vae.decode(latents).sample, case["decoded_raw"], 1e-4)


def test_vocoder(reference: ModelCard) -> None:
    case = _case("vocoder_w100")
    vocoder = SpeechT5HifiGan.from_pretrained(reference.folder / "vocoder")
    with torch.inference_mode():
        found = vocoder(torch.from_numpy(case["log_mel"]).T)
    _near(found.reshape(-1), case["waveform"].reshape(-1), 1e-4)


def test_unet(reference: ModelCard) -> None:
    case = {name: torch.from_numpy(value) for name, value in _case("unet_step_t41").items()}
    unet = UNet2DConditionModel.from_pretrained(reference.folder / "unet", use_safetensors=True)
    published = torch.load(
        GOLDEN / "tiny/auffusion-full-no-adapter/unet/diffusion_pytorch_model.bin", weights_only=True
    )
    state = unet.state_dict()
    assert case["latents"].shape[1] == unet.config.in_channels and state.keys() == published.keys()
    assert all(torch.equal(state[name], value) for name, value in published.items())
