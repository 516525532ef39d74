"""What is installed is what is here: packages are listed by hand, so that no namesake is taken along."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_package_is_listed_for_installation() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    here = {
        init.parent.relative_to(ROOT).as_posix().replace("/", ".")
        for top in ("plugin", "flows", "pipeline", "timeline_io")
        for init in (ROOT / top).rglob("__init__.py")
    }
    assert sorted(listed) == sorted(here)
