"""What a pass tells Prefect through the environment."""

import os

import httpx
import pytest

from flows.server.prefect_env import set_defaults


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
