"""What a studio starts, worked out and not started."""

import os
import shutil
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from flows.errors import StudioError
from flows.studio.environment import checked_database, client_environment, has_password, without_password
from flows.studio.home import Running, StudioHome
from flows.studio.pools import NIGHTS, NIGHTS_AT_ONCE, PASSES, gpus, worker_plans
from flows.studio.reach import answers, join_running_studio, require_entry, require_free
from flows.studio.studio_plan import Wishes, require_meant, studio_plan
from flows.studio.up import up


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StudioHome:
    monkeypatch.setattr("flows.studio.studio_plan._machine", lambda: "box")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    home = StudioHome(tmp_path / "studio")
    home.make()
    return home


def test_one_worker_per_gpu_sees_that_gpu_alone() -> None:
    plans = worker_plans("box", ["0", "1"], None)
    assert [(plan.name, plan.pool, plan.limit, plan.device) for plan in plans] == [
        ("box-1", PASSES, 1, "0"),
        ("box-2", PASSES, 1, "1"),
        ("box-nights", NIGHTS, NIGHTS_AT_ONCE, None),
    ]


@pytest.mark.parametrize(
    ("devices", "wanted", "expected"),
    [([], None, [None]), ([], 2, [None, None]), (["3"], 2, ["3", "3"]), (["0", "1"], 1, ["0"])],
)
def test_the_number_of_workers(devices: list[str], wanted: int | None, expected: list[str | None]) -> None:
    plans = worker_plans("box", devices, wanted, nights=False)
    assert [plan.device for plan in plans] == expected


def test_no_worker_is_no_studio() -> None:
    with pytest.raises(StudioError, match="--workers 0"):
        worker_plans("box", [], 0)


@pytest.mark.parametrize(("value", "found"), [("", []), ("-1", []), ("2", ["2"]), ("GPU-a1, 3", ["GPU-a1", "3"])])
def test_gpus_kept_for_other_work_are_left_alone(value: str, found: list[str]) -> None:
    assert gpus({"CUDA_VISIBLE_DEVICES": value}) == found


def test_gpus_are_asked_of_the_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\nprintf '0\\n1\\n'\n")
    tool.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(tool))
    assert gpus({}) == ["0", "1"]
    tool.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed'; exit 9\n")
    assert gpus({}) == []


def test_the_server_is_tuned_quiet_and_closed(home: StudioHome) -> None:
    plan = studio_plan(home, Wishes(port=4711))
    env = plan.server.environment
    assert env["PREFECT_SERVER_API_AUTH_STRING"] == env["PREFECT_API_AUTH_STRING"] == home.credentials()
    assert env["PREFECT_API_URL"] == env["PREFECT_SERVER_UI_API_URL"] == "http://127.0.0.1:4711/api"
    assert env["PREFECT_UI_URL"] == env["PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS"] == "http://127.0.0.1:4711"
    assert env["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert env["PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE"] == "200"
    assert env["PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE"] == "200"
    assert env["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30"
    assert env["PREFECT_HOME"] == str(home.prefect)
    assert env["PREFECT_SERVER_DATABASE_CONNECTION_URL"] == f"sqlite+aiosqlite:///{home.prefect}/prefect.db"
    assert plan.server.arguments == ("server", "start", "--host", "127.0.0.1", "--port", "4711")


def test_another_server_that_the_user_has_set_does_not_leak_in(
    home: StudioHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://elsewhere/api")
    monkeypatch.setenv("PREFECT_API_KEY", "their-key")
    monkeypatch.setenv("PREFECT_API_DATABASE_CONNECTION_URL", "sqlite:///theirs.db")
    for child in (studio_plan(home, Wishes()).server, *studio_plan(home, Wishes()).workers):
        assert child.environment["PREFECT_API_URL"] == "http://127.0.0.1:4200/api"
        assert "PREFECT_API_KEY" not in child.environment
        assert "PREFECT_API_DATABASE_CONNECTION_URL" not in child.environment


def test_folders_that_were_named_from_here_are_the_same_for_runs_that_work_elsewhere(
    home: StudioHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    for name, folder in (("STORE", "takes"), ("SLOTS", "~/slots"), ("MODELS", "")):
        monkeypatch.setenv(f"FOLEY_{name}", folder)
    environment = studio_plan(home, Wishes()).workers[0].environment
    assert environment["FOLEY_STORE"] == str(tmp_path / "takes")
    assert environment["FOLEY_SLOTS"] == str(tmp_path / "me" / "slots")
    assert environment["FOLEY_MODELS"] == ""


def test_no_secret_is_on_a_command_line(home: StudioHome, monkeypatch: pytest.MonkeyPatch) -> None:
    database = "postgresql+asyncpg://foley:hidden@db/foley"
    for variable in ("FOLEY_STUDIO_DATABASE", "PREFECT_SERVER_DATABASE_CONNECTION_URL"):
        monkeypatch.setenv(variable, database)
    monkeypatch.setenv("FOLEY_SMTP_PASSWORD", "hidden")
    plan = studio_plan(home, Wishes(database=database))
    secret = home.credentials().partition(":")[2]
    for child in (plan.server, plan.preparation, *plan.workers):
        line = " ".join(child.command())
        assert secret not in line
        assert "hidden" not in line
    assert plan.database == "postgresql+asyncpg://foley@db/foley"
    assert plan.server.environment["PREFECT_SERVER_DATABASE_CONNECTION_URL"].endswith("foley:hidden@db/foley")
    assert all("hidden" not in str(worker.environment) for worker in plan.workers)


def test_workers_take_one_pass_and_one_gpu_each(home: StudioHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    first, second, nights = studio_plan(home, Wishes()).workers
    assert first.arguments[-6:] == ("--pool", PASSES, "--name", "box-1", "--limit", "1")
    assert second.environment["CUDA_VISIBLE_DEVICES"] == "1"
    assert nights.environment["CUDA_VISIBLE_DEVICES"] == "0,1"
    assert nights.log.name == "box-nights.log"


def test_other_machines_know_it_by_its_address(home: StudioHome) -> None:
    plan = studio_plan(home, Wishes(host="0.0.0.0", address="studio-box", open_to_network=True))
    assert plan.api_url == "http://127.0.0.1:4200/api"
    assert plan.ui_url == "http://studio-box:4200"
    allowed = plan.server.environment["PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS"]
    assert allowed == "http://studio-box:4200,http://127.0.0.1:4200"
    assert studio_plan(home, Wishes(host="::1")).api_url == "http://[::1]:4200/api"


def test_the_network_is_let_in_only_when_that_is_said(home: StudioHome) -> None:
    with pytest.raises(StudioError, match="--open-to-network"):
        up(home, Wishes(host="0.0.0.0"), print)


@pytest.mark.parametrize(
    "url", ["mysql://db/foley", "postgresql://foley:hidden@db/foley", "foley.db", "postgresql+psycopg2://db/foley"]
)
def test_a_database_that_cannot_be_is_one_sentence_without_its_password(url: str, tmp_path: Path) -> None:
    with pytest.raises(StudioError, match=r"write postgresql\+asyncpg://") as caught:
        checked_database(url, tmp_path)
    assert "hidden" not in str(caught.value)


def test_a_password_in_a_url_is_seen_and_hidden() -> None:
    url = "postgresql+asyncpg://foley:hidden@db:5433/foley"
    assert has_password(url)
    assert without_password(url) == "postgresql+asyncpg://foley@db:5433/foley"
    for none in (
        "postgresql+asyncpg://foley@db/foley",
        "http://[::1]:4200/api",
        "smtps://td%40studio@box:465",
        "nonsense",
    ):
        assert not has_password(none)
        assert without_password(none) == none
    for odd in ("hid/den", "hid?den", "hid#den", "hid@den", "hid:den"):
        assert without_password(f"postgresql+asyncpg://foley:{odd}@db/foley") == "postgresql+asyncpg://foley@db/foley"


class Server(BaseHTTPRequestHandler):
    """Knows one password; the health page needs none."""

    version: ClassVar[str] = '"3.8.8"'

    def do_GET(self) -> None:
        good = self.path == "/api/health" or self.headers.get("Authorization") == "Basic Zm9sZXk6bWluZQ=="
        self.send_response(200 if good else 401)
        self.end_headers()
        self.wfile.write(self.version.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def api_url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Server)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/api"
    server.shutdown()
    server.server_close()


def test_a_wrong_password_and_a_wrong_address_have_a_sentence_each(api_url: str) -> None:
    assert answers(api_url)
    require_entry(api_url, "foley:mine")
    with pytest.raises(StudioError, match="refuses the password"):
        require_entry(api_url, "foley:wrong")
    port = api_url.removesuffix("/api").rpartition(":")[2]
    for nobody in (
        "http://127.0.0.1:9/api",
        "nonsense",
        f"127.0.0.1:{port}/api",
        "http://[::1/api",
        "http://box:x/api",
    ):
        with pytest.raises(StudioError, match="no server answers"):
            require_entry(nobody, "foley:mine")


@pytest.mark.parametrize(
    ("told", "word"),
    [
        ('"2.20.1"', "is Prefect 2.20.1, here is 3"),
        ("<html>a proxy</html>", "is no Prefect server"),
        ('{"version": "3.8.8"}', "is no Prefect server"),
        ("", "is no Prefect server"),
    ],
)
def test_another_server_is_not_taken_for_ours(
    api_url: str, told: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Server, "version", told)
    with pytest.raises(StudioError, match=word):
        require_entry(api_url, "foley:mine")


def test_what_speaks_another_language_is_no_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def greet() -> None:
            connection, _ = other.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH_9\r\n")
                connection.recv(1000)

        Thread(target=greet, daemon=True).start()
        with pytest.raises(StudioError, match="no server answers"):
            require_entry(f"http://127.0.0.1:{other.getsockname()[1]}/api", "foley:mine")


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(StudioError, match="name another with --port"):
            require_free("127.0.0.1", taken.getsockname()[1])
        free = taken.getsockname()[1]
    require_free("127.0.0.1", free)


@pytest.mark.parametrize("host", ["no-such-box.invalid", "203.0.113.1", "x" * 70, "a..b"])
def test_an_address_of_another_machine_is_not_taken_for_a_port_in_use(host: str) -> None:
    with pytest.raises(StudioError, match=f"--host {host} is no address of this machine"):
        require_free(host, 4711)


@pytest.mark.parametrize("address", ["http://box", "box:4200", "two words", "", "[::1]", "box/api", "a:b"])
def test_a_name_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(StudioError, match="is no name of a machine"):
        require_meant(Wishes(address=address))


@pytest.mark.parametrize("address", ["studio-box", "studio.example", "10.0.0.1", "fd00::1", "::1"])
def test_a_name_that_is_one_is_taken(address: str) -> None:
    require_meant(Wishes(address=address))


def test_no_proxy_hears_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prefect's client asks the proxies of its environment, as the HTTP library below it does."""
    import httpx

    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(0.1)
        url = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        environ = {"HTTP_PROXY": url, "ALL_PROXY": url, "NO_PROXY": "intranet.example"}
        monkeypatch.setattr(os, "environ", environ)
        environ |= client_environment("http://127.0.0.1:9/api", "foley:mine")
        with pytest.raises(httpx.ConnectError):
            httpx.get("http://127.0.0.1:9/api/health")
        with pytest.raises(TimeoutError):
            proxy.accept()
    assert environ["no_proxy"] == environ["NO_PROXY"] == "intranet.example,127.0.0.1"


def test_a_pass_finds_the_running_studio(api_url: str, home: StudioHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.studio.reach.sys.modules", {})
    monkeypatch.setenv("FOLEY_STUDIO", str(home.folder))
    monkeypatch.setattr(os, "environ", {"FOLEY_STUDIO": str(home.folder)})
    assert not join_running_studio()
    papers = "http://127.0.0.1:4201"
    running = Running(pid=1, api_url=api_url, ui_url="u", database="d", workers=(), since="s", papers_url=papers)
    monkeypatch.setattr(StudioHome, "running", lambda self: running)
    assert join_running_studio()
    assert os.environ["PREFECT_API_URL"] == api_url
    assert os.environ["PREFECT_API_AUTH_STRING"] == home.credentials()
    assert os.environ["FOLEY_PAPERS_URL"] == papers
    assert os.environ["FOLEY_PAPERS_HOME"] == str(home.papers)
    assert os.environ["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30"


def test_a_server_the_user_names_comes_first(home: StudioHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.studio.reach.sys.modules", {})
    monkeypatch.setattr(os, "environ", {"FOLEY_STUDIO": str(home.folder), "PREFECT_API_URL": "http://theirs/api"})
    assert not join_running_studio()
    assert os.environ["PREFECT_API_URL"] == "http://theirs/api"
