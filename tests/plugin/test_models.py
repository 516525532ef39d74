"""foley models: list, fetch, verify and remove, as a person and as a program sees them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.weights.registry import find_model
from plugin.cli import exit_code_of
from plugin.doctor import Health, examine_models
from tests.support.published_files import write_published


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_published(tmp_path_factory.mktemp("published"), parts=("auffusion",))


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FOLEY_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("FOLEY_REFUSE_NON_COMMERCIAL", "0")
    monkeypatch.delenv("FOLEY_ACCEPT_LICENCE", raising=False)
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    return tmp_path / "models"


def fetch(published: Path, *more: str) -> int:
    return exit_code_of(["models", "fetch", "auffusion", "--from", str(published), *more])


def test_the_list_names_all_models_with_licence_size_and_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(["models", "list", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert list(rows) == ["mini", "foleycrafter", "foleycrafter-reference", "auffusion", "smooth-foley"]
    assert [name for name, row in rows.items() if row["installed"]] == ["mini"]
    assert rows["auffusion"]["licence"] == "CC-BY-NC-SA-4.0" and rows["auffusion"]["non_commercial"]
    assert rows["auffusion"]["megabytes"] == 4321.6
    assert rows["foleycrafter"]["source"][1:] == ["ymzhang319/FoleyCrafter", "laion/CLIP-ViT-H-14-laion2B-s32B-b79K"]
    assert rows["smooth-foley"]["megabytes"] == rows["foleycrafter"]["megabytes"] == 9926.3
    assert len(rows["foleycrafter"]["labels"]) == 120
    assert exit_code_of(["models", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[4].split() == ["auffusion", "CC-BY-NC-SA-4.0", "no", "4321.6"]
    assert max(map(len, lines)) <= 80


def test_listing_loads_no_torch() -> None:
    code = "from plugin.cli import exit_code_of; exit_code_of(['models', 'list']); import sys"
    command = [sys.executable, "-c", f"{code}; sys.exit('torch' in sys.modules)"]
    home = Path(__file__).resolve().parents[2]
    assert subprocess.run(command, stdout=subprocess.DEVNULL, cwd=home, check=False).returncode == 0


def test_the_licence_is_shown_and_has_to_be_accepted(
    published: Path, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch(published) == 2
    shown = capsys.readouterr().err.strip().splitlines()
    assert shown[0].startswith(
        "auffusion: Creative Commons Attribution-NonCommercial-ShareAlike 4.0 (CC-BY-NC-SA-4.0, "
    )
    assert shown[0].endswith("/licenses/by-nc-sa/4.0/); no commercial use")
    assert len(shown) == 2 and shown[1].startswith("foley: model 'auffusion' is under")
    assert fetch(published, "--accept-licence", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["installed"] and told["folder"] == str(models / "auffusion")
    assert fetch(published, "--quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_a_studio_refuses_in_its_foley_toml(published: Path, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.delenv("FOLEY_REFUSE_NON_COMMERCIAL")
    Path("foley.toml").write_text("refuse-non-commercial = true\n")
    assert fetch(published, "--accept-licence") == 2
    assert "this studio refuses such weights" in capsys.readouterr().err
    assert exit_code_of(["run", "cut.otio", "--model", "auffusion", "--dry-run"]) == 2
    assert "this studio refuses such weights" in capsys.readouterr().err


def test_verify_says_what_is_wrong(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fetch(published, "--accept-licence")
    capsys.readouterr()
    assert exit_code_of(["models", "verify", "auffusion"]) == 0
    assert "ok   files: 13 files, 4 MB, as they were installed" in capsys.readouterr().out
    path = find_model("auffusion").folder / "vae" / "diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    assert exit_code_of(["models", "verify", "auffusion", "--json"]) == 1
    told = capsys.readouterr()
    checks = {check["check"]: check for check in json.loads(told.out)["checks"]}
    assert not checks["files"]["ok"] and checks["lock"]["ok"]
    assert "auffusion is not in order: files" in told.err
    assert exit_code_of(["models", "verify", "mini"]) == 0


def test_the_doctor_names_installed_models_and_misses_bytes(published: Path, models: Path) -> None:
    assert examine_models().text == f"none fetched into {models}"
    fetch(published, "--accept-licence", "--quiet")
    assert (examine_models().health, examine_models().text) == (Health.OK, "auffusion (0.0 GB)")
    path = models / "auffusion" / "vae" / "diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    assert examine_models().health is Health.FAIL and "bytes long instead of" in examine_models().text


def test_a_model_is_removed(published: Path, models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fetch(published, "--accept-licence", "--quiet")
    assert exit_code_of(["models", "remove", "auffusion"]) == 0
    assert not (models / "auffusion").exists()
    assert exit_code_of(["models", "remove", "auffusion"]) == 2
    assert "no model called 'auffusion' is installed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["fetch", "maxi"], "no model called 'maxi' can be fetched; these can: foleycrafter"),
        (["fetch", "mini"], "no model called 'mini' can be fetched"),
        (["fetch", "smooth-foley"], "is made of parts you trained: name their folder with --from DIR"),
        (["verify", "maxi"], "no model is called 'maxi'"),
        (["verify", "foleycrafter"], "'foleycrafter' is not installed: `foley models fetch"),
    ],
)
def test_wrong_names_are_one_sentence(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(["models", *arguments, "--quiet"]) == 2
    assert sentence in capsys.readouterr().err
