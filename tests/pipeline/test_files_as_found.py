"""Files that are there and cannot be used: what is wrong with them is one sentence."""

import sys
from pathlib import Path

import pytest

from pipeline.errors import MediaError
from pipeline.files_as_found import unnameable
from pipeline.probe import probe_movie


def test_a_movie_that_is_a_pointer_of_git_lfs_is_named_as_such(tmp_path: Path) -> None:
    movie = tmp_path / "a.mov"
    movie.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 7\n")
    with pytest.raises(MediaError, match=r"a\.mov is only a pointer of Git LFS: .*git lfs pull"):
        probe_movie(movie)


@pytest.mark.parametrize("name", ["a.mov", "日本 ü.mov"])
def test_a_name_in_any_alphabet_can_be_told(name: str) -> None:
    assert unnameable(Path(name)) == ""


def test_a_name_that_is_no_text_is_told(tmp_path: Path) -> None:
    assert unnameable(Path("a\udcff.mov")) == "a\\udcff.mov has a name that is no UTF-8: rename it"


def test_a_locale_without_the_letters_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "ascii")
    assert unnameable(Path("ü.mov")) == "ü.mov cannot be named in this locale (ascii): set PYTHONUTF8=1"
    assert unnameable(Path("u.mov")) == ""
