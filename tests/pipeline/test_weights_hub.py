"""Fetching over the network, from a hub on this machine: resumed, offline from the cache, refused in one sentence."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import close_session, constants

from pipeline.errors import WeightsError
from pipeline.weights.catalogue import published_models
from pipeline.weights.hub import Hub
from pipeline.weights.install import fetch
from pipeline.weights.registry import ModelCard, verify_files
from pipeline.weights.sources import PlainFolder
from tests.support.hub_server import COMMIT, LocalHub, local_hub
from tests.support.published_files import write_published

SOURCES = {part.name: part.source for part in published_models()["foleycrafter"].parts}
UNET = "unet/diffusion_pytorch_model.bin"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_published(tmp_path_factory.mktemp("published"), parts=("auffusion", "foleycrafter", "open_clip"))


@pytest.fixture
def hub(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    copy = Path(shutil.copytree(published, tmp_path / "hub"))
    with local_hub({source.repo: copy / source.folders[0] for source in SOURCES.values()}) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.address)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        # What is kept of a broken download is counted in these.
        monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1 << 16)
        _free_bytes(monkeypatch, tmp_path, 100_000_000_000)
        yield running


def _free_bytes(monkeypatch: pytest.MonkeyPatch, folder: Path, free: int) -> None:
    """The hub's files are tiny, but room is asked for those of the real ones."""
    usage = shutil.disk_usage(folder)._replace(free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)


def _install(name: str, models: Path, place: Hub | None = None) -> ModelCard:
    return fetch(name, place or Hub(), models, accept_licence=True, tell=print)


@pytest.mark.steady
def test_a_download_that_was_cut_off_goes_on_where_it_ended(hub: LocalHub, tmp_path: Path) -> None:
    hub.cut = {"diffusion_pytorch_model.bin": 1_000_000}
    card = _install("auffusion", tmp_path / "models")
    verify_files(card)
    path = f"/{SOURCES['unet'].repo}/resolve/main/{UNET}"
    started = [first for method, asked, first in hub.asked if method == "GET" and asked == path]
    assert started[0] == 0 and len(started) == 2 and 0 < started[1] <= 1_000_000
    assert card.sources["unet"]["source"] == f"{SOURCES['unet'].repo}@main"


def test_nothing_but_the_files_is_asked_for(hub: LocalHub, tmp_path: Path) -> None:
    _install("auffusion", tmp_path / "models")
    assert {path.split("/resolve/")[0] for _, path, _ in hub.asked} == {f"/{SOURCES['unet'].repo}"}


@pytest.mark.steady
def test_a_second_model_downloads_only_what_the_first_has_not(hub: LocalHub, tmp_path: Path) -> None:
    _install("auffusion", tmp_path / "models")
    hub.asked.clear()
    told: list[str] = []
    fetch("foleycrafter", Hub(), tmp_path / "models", accept_licence=True, tell=told.append)
    assert not [path for _, path, _ in hub.asked if SOURCES["unet"].repo in path]
    assert "sharing unet with the installed auffusion" in told
    assert any(line.startswith("without onset: there is no timestamp_detector.pth.tar in") for line in told)


@pytest.mark.steady
def test_a_revision_is_a_source_of_its_own(hub: LocalHub, tmp_path: Path) -> None:
    card = _install("auffusion", tmp_path / "models", Hub(COMMIT))
    assert card.sources["unet"]["source"].endswith(f"@{COMMIT}")
    with pytest.raises(WeightsError, match="at revision nowhere"):
        _install("auffusion", tmp_path / "models", Hub("nowhere"))


def test_another_file_under_the_same_name_is_refused(hub: LocalHub, tmp_path: Path) -> None:
    _install("auffusion", tmp_path / "models")
    for folder in (tmp_path / "models" / "auffusion", tmp_path / "cache"):
        shutil.rmtree(folder)
    unet = hub.repos[SOURCES["unet"].repo] / UNET
    unet.write_bytes(unet.read_bytes()[:-1] + b"\1")
    with pytest.raises(WeightsError, match=r"is not the unet/diffusion_pytorch_model\.bin of .*@main that was fetched"):
        _install("auffusion", tmp_path / "models")


def test_a_damaged_download_is_found(hub: LocalHub, tmp_path: Path) -> None:
    _install("auffusion", tmp_path / "models")
    (blob,) = [p.resolve() for p in (tmp_path / "cache").rglob(UNET)]
    blob.write_bytes(blob.read_bytes()[:-1] + b"\1")
    with pytest.raises(WeightsError, match="is damaged"):
        _install("auffusion", tmp_path / "elsewhere")


def test_a_full_disk_is_told_before_anything_is_downloaded(
    hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _free_bytes(monkeypatch, tmp_path, 4_000_000_000)
    with pytest.raises(WeightsError, match=r"the download needs 4,322 MB in .*, but only 4,000 MB are free"):
        _install("auffusion", tmp_path / "models")
    assert hub.asked == []


@pytest.mark.steady
def test_offline_the_cache_serves(hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install("auffusion", tmp_path / "models")
    hub.asked.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    verify_files(_install("auffusion", tmp_path / "other"))
    with pytest.raises(WeightsError, match=r"cannot do without .* in the cache \(HF_HUB_OFFLINE is set: unset it\)"):
        _install("foleycrafter", tmp_path / "other")
    assert hub.asked == []


@pytest.mark.steady
def test_offline_what_is_optional_stays_optional(
    hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    _install("foleycrafter", tmp_path / "models")
    shutil.rmtree(tmp_path / "cache" / f"models--{SOURCES['onset'].repo.replace('/', '--')}" / ".no_exist")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    card = fetch("foleycrafter", Hub(), tmp_path / "other", accept_licence=True, tell=told.append)
    verify_files(card)
    assert [text for text in told if text.startswith("without onset: there is no ")]


@pytest.mark.steady
@pytest.mark.parametrize("folder", ["cache", "."])
def test_the_cache_of_the_hub_client_is_a_folder_to_fetch_from(
    hub: LocalHub, tmp_path: Path, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    online = _install("foleycrafter", tmp_path / "models")
    if folder == ".":
        (tmp_path / "cache").rename(tmp_path / "hub cache")
        (tmp_path / "home").mkdir()
        (tmp_path / "hub cache").rename(tmp_path / "home" / "hub")
    hub.asked.clear()
    place = tmp_path / ("cache" if folder == "cache" else "home")
    card = fetch("foleycrafter", PlainFolder(place), tmp_path / "other", accept_licence=True, tell=print)
    verify_files(card)
    assert card.files == online.files and hub.asked == []


def test_of_several_versions_in_a_cache_the_one_that_main_means_is_taken(hub: LocalHub, tmp_path: Path) -> None:
    source = SOURCES["unet"]
    _install("auffusion", tmp_path / "models")
    there = tmp_path / "cache" / f"models--{source.repo.replace('/', '--')}" / "snapshots"
    newer = there / ("f" * 40)
    (newer / "unet").mkdir(parents=True)
    (newer / UNET).write_bytes(b"another version")
    found = PlainFolder(tmp_path / "cache").find(source, [UNET])
    assert found == (UNET, there / COMMIT / UNET)


def test_a_proxy_of_no_known_kind_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with local_hub({}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        monkeypatch.setenv("ALL_PROXY", "gopher://box:70")
        close_session()  # a client that was built before knows of no proxy
        with pytest.raises(WeightsError, match="proxy gopher://box:70 that ALL_PROXY names is of no known kind: name"):
            _install("auffusion", tmp_path / "models")
    close_session()


def test_a_hub_that_is_not_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with local_hub({}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)  # between its five attempts
    with pytest.raises(WeightsError, match=r"^scheduler/.* the hub does not answer: check .* --from DIR$"):
        _install("auffusion", tmp_path / "models")
    assert not (tmp_path / "models" / "auffusion").exists()


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (401, "GatedRepo", "its publisher lets in only who asked for it: ask on its page and log in"),
        (403, "GatedRepo", "its publisher lets in only who asked for it"),
        (404, "RepoNotFound", "the hub has no such repository, or does not show it: log in"),
        (404, "RevisionNotFound", "there is no such revision: name another with --revision"),
    ],
)
def test_a_hub_that_refuses_is_one_sentence(
    hub: LocalHub, tmp_path: Path, status: int, code: str, sentence: str
) -> None:
    hub.refusal = (status, code)
    with pytest.raises(WeightsError, match=rf"at revision main cannot be fetched, {sentence}.* --from DIR$"):
        _install("auffusion", tmp_path / "models")
    assert not (tmp_path / "models" / "auffusion").exists()
