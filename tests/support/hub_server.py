"""A hub on this machine: serves folders of files the way the real one does, and can cut a download off."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class LocalHub(ThreadingHTTPServer):
    """repos: repository name -> folder. cut: file name -> bytes after which its first download breaks off.

    asked: (method, path, first byte) of every request, in order. refusal: status and error code of every answer.
    """

    daemon_threads = True

    def __init__(self, repos: dict[str, Path]) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.repos = repos
        self.cut: dict[str, int] = {}
        self.asked: list[tuple[str, str, int]] = []
        self.refusal: tuple[int, str] | None = None

    @property
    def address(self) -> str:
        """What HF_ENDPOINT is to be."""
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks off is meant to."""


@contextmanager
def local_hub(repos: dict[str, Path]) -> Iterator[LocalHub]:
    """A hub that answers for the length of the block."""
    hub = LocalHub(repos)
    thread = Thread(target=hub.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: LocalHub

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def _answer(self, *, with_body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        first = int((re.match(r"bytes=(\d+)-", self.headers.get("Range", "")) or [0, 0])[1])
        self.server.asked.append((self.command, path, first))
        if self.server.refusal:
            return self._refused(*self.server.refusal)
        file = self._file(path)
        if file is None:
            return self._refused(404, "EntryNotFound")
        content = file.read_bytes()
        self.send_response(206 if first else 200)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("Accept-Ranges", "bytes")
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - first))
        self.end_headers()
        if with_body:
            self._send(file.name, content[first:])

    def _send(self, name: str, content: bytes) -> None:
        limit = self.server.cut.pop(name, None)
        self.wfile.write(content[:limit])
        if limit is not None:
            self.wfile.flush()
            self.close_connection = True
            self.connection.close()

    def _file(self, path: str) -> Path | None:
        found = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        if found is None or found[1] not in self.server.repos or found[2] not in ("main", COMMIT):
            return None
        file = self.server.repos[found[1]] / found[3]
        return file if file.is_file() else None

    def _refused(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()
