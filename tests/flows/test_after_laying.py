"""What a studio has run after laying: it sees everything that was written, and its word is in the report."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.options import PassOptions
from flows.output import after_laying
from flows.records import PassReport
from flows.run import run_pass
from tests.support.passes import Cut, FakeEngine

pytestmark = pytest.mark.usefixtures("card", "engine")
Run = Callable[..., PassReport]


@pytest.fixture
def run(
    movie: Callable[[str], Path],
    edit_of: Callable[..., Path],
    options: PassOptions,
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    def go(hook: str, clip: str = "train") -> PassReport:
        monkeypatch.setenv(after_laying.VARIABLE, hook)
        return run_pass(edit_of(Cut(name=clip, media=movie("a.mp4"))), options, with_prefect=False)

    return go


def python(code: str) -> str:
    return f'"{sys.executable}" -c "{code}"'


def manifest_of(report: PassReport) -> dict[str, object]:
    assert report.outputs.manifest
    found: dict[str, object] = json.loads(report.outputs.manifest.read_text())
    return found


def test_a_command_sees_the_finished_folder_and_its_last_line_is_in_the_report(run: Run) -> None:
    read = "import json, os; m = json.load(open(os.environ['FOLEY_MANIFEST']))"
    report = run(python(f"{read}; print('hm'); print(m['summary'], os.getcwd())"))
    said = f"1 shot made; 1 cue laid {report.outputs.folder.resolve()}"
    assert report.after_laying == said == manifest_of(report)["after_laying"]
    assert report.outputs.report and "After laying: 1 shot made" in report.outputs.report.read_text()
    assert report.warnings == run("").warnings


def test_a_function_gets_the_manifest(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "show_checks.py").write_text(
        'def loudness(path, manifest):\n    return f\'{path.name}: {manifest["counts"]["made"]} at -23 LUFS\'\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert run("show_checks:loudness").after_laying == "foley_manifest.json: 1 at -23 LUFS"


@pytest.mark.parametrize(
    ("hook", "why"),
    [
        (python("import sys; print('too loud'); sys.exit(3)"), "it ended with status 3: too loud"),
        ("/nowhere/check.sh", "it cannot be run (No such file or directory)"),
        ("no_such_module:check", "No module named 'no_such_module'"),
        ('"unfinished', "it cannot be run (No closing quotation)"),
    ],
)
def test_one_that_fails_is_a_warning_and_the_tracks_are_laid(hook: str, why: str, run: Run) -> None:
    report = run(hook)
    assert report.exit_code == 0 and report.outputs.edit and report.outputs.edit.is_file()
    (warning,) = (text for text in report.warnings if text.startswith("what runs after laying"))
    assert why in warning and manifest_of(report)["warnings"] == list(report.warnings)


def test_one_without_end_is_ended(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(after_laying, "_WITHIN_S", 0.2)
    (warning,) = run(python("import time; time.sleep(60)")).warnings[-1:]
    assert "did not end within" in warning


def test_where_nothing_was_laid_it_does_not_run(engine: FakeEngine, run: Run, tmp_path: Path) -> None:
    engine.hears = ()
    run(python(f"open('{tmp_path / 'ran'}', 'w')"), "A002")
    assert not (tmp_path / "ran").exists()
