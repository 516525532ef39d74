"""The proxies that the environment names, as far as HTTP clients can use them."""

from __future__ import annotations

from collections.abc import Mapping

_VARIABLES = ("http_proxy", "https_proxy", "all_proxy")
_SPOKEN = ("http", "https", "socks5", "socks5h")


def unusable_proxies(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables and their values whose scheme httpx refuses, even where it would not use them: {"ALL_PROXY": "x://y"}.

    A value without a scheme counts as http, as it does for httpx.
    """
    named = {name: value for name, value in environ.items() if name.lower() in _VARIABLES and "://" in value}
    return {name: value for name, value in named.items() if value.partition("://")[0].lower() not in _SPOKEN}
