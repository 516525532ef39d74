"""Flag, then environment, then foley.toml, then default."""

import os
from pathlib import Path

import pytest

from plugin.commands.options import pass_options
from plugin.config import settle
from plugin.errors import ConfigError, UsageError


@pytest.fixture
def edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "cwd").mkdir()
    (tmp_path / "show").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    for name in [name for name in os.environ if name.startswith("FOLEY_")]:
        monkeypatch.delenv(name)
    return tmp_path / "show" / "reel.otio"


def toml(folder: Path, text: str) -> None:
    (folder / "foley.toml").write_text(text, encoding="utf-8")


def test_nothing_set_is_nothing_settled(edit: Path) -> None:
    assert settle({"seed": None, "media-root": None}, edit) == {}


def test_flag_beats_environment_beats_file(edit: Path) -> None:
    toml(edit.parent, 'seed = 1\nhandles = 1\ndevice = "cpu"')
    found = settle({"seed": 3}, edit, {"FOLEY_SEED": "2", "FOLEY_HANDLES": "2"})
    assert found == {"seed": 3, "handles": 2, "device": "cpu"}


def test_a_flag_of_zero_or_false_counts(edit: Path) -> None:
    toml(edit.parent, "seed = 1\npreview = true")
    assert settle({"seed": 0, "preview": False}, edit, {}) == {"seed": 0, "preview": False}


def test_the_file_beside_the_edit_beats_the_one_in_the_current_folder(edit: Path) -> None:
    toml(Path.cwd(), "seed = 1")
    assert settle({}, edit, {}) == {"seed": 1}
    toml(edit.parent, "seed = 2")
    assert settle({}, edit, {}) == {"seed": 2}


def test_paths_in_the_file_start_at_its_folder(edit: Path) -> None:
    toml(edit.parent, 'media-root = ["media", "/mnt/m"]\nout = "sound"')
    found = settle({}, edit, {})
    assert found == {"media-root": [edit.parent / "media", Path("/mnt/m")], "out": edit.parent / "sound"}


def test_lists_in_the_environment_are_split_like_path(edit: Path) -> None:
    found = settle({}, edit, {"FOLEY_MEDIA_ROOT": os.pathsep.join(["/a b", "/c"]), "FOLEY_PATH_MAP": "/x=/y"})
    assert found == {"media-root": [Path("/a b"), Path("/c")], "path-map": ["/x=/y"]}


@pytest.mark.skipif(os.pathsep != ":", reason="nothing to mistake there")
def test_a_drive_letter_in_the_environment_is_no_end_of_a_path(edit: Path) -> None:
    found = settle({}, edit, {"FOLEY_PATH_MAP": r"Z:\Show=/mnt/show:/x=/y:Y:/a=/b", "FOLEY_SET": "steps=25:guidance=3"})
    assert found == {
        "path-map": [r"Z:\Show=/mnt/show", "/x=/y", "Y:/a=/b"],
        "set": ["steps=25", "guidance=3"],
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("modle = 'mini'", ["modle", "model", "foley.toml"]),
        ("seed = -1", ["seed", "-1", "foley.toml"]),
        ("seed = true", ["seed"]),
        ("preview = 'maybe'", ["preview", "true or false"]),
        ("media-root = 3", ["media-root", "list"]),
        ("out = 3", ["out", "text"]),
        ("= = =", ["foley.toml", "cannot be read"]),
    ],
)
def test_a_wrong_file_is_one_sentence_that_names_the_key(edit: Path, text: str, words: list[str]) -> None:
    toml(edit.parent, text)
    with pytest.raises(ConfigError) as caught:
        settle({}, edit, {})
    assert all(word in str(caught.value) for word in words)


def test_a_wrong_variable_is_named(edit: Path) -> None:
    with pytest.raises(ConfigError, match="FOLEY_SEED"):
        settle({}, edit, {"FOLEY_SEED": "many"})


def test_the_words_become_options(edit: Path) -> None:
    flags = {"seed": 3, "path-map": ["Z:\\Show=/mnt/show", "/a=/b=c"], "prefect": False, "media-root": [Path("/m")]}
    options, with_prefect = pass_options(edit, flags)
    assert options.seed == 3
    assert options.path_maps == (("Z:\\Show", "/mnt/show"), ("/a", "/b=c"))
    assert options.media_roots == (Path("/m"),)
    assert not with_prefect


@pytest.mark.parametrize("text", ["here", "=there", "here=", ""])
def test_a_path_map_without_two_sides_is_explained(edit: Path, text: str) -> None:
    with pytest.raises(UsageError, match="FROM=TO"):
        pass_options(edit, {"path-map": [text]})


def test_a_value_out_of_range_is_one_sentence(edit: Path) -> None:
    with pytest.raises(UsageError, match="--handles 99999"):
        pass_options(edit, {"handles": 99999})


def test_paths_hold_whichever_folder_goes_on_from_there(edit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(edit.parent))
    flags = {"store": Path("store"), "media-root": [Path("~/media")], "labels": Path("cues.csv"), "model": "models/own"}
    options, _ = pass_options(edit, flags)
    assert (options.store, options.media_roots) == (Path.cwd() / "store", (edit.parent / "media",))
    assert (options.labels, options.model) == (Path.cwd() / "cues.csv", str(Path.cwd() / "models" / "own"))
    assert pass_options(edit, {"model": "mini"})[0].model == "mini"


def test_the_home_of_nobody_is_one_sentence(edit: Path) -> None:
    toml(edit.parent, 'store = "~nobody-of-that-name/store"')
    with pytest.raises(ConfigError, match=r"store in .* is '~nobody-of-that-name/store', but"):
        settle({}, edit, {})
    options, _ = pass_options(edit.parent.parent / "x.otio", {"store": Path("~nobody-of-that-name/store")})
    assert options.store == Path.cwd() / "~nobody-of-that-name" / "store"
