"""Namesakes of our packages are named, not imported."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[2]


def python(code: str, *path: Path) -> subprocess.CompletedProcess[str]:
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path)), "PYTHONSAFEPATH": "1"}
    return subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["pipeline", "timeline_io"])
def test_a_folder_on_the_path_that_shadows_ours_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("print('I ran')")
    done = python("import flows", tmp_path, HOME)
    assert "ImportError" in done.stderr
    assert str(tmp_path / name) in done.stderr
    assert "I ran" not in done.stdout


def test_a_shadowed_flows_is_named_by_plugin(tmp_path: Path) -> None:
    (tmp_path / "flows.py").write_text("print('I ran')")
    done = python("import plugin", tmp_path, HOME)
    assert "ImportError" in done.stderr
    assert "flows.py" in done.stderr
    assert "I ran" not in done.stdout


@pytest.mark.parametrize(("name", "start"), [("pipeline", "flows"), ("flows", "plugin")])
def test_an_overwritten_package_is_named(name: str, start: str, tmp_path: Path) -> None:
    for package in ("plugin", "flows", "pipeline", "timeline_io"):
        shutil.copytree(HOME / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "weights"))
    (tmp_path / name / "__init__.py").write_text('"""Another project."""\nprint("I ran")\n')
    done = python(f"import {start}", tmp_path)
    assert "overwritten" in done.stderr
    assert f"pip uninstall {name}" in done.stderr
    assert "I ran" not in done.stdout


def test_ours_are_ours() -> None:
    assert python("import plugin, flows, sys; assert 'torch' not in sys.modules", HOME).returncode == 0
