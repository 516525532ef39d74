"""A PostgreSQL server of a test's own, from Debian's package, on a free port of this machine."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.server.loopback import free_port

_USER = "postgres"


def postgres_tools() -> Path | None:
    """The folder of the newest installed server's programs; None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of an empty database, for as long as the context lasts."""
    tools = postgres_tools()
    assert tools, "no PostgreSQL server is installed"
    folder, port = Path(tempfile.mkdtemp(prefix="foley-postgres-", dir="/tmp")), free_port()
    if os.getuid() == 0:
        shutil.chown(folder, _USER)
    data = folder / "data"
    _run(tools / "initdb", "--auth=trust", f"--username={_USER}", "-D", str(data))
    settings = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c max_connections=200"
    _run(tools / "pg_ctl", "-D", str(data), "-o", settings, "-l", str(folder / "log"), "-w", "start")
    try:
        _run(tools / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", _USER, "foley")
        yield f"postgresql+asyncpg://{_USER}@127.0.0.1:{port}/foley"
    finally:
        _run(tools / "pg_ctl", "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _run(tool: Path, *arguments: str) -> None:
    """PostgreSQL refuses to run as root, so it is made to run as its own user there."""
    command = [str(tool), *arguments]
    if os.getuid() == 0:
        command = ["runuser", "-u", _USER, "--", *command]
    # Its server inherits these; with pipes this would wait for as long as the server runs.
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", check=False)
    assert done.returncode == 0, f"{tool.name} ended with code {done.returncode}"
