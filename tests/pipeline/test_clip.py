"""CLIP from files: the bundled model's, a published one's, the picture half alone; and files that are none of these."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from pipeline.errors import WeightsError
from pipeline.nets.clip import (
    ClipEncoder,
    build_clip,
    encode_in_batches,
    load_clip,
    load_image_encoder,
    same_image_encoder,
)
from pipeline.weights.registry import find_model

MINI = find_model("mini").folder / "clip"
SMALL: dict[str, Any] = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 28, "layers": 2, "width": 40, "head_width": 20, "patch_size": 14},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}
PICTURES = np.random.default_rng(0).integers(0, 256, (5, 28, 28, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def fresh() -> ClipEncoder:
    torch.manual_seed(0)
    return build_clip(SMALL, None).eval()


@pytest.fixture(scope="module")
def published(fresh: ClipEncoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model in the layout of a published open_clip model."""
    folder = tmp_path_factory.mktemp("clip")
    (folder / "config.json").write_text(json.dumps(SMALL))
    save_file(_copied(fresh.clip.state_dict()), folder / "model.safetensors")
    return folder


@pytest.fixture(scope="module")
def picture_half(fresh: ClipEncoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The picture half of the same model as the IP-Adapter project publishes it."""
    folder = tmp_path_factory.mktemp("image_encoder")
    config = {"hidden_size": 40, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 160}
    config |= {"image_size": 28, "patch_size": 14, "projection_dim": 24}
    (folder / "config.json").write_text(json.dumps(config | {"hidden_act": "gelu"}))
    save_file(_copied(_as_transformers(fresh.clip.visual.state_dict())), folder / "model.safetensors")
    return folder


def _copied(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.clone().contiguous() for name, value in state.items()}


def _as_transformers(tower: dict[str, Tensor]) -> dict[str, Tensor]:
    """open_clip's names and layouts turned into transformers', written out by hand."""
    begin, layers = "vision_model.embeddings", "vision_model.encoder.layers"
    state = {
        f"{begin}.class_embedding": tower["class_embedding"],
        f"{begin}.patch_embedding.weight": tower["conv1.weight"],
        f"{begin}.position_embedding.weight": tower["positional_embedding"],
        f"{begin}.position_ids": torch.arange(5)[None],
        "visual_projection.weight": tower["proj"].T,
    }
    for kind in ("weight", "bias"):
        state[f"vision_model.pre_layrnorm.{kind}"] = tower[f"ln_pre.{kind}"]
        state[f"vision_model.post_layernorm.{kind}"] = tower[f"ln_post.{kind}"]
        for i in range(2):
            block = f"transformer.resblocks.{i}"
            for j, part in enumerate(tower[f"{block}.attn.in_proj_{kind}"].chunk(3)):
                state[f"{layers}.{i}.self_attn.{'qkv'[j]}_proj.{kind}"] = part
            state[f"{layers}.{i}.self_attn.out_proj.{kind}"] = tower[f"{block}.attn.out_proj.{kind}"]
            state[f"{layers}.{i}.layer_norm1.{kind}"] = tower[f"{block}.ln_1.{kind}"]
            state[f"{layers}.{i}.layer_norm2.{kind}"] = tower[f"{block}.ln_2.{kind}"]
            state[f"{layers}.{i}.mlp.fc1.{kind}"] = tower[f"{block}.mlp.c_fc.{kind}"]
            state[f"{layers}.{i}.mlp.fc2.{kind}"] = tower[f"{block}.mlp.c_proj.{kind}"]
    return state


def test_the_bundled_model_sees_unit_vectors_from_plain_pixels() -> None:
    encoder = load_clip(MINI)
    pixels = np.random.default_rng(1).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    embeddings = encode_in_batches(encoder, pixels, batch=4)
    assert (encoder.image_size, encoder.embed_dim, encoder.pixels) == (64, 128, "plain")
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-6)
    with torch.inference_mode():
        plain = torch.from_numpy(pixels).permute(0, 3, 1, 2) / 127.5 - 1
        raw = encoder.clip.encode_image(plain)
    np.testing.assert_allclose(embeddings * raw.norm(dim=-1, keepdim=True).numpy(), raw, atol=1e-5)


def test_a_published_model_sees_raw_vectors_from_clips_own_pixels(published: Path, fresh: ClipEncoder) -> None:
    encoder = load_clip(published)
    assert (encoder.image_size, encoder.embed_dim, encoder.pixels) == (28, 24, "openai")
    mean = torch.tensor([0.48145466, 0.4578275, 0.40821073])[:, None, None]
    std = torch.tensor([0.26862954, 0.26130258, 0.27577711])[:, None, None]
    with torch.inference_mode():
        expected = fresh.clip.encode_image((torch.from_numpy(PICTURES).permute(0, 3, 1, 2) / 255 - mean) / std)
    embeddings = encode_in_batches(encoder, PICTURES, batch=2)
    np.testing.assert_allclose(embeddings, expected, atol=1e-5)
    assert abs(np.linalg.norm(embeddings, axis=1) - 1).min() > 0.01


def test_the_shared_vocabulary_reads_labels_into_unit_vectors(published: Path, fresh: ClipEncoder) -> None:
    encoder = load_clip(published)
    labels = ["footsteps on gravel", "a door creaks"]
    with torch.inference_mode():
        found = encoder.encode_labels(labels)
        expected = fresh.encode_labels(labels)
    assert encoder.tokenizer(["a"])[0, :3].tolist() == [49406, 320, 49407]
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(found.norm(dim=-1), torch.ones(2))


def test_a_config_may_say_its_pixels_and_its_length(published: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(published, tmp_path / "clip"))
    (folder / "config.json").write_text(json.dumps(SMALL | {"pixels": "plain", "unit_length": True}))
    encoder = load_clip(folder)
    assert (encoder.pixels, encoder.unit_length) == ("plain", True)
    np.testing.assert_allclose(np.linalg.norm(encode_in_batches(encoder, PICTURES), axis=1), 1, atol=1e-6)


def test_nothing_is_left_without_numbers(published: Path, picture_half: Path) -> None:
    for encoder in (load_clip(MINI), load_clip(published), load_image_encoder(picture_half)):
        tensors = [*encoder.parameters(), *encoder.buffers()]
        assert not any(tensor.is_meta for tensor in tensors) and not encoder.training


def test_half_precision_stays_close_and_answers_in_float32(published: Path) -> None:
    exact = encode_in_batches(load_clip(published), PICTURES)
    for half in (load_clip(published, torch.bfloat16), load_clip(published).to(torch.bfloat16)):
        found = encode_in_batches(half, PICTURES)
        assert found.dtype == np.float32 and next(half.parameters()).dtype == torch.bfloat16
        cosines = (found * exact).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(exact, axis=1)
        assert cosines.min() > 0.999
        assert half.encode_labels(["rain"]).dtype == torch.float32


def test_a_frame_is_seen_alike_however_many_come_with_it(published: Path) -> None:
    encoder = load_clip(published)
    together = encode_in_batches(encoder, PICTURES, batch=4)
    np.testing.assert_array_equal(encode_in_batches(encoder, PICTURES[3:4], batch=4)[0], together[3])


def test_the_picture_half_is_the_same_encoder_and_another_one_is_not(published: Path, picture_half: Path) -> None:
    whole, half = load_clip(published), load_image_encoder(picture_half)
    assert same_image_encoder(whole, half, PICTURES) > 0.999999
    torch.manual_seed(1)
    assert same_image_encoder(build_clip(SMALL, None).eval(), half, PICTURES) < 0.9


def test_the_picture_half_knows_no_labels(picture_half: Path) -> None:
    with pytest.raises(WeightsError, match="no label can be compared"):
        load_image_encoder(picture_half).encode_labels(["rain"])


def _changed(folder: Path, to: Path, name: str, value: Tensor | None) -> Path:
    """A copy of `folder` whose weights have `name` set to `value`, or gone."""
    copy = Path(shutil.copytree(folder, to))
    state = {key: tensor for key, tensor in load_file(folder / "model.safetensors").items() if key != name}
    save_file(state if value is None else state | {name: value}, copy / "model.safetensors")
    return copy


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("visual.proj", None, r"1 missing \(visual\.proj first\)"),
        ("visual.more", torch.zeros(1), r"1 unknown to it \(visual\.more first\)"),
        ("visual.proj", torch.zeros(3, 3), r"1 of another shape \(visual\.proj first\)"),
    ],
)
def test_weights_that_do_not_fit_are_one_sentence(
    published: Path, tmp_path: Path, name: str, value: Tensor | None, sentence: str
) -> None:
    with pytest.raises(WeightsError, match=r"model\.safetensors does not fit .*" + sentence):
        load_clip(_changed(published, tmp_path / "clip", name, value))


def test_a_picture_half_without_a_key_names_it(picture_half: Path, tmp_path: Path) -> None:
    name = "vision_model.encoder.layers.1.self_attn.k_proj.weight"
    with pytest.raises(WeightsError, match=r"layers\.1\.self_attn\.k_proj\.weight"):
        load_image_encoder(_changed(picture_half, tmp_path / "e", name, None))


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("config.json", None, r"config\.json cannot be read"),
        ("config.json", "{", r"config\.json is damaged"),
        ("config.json", "[]", r"config\.json is damaged"),
        ("config.json", "{}", r"config\.json describes no CLIP model"),
        ("config.json", json.dumps(SMALL | {"pixels": "sepia"}), "'sepia'.*plain, openai"),
        ("config.json", json.dumps(SMALL | {"text_cfg": SMALL["text_cfg"] | {"vocab_size": 99}}), "49408 tokens.*99"),
        ("model.safetensors", None, r"model\.safetensors cannot be read"),
        ("model.safetensors", "not weights", r"model\.safetensors cannot be read"),
    ],
)
def test_missing_and_damaged_files_are_one_sentence(
    published: Path, tmp_path: Path, file: str, content: str | None, sentence: str
) -> None:
    folder = Path(shutil.copytree(published, tmp_path / "clip"))
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_text(content)
    with pytest.raises(WeightsError, match=sentence) as caught:
        load_clip(folder)
    assert "\n" not in str(caught.value)
