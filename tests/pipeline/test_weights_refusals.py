"""What is wrong with published files is one sentence, nothing is installed, and what was installed is as it was."""

import errno
import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock

from pipeline.errors import WeightsError
from pipeline.weights import convert, store
from pipeline.weights.checksums import ChecksumLock
from pipeline.weights.install import fetch
from pipeline.weights.registry import ModelCard, find_model, known_models, verify_files, verify_sizes
from pipeline.weights.remove import remove_model
from pipeline.weights.sources import PlainFolder
from pipeline.weights.states import read_state
from tests.support.published_files import write_published

AUFFUSION = "auffusion-full-no-adapter"
UNET = f"{AUFFUSION}/unet/diffusion_pytorch_model.bin"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_published(tmp_path_factory.mktemp("published"), parts=("auffusion",))


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


def install(folder: Path, models: Path, *, accept: bool = True) -> ModelCard:
    return fetch("auffusion", PlainFolder(folder), models, accept_licence=accept, tell=print)


def leftovers(models: Path) -> list[str]:
    return sorted(path.name for path in models.iterdir() if path.is_dir())


class Evil:
    """Runs a command when it is unpickled."""

    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.witness}",)


def test_a_file_with_code_in_it_is_not_run(downloads: Path, models: Path, tmp_path: Path) -> None:
    torch.save({"state_dict": {"a": torch.zeros(2)}, "more": Evil(tmp_path / "ran")}, downloads / UNET)
    with pytest.raises(WeightsError, match=r"model\.bin holds code \(\w+\.system\), which was not run; get it again"):
        install(downloads, models)
    assert not (tmp_path / "ran").exists() and leftovers(models) == []


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _web_page(path: Path) -> None:
    path.write_text("<html>not found</html>")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _noise(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(5000))


@pytest.mark.parametrize("damage", [_cut, _web_page, _empty, _noise])
def test_a_damaged_file_is_named_with_its_length(damage: Callable[[Path], None], downloads: Path, models: Path) -> None:
    damage(downloads / UNET)
    with pytest.raises(WeightsError, match=r"diffusion_pytorch_model\.bin \([\d,]+ bytes\) is cut off or damaged; get"):
        install(downloads, models)
    assert leftovers(models) == []


def test_a_pointer_of_git_lfs_is_named_as_such(downloads: Path, models: Path) -> None:
    (downloads / UNET).write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3438167540\n")
    with pytest.raises(WeightsError, match=r"diffusion_pytorch_model.bin is only a pointer of Git LFS: .*git lfs pull"):
        install(downloads, models)
    assert leftovers(models) == []


def test_words_that_happen_to_begin_like_a_pickle_are_no_weights(downloads: Path, models: Path) -> None:
    (downloads / UNET).write_text("root:x:0:0:root:/root:/bin/bash\n")
    with pytest.raises(WeightsError, match=r"model\.bin \(32 bytes\) is cut off or damaged"):
        install(downloads, models)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused_with_their_key(downloads: Path, models: Path, value: float) -> None:
    _change(
        downloads / UNET, lambda state: state.update({"conv_in.bias": torch.full_like(state["conv_in.bias"], value)})
    )
    with pytest.raises(WeightsError, match=r"model\.bin is damaged: conv_in\.bias holds values that are not numbers"):
        install(downloads, models)
    assert leftovers(models) == []


def test_weights_in_a_sparse_layout_are_refused(downloads: Path, models: Path) -> None:
    key = "time_embedding.linear_1.weight"
    _change(downloads / UNET, lambda state: state.update({key: state[key].to_sparse()}))
    with pytest.raises(WeightsError, match=rf"holds {key} in a sparse layout"):
        install(downloads, models)


@pytest.mark.parametrize("text", ["", "[]", "[" * 100_000])
@pytest.mark.parametrize("name", ["scheduler/scheduler_config.json", "unet/config.json", "tokenizer/vocab.json"])
def test_damaged_settings_are_named_where_they_came_from(downloads: Path, models: Path, name: str, text: str) -> None:
    (downloads / AUFFUSION / name).write_text(text)
    with pytest.raises(WeightsError, match=f"{AUFFUSION}/{name} is damaged .*; get it again from its publisher"):
        install(downloads, models)
    assert leftovers(models) == []


@pytest.mark.parametrize(
    ("folder", "told", "sentence"),
    [
        ("unet", {"block_out_channels": [-16] * 4}, "configuration of unet beside .* makes no network .*negative"),
        ("unet", {"norm_num_groups": 0}, "configuration of unet beside .* makes no network"),
        ("vocoder", {"upsample_rates": "x"}, "configuration of vocoder is not a published one .*upsample_rates"),
        ("vocoder", {"resblock_dilation_sizes": 5}, "configuration of vocoder is not a published one"),
    ],
)
def test_a_configuration_that_makes_no_network_is_one_sentence(
    downloads: Path, models: Path, folder: str, told: dict[str, object], sentence: str
) -> None:
    path = downloads / AUFFUSION / folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | told))
    with pytest.raises(WeightsError, match=sentence) as caught:
        install(downloads, models)
    assert "\n" not in str(caught.value) and ".staging" not in str(caught.value)


def test_a_cut_off_safetensors_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", 200) + b'{"a":')
    with pytest.raises(WeightsError, match=r"model\.safetensors \(13 bytes\) is cut off or damaged"):
        read_state(path)


def _change(path: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    state = torch.load(path, weights_only=True)
    change(state)
    torch.save(state, path)


def test_keys_that_do_not_fit_are_counted_and_named(downloads: Path, models: Path) -> None:
    def change(state: dict[str, torch.Tensor]) -> None:
        for name in ("conv_in.weight", "conv_in.bias", "conv_out.bias", "time_embedding.linear_1.bias"):
            del state[name]
        state["lora.up"] = torch.zeros(3)
        state["conv_norm_out.bias"] = torch.zeros(7)

    _change(downloads / UNET, change)
    with pytest.raises(WeightsError) as caught:
        install(downloads, models)
    assert str(caught.value) == (
        f"the weights file {downloads / UNET} is not the unet that its configuration describes: "
        "4 of 684 keys missing (conv_in.bias, conv_in.weight, conv_out.bias, ...); 1 of 684 keys extra (lora.up); "
        "1 of 684 keys of another shape (conv_norm_out.bias is [7] and should be [16]); get both again from their "
        "publisher"
    )
    assert leftovers(models) == []


def test_counters_in_a_file_are_no_extra_keys(downloads: Path, models: Path) -> None:
    text_encoder = downloads / AUFFUSION / "text_encoder" / "pytorch_model.bin"
    assert "text_model.embeddings.position_ids" in torch.load(text_encoder, weights_only=True)
    assert install(downloads, models).installed


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"state_dict": state, "epoch": np.int64(3), "loss": np.float64(0.5)},
        lambda state: {
            "state_dict": {f"module.{name}": value for name, value in state.items()},
            "optimizer": {"lr": 1},
        },
    ],
    ids=["bare", "with numbers of numpy", "prefixed, with an optimizer"],
)
@pytest.mark.parametrize("archive", [True, False], ids=["archive", "before torch 1.6"])
def test_however_it_was_saved_the_tensors_are_the_same(wrap: Any, archive: bool, tmp_path: Path) -> None:
    state = {"conv.weight": torch.arange(6.0).reshape(2, 3), "conv.bias": torch.ones(2)}
    torch.save(wrap(state), tmp_path / "a.bin", _use_new_zipfile_serialization=archive)
    found = read_state(tmp_path / "a.bin")
    assert found.keys() == state.keys() and all(torch.equal(found[name], state[name]) for name in state)


def test_all_that_is_missing_is_said_at_once(downloads: Path, models: Path) -> None:
    shutil.rmtree(downloads / AUFFUSION / "vae")
    (downloads / UNET).unlink()
    with pytest.raises(WeightsError) as caught:
        install(downloads, models)
    text = str(caught.value)
    looked = f"{downloads} or its folders auffusion-full-no-adapter, auffusion/auffusion-full-no-adapter, auffusion"
    assert text.startswith("model 'auffusion' cannot do without unet: there is no unet/diffusion_pytorch_model.bin or ")
    assert "; vae: there is no vae/diffusion_pytorch_model.bin or vae/" in text and text.count(looked) == 2


def test_a_folder_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="nowhere is not a folder: name the one that holds the published files"):
        PlainFolder(tmp_path / "nowhere")


def test_a_licence_is_accepted_once(published: Path, models: Path) -> None:
    with pytest.raises(WeightsError, match=r"CC-BY-NC-SA-4\.0.*forbids commercial use.*--accept-licence or set FOLEY_"):
        install(published, models, accept=False)
    assert leftovers(models) == []
    install(published, models)
    assert install(published, models, accept=False).installed


def test_the_environment_accepts_a_licence_by_its_name(
    published: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOLEY_ACCEPT_LICENCE", "MIT")
    with pytest.raises(WeightsError, match="forbids commercial use"):
        install(published, models, accept=False)
    monkeypatch.setenv("FOLEY_ACCEPT_LICENCE", "CC-BY-NC-SA-4.0")
    assert install(published, models, accept=False).installed


def test_a_studio_refuses_non_commercial_weights_however_they_come(
    published: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = install(published, models).folder
    monkeypatch.setenv("FOLEY_REFUSE_NON_COMMERCIAL", "1")
    for name in ("auffusion", str(folder), "foleycrafter"):
        with pytest.raises(WeightsError, match="non-commercial use only"):
            find_model(name)
    with pytest.raises(WeightsError, match="this studio refuses such weights"):
        install(published, models)
    assert find_model("mini").name == "mini"


def test_a_model_that_is_not_installed_says_how_to_get_it(models: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        find_model("foleycrafter")
    assert str(caught.value) == (
        "model 'foleycrafter' is not installed: `foley models fetch foleycrafter --accept-licence` gets it "
        "(about 9.9 GB; CC-BY-NC-SA-4.0, Apache-2.0, MIT, no commercial use)"
    )
    assert [card.name for card in known_models()] == [
        "mini",
        "foleycrafter",
        "foleycrafter-reference",
        "auffusion",
        "smooth-foley",
    ]


def test_too_little_room_is_told_before_anything_is_written(
    published: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(published)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(WeightsError, match=r"installing 'auffusion' needs 5 MB in .*models, but only 1 MB are free"):
        install(published, models)
    assert leftovers(models) == []


def test_a_disk_that_fills_up_leaves_the_earlier_model(
    published: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = install(published, models)
    (card.folder / "vae" / "config.json").unlink()  # so that there is something to do again

    def full(state: object, path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(convert, "write_state", full)
    with pytest.raises(
        WeightsError, match=r"safetensors: the disk is full: make room, or name another folder with FOL"
    ):
        install(published, models)
    assert leftovers(models) == ["auffusion"] and (card.folder / "unet" / "config.json").is_file()
    monkeypatch.undo()
    verify_files(fetch("auffusion", PlainFolder(published), models, tell=print))


def test_what_an_interrupted_fetch_left_is_cleared_by_the_next(
    published: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = install(published, models)
    (models / ".staging-auffusion-0123").mkdir()
    (models / ".staging-auffusion-0123" / "unet").write_bytes(b"half")
    card.folder.rename(models / ".old-auffusion")  # cut off between the two renames
    with store.exclusive(models):
        assert leftovers(models) == ["auffusion"]
    verify_files(find_model("auffusion"))


def test_two_fetches_at_once_are_refused(published: Path, models: Path) -> None:
    models.mkdir()
    with (
        FileLock(models / ".changing.lock"),
        pytest.raises(WeightsError, match="another program is changing the models"),
    ):
        install(published, models)


def test_a_damaged_file_is_made_again_and_the_others_are_kept(published: Path, models: Path) -> None:
    card = install(published, models)
    unet, vae = (card.folder / part / "diffusion_pytorch_model.safetensors" for part in ("unet", "vae"))
    kept = vae.stat().st_ino
    unet.write_bytes(unet.read_bytes()[:-1] + b"\1")
    verify_sizes(card)
    with pytest.raises(WeightsError, match="was changed"):
        verify_files(card)
    verify_files(install(published, models))
    assert vae.stat().st_ino == kept
    unet.write_bytes(unet.read_bytes()[:-1])
    with pytest.raises(WeightsError, match=r"is [\d,]+ bytes long instead of [\d,]+; install the model again"):
        verify_sizes(find_model("auffusion"))


def test_another_file_than_the_first_time_is_refused(downloads: Path, models: Path) -> None:
    install(downloads, models)
    _change(downloads / UNET, lambda state: state.update({"conv_out.bias": torch.zeros(4)}))
    with pytest.raises(WeightsError, match=r"is not the unet/diffusion_pytorch_model\.bin .*another sha256\): get it"):
        install(downloads, models)
    lock = ChecksumLock(models)
    lock.path.write_text("{")
    with pytest.raises(WeightsError, match=r"fetched\.lock\.json, the record of what was fetched, is damaged"):
        install(downloads, models)


def test_a_model_that_may_not_be_read_is_one_sentence(
    downloads: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = install(downloads, models)

    def refuse(path: Path, *more: object, **options: object) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    with monkeypatch.context() as locked:
        locked.setattr(Path, "open", refuse)
        with pytest.raises(WeightsError, match=r"Permission denied: see to it, or name another folder"):
            verify_files(card)
    with monkeypatch.context() as locked:
        locked.setattr(Path, "stat", refuse)
        with pytest.raises(WeightsError, match=r"auffusion.*: Permission denied: see to it"):
            find_model("auffusion")
        with pytest.raises(WeightsError, match=r"auffusion.*: Permission denied: see to it"):
            remove_model("auffusion")
    assert card.installed
