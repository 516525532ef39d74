"""--submit: what the studio is asked for, and what is said before it is asked."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import prefect.deployments
import pytest
from prefect.exceptions import ObjectNotFound

from flows.foley_pass import foley_pass
from flows.overnight import overnight
from plugin.cli import exit_code_of
from tests.support.passes import Cut

Movie = Callable[[str], Path]
EditOf = Callable[..., Path]
Capture = pytest.CaptureFixture[str]
RUN = UUID("01a22bea-aac8-7dd9-bc5f-540258e6fbcb")


@dataclass
class FakeServer:
    """Notes what is submitted."""

    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    deployed: bool = True

    def run_deployment(self, name: str, *, parameters: dict[str, Any], **how: Any) -> Any:
        if not self.deployed:
            raise ObjectNotFound(LookupError(name))
        assert (how["timeout"], how["as_subflow"]) == (0, False)
        self.asked.append((name, json.loads(json.dumps(parameters))))
        return SimpleNamespace(id=RUN)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeServer:
    fake = FakeServer()
    monkeypatch.setattr(prefect.deployments, "run_deployment", fake.run_deployment)
    monkeypatch.setattr("flows.studio.reach.connect", lambda home: None)
    monkeypatch.setattr("flows.studio.submit.url_of", lambda run: f"http://studio-box:4200/{run.id}")
    monkeypatch.setenv("FOLEY_STORE", str(tmp_path / "store"))
    return fake


@pytest.mark.usefixtures("card")
def test_a_pass_is_handed_over_as_it_would_be_run(
    server: FakeServer, edit_of: EditOf, movie: Movie, tmp_path: Path, capsys: Capture
) -> None:
    edit = edit_of(Cut(name="train", media=movie("a.mp4")))
    words = ["--seed", "7", "--takes", "3", "--media-root", str(tmp_path), "--no-preview"]
    assert exit_code_of(["run", str(edit), "--submit", "--json", *words]) == 0
    assert json.loads(capsys.readouterr().out) == {"run_id": str(RUN), "url": f"http://studio-box:4200/{RUN}"}
    ((deployment, parameters),) = server.asked
    given = foley_pass.validate_parameters(parameters)
    assert (deployment, given["edit"]) == ("foley-pass/studio", edit)
    options = given["options"]
    assert (options.seed, options.takes, options.preview) == (7, 3, False)
    assert (options.media_roots, options.store) == ((tmp_path,), tmp_path / "store")
    assert not (tmp_path / "reel_foley").exists()


@pytest.mark.usefixtures("card")
def test_a_night_is_handed_over(
    server: FakeServer, edit_of: EditOf, movie: Movie, tmp_path: Path, capsys: Capture
) -> None:
    edits = [edit_of(Cut(name="train", media=movie("a.mp4")), name=f"reel{n}.otio") for n in (1, 2)]
    arguments = ["overnight", *map(str, edits), "--out", str(tmp_path / "out"), "--until", "07:00", "--submit"]
    assert exit_code_of(arguments) == 0
    assert capsys.readouterr().out.splitlines() == ["submitted, 2 edits", f"http://studio-box:4200/{RUN}"]
    ((deployment, parameters),) = server.asked
    night = overnight.validate_parameters(parameters)["night"]
    assert (deployment, night.edits, night.until) == ("overnight/studio", tuple(edits), "07:00")


@pytest.mark.usefixtures("card")
def test_what_cannot_be_done_is_said_before_anybody_waits_for_it(
    server: FakeServer, edit_of: EditOf, movie: Movie, tmp_path: Path, capsys: Capture
) -> None:
    broken = tmp_path / "broken.otio"
    broken.write_text("{")
    assert exit_code_of(["run", str(broken), "--submit"]) == 2
    assert "broken.otio is damaged" in capsys.readouterr().err
    assert exit_code_of(["overnight", "--inbox", str(tmp_path / "gone"), "--out", str(tmp_path), "--submit"]) == 2
    assert "gone is not there" in capsys.readouterr().err
    assert not server.asked
    server.deployed = False
    assert exit_code_of(["run", str(edit_of(Cut(name="train", media=movie("a.mp4")))), "--submit"]) == 2
    assert "no deployment foley-pass/studio" in capsys.readouterr().err


def test_without_a_studio_one_sentence_says_so_and_no_torch_is_loaded(
    edit_of: EditOf, movie: Movie, tmp_path: Path
) -> None:
    edit = edit_of(Cut(name="train", media=movie("a.mp4")))
    code = (
        "import sys; from plugin.cli import exit_code_of; "
        f"code = exit_code_of(['run', {str(edit)!r}, '--submit']); "
        "sys.exit(99 if 'torch' in sys.modules else code)"
    )
    environment = {"PATH": "", "FOLEY_STUDIO": str(tmp_path / "studio"), "FOLEY_STORE": str(tmp_path / "store")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "foley studio up" in done.stderr
