"""What a pass tells Prefect through the environment."""

import os
import pwd
from pathlib import Path

import httpx
import pytest

from flows.errors import ConductorError
from flows.options import PassOptions, store_folder
from flows.server.prefect_env import prefect_home, set_defaults
from pipeline.errors import PipelineError
from pipeline.weights.store import models_folder


def test_defaults_are_quiet_and_never_overrule_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"PREFECT_LOGGING_LEVEL": "DEBUG"})
    set_defaults()
    assert os.environ["PREFECT_LOGGING_LEVEL"] == "DEBUG"
    assert os.environ["DO_NOT_TRACK"] == "1"
    assert os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert "PREFECT_HOME" not in os.environ
    assert "PREFECT_API_URL" not in os.environ


@pytest.mark.parametrize("name", ["ALL_PROXY", "all_proxy", "HTTP_PROXY", "https_proxy"])
@pytest.mark.parametrize(
    "proxy", ["socks5://127.0.0.1:9", "socks5h://127.0.0.1:9", "socks4://box:1", "what://box", "box:1"]
)
def test_no_proxy_of_any_kind_keeps_from_a_server_on_this_machine(
    name: str, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", {name: proxy})
    set_defaults()
    # Nobody listens there, and nobody else is asked.
    with httpx.Client() as client, pytest.raises(httpx.ConnectError, match="Connection refused"):
        client.get("http://127.0.0.1:9/api/health")


def test_proxies_that_can_be_used_elsewhere_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"ALL_PROXY": "socks5://box:1", "http_proxy": "http://box:2"})
    set_defaults()
    assert (os.environ["ALL_PROXY"], os.environ["http_proxy"]) == ("socks5://box:1", "http://box:2")


class TestHome:
    """Whoever has no place for Prefect's records is told which variable to set."""

    @pytest.fixture(autouse=True)
    def nobody(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A user without a name: only the environment says where his home is."""
        monkeypatch.setattr(os, "environ", {})
        monkeypatch.setattr(pwd, "getpwuid", lambda uid: {}[uid])

    def test_no_home_is_one_sentence(self) -> None:
        with pytest.raises(
            ConductorError, match=r"no home folder for the records of Prefect \(HOME is not set\): set PREFECT_HOME"
        ):
            prefect_home()

    def test_a_place_without_a_home_will_do(self, tmp_path: Path) -> None:
        os.environ["PREFECT_HOME"] = str(tmp_path / "records")
        assert prefect_home() == tmp_path / "records"
        assert Path.home() == tmp_path / "records"

    @pytest.mark.parametrize("variable", ["HOME", "PREFECT_HOME"])
    def test_a_place_that_cannot_be_written_is_one_sentence(
        self, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        os.environ |= {"HOME": str(tmp_path), variable: str(tmp_path / "closed")}
        (tmp_path / "closed").mkdir()
        monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "closed")
        with pytest.raises(ConductorError, match=r"closed.* cannot be written: set PREFECT_HOME"):
            prefect_home()

    def test_finished_takes_and_models_need_a_place_as_well(self) -> None:
        with pytest.raises(PipelineError, match=r"finished takes .* set FOLEY_STORE to a folder"):
            store_folder(PassOptions())
        with pytest.raises(PipelineError, match=r"models .* set FOLEY_MODELS to a folder"):
            models_folder()
