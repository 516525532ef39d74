"""Finding the studio's server: does it answer, does it let us in, and how a process is made to use it."""

import base64
import os
import socket
import sys
import urllib.error
import urllib.request

from flows.errors import StudioError
from flows.server.prefect_env import set_defaults
from flows.studio.environment import client_environment
from flows.studio.home import StudioHome, studio_home

_PATIENCE_S = 5.0
_REFUSED = 401


def status_of(url: str, credentials: str = "") -> int | None:
    """The HTTP status that a GET of this URL gives, or None when nobody answers."""
    request = urllib.request.Request(url)
    if credentials:
        request.add_header("Authorization", f"Basic {base64.b64encode(credentials.encode()).decode()}")
    # Without proxies: a studio's proxy must not be asked for the studio's own machines.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_PATIENCE_S) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, ValueError):
        return None


def answers(api_url: str) -> bool:
    """Whether a Prefect server is healthy there; needs no password."""
    return status_of(f"{api_url}/health") == 200


def require_entry(api_url: str, credentials: str) -> None:
    """Raise StudioError when the server does not answer or does not know the password."""
    status = status_of(f"{api_url}/admin/version", credentials)
    if status is None:
        raise StudioError(f"no server answers at {api_url}: is the studio up, and is this its address?")
    if status == _REFUSED:
        raise StudioError(f"the server at {api_url} refuses the password: take it from `foley studio password` there")
    if status != 200:
        raise StudioError(f"what answers at {api_url} (HTTP {status}) is no Prefect server: name the studio's API")


def connect(home: StudioHome) -> None:
    """Make this process speak to PREFECT_API_URL where that is set, else to the studio of this folder.

    To be called before Prefect is imported. Raises StudioError when there is no server to speak to.
    """
    set_defaults()
    if not os.environ.get("PREFECT_API_URL"):
        os.environ.update(client_environment(home.require_running().api_url, home.credentials()))
    require_entry(os.environ["PREFECT_API_URL"], os.environ.get("PREFECT_API_AUTH_STRING", ""))


def join_running_studio() -> bool:
    """Let this process keep its records with the user's running studio; False when there is none to be found.

    A server that the user named, or a Prefect that is imported already, stays as it is.
    """
    if os.environ.get("PREFECT_API_URL") or "prefect" in sys.modules:
        return False
    home = studio_home()
    running = home.running()
    if running is None or not answers(running.api_url):
        return False
    os.environ.update(client_environment(running.api_url, home.credentials()))
    return True


def require_free(host: str, port: int) -> None:
    """Raise StudioError when a server cannot listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise StudioError(
            f"port {port} of {host} cannot be used ({error.strerror or error}): name another with --port"
        ) from error
