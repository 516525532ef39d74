"""Installing published models from a plain folder: what is converted, shared, refused, and left as it was."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pipeline.errors import WeightsError
from pipeline.files import sha256_of
from pipeline.weights import checksums
from pipeline.weights.install import fetch
from pipeline.weights.registry import ModelCard, find_model, known_models, verify_files
from pipeline.weights.sources import PlainFolder
from tests.support.published_files import write_published

AUFFUSION, CRAFTER = "auffusion-full-no-adapter", "FoleyCrafter"
Fetch = Callable[..., ModelCard]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_published(tmp_path_factory.mktemp("published"), optimizer=True)


@pytest.fixture
def downloads(published: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    return Path(shutil.copytree(published, tmp_path / "downloads"))


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FOLEY_MODELS", str(tmp_path / "models"))
    monkeypatch.delenv("FOLEY_ACCEPT_LICENCE", raising=False)
    monkeypatch.delenv("FOLEY_REFUSE_NON_COMMERCIAL", raising=False)
    return tmp_path / "models"


def install(name: str, folder: Path, models: Path, told: list[str] | None = None) -> ModelCard:
    heard = [] if told is None else told
    return fetch(name, PlainFolder(folder), models, accept_licence=True, tell=heard.append)


def test_an_installed_model_is_laid_out_like_the_bundled_one(published: Path, models: Path) -> None:
    card = install("foleycrafter", published, models)
    verify_files(card)
    assert card == find_model("foleycrafter") and card.installed and not card.bundled and card.non_commercial
    assert sorted(name for name in card.files if name.endswith(".safetensors")) == [
        "clip/model.safetensors",
        "frame_adapter/foleycrafter.safetensors",
        "temporal_adapter/diffusion_pytorch_model.safetensors",
        "text_encoder/model.safetensors",
        "unet/diffusion_pytorch_model.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
        "vocoder/model.safetensors",
    ]
    assert card.structure["scheduler"]["steps_offset"] == 1 and "_class_name" not in card.structure["scheduler"]
    assert [model.name for model in known_models() if model.installed] == ["mini", "foleycrafter"]


def test_a_training_state_and_its_prefix_are_dropped(published: Path, models: Path) -> None:
    card = install("foleycrafter", published, models)
    checkpoint = published / CRAFTER / "temporal_adapter.ckpt"
    source = torch.load(checkpoint, weights_only=True)["state_dict"]
    path = card.folder / "temporal_adapter" / "diffusion_pytorch_model.safetensors"
    installed = load_file(path)
    assert path.stat().st_size < checkpoint.stat().st_size / 2.9
    assert installed.keys() == {name.removeprefix("module.") for name in source}
    assert all(torch.equal(installed[name.removeprefix("module.")], value) for name, value in source.items())


def test_what_models_have_in_common_is_on_the_disk_once(published: Path, models: Path) -> None:
    told: list[str] = []
    first = install("foleycrafter", published, models)
    second = install("auffusion", published, models, told)
    shared, own = "unet/diffusion_pytorch_model.safetensors", "vocoder/model.safetensors"
    assert (first.folder / shared).samefile(second.folder / shared)
    assert not (first.folder / own).samefile(second.folder / own)
    assert "sharing unet with the installed foleycrafter" in told and "converting auffusion_vocoder" in told
    assert second.sources["unet"] == first.sources["unet"]
    assert second.files[shared] == first.files[shared]


def test_without_links_the_parts_are_copied(published: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(source: Path, target: Path) -> None:
        raise OSError("this disk has no hard links")

    first = install("auffusion", published, models)
    monkeypatch.setattr(os, "link", no_links)
    second = install("foleycrafter", published, models)
    verify_files(second)
    unet = "unet/diffusion_pytorch_model.safetensors"
    assert first.files[unet] == second.files[unet] and not (first.folder / unet).samefile(second.folder / unet)


def test_an_untouched_file_is_read_once_and_a_touched_one_again(
    published: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = install("auffusion", published, models)
    read: list[Path] = []

    def counting(path: Path) -> str:
        read.append(path)
        return sha256_of(path)

    monkeypatch.setattr(checksums, "sha256_of", counting)
    verify_files(card, again=False)
    assert len(read) == len(card.files)
    verify_files(card, again=False)
    assert len(read) == len(card.files)
    touched = card.folder / "vae" / "diffusion_pytorch_model.safetensors"
    data = bytearray(touched.read_bytes())
    data[-1] ^= 1
    touched.unlink()
    touched.write_bytes(data)
    with pytest.raises(WeightsError, match=r"vae/diffusion_pytorch_model\.safetensors.* was changed"):
        verify_files(card, again=False)
