"""What is installed is what is here, and no namesake is taken along."""

import tomllib
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOPS = ("plugin", "flows", "pipeline", "timeline_io")


def test_every_folder_of_ours_is_a_package_that_is_installed() -> None:
    find = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]
    folders = {code.parent.relative_to(ROOT) for top in TOPS for code in (ROOT / top).rglob("*.py")}
    assert all((ROOT / folder / "__init__.py").is_file() for folder in folders)
    names = [folder.as_posix().replace("/", ".") for folder in folders]
    assert all(any(fnmatch(name, pattern) for pattern in find["include"]) for name in names)
    assert {pattern.partition(".")[0] for pattern in find["include"]} == set(TOPS)
