"""Quiet, offline defaults for Prefect. They are environment variables because Prefect reads its settings when it is
imported; so call `set_defaults()` first. What the user has set stays as it is, and PREFECT_HOME is left alone."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from flows.errors import ConductorError
from pipeline.errors import PipelineError
from pipeline.proxies import unusable_proxies
from pipeline.user_folders import home_folder

QUIET_DEFAULTS = {
    # Nobody is told that a sound was made.
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    # The pass has its own words for what happens; Prefect speaks only when something is wrong.
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_INTERNAL_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    # One row per transaction is the server's default and five times slower.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "200",
}


def set_defaults() -> bool:
    """Fill in what the user has not set; False when Prefect was imported already and will not notice."""
    for name, value in QUIET_DEFAULTS.items():
        os.environ.setdefault(name, value)
    os.environ.update(past_proxies(os.environ, "127.0.0.1", "localhost"))
    return "prefect" not in sys.modules


def prefect_home() -> Path:
    """Where Prefect keeps its records: PREFECT_HOME, else a folder in the user's home.

    To be asked before Prefect is imported, which would end in a traceback. Raises ConductorError when there is no such
    place or it cannot be written.
    """
    told = os.environ.get("PREFECT_HOME")
    try:
        usual = home_folder("the records of Prefect", "PREFECT_HOME") / ".prefect"
    except PipelineError as error:
        if not told:
            raise ConductorError(f"{error}, or do without Prefect with --no-prefect") from error
        # Prefect asks for a home even where it is told another place.
        os.environ["HOME"] = str(Path(told).absolute())
    home = Path(told) if told else usual
    standing = next((folder for folder in (home, *home.parents) if folder.exists()), home)
    if not (standing.is_dir() and os.access(standing, os.W_OK | os.X_OK)):
        raise ConductorError(
            f"{home}, where Prefect keeps its records, cannot be written: set PREFECT_HOME to another folder, or do "
            "without Prefect with --no-prefect"
        )
    return home.absolute()


def past_proxies(environ: Mapping[str, str], *hosts: str) -> dict[str, str]:
    """The variables that let these hosts be asked directly, added to what they hold.

    Prefect's client asks every proxy that the environment names, and a studio's proxy knows neither this machine nor
    may it hear the password. One that httpx does not speak is left out: it would refuse to start, whoever is asked.
    """
    told = (environ.get("no_proxy") or environ.get("NO_PROXY") or "").split(",")
    direct = ",".join(dict.fromkeys(filter(None, [*(host.strip() for host in told), *hosts])))
    return {"no_proxy": direct, "NO_PROXY": direct, **dict.fromkeys(unusable_proxies(environ), "")}
