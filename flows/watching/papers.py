"""Shows in a browser what passes wrote: a tiny server for this machine alone, which can read and nothing else.

    python -m flows.watching.papers --port 4222 --home DIR

A page of the Prefect server may link to `http://...` but not to a file, and plays no sound; so the report of a pass is
served from here. Only folders that a pass registered are served, each under an id that nobody can guess, and of a
folder only the files that its manifest names as written by a pass. There is no list of anything.
"""

import argparse
import json
import os
import secrets
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from filelock import FileLock

from flows.errors import ConductorError
from flows.options import PassOptions, store_folder
from flows.output.delivery import MANIFEST_NAME
from pipeline.files import atomically

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

URL_VARIABLE, HOME_VARIABLE = "FOLEY_PAPERS_URL", "FOLEY_PAPERS_HOME"
_IDS_NAME = "papers.json"
_LOCK_PATIENCE_S = 5.0
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".png": "image/png",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp4": "video/mp4",
    ".csv": "text/csv; charset=utf-8",
}
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # the address holds the id
    "Cache-Control": "no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; media-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}


def papers_home() -> Path:
    """Where the ids are kept: FOLEY_PAPERS_HOME, else a folder of the store."""
    told = os.environ.get(HOME_VARIABLE)
    return Path(told).expanduser().absolute() if told else store_folder(PassOptions()) / "papers"


def register(folder: Path, home: Path | None = None) -> str:
    """The address of an output folder on the papers server, ending in "/"; "" when no server is known.

    The id of a folder stays the same from pass to pass. Raises OSError or filelock.Timeout when it cannot be kept.
    """
    server = os.environ.get(URL_VARIABLE, "").rstrip("/")
    if not server:
        return ""
    home, folder = home or papers_home(), folder.absolute()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with FileLock(home / f".{_IDS_NAME}.lock", timeout=_LOCK_PATIENCE_S):
        folders = _folders(home / _IDS_NAME)
        known = {path: key for key, path in folders.items()}
        if str(folder) not in known:
            known[str(folder)] = secrets.token_urlsafe(18)
            _keep(home / _IDS_NAME, {key: path for path, key in known.items()})
    return f"{server}/p/{known[str(folder)]}/"


def url_of(folder: Path, file: Path) -> str:
    """The address of a file of an output folder; "" when no server shows it. Never raises."""
    with suppress(OSError, ValueError, TimeoutError):
        address = register(folder)
        return address and address + quote(file.relative_to(folder).as_posix())
    return ""


def served_file(home: Path, key: str, name: str) -> Path | None:
    """The file that an id and a name stand for, None when it is not to be shown.

    The name has to be, letter for letter, one that the folder's manifest holds, and the file has to lie in the folder
    itself: a link that leads out of it leads nowhere.
    """
    with suppress(OSError, ValueError, RuntimeError):  # links in a ring, a closed folder, JSON without an end
        told = _folders(home / _IDS_NAME).get(key)
        if told is None or name not in _written_files(Path(told)):
            return None
        folder = Path(told).resolve()
        file = (folder / name).resolve()
        inside = file.is_relative_to(folder) and file.relative_to(folder).as_posix() == name
        return file if inside and file.is_file() and os.access(file, os.R_OK) else None
    return None


def app(home: Path) -> "Starlette":
    """The server's application. Raises nothing for any request: what is not to be shown is not found."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse
    from starlette.routing import Route

    def paper(request: "Request") -> "Response":
        key, name = request.path_params["key"], request.path_params["name"]
        file = served_file(home, key, name or "report.html")
        if file is None:
            return PlainTextResponse("There is no such paper here.\n", status_code=404, headers=_HEADERS)
        if not name:
            return RedirectResponse(f"/p/{quote(key)}/report.html", headers=_HEADERS)
        kind = _TYPES.get(file.suffix.lower(), "application/octet-stream")
        return FileResponse(file, media_type=kind, headers=_HEADERS)

    # Another host name may be that of a stranger's page, which points it at this machine to read along.
    local = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
    return Starlette(routes=[Route("/p/{key}/{name:path}", paper, methods=["GET", "HEAD"])], middleware=[local])


def serve(port: int, home: Path) -> None:
    """Serve until the process is told to end. Raises ConductorError when the port is taken."""
    import uvicorn

    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConductorError(
                f"port {port} of this machine cannot be used ({error.strerror}): name another one with --port"
            ) from error
        # No log of requests: it would be a list of ids.
        config = uvicorn.Config(app(home), log_level="warning", access_log=False, server_header=False)
        uvicorn.Server(config).run(sockets=[listener])


def _folders(ids: Path) -> Mapping[str, str]:
    """Folder by id; none when the file is absent or damaged."""
    try:
        told = json.loads(ids.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {key: path for key, path in told.items() if isinstance(path, str)} if isinstance(told, dict) else {}


def _keep(ids: Path, folders: Mapping[str, str]) -> None:
    """Write the ids where nobody but their owner can read them, whole or not at all."""
    with atomically(ids, private=True) as draft:
        draft.write_text(json.dumps(folders, indent=1), encoding="utf-8")


def _written_files(folder: Path) -> frozenset[str]:
    """The names in a manifest's list of files; none when it is absent or damaged."""
    try:
        files = json.loads((folder / MANIFEST_NAME).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return frozenset()
    return frozenset(files) if isinstance(files, dict) else frozenset()


def main() -> None:
    """The command line of the server process."""
    parser = argparse.ArgumentParser(prog="python -m flows.watching.papers", description="Show what passes wrote.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--home", type=Path, required=True, help="folder of the ids")
    told = parser.parse_args()
    try:
        serve(told.port, told.home.absolute())
    except ConductorError as error:
        parser.exit(2, f"foley: {error}\n")


if __name__ == "__main__":
    main()
