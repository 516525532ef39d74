"""The environment of a studio's processes: how the server is tuned, and how everybody finds it and is let in.

Secrets travel in the environment, which no other user of the machine can read, and never on a command line.
"""

import os
import re
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from flows.errors import StudioError
from flows.places import absolute
from flows.server.prefect_env import QUIET_DEFAULTS, past_proxies
from flows.watching.papers import HOME_VARIABLE, URL_VARIABLE

# Prefect knows no shorter heartbeat; three in a row must be missing before a run counts as lost.
HEARTBEAT_S, LOST_AFTER_S = 30, 90
# A worker asks for work this often.
_ASK_EVERY_S = 5
_DATABASES = ("postgresql+asyncpg://", "sqlite+aiosqlite:///")
# What a person may have set for another server must not reach ours, and the secrets of the studio not its passes.
_NOT_OURS = (
    "FOLEY_STUDIO_DATABASE",
    "FOLEY_SMTP_PASSWORD",
    "PREFECT_PROFILE",
    "PREFECT_API_KEY",
    "PREFECT_API_DATABASE_CONNECTION_URL",
    "PREFECT_SERVER_DATABASE_CONNECTION_URL",
    "PREFECT_UI_API_URL",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE",
)
# Runs work in folders of their own, which are deleted after them: what is named from here must be known there.
_FOLDERS = ("FOLEY_STORE", "FOLEY_MODELS", "FOLEY_SLOTS", "FOLEY_STUDIO")
_PASSWORD = re.compile(r"(://[^:/@]*):.*@")


def client_environment(api_url: str, credentials: str) -> dict[str, str]:
    """What a process needs to speak to the studio's server; to be set before Prefect is imported."""
    return {
        "PREFECT_API_URL": api_url,
        "PREFECT_API_AUTH_STRING": credentials,
        # The default is six times as slow: the watch, which waits for three of these, would call every run lost.
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_S),
        **past_proxies(os.environ, urlsplit(api_url).hostname or "localhost"),
    }


def common_environment(prefect_home: Path, api_url: str, ui_url: str, credentials: str) -> dict[str, str]:
    """For every process of a studio: this process's environment, and on top what the studio decides."""
    inherited = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
    return {
        **QUIET_DEFAULTS,
        **inherited,
        **{name: str(absolute(Path(inherited[name]))) for name in _FOLDERS if inherited.get(name)},
        **client_environment(api_url, credentials),
        **_python_path(inherited),
        # Runs are started as "python", which must be this one.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)]),
        "PREFECT_HOME": str(prefect_home),
        "PREFECT_UI_URL": ui_url,
        # Nobody watches a night: what goes wrong must be in the logs.
        "PREFECT_INTERNAL_LOGGING_LEVEL": "ERROR",
        "PREFECT_WORKER_QUERY_SECONDS": str(_ASK_EVERY_S),
    }


def papers_environment(url: str, folder: Path) -> dict[str, str]:
    """Where passes register what they wrote, so that the server's pages can link to it."""
    return {URL_VARIABLE: url, HOME_VARIABLE: str(folder)}


def server_environment(common: Mapping[str, str], ui_url: str, local_url: str, database: str) -> dict[str, str]:
    """For the server: its password, its database, where its pages find it and from where they may be shown."""
    return {
        **common,
        "PREFECT_SERVER_API_AUTH_STRING": common["PREFECT_API_AUTH_STRING"],
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": database,
        "PREFECT_SERVER_UI_API_URL": f"{ui_url}/api",
        # Pages of other sites have no business here.
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": ",".join(dict.fromkeys((ui_url, local_url))),
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
    }


def worker_environment(common: Mapping[str, str], device: str | None) -> dict[str, str]:
    """For a worker: the one GPU it may use, or all of them for None."""
    return {**common, **({} if device is None else {"CUDA_VISIBLE_DEVICES": device})}


def checked_database(url: str | None, prefect_home: Path) -> str:
    """The database URL to use; None is a file in Prefect's folder. Raises StudioError for one that cannot be."""
    if url is None:
        return f"sqlite+aiosqlite:///{prefect_home / 'prefect.db'}"
    if not url.startswith(_DATABASES):
        raise StudioError(
            f"the database {without_password(url)} cannot be used: write postgresql+asyncpg://USER@HOST/NAME"
        )
    return url


def without_password(url: str) -> str:
    """The URL as it may be shown. In a database's, a password may hold letters that end one elsewhere, such as "/"."""
    return _PASSWORD.sub(r"\1@", url)


def has_password(url: str) -> bool:
    """Whether a URL carries a password for all to see."""
    return without_password(url) != url


def _python_path(inherited: Mapping[str, str]) -> dict[str, str]:
    """Let the children, who work in other folders, find the very packages that run here."""
    home = str(Path(__file__).resolve().parents[2])
    path = [entry for entry in inherited.get("PYTHONPATH", "").split(os.pathsep) if entry]
    if home in path or home in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib")):
        return {}
    return {"PYTHONPATH": os.pathsep.join([home, *path])} if home in sys.path else {}
