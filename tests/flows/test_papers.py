"""The server of what passes wrote shows that and nothing else."""

import json
import os
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from threading import Thread
from urllib.parse import quote

import httpx
import pytest
from starlette.testclient import TestClient

from flows.errors import ConductorError
from flows.output.delivery import OutputFolder, open_folder, write_text
from flows.watching.papers import app, papers_home, register, serve, served_file, url_of
from tests.support.waiting import PATIENCE_S

SERVER = "http://127.0.0.1:4222"
HOME = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def server_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FOLEY_PAPERS_URL", SERVER)
    monkeypatch.setenv("FOLEY_PAPERS_HOME", str(tmp_path / "home"))


@pytest.fixture
def out(tmp_path: Path) -> OutputFolder:
    """An output folder as a pass leaves it, and beside its files one that is no pass's."""
    out = open_folder(tmp_path / "reel é 列_foley", Path("reel.otio"))
    write_text(out.report, "<h1>Report</h1>")
    (out.folder / "takes").mkdir()
    take = out.takes / "a #1 列.wav"
    take.write_bytes(bytes(range(256)) * 4)
    out.conclude([out.report, take], {})
    (out.folder / "notes.txt").write_text("not written by a pass")
    (tmp_path / "secret.txt").write_text("secret")
    return out


@pytest.fixture
def browser(tmp_path: Path) -> TestClient:
    return TestClient(app(tmp_path / "home"), base_url=SERVER)


def path_of(out: OutputFolder) -> str:
    return register(out.folder).removeprefix(SERVER)


def test_the_report_is_shown_with_strict_headers(out: OutputFolder, browser: TestClient) -> None:
    found = browser.get(path_of(out) + "report.html")
    assert (found.status_code, found.text) == (200, "<h1>Report</h1>")
    assert found.headers["content-type"] == "text/html; charset=utf-8"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["content-security-policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert "script" not in found.headers["content-security-policy"]
    assert found.headers["referrer-policy"] == "no-referrer"


def test_the_bare_address_leads_to_the_report(out: OutputFolder, browser: TestClient) -> None:
    assert browser.get(path_of(out)).text == "<h1>Report</h1>"


def test_a_player_can_ask_for_a_part_of_a_sound(out: OutputFolder, browser: TestClient) -> None:
    address = path_of(out) + "takes/" + quote("a #1 列.wav")
    part = browser.get(address, headers={"Range": "bytes=250-259"})
    assert part.status_code == 206
    assert part.content == bytes([250, 251, 252, 253, 254, 255, 0, 1, 2, 3])
    assert part.headers["content-range"] == "bytes 250-259/1024"
    assert part.headers["content-type"] == "audio/wav"
    assert browser.get(address, headers={"Range": "bytes=5000-"}).status_code == 416
    head = browser.head(address)
    assert (head.status_code, head.headers["content-length"], head.content) == (200, "1024", b"")


def test_an_edit_is_a_download_and_never_a_page(out: OutputFolder, browser: TestClient) -> None:
    edit = out.folder / "reel.foley.xml"
    edit.write_text("<script>alert(1)</script>")
    out.conclude([edit], {})
    assert browser.get(path_of(out) + edit.name).headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        "foley_manifest.json",
        "takes",
        "takes/",
        "../secret.txt",
        "..%2fsecret.txt",
        "%2e%2e/secret.txt",
        "takes/../../secret.txt",
        "takes/..%2f..%2fsecret.txt",
        "takes//a.wav",
        "%2fetc%2fpasswd",
        "report.html%00",
        "report.html/",
        "REPORT.HTML",
        "\\..\\secret.txt",
    ],
)
def test_nothing_else_is_shown(out: OutputFolder, browser: TestClient, name: str) -> None:
    assert browser.get(path_of(out) + name).status_code == 404


def test_a_manifest_cannot_open_the_disk(out: OutputFolder, tmp_path: Path) -> None:
    """Whoever can write into an output folder still shows no other file."""
    key = path_of(out).split("/")[2]
    names = ["../secret.txt", str(tmp_path / "secret.txt"), "link.txt", "linked/secret.txt", "takes"]
    (out.folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (out.folder / "linked").symlink_to(tmp_path)
    names += ["./report.html", "takes/../report.html", f"../{out.folder.name}/report.html"]
    manifest = json.loads(out.manifest.read_text())
    out.manifest.write_text(json.dumps(manifest | {"files": dict.fromkeys([*names, "report.html"], "0")}))
    assert [served_file(tmp_path / "home", key, name) for name in names] == [None] * len(names)
    assert served_file(tmp_path / "home", key, "report.html") == out.report


def test_nothing_in_a_folder_makes_the_server_stumble(out: OutputFolder, browser: TestClient) -> None:
    (out.folder / "ring").symlink_to(out.folder / "ring")
    names = ["ring", "long" * 100, "nul\0"]
    whole = json.loads(out.manifest.read_text())
    out.manifest.write_text(json.dumps(whole | {"files": dict.fromkeys(names, "0")}))
    for name in names:
        assert browser.get(path_of(out) + quote(name)).status_code == 404
    out.manifest.write_text("[" * 100_000)
    assert browser.get(path_of(out) + "report.html").status_code == 404


def test_an_output_folder_that_is_itself_a_link_is_shown(
    out: OutputFolder, browser: TestClient, tmp_path: Path
) -> None:
    (tmp_path / "by another way").symlink_to(out.folder)
    address = register(tmp_path / "by another way").removeprefix(SERVER)
    assert browser.get(address + "report.html").status_code == 200


@pytest.mark.parametrize("address", ["/", "/p", "/p/", "/p/x/", "/p/x/report.html", "/docs", "/openapi.json"])
def test_without_an_id_there_is_nothing(out: OutputFolder, browser: TestClient, address: str) -> None:
    path_of(out)
    assert browser.get(address).status_code == 404


def test_nothing_can_be_written(out: OutputFolder, browser: TestClient) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert browser.request(method, path_of(out) + "report.html").status_code == 405


def test_a_strangers_host_name_is_turned_away(out: OutputFolder, browser: TestClient) -> None:
    answer = browser.get(path_of(out) + "report.html", headers={"Host": "evil.example"})
    assert answer.status_code == 400


@pytest.mark.parametrize("damage", ["", "[]", "{", '{"a": 1}'])
def test_damaged_ids_or_manifests_show_nothing(
    out: OutputFolder, browser: TestClient, damage: str, tmp_path: Path
) -> None:
    address = path_of(out)
    whole = out.manifest.read_text()
    out.manifest.write_text(damage)
    assert browser.get(address + "report.html").status_code == 404
    out.manifest.write_text(whole)
    assert browser.get(address + "report.html").status_code == 200
    (tmp_path / "home" / "papers.json").write_text(damage)
    assert browser.get(address + "report.html").status_code == 404


def test_a_folder_keeps_its_id_and_no_two_share_one(out: OutputFolder, tmp_path: Path) -> None:
    first, again, other = register(out.folder), register(out.folder), register(tmp_path / "other")
    assert first == again != other
    assert len(first.split("/")[-2]) >= 22


def test_the_ids_are_their_owners_alone(out: OutputFolder, tmp_path: Path) -> None:
    register(out.folder)
    assert stat.S_IMODE((tmp_path / "home" / "papers.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700
    assert [path.name for path in (tmp_path / "home").glob("*.part*")] == []


def test_many_passes_may_register_at_once(tmp_path: Path) -> None:
    threads = [Thread(target=register, args=(tmp_path / f"reel{n}",)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(json.loads((tmp_path / "home" / "papers.json").read_text())) == 16


def test_without_a_server_there_is_no_address_and_no_trace(
    out: OutputFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FOLEY_PAPERS_URL")
    assert url_of(out.folder, out.report) == ""
    assert not (tmp_path / "home").exists()


def test_the_address_of_a_file_survives_any_name(out: OutputFolder, browser: TestClient) -> None:
    address = url_of(out.folder, out.takes / "a #1 列.wav")
    assert address.endswith("/takes/a%20%231%20%E5%88%97.wav")
    assert browser.get(address).status_code == 200


def test_a_home_that_cannot_be_written_costs_the_link_alone(
    out: OutputFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FOLEY_PAPERS_HOME", str(tmp_path / "file"))
    assert url_of(out.folder, out.report) == ""


def test_ids_are_kept_in_the_store_where_no_home_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("FOLEY_PAPERS_HOME")
    monkeypatch.setenv("FOLEY_STORE", str(tmp_path / "store"))
    assert papers_home() == tmp_path / "store" / "papers"


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConductorError, match=f"port {port} .* name another one with --port"):
            serve(port, tmp_path)


def test_the_process_serves_this_machine_alone_and_says_nothing(out: OutputFolder, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "flows.watching.papers", "--port", str(port), "--home", str(tmp_path / "home")]
    environment = os.environ | {"PYTHONPATH": str(HOME)}
    with subprocess.Popen(
        command, cwd=HOME, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            address = f"http://127.0.0.1:{port}{path_of(out)}report.html"
            assert _answer(address) == b"<h1>Report</h1>"
            assert httpx.get(address, headers={"Range": "bytes=0-3"}, trust_env=False).content == b"<h1>"
        finally:
            process.terminate()
        said, _ = process.communicate(timeout=PATIENCE_S)
    assert said == b""


def _answer(address: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    give_up_at = time.monotonic() + PATIENCE_S
    while True:
        try:
            with opener.open(address, timeout=5) as reply:
                return bytes(reply.read())
        except urllib.error.URLError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.1)
