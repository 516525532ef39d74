"""Is a model card what a card is? Every entry of its kind, and no file of it outside the model's own folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

_KINDS: dict[str, type] = {
    "name": str,
    "title": str,
    "licence": str,
    "domain": str,
    "labels": list,
    "settings": dict,
    "files": dict,
    "structure": dict,
    "procedural_only": bool,
    "closed_vocabulary": bool,
    "non_commercial": bool,
    "sizes": dict,
    "sources": dict,
    "presets": dict,
    "family": str,
}
_OPTIONAL = {"non_commercial", "sizes", "sources", "presets", "family"}
_WORDS = {str: "text", list: "a list", dict: "a table", bool: "true or false"}
_SHA256 = re.compile(r"[0-9a-f]{64}")


def require_card(card: Any) -> None:
    """Raise ValueError that says which entry of a card, as read from its file, is of another kind."""
    if not isinstance(card, dict):
        raise ValueError("it is no table")
    for name, kind in _KINDS.items():
        if name not in card and name not in _OPTIONAL:
            raise ValueError(f"it has no {name!r}")
        _require(name, card.get(name, kind()), kind)
    for file, sha256 in card["files"].items():
        _require_inside(file)
        if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
            raise ValueError(f"the sha256 of {file!r} is {sha256!r}")
    _require_sources(card.get("sources", {}))


def _require(name: str, value: Any, kind: type) -> None:
    if not isinstance(value, kind):
        raise ValueError(f"{name!r} is {_short(value)}, it must be {_WORDS[kind]}")


def _require_sources(sources: Mapping[str, Any]) -> None:
    for part, origin in sources.items():
        _require(f"sources.{part}", origin, dict)
        _require(f"sources.{part}.source", origin.get("source"), str)
        _require(f"sources.{part}.files", origin.get("files"), dict)


def _require_inside(file: str) -> None:
    """A file of a model lies in its folder: what leads out of it, on any system, is refused."""
    windows = PureWindowsPath(file)
    leads_out = PurePosixPath(file).is_absolute() or windows.drive or windows.root or ".." in windows.parts
    if not file or leads_out:
        raise ValueError(f"the file {file!r} lies outside the model's folder")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
