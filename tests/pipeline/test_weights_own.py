"""A folder somebody trained, put on an installed model; and what verify says of it."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from pipeline.errors import WeightsError
from pipeline.weights.checksums import ChecksumLock
from pipeline.weights.install import fetch
from pipeline.weights.own import fetch_own
from pipeline.weights.registry import ModelCard, find_model, verify_files
from pipeline.weights.remove import remove_model
from pipeline.weights.sources import PlainFolder
from pipeline.weights.verify import verify
from tests.support.published_files import write_published

INSTALLED = "temporal_adapter/diffusion_pytorch_model.safetensors"
ADAPTER = "frame_adapter/foleycrafter.safetensors"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    models = tmp_path_factory.mktemp("models")
    place = PlainFolder(write_published(tmp_path_factory.mktemp("published")))
    for name in ("foleycrafter", "foleycrafter-reference"):
        fetch(name, place, models, accept_licence=True, tell=print)
    return models


@pytest.fixture
def models(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FOLEY_MODELS", str(tmp_path / "models"))
    monkeypatch.delenv("FOLEY_REFUSE_NON_COMMERCIAL", raising=False)
    return Path(shutil.copytree(installed, tmp_path / "models"))


@pytest.fixture
def trained(models: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "trained"
    folder.mkdir()
    adapter = load_file(models / "foleycrafter" / ADAPTER)
    save_file({name: value + 1 for name, value in adapter.items()}, folder / "frame_adapter.safetensors")
    save_file({"proj.weight": torch.eye(48), "proj.bias": torch.zeros(48)}, folder / "detector.safetensors")
    told = {"title": "Our adapters", "settings": {"frame_scale": 0.7, "threshold": 0.4}}
    (folder / "smooth_foley.json").write_text(json.dumps(told))
    return folder


def own(folder: Path, models: Path) -> ModelCard:
    return fetch_own("smooth-foley", folder, models, tell=print)


def test_trained_parts_lie_over_the_frozen_ones(trained: Path, models: Path) -> None:
    card, base = own(trained, models), find_model("foleycrafter")
    verify_files(card)
    for shared in ("unet/diffusion_pytorch_model.safetensors", "clip/model.safetensors", ADAPTER):
        assert (card.folder / shared).samefile(base.folder / shared)
    mine = load_file(card.folder / "frame_adapter" / "smooth_foley.safetensors")
    assert torch.equal(mine["image_proj.proj.bias"], load_file(base.folder / ADAPTER)["image_proj.proj.bias"] + 1)
    files = {attention: entry["file"] for attention, entry in card.structure["frame_adapters"].items()}
    new = "frame_adapter/smooth_foley.safetensors"
    assert files == {"literal": new, "time_local": new, "clip_wise": ADAPTER}
    assert card.structure["frame_adapters"]["literal"]["tokens_per_frame"] == 4
    assert (card.title, card.settings.detector) == ("Our adapters", "linear")
    assert (card.settings.frame_scale, card.settings.threshold, card.settings.temporal_scale) == (0.7, 0.4, 0.2)
    assert card.non_commercial and card.digest != base.digest
    assert base.structure["frame_adapters"]["literal"]["file"] == ADAPTER


@pytest.mark.parametrize("as_folder", [True, False])
def test_a_trained_temporal_adapter(as_folder: bool, models: Path, tmp_path: Path) -> None:
    state = load_file(models / "foleycrafter" / INSTALLED)
    state["conv_in.bias"] = state["conv_in.bias"] + 1
    config = json.loads((models / "foleycrafter" / "temporal_adapter" / "config.json").read_text())
    name = "temporal_adapter.safetensors"
    if as_folder:  # one with the level as a second channel
        name = "temporal_adapter/diffusion_pytorch_model.safetensors"
        (tmp_path / "trained" / "temporal_adapter").mkdir(parents=True)
        embedding = "controlnet_cond_embedding.conv_in.weight"
        state[embedding] = state[embedding].repeat(1, 2, 1, 1)
        text = json.dumps(config | {"conditioning_channels": 2})
        (tmp_path / "trained" / "temporal_adapter" / "config.json").write_text(text)
    (tmp_path / "trained").mkdir(exist_ok=True)
    save_file(state, tmp_path / "trained" / name)
    card = own(tmp_path / "trained", models)
    assert card.structure["condition_channels"] == (2 if as_folder else 1)
    assert card.settings.detector == "null_margin"
    found = load_file(card.folder / INSTALLED)
    assert torch.equal(found["conv_in.bias"], state["conv_in.bias"])
    assert torch.equal(load_file(models / "foleycrafter" / INSTALLED)["conv_in.bias"] + 1, found["conv_in.bias"])


def test_a_folder_without_a_trained_part_says_what_it_looked_for(models: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"holds nothing that was trained: looked for frame_adapter\.safetensors, "):
        own(tmp_path, models)


def test_a_detector_of_another_width_is_refused(trained: Path, models: Path) -> None:
    save_file({"proj.weight": torch.eye(32), "proj.bias": torch.zeros(32)}, trained / "detector.safetensors")
    with pytest.raises(
        WeightsError, match=r"detector\.safetensors is not the detector .*is \[32\] and should be \[48\]"
    ):
        own(trained, models)
    assert not (models / "smooth-foley").exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "cannot be read"),
        ("[]", "is no table with a table of settings"),
        ('{"settings": {"stepz": 3}}', "stepz"),
        ('{"settings": {"steps": 0}}', "steps is 0"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(text: str, sentence: str, trained: Path, models: Path) -> None:
    (trained / "smooth_foley.json").write_text(text)
    with pytest.raises(WeightsError, match=sentence):
        own(trained, models)


def test_without_its_base_it_says_what_to_fetch(trained: Path, models: Path) -> None:
    remove_model("foleycrafter")
    with pytest.raises(WeightsError, match="'foleycrafter' is not installed: `foley models fetch foleycrafter"):
        own(trained, models)
    verify_files(find_model("foleycrafter-reference"))


def test_only_installed_models_can_be_removed(models: Path) -> None:
    for name in ("mini", "smooth-foley", "..", "../models/foleycrafter"):
        with pytest.raises(WeightsError, match="is installed in"):
            remove_model(name)
    assert (models / "foleycrafter" / "model.json").is_file()


def test_a_whole_model_passes_every_check(models: Path) -> None:
    checks = {check.check: check for check in verify(find_model("foleycrafter"), models)}
    assert all(check.ok for check in checks.values())
    assert checks["unet/diffusion_pytorch_model.safetensors"].text == "684 keys, all of the right shape"
    assert "to a cosine of 1.0000" in checks["image encoders"].text
    assert len(checks) == 2 + 7 + 1


def test_another_image_encoder_is_found(models: Path) -> None:
    path = models / "foleycrafter-reference" / "image_encoder" / "model.safetensors"
    state = load_file(path)
    path.unlink()
    save_file({**state, "visual_projection.weight": state["visual_projection.weight"].flip(0)}, path)
    last = list(verify(find_model("foleycrafter"), models))[-1]
    assert last.check == "image encoders" and not last.ok and "is not the published one" in last.text


def test_a_card_that_was_changed_with_its_files_is_found(models: Path) -> None:
    folder = models / "foleycrafter"
    (folder / "scheduler" / "scheduler_config.json").unlink()
    card = json.loads((folder / "model.json").read_text())
    del card["files"]["scheduler/scheduler_config.json"]
    (folder / "model.json").write_text(json.dumps(card))
    checks = {check.check: check for check in verify(find_model("foleycrafter"), models)}
    assert checks["files"].ok and not checks["lock"].ok
    assert checks["lock"].text.startswith("model 'foleycrafter' is not the one that was installed")
    assert ChecksumLock(models).models.keys() == {"foleycrafter", "foleycrafter-reference"}
