"""How editors spell the place of a media file, turned into plain paths.

Resolve writes native paths, Premiere and Final Cut write URLs of half a dozen kinds, and all of them
come from another machine. Standard URL helpers lose the drive of `G:/x.mp4` and everything after `#`.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePath
from urllib.parse import quote, unquote_to_bytes

_DRIVE = re.compile(r"[A-Za-z]:(?=[\\/]|$)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:(?=/)")
_FILE_SCHEME = re.compile(r"file:", re.IGNORECASE)


def plain_path(ref: str) -> str:
    """The path meant by a media reference: forward slashes, no escapes in URLs, `//server/share` for UNC.

    A reference on another scheme than `file:` gives "".
    """
    ref = ref.strip()
    if _FILE_SCHEME.match(ref):
        return _path_of_url(ref[5:])
    if is_windows_path(ref):
        return ref.replace("\\", "/")
    return "" if _SCHEME.match(ref) else ref


def spellings(ref: str) -> tuple[str, ...]:
    """The paths a reference may mean, the most literal first."""
    path = plain_path(ref)
    variants = [path, unescaped(path)]
    if not path.startswith("/") and "\\" in path:
        variants.append(path.replace("\\", "/"))
    # macOS stores file names decomposed; the same name arrives composed from other systems.
    for form in ("NFC", "NFD"):
        variants += [unicodedata.normalize(form, variant) for variant in variants[:3]]
    return tuple(dict.fromkeys(variant for variant in variants if variant and "\0" not in variant))


def unescaped(path: str) -> str:
    """`path` with percent escapes decoded as UTF-8, or as Latin-1 when they are not UTF-8."""
    if "%" not in path:
        return path
    raw = unquote_to_bytes(path)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def is_windows_path(path: str) -> bool:
    """Whether the path starts with a drive letter or is a UNC path written with backslashes."""
    return bool(_DRIVE.match(path)) or path.startswith("\\\\")


def is_absolute(path: str) -> bool:
    """Whether the path is absolute on any system."""
    return path.startswith("/") or is_windows_path(path)


def name_parts(path: str) -> tuple[str, ...]:
    """The folders and the file name of a path written on any system, without drive or root."""
    return tuple(part for part in _DRIVE.sub("", path).replace("\\", "/").split("/") if part not in ("", "."))


def localhost_url(path: PurePath) -> str:
    """`file://localhost/...` with every byte escaped that is not plain, as Final Cut and Premiere want it."""
    text = str(path).replace("\\", "/")
    if text.startswith("//"):
        return "file:" + quote(text)
    return "file://localhost/" + quote(text.lstrip("/"), safe="/:" if _DRIVE.match(text) else "/")


def _path_of_url(rest: str) -> str:
    """What follows `file:` -> a path. `//localhost/C:/x`, `///C%3A/x`, `//C:/x`, `//server/share/x`,
    `////server/share/x`, `/x`."""
    path = unescaped(rest).replace("\\", "/")
    if not path.startswith("//"):
        return path
    host, slash, below = path[2:].partition("/")
    if _DRIVE.match(host + slash):
        return path[2:]
    if not host and below.startswith("/"):
        return "/" + below
    if host.lower() in ("", "localhost", "127.0.0.1"):
        return below if _DRIVE.match(below) else "/" + below.lstrip("/")
    return path
