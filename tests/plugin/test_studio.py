"""foley studio and foley schedule as a person meets them, where no studio runs."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flows.options import NightOptions
from flows.studio import notify, overview, schedules
from flows.studio.overview import Overview, Row
from flows.studio.schedules import Scheduled
from plugin.cli import exit_code_of

Capture = pytest.CaptureFixture[str]


def one_sentence(capture: Capture) -> str:
    """The only line on stderr."""
    captured = capture.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith("foley: ")
    assert captured.out == ""
    return line


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a server answered."""
    monkeypatch.setattr("flows.studio.reach.connect", lambda home: None)


def test_what_needs_a_studio_says_how_to_start_one(tmp_path: Path, capsys: Capture) -> None:
    home = ["--home", str(tmp_path / "studio")]
    for command in (
        ["studio", "status"],
        ["studio", "down"],
        ["studio", "notify", "--test"],
        ["schedule", "list"],
        ["schedule", "pause", "nightly"],
    ):
        assert exit_code_of([*command, *home]) == 2
        assert "does not run: `foley studio up`" in one_sentence(capsys)
    assert not (tmp_path / "studio").exists()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["up", "--host", "0.0.0.0"], "--open-to-network"),
        (["up", "--port", "99999"], "--port 99999"),
        (["up", "--port", "65535"], "choose one between 1024 and 65534"),
        (["up", "--address", "http://box"], "--address http://box is no name"),
        (["up", "--host", "", "--open-to-network"], "--host is empty"),
        (["up", "--workers", "0"], "--workers 0"),
        (["up", "--database", "mysql://db"], "postgresql+asyncpg://USER@HOST/NAME"),
        (["join", "http://127.0.0.1:9/api"], "--password-file"),
        (["join", "http://foley:secret@box/api"], "use --password-file"),
        (["notify"], "say what to do"),
        (["notify", "--mail", "td@studio.test"], "--mail and --smtp go together"),
    ],
)
def test_what_cannot_be_is_one_sentence(arguments: list[str], word: str, tmp_path: Path, capsys: Capture) -> None:
    assert exit_code_of(["studio", *arguments, "--home", str(tmp_path / "studio")]) == 2
    assert word in one_sentence(capsys)


def test_a_server_that_does_not_answer_is_not_joined(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "password").write_text("foley:theirs\n")
    join = ["studio", "join", "http://127.0.0.1:9/api", "--home", str(tmp_path / "studio")]
    assert exit_code_of([*join, "--password-file", str(tmp_path / "password")]) == 2
    assert "no server answers at http://127.0.0.1:9/api" in one_sentence(capsys)
    assert not (tmp_path / "studio").exists()


def test_a_folder_that_cannot_be_asked_for_a_password_is_one_sentence(tmp_path: Path, capsys: Capture) -> None:
    # A name that is too long is refused by the system, as is a folder that is closed to this user.
    join = ["studio", "join", "http://127.0.0.1:9/api", "--home", str(tmp_path / ("x" * 300))]
    assert exit_code_of(join) == 2
    assert "--password-file" in one_sentence(capsys)


def test_the_password_is_printed_by_its_command_alone(tmp_path: Path, capsys: Capture) -> None:
    home = ["--home", str(tmp_path / "studio")]
    assert exit_code_of(["studio", "password", *home]) == 0
    printed = capsys.readouterr().out.strip()
    assert printed == (tmp_path / "studio" / "password").read_text().strip()
    assert printed.startswith("foley:")


@pytest.mark.usefixtures("connected")
def test_status_is_a_table_and_a_document(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    rows = (Row(kind="server", name="http://box/api", state="up"), Row(kind="worker", name="box-1", state="online"))
    monkeypatch.setattr(overview, "overview", lambda: Overview(rows=rows))
    assert exit_code_of(["studio", "status"]) == 0
    table = capsys.readouterr().out
    assert [line.split()[0] for line in table.splitlines()] == ["kind", "server", "worker"]
    assert exit_code_of(["studio", "status", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["rows"][1] == {"kind": "worker", "name": "box-1", "state": "online", "detail": ""}


@pytest.mark.usefixtures("connected")
def test_a_night_carries_the_options_of_its_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    kept: dict[str, Any] = {}

    def keep(name: str, night: NightOptions, cron: str, zone: str) -> Scheduled:
        kept.update(name=name, night=night, cron=cron, zone=zone)
        return Scheduled(
            name=name, when=f"{cron} {zone}", paused=False, inbox="i", out="o", until=night.until, warning="beware"
        )

    monkeypatch.setattr(schedules, "schedule_nightly", keep)
    monkeypatch.setenv("FOLEY_STORE", "store")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "foley.toml").write_text('takes = 3\nseed = 1\nmedia-root = ["media"]\nout = "ignored"\n')
    when = ["--cron", "0 22 * * 1-5", "--timezone", "Europe/Berlin", "--until", "07:00"]
    what = ["--inbox", "inbox", "--out", "out", "--seed", "5", "--set", "steps=4", "--no-preview"]
    assert exit_code_of(["schedule", "nightly", *when, *what, "--name", "reels"]) == 0
    night = kept["night"]
    assert (kept["name"], kept["cron"], kept["zone"]) == ("reels", "0 22 * * 1-5", "Europe/Berlin")
    assert (night.inbox, night.out, night.until) == (tmp_path / "inbox", tmp_path / "out", "07:00")
    shared = night.options
    assert (shared.seed, shared.takes, shared.preview, shared.settings) == (5, 3, False, (("steps", "4"),))
    assert shared.store == tmp_path / "store"
    assert shared.media_roots == (tmp_path / "inbox" / "media",)
    assert not hasattr(shared, "out")
    captured = capsys.readouterr()
    assert "reels" in captured.out
    assert captured.err == "foley: warning: beware\n"


def test_a_night_that_cannot_be_is_refused_before_a_server_is_asked(tmp_path: Path, capsys: Capture) -> None:
    what = ["--inbox", str(tmp_path), "--out", str(tmp_path / "out")]
    assert exit_code_of(["schedule", "nightly", "--cron", "0 22 * * *", *what, "--until", "25:00"]) == 2
    assert "--until 25:00 is no time of day: write it as 07:00" in one_sentence(capsys)
    assert exit_code_of(["schedule", "nightly", "--cron", "0 22 * * *", *what, "--names", "nonsense"]) == 2
    assert "--names nonsense" in one_sentence(capsys)


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize(
    ("what", "word"),
    [
        (["watch", "--every", "59"], "only costs"),
        (["watch", "--every", "999999999999"], "at most 604800 s, a week"),
        (["watch", "--name", "two\nlines"], "'two\\nlines' cannot be a schedule's name"),
        (["watch", "--name", "\x1b[31mred"], "cannot be a schedule's name"),
        (["watch", "--name", "x" * 61], "longer than 60 letters"),
        (["watch", "--name", "studio"], "choose another"),
        (["watch", "--name", "studio.py"], "cannot be a schedule's name"),
        (["nightly", "--cron", "0 22 * * *", "--name", "a/b"], "'a/b' cannot be a schedule's name"),
        (["watch", "--inbox", "nowhere"], "is no folder on this machine"),
    ],
)
def test_a_schedule_that_cannot_be_is_one_sentence(
    what: list[str], word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inbox").mkdir()
    command, *flags = what
    assert exit_code_of(["schedule", command, "--inbox", "inbox", "--out", "out", *flags]) == 2
    assert word in one_sentence(capsys)


@pytest.mark.usefixtures("connected")
def test_no_schedules_says_how_to_make_one(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setattr(schedules, "schedules", list)
    assert exit_code_of(["schedule", "list"]) == 0
    assert "`foley schedule nightly` makes one" in capsys.readouterr().out
    assert exit_code_of(["schedule", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


@pytest.mark.usefixtures("connected")
def test_a_webhook_is_read_from_standard_input_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    told: list[tuple[str, bool]] = []
    monkeypatch.setattr(notify, "tell_webhook", lambda url, *, finished: told.append((url, finished)))
    monkeypatch.setattr("sys.stdin", io.StringIO("https://hooks.studio.test/secret\n"))
    assert exit_code_of(["studio", "notify", "--webhook", "-", "--finished"]) == 0
    assert told == [("https://hooks.studio.test/secret", True)]
    captured = capsys.readouterr()
    assert "secret" not in captured.out + captured.err
    assert "set up: foley-webhook" in captured.out


def test_help_and_the_keeper_of_a_studio_load_neither_prefect_nor_torch() -> None:
    code = (
        "import sys, flows.studio.up, flows.studio.schedules, flows.studio.notify, plugin.cli\n"
        "plugin.cli.exit_code_of(['studio', 'up', '--help'])\n"
        "print([name for name in ('prefect', 'torch') if name in sys.modules])"
    )
    root = str(Path(__file__).resolve().parents[2])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
