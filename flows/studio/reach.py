"""Finding the studio's server: does it answer, does it let us in, and how a process is made to use it."""

import base64
import errno
import json
import os
import re
import socket
import sys
import urllib.error
import urllib.request
from http.client import HTTPException
from importlib.metadata import version

from flows.errors import StudioError
from flows.server.loopback import direct_opener
from flows.server.prefect_env import set_defaults
from flows.studio.environment import client_environment, papers_environment
from flows.studio.home import StudioHome, studio_home
from flows.watching.papers import URL_VARIABLE
from pipeline.errors import PipelineError

_PATIENCE_S = 5.0
_REFUSED = 401
_LONGEST_VERSION = 200


def _got(url: str, credentials: str = "") -> tuple[int | None, bytes]:
    """The HTTP status and the beginning of the answer that a GET of this URL gives; None when nobody speaks HTTP."""
    try:
        request = urllib.request.Request(url)
        if credentials:
            request.add_header("Authorization", f"Basic {base64.b64encode(credentials.encode()).decode()}")
        with direct_opener().open(request, timeout=_PATIENCE_S) as reply:
            return int(reply.status), reply.read(_LONGEST_VERSION)
    except urllib.error.HTTPError as error:
        return error.code, b""
    except (OSError, ValueError, HTTPException):
        return None, b""


def answers(api_url: str) -> bool:
    """Whether a Prefect server is healthy there; needs no password."""
    return _got(f"{api_url}/health")[0] == 200


def require_entry(api_url: str, credentials: str) -> None:
    """Raise StudioError when the server does not answer, does not know the password, or is none of our release."""
    status, answer = _got(f"{api_url}/admin/version", credentials)
    if status is None:
        raise StudioError(f"no server answers at {api_url}: is the studio up, and is this its address?")
    if status == _REFUSED:
        raise StudioError(f"the server at {api_url} refuses the password: take it from `foley studio password` there")
    theirs = _version_in(answer) if status == 200 else ""
    if not theirs:
        raise StudioError(
            f"what answers at {api_url} (HTTP {status}) is no Prefect server: name the studio's API, such as "
            "http://studio-box:4200/api"
        )
    ours = version("prefect")
    if theirs.split(".")[0] != ours.split(".")[0]:
        raise StudioError(f"the server at {api_url} is Prefect {theirs}, here is {ours}: install one release on both")


def _version_in(answer: bytes) -> str:
    """A release as the server's API tells it, "" when that is something else."""
    try:
        told = json.loads(answer)
    except ValueError:
        return ""
    return told if isinstance(told, str) and re.match(r"\d+\.\d+", told) else ""


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
    try:
        home = studio_home()
    except PipelineError:  # a user without a home has no studio either
        return False
    running = home.running()
    if running is None or not answers(running.api_url):
        return False
    os.environ.update(client_environment(running.api_url, home.credentials()))
    if running.papers_url and URL_VARIABLE not in os.environ:
        os.environ.update(papers_environment(running.papers_url, home.papers))
    return True


def require_free(host: str, port: int) -> None:
    """Raise StudioError when a server cannot listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        if isinstance(error, socket.gaierror | UnicodeError) or error.errno == errno.EADDRNOTAVAIL:
            raise StudioError(f"--host {host} is no address of this machine ({why}): name one of its own") from error
        raise StudioError(f"port {port} of {host} cannot be used ({why}): name another with --port") from error
