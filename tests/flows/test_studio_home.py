"""The studio's folder: one holder, a password for nobody else, and nothing to be found when nothing runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.errors import StudioError
from flows.studio.home import Running, StudioHome, read_credentials, studio_home
from flows.studio.up import down

HOLD = """
import sys, time
from pathlib import Path
from flows.studio.home import Running, StudioHome
home = StudioHome(Path(sys.argv[1]))
with home.held():
    home.announce(Running(pid=4711, api_url="http://127.0.0.1:1/api", ui_url="http://127.0.0.1:1", database="d",
                          workers=("w-1",), since="2026-01-01T00:00:00+00:00"))
    print("held", flush=True)
    time.sleep(3600)
"""


@pytest.fixture
def home(tmp_path: Path) -> StudioHome:
    return StudioHome(tmp_path / "studio")


def held_elsewhere(home: StudioHome) -> "subprocess.Popen[str]":
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(home.folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def test_the_folder_is_chosen_by_flag_then_variable_then_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOLEY_STUDIO", str(tmp_path / "variable"))
    assert studio_home(tmp_path / "flag").folder == tmp_path / "flag"
    assert studio_home().folder == tmp_path / "variable"
    monkeypatch.delenv("FOLEY_STUDIO")
    monkeypatch.setattr("flows.studio.home.data_folder", lambda what, variable: tmp_path)
    assert studio_home().folder == tmp_path / "smooth-foley" / "studio"


def test_the_home_of_nobody_is_a_folder_like_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FOLEY_STUDIO", "~nobody-of-that-name/studio")
    assert studio_home().folder == tmp_path / "~nobody-of-that-name" / "studio"


def test_to_ask_for_a_studio_makes_no_folder(home: StudioHome) -> None:
    assert home.running() is None
    assert not home.folder.exists()


def test_only_this_user_reads_the_password_and_it_stays_the_same(home: StudioHome) -> None:
    home.make()
    first = home.credentials()
    assert first == home.credentials()
    user, _, secret = first.partition(":")
    assert (user, len(secret)) == ("foley", 32)
    assert home.password_file.stat().st_mode & 0o777 == 0o600
    assert home.folder.stat().st_mode & 0o777 == 0o700


def test_a_unit_closes_the_studio_and_not_what_its_nights_make(home: StudioHome) -> None:
    units = sorted((Path(__file__).parents[2] / "docs" / "studio").glob("*.service"))
    masks = {line for unit in units for line in unit.read_text().splitlines() if line.startswith("UMask=")}
    assert (len(units), masks) == (2, {"UMask=0022"})
    before = os.umask(0o022)
    try:
        home.make()
        home.credentials()
    finally:
        os.umask(before)
    assert home.folder.stat().st_mode & 0o077 == home.password_file.stat().st_mode & 0o077 == 0


def test_a_password_that_others_could_read_is_closed_to_them(home: StudioHome) -> None:
    home.make()
    home.password_file.write_text("foley:mine\n")
    home.password_file.chmod(0o644)
    assert home.credentials() == "foley:mine"
    assert home.password_file.stat().st_mode & 0o777 == 0o600


def test_a_password_of_another_studio_is_kept(home: StudioHome, tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("foley:theirs\n")
    home.make()
    home.keep_credentials(read_credentials(tmp_path / "theirs"))
    assert home.credentials() == "foley:theirs"
    assert home.password_file.stat().st_mode & 0o777 == 0o600
    for wrong in (b"two\nlines:\n", b"none", b"\xff\xfef\x00:\x00", b"foley:\x1b[2J"):
        (tmp_path / "wrong").write_bytes(wrong)
        with pytest.raises(StudioError, match="holds no password"):
            read_credentials(tmp_path / "wrong")
    for none in ("nowhere", "."):
        with pytest.raises(StudioError, match="cannot be read"):
            read_credentials(tmp_path / none)


def test_a_second_one_is_told_who_holds_it_and_a_killed_one_holds_nothing(home: StudioHome) -> None:
    holder = held_elsewhere(home)
    try:
        running = home.running()
        assert isinstance(running, Running)
        assert (running.pid, running.workers) == (4711, ("w-1",))
        with (
            pytest.raises(StudioError, match=r"running already \(process 4711, http://127.0.0.1:1\)"),
            home.held(),
        ):
            pass
    finally:
        holder.kill()
        holder.wait()
    assert home.running() is None
    with home.held():
        assert not (home.folder / "studio.json").exists()


def test_nothing_secret_is_announced(home: StudioHome) -> None:
    secret = None
    with home.held():
        secret = home.credentials().partition(":")[2]
        home.announce(Running(pid=os.getpid(), api_url="a", ui_url="u", database="d", workers=(), since="s"))
        record = home.folder / "studio.json"
        assert secret not in record.read_text()
        assert record.stat().st_mode & 0o777 == 0o600
    assert not record.exists()


def test_a_folder_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StudioError, match="--home or FOLEY_STUDIO"):
        StudioHome(tmp_path / "file" / "studio").make()


def test_a_folder_of_other_things_is_not_closed_to_everybody_else(tmp_path: Path) -> None:
    (tmp_path / "show").mkdir(mode=0o755)
    (tmp_path / "show" / "reel1.otio").write_text("")
    with pytest.raises(StudioError, match="holds other things"):
        StudioHome(tmp_path / "show").make()
    assert (tmp_path / "show").stat().st_mode & 0o777 == 0o755
    assert [path.name for path in (tmp_path / "show").iterdir()] == ["reel1.otio"]
    (tmp_path / "disk" / "lost+found").mkdir(parents=True)
    disk = StudioHome(tmp_path / "disk")
    disk.make()
    disk.credentials()
    disk.make()
    assert disk.folder.stat().st_mode & 0o777 == 0o700


def test_a_lock_that_cannot_be_is_one_sentence(home: StudioHome) -> None:
    (home.folder / "studio.lock").mkdir(parents=True)
    with pytest.raises(StudioError, match="cannot be locked"), home.held():
        pass
    assert home.running() is None


def test_a_studio_of_another_machine_is_not_ended_here(home: StudioHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder may lie on a disk that several machines see; the process of that number here is somebody else's."""
    signals: list[object] = []
    monkeypatch.setattr("flows.studio.up.os.kill", lambda *told: signals.append(told))
    there = Running(pid=4711, api_url="a", ui_url="u", database="d", workers=(), since="s", machine="another-box")
    monkeypatch.setattr(StudioHome, "running", lambda self: there)
    with pytest.raises(StudioError, match="runs on another-box: end it there"):
        down(home)
    assert signals == []


def test_one_that_has_just_ended_by_itself_is_ended(home: StudioHome, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    gone = Running(pid=ended.pid, api_url="a", ui_url="u", database="d", workers=(), since="s")
    monkeypatch.setattr(StudioHome, "running", lambda self: gone)
    assert down(home) == gone


def test_a_studio_that_does_not_run_is_one_sentence(home: StudioHome) -> None:
    with pytest.raises(StudioError, match="does not run: `foley studio up`"):
        home.require_running()
