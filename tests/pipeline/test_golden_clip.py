"""The image encoder and the text encoder give the reference's numbers."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from open_clip.transformer import VisionTransformer
from transformers import CLIPTextModel, CLIPTokenizer

from pipeline.nets.clip import (
    ImageEncoder,
    clip_pixels,
    encode_in_batches,
    load_image_encoder,
    normalized_pixels,
    tower_state,
)
from tests.support.golden import golden_case, golden_path


@pytest.fixture(scope="module")
def encoder() -> ImageEncoder:
    return load_image_encoder(golden_path("tiny/IP-Adapter/models/image_encoder"))


def test_pictures_are_cut_and_scaled_as_the_reference_does() -> None:
    case = golden_case("image_encoder")
    squares = clip_pixels(case["frames"], 224)
    assert squares.shape == (6, 224, 224, 3) and squares.dtype == np.uint8
    pixels = normalized_pixels(torch.from_numpy(squares[:1]), "openai")[0].numpy()
    np.testing.assert_allclose(pixels, case["pixel_values_0"], atol=1e-6, rtol=0)


def test_frames_become_the_references_embeddings(encoder: ImageEncoder) -> None:
    case = golden_case("image_encoder")
    embeddings = encode_in_batches(encoder, clip_pixels(case["frames"], 224), batch=4)
    assert (encoder.image_size, encoder.embed_dim) == (224, 48)
    np.testing.assert_allclose(embeddings, case["image_embeds"], atol=1e-5, rtol=0)


def test_every_published_tensor_of_the_full_size_encoder_has_its_place() -> None:
    shapes = json.loads(golden_path("shapes/image_encoder.json").read_text("utf-8"))
    published = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    with torch.device("meta"):
        tower = VisionTransformer(
            image_size=224, patch_size=14, width=1280, layers=32, heads=16, mlp_ratio=4, output_dim=1024
        )
    ours = {name: tuple(value.shape) for name, value in tower.state_dict().items()}
    assert {name: tuple(value.shape) for name, value in tower_state(published).items()} == ours


def test_prompts_become_the_references_tokens_and_states(tmp_path: Path) -> None:
    model = golden_path("tiny/auffusion-full-no-adapter")
    case = golden_case("text")
    tokenizer = CLIPTokenizer.from_pretrained(model / "tokenizer", local_files_only=True)
    ids = tokenizer(
        case["prompts"].tolist(), padding="max_length", max_length=77, truncation=True, return_tensors="pt"
    ).input_ids
    np.testing.assert_array_equal(ids.numpy(), case["input_ids"])
    CLIPTextModel.from_pretrained(model / "text_encoder", local_files_only=True).save_pretrained(tmp_path)
    encoder = CLIPTextModel.from_pretrained(tmp_path, local_files_only=True, use_safetensors=True).eval()
    with torch.inference_mode():
        states = encoder(ids).last_hidden_state.numpy()
    np.testing.assert_allclose(states, case["last_hidden_state"], atol=1e-5, rtol=0)
