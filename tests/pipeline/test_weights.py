"""Model cards and files: what is there is checked before it is used."""

import functools
import json
import shutil
from pathlib import Path

import pytest
import torch

from pipeline.errors import WeightsError
from pipeline.generators.auffusion.generator import load_auffusion
from pipeline.label import category_of
from pipeline.nets.label_detector import LinearDetector
from pipeline.nets.strict import load_into
from pipeline.weights.registry import find_model, known_models, verify_files

MINI = find_model("mini")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(MINI.folder, tmp_path / "model"))


def test_the_bundled_model_is_whole_small_and_says_what_it_is() -> None:
    verify_files(MINI)
    assert MINI.installed and MINI.bundled and MINI.size_bytes < 30_000_000
    assert len(MINI.labels) == 10 and MINI.procedural_only and MINI.closed_vocabulary
    assert MINI.licence == "Apache-2.0"
    assert known_models()[0] == MINI


def test_all_weights_are_half_precision_safetensors() -> None:
    weights = [MINI.folder / name for name in MINI.files if not name.endswith((".json", ".txt", ".gz"))]
    assert weights and all(path.suffix == ".safetensors" for path in weights)


def test_labels_lie_in_the_stem_their_words_say() -> None:
    assert {label.text: label.category for label in MINI.labels} == {
        label.text: category_of(label.text) for label in MINI.labels
    }


def test_one_changed_byte_is_found_and_the_file_is_named(copy: Path) -> None:
    path = copy / "detector" / "linear.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=r"linear\.safetensors.* was changed"):
        load_auffusion(str(copy), device="cpu")


def test_a_missing_file_is_named(copy: Path) -> None:
    (copy / "vae" / "config.json").unlink()
    with pytest.raises(WeightsError, match=r"vae/config\.json.* is missing"):
        load_auffusion(str(copy), device="cpu")
    assert not find_model(str(copy)).installed


def test_a_model_elsewhere_has_the_same_digest(copy: Path) -> None:
    elsewhere = find_model(str(copy))
    assert elsewhere.digest == MINI.digest and not elsewhere.bundled


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "x"}', "\x00", "[" * 100_000])
def test_a_damaged_card_is_one_sentence(copy: Path, text: str) -> None:
    (copy / "model.json").write_text(text)
    with pytest.raises(WeightsError, match=r"model\.json is damaged"):
        find_model(str(copy))


def test_an_unknown_setting_in_a_card_is_refused(copy: Path) -> None:
    card = json.loads((copy / "model.json").read_text())
    card["settings"]["stepz"] = 3
    (copy / "model.json").write_text(json.dumps(card))
    with pytest.raises(WeightsError, match="stepz"):
        find_model(str(copy))


@pytest.mark.parametrize(
    ("entry", "value", "sentence"),
    [
        (["title"], 5, "'title' is 5, it must be text"),
        (["files"], [], "'files' is \\[\\], it must be a table"),
        (["files"], {"../../etc/passwd": "0" * 64}, "'../../etc/passwd' lies outside the model's folder"),
        (["files"], {"/etc/passwd": "0" * 64}, "'/etc/passwd' lies outside"),
        (["files"], {"C:weights": "0" * 64}, "'C:weights' lies outside"),
        (["files"], {"unet\\..\\..\\x": "0" * 64}, "lies outside"),
        (["files", "clip/config.json"], 1, "the sha256 of 'clip/config.json' is 1"),
        (["sources"], {"unet": "x"}, "'sources.unet' is 'x', it must be a table"),
        (["non_commercial"], "no", "'non_commercial' is 'no', it must be true or false"),
        (["presets"], {"fast": {"stepz": 1}}, "stepz"),
        (["presets"], {"fast": {"steps": "4"}}, "steps is '4'"),
        (["settings", "steps"], "16", "steps is '16', it must be a whole number"),
    ],
)
def test_an_entry_of_another_kind_is_named(copy: Path, entry: list[str], value: object, sentence: str) -> None:
    _edit_card(copy, entry, value)
    with pytest.raises(WeightsError, match=f"damaged.*{sentence}"):
        find_model(str(copy))


@pytest.mark.parametrize(
    ("entry", "value", "sentence"),
    [
        ("columns_per_frame", "1/0", "columns_per_frame is '1/0'"),
        ("columns_per_frame", "0", "columns_per_frame is '0', it must be 1/100 to"),
        ("columns_per_frame", "-25/2", "columns_per_frame is '-25/2'"),
        ("columns_per_frame", "1e-9", "columns_per_frame is '1e-9'"),
        ("window_latents", 0, "window_latents is 0, it must be a whole number from 1"),
        ("hop", -160, "hop is -160"),
        ("hop", "160", "hop is '160'"),
        ("latents_multiple", 10**9, "latents_multiple is 1000000000"),
    ],
)
def test_a_grid_that_no_sound_can_have_is_one_sentence(copy: Path, entry: str, value: object, sentence: str) -> None:
    _edit_card(copy, ["structure", "grid", entry], value)
    with pytest.raises(WeightsError, match=f"damaged: {sentence}"):
        load_auffusion(str(copy), device="cpu")


def test_a_part_whose_file_the_card_does_not_list_is_not_loaded(copy: Path) -> None:
    shutil.copy(copy / "frame_adapter" / "time_local.safetensors", copy.parent / "other.safetensors")
    _edit_card(copy, ["structure", "frame_adapters", "time_local", "file"], "../other.safetensors")
    with pytest.raises(WeightsError, match="no file that the card of model 'mini' lists"):
        load_auffusion(str(copy), device="cpu").frame_adapter("time_local")


def _edit_card(folder: Path, entry: list[str], value: object) -> None:
    card = json.loads((folder / "model.json").read_text())
    *tables, last = entry
    functools.reduce(dict.__getitem__, tables, card)[last] = value
    (folder / "model.json").write_text(json.dumps(card))


def test_an_unknown_model_names_the_known_ones() -> None:
    with pytest.raises(WeightsError, match="the models are: mini"):
        find_model("maxi")


def test_weights_of_another_shape_are_refused_with_their_key() -> None:
    with pytest.raises(WeightsError, match=r"proj\.bias"):
        load_into(functools.partial(LinearDetector, 64), MINI.folder / "detector" / "linear.safetensors")


def test_the_bundle_is_loaded_once_per_process() -> None:
    assert load_auffusion("mini", device="cpu") is load_auffusion("mini", device="cpu")


def test_no_weight_can_be_trained_by_accident() -> None:
    bundle = load_auffusion("mini", device="cpu")
    modules: list[torch.nn.Module] = [bundle.unet, bundle.temporal_adapter, bundle.text_encoder, bundle.codec.vae]
    assert not any(p.requires_grad for m in modules for p in m.parameters())
