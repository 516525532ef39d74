"""One folder under two names: as the editor's machine sees it and as this one does."""

from __future__ import annotations

from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

from timeline_io.media_paths import is_windows_path, plain_path

# Pairs (prefix in the edit, prefix here); the longest prefix that fits wins, in both directions.
PathMaps = tuple[tuple[str, str], ...]


def from_edit(path: str, maps: PathMaps) -> str | None:
    """A path as the edit writes it -> the same here, or None when no map fits."""
    for there, here in sorted(maps, key=lambda pair: len(plain_path(pair[0])), reverse=True):
        rest = _after_prefix(path, plain_path(there))
        if rest is not None:
            return f"{here.rstrip('/')}/{rest}" if rest else here
    return None


def to_edit_path(path: Path, maps: PathMaps) -> PurePath:
    r"""A file here -> the path the editor's machine knows it by: mapped, or its absolute path when no map fits.

    It is a path of that machine's kind: `("D:\\rushes", "/mnt/rushes")` makes `/mnt/rushes/a.wav` the Windows path
    `D:\\rushes\\a.wav`. Links are not followed.
    """
    own = path.absolute()
    for there, here in sorted(maps, key=lambda pair: len(plain_path(pair[1])), reverse=True):
        rest = _after_prefix(str(own), plain_path(here))
        if rest is not None:
            prefix = plain_path(there)
            kind = PureWindowsPath if is_windows_path(prefix) or prefix.startswith("//") else PurePosixPath
            return kind(f"{prefix.rstrip('/')}/{rest}")
    return own


def _after_prefix(path: str, prefix: str) -> str | None:
    """What follows `prefix` in `path`, whole folders only; Windows paths compare without case."""
    path, prefix = path.replace("\\", "/"), prefix.replace("\\", "/").rstrip("/")
    same_case = not (is_windows_path(prefix) or prefix.startswith("//"))
    head = path[: len(prefix)]
    if (head != prefix) if same_case else (head.casefold() != prefix.casefold()):
        return None
    rest = path[len(prefix) :]
    return rest.lstrip("/") if not rest or rest.startswith("/") else None
