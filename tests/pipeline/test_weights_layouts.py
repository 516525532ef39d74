"""The layouts people have the published files in, and what may be absent."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import WeightsError
from pipeline.weights.install import fetch
from pipeline.weights.registry import ModelCard
from pipeline.weights.sources import PlainFolder
from tests.support.published_files import write_published

AUFFUSION, CRAFTER, ENCODER = "auffusion-full-no-adapter", "FoleyCrafter", "IP-Adapter/models/image_encoder"
CLIP = "CLIP-ViT-H-14-laion2B-s32B-b79K"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_published(tmp_path_factory.mktemp("published"))


def install(name: str, folder: Path, models: Path, told: list[str] | None = None) -> ModelCard:
    heard = [] if told is None else told
    return fetch(name, PlainFolder(folder), models, accept_licence=True, tell=heard.append)


def _readme(published: Path, folder: Path) -> Path:
    shutil.copytree(published / AUFFUSION, folder / "checkpoints" / "auffusion")
    shutil.copytree(published / CRAFTER, folder / "checkpoints", dirs_exist_ok=True)
    shutil.copytree(published / CLIP, folder / "checkpoints" / CLIP)
    return folder


def _readme_inside(published: Path, folder: Path) -> Path:
    return _readme(published, folder) / "checkpoints"


def _by_owner(published: Path, folder: Path) -> Path:
    for owner, name in (("auffusion", AUFFUSION), ("ymzhang319", CRAFTER), ("laion", CLIP)):
        shutil.copytree(published / name, folder / owner / name)
    return folder


@pytest.mark.steady
@pytest.mark.parametrize(
    "arranged",
    [
        _readme,
        pytest.param(_readme_inside, marks=pytest.mark.steady),
        pytest.param(_by_owner, marks=pytest.mark.steady),
    ],
)
def test_every_layout_gives_the_same_model(
    arranged: Callable[[Path, Path], Path], published: Path, tmp_path: Path
) -> None:
    usual = install("foleycrafter", published, tmp_path / "usual")
    other = install("foleycrafter", arranged(published, tmp_path / "downloads"), tmp_path / "other")
    assert other.files == usual.files and other.digest == usual.digest and other.sources == usual.sources


def test_the_folder_of_one_repository_is_enough_for_its_model(published: Path, tmp_path: Path) -> None:
    assert install("auffusion", published / AUFFUSION, tmp_path / "models").installed


def test_without_clip_the_image_encoder_serves_and_no_label_is_asked(published: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(published, tmp_path / "downloads"))
    shutil.rmtree(folder / CLIP)
    told: list[str] = []
    card = install("foleycrafter", folder, tmp_path / "models", told)
    assert "image_encoder/model.safetensors" in card.files and "clip/model.safetensors" not in card.files
    assert card.settings.detector == "always"
    assert [line.split(":")[0] for line in told if " instead of " in line or line.startswith("without")] == [
        "image_encoder instead of clip",
        "without onset",
    ]


@pytest.mark.steady
def test_the_onset_detector_is_taken_when_it_is_there(published: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(published, tmp_path / "downloads"))
    write_published(folder, parts=("onset",))
    card = install("foleycrafter-reference", folder, tmp_path / "models")
    assert "onset/model.safetensors" in card.files and card.sizes["onset/model.safetensors"] > 125_000_000
    assert (card.settings.detector, card.settings.frame_attention) == ("onset", "clip_wise")


def test_clip_without_its_configuration_is_the_published_size(published: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(published, tmp_path / "downloads"))
    (folder / CLIP / "open_clip_config.json").unlink()
    with pytest.raises(WeightsError, match=r"is not the clip .*ln_final\.bias is \[16\] and should be \[1024\]"):
        install("foleycrafter", folder, tmp_path / "models")
