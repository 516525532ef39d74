"""Speaking to servers of this machine or this studio: on a port of our own, and never through a proxy."""

from __future__ import annotations

import socket
import urllib.request


def direct_opener() -> urllib.request.OpenerDirector:
    """Opens URLs without proxies: a studio's proxy must not be asked for the studio's own machines."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
