"""The doctor says what is wrong and what to do, and never falls over itself."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from plugin import doctor
from plugin.cli import exit_code_of
from plugin.doctor import Finding, Health


def test_a_pin_that_fits_is_ok(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "version", lambda name: "0.150.0")
    assert doctor.check_pin("fastapi").health is Health.OK


@pytest.mark.parametrize("found", ["0.151.0", "0.165.0", "0.99"])
def test_a_release_that_breaks_prefect_fails_with_the_cure(found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "version", lambda name: found)
    finding = doctor.check_pin("fastapi")
    assert finding.health is Health.FAIL
    assert finding.remedy == "run `pip install 'fastapi>=0.139,<0.151'`"


@pytest.mark.parametrize(
    ("found", "health"), [((3, 10), "fail"), ((3, 11), "ok"), ((3, 13), "ok"), ((3, 14), "fail"), ((4, 0), "fail")]
)
def test_the_python_it_runs_on(found: tuple[int, int], health: str) -> None:
    assert doctor.check_python(found).health == health


def test_a_store_that_cannot_be_written_fails_with_the_cure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    finding = doctor.check_store(tmp_path / "file" / "store")
    assert finding.health is Health.FAIL
    assert "FOLEY_STORE" in finding.remedy


def test_a_check_that_raises_is_a_finding() -> None:
    def broken() -> str:
        raise RuntimeError("no codec")

    finding = doctor._try("movies", broken, "install it")
    assert (finding.health, finding.text) == (Health.FAIL, "RuntimeError: no codec")


def test_a_crash_in_another_process_is_a_finding() -> None:
    finding = doctor._in_a_process("torch", "raise SystemExit('cannot load')", "install it")
    assert (finding.health, finding.text) == (Health.FAIL, "cannot load")


def test_what_lies_in_the_current_folder_is_not_taken_for_pythons_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "queue.py").write_text("raise SystemExit('a file of the show')")
    monkeypatch.chdir(tmp_path)
    assert doctor._in_a_process("torch", "import queue", "install it").text == "imports"


@pytest.mark.parametrize(("health", "code"), [(Health.OK, 0), (Health.WARN, 0), (Health.FAIL, 1)])
def test_only_a_failure_counts(
    health: Health, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def examine(store: Path, *, deep: bool) -> Iterable[Finding]:
        yield Finding(check="torch", health=health, text="as it is", remedy="do this")

    monkeypatch.setattr(doctor, "examine", examine)
    assert exit_code_of(["doctor"]) == code
    assert "do this" in capsys.readouterr().out
    assert exit_code_of(["doctor", "--json"]) == code
    assert json.loads(capsys.readouterr().out)["ok"] == (code == 0)


def test_no_studio_is_no_fault() -> None:
    finding = doctor.check_studio()
    assert (finding.health, finding.text.startswith("none runs in")) == (Health.OK, True)


def test_a_studio_that_does_not_answer_is_worth_a_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.studio.home import Running, StudioHome

    url = "http://127.0.0.1:9"
    running = Running(pid=7, api_url=f"{url}/api", ui_url=url, database="d", workers=("box-1",), since="s")
    monkeypatch.setenv("FOLEY_STUDIO", str(tmp_path))
    monkeypatch.setattr(StudioHome, "running", lambda self: running)
    finding = doctor.check_studio()
    assert finding.health is Health.WARN
    assert str(tmp_path / "logs") in finding.remedy
    monkeypatch.setattr("flows.studio.reach.answers", lambda url: True)
    assert doctor.check_studio().text == "http://127.0.0.1:9 with 1 worker"


@pytest.mark.slow
def test_a_schedule_gets_its_runs_planned() -> None:
    finding = doctor.check_schedules()
    assert finding.health is Health.OK, finding.text
    assert "plans the runs" in finding.text


@pytest.mark.steady
@pytest.mark.parametrize(
    ("proxy", "health"), [("", Health.OK), ("socks5://127.0.0.1:9", Health.OK), ("what://box", Health.FAIL)]
)
def test_the_clients_are_built_with_the_proxies_that_there_are(
    proxy: str, health: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    finding = doctor.check_clients()
    assert finding.health is health, finding.text
    assert health is Health.OK or "ALL_PROXY" in finding.text
