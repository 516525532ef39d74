"""The output folder, and whose files are whose.

    DIR/<edit>.foley.<ext>  DIR/<edit>.foley-only.otio  DIR/<edit>.foley-only.xml  DIR/takes/*.wav  DIR/players/*.flac
    DIR/stems/*.wav  DIR/cues.csv  DIR/report.html  DIR/pictures/*.png  DIR/preview.mp4  DIR/foley_manifest.json

A file may be replaced only when it is, byte for byte, what an earlier pass wrote there: the manifest keeps the digests.
Names about to be written are noted in the manifest first, so a pass that was killed half-way finds its own files again.
Takes guard themselves: each carries who made it, and a digest of its sound.
"""

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from flows.errors import OutputFolderError
from flows.places import edit_name
from pipeline.files import replacing, sha256_of
from pipeline.files_as_found import unnameable
from timeline_io.bundles import timeline_file
from timeline_io.companion import companion_names

MANIFEST_NAME = "foley_manifest.json"
_LONGEST_NAME = 230  # of the 255 that file systems allow, less what a temporary name adds
_MARK = "smooth-foley manifest"


class OutputFolder:
    """A folder a pass may write to. Open one with `open_folder`."""

    def __init__(self, folder: Path, edit: Path, previous: Mapping[str, Any]) -> None:
        self.folder = folder
        self.edit = folder / f"{edit_name(edit)}.foley{edit.suffix}"
        self.companions = tuple(folder / name for name in companion_names(edit_name(edit)))
        self.takes = folder / "takes"
        self.players = folder / "players"
        self.stems = folder / "stems"
        self.report = folder / "report.html"
        self.pictures = folder / "pictures"
        self.preview = folder / "preview.mp4"
        self.manifest = folder / MANIFEST_NAME
        self._digests: dict[str, str] = dict(previous.get("files", {}))
        self._unfinished: set[str] = set(previous.get("writing", ()))
        self._previous = {name: value for name, value in previous.items() if name not in ("files", "writing")}

    def cue_sheet(self) -> Path:
        """Where the cue sheet goes: cues.csv, or cues.foley.csv when a person has changed or written cues.csv."""
        first = self.folder / "cues.csv"
        return first if self._may_write(first) else self.folder / "cues.foley.csv"

    def require_free(self, files: Iterable[Path]) -> None:
        """Raise OutputFolderError for the first file that exists and is not ours as we left it."""
        for file in files:
            if not self._may_write(file):
                raise OutputFolderError(
                    f"{file} is not a file of an earlier pass, or was changed since, and would be overwritten: "
                    "move it away, or name another folder with --out"
                )

    def holds(self, file: Path) -> bool:
        """Whether an earlier pass finished this file and nobody changed it since."""
        return file.is_file() and self._digests.get(self._key(file)) == sha256_of(file)

    def announce(self, files: Iterable[Path]) -> None:
        """Note in the manifest that these files are about to be written; what it says of the earlier pass stays."""
        self._unfinished |= {self._key(timeline_file(file)) for file in files}
        self._save(self._previous)

    def conclude(self, files: Iterable[Path], document: Mapping[str, Any]) -> None:
        """Write the final manifest: `document`, and the digest of every file written.

        Files of earlier passes that are still as they were left stay ours; they are not removed, because an edit
        imported earlier may still play them.
        """
        self._digests |= {self._key(file): sha256_of(file) for file in map(timeline_file, files)}
        self._unfinished = set()
        self._save(document)

    def _save(self, document: Mapping[str, Any]) -> None:
        head = {"what": _MARK, "schema": 1}
        tail = {"files": dict(sorted(self._digests.items())), "writing": sorted(self._unfinished)}
        write_text(self.manifest, json.dumps(head | dict(document) | tail, indent=2) + "\n")

    def _may_write(self, file: Path) -> bool:
        if not os.path.lexists(file):
            return True
        file = timeline_file(file)
        if not file.is_file():
            return False
        key = self._key(file)
        return key in self._unfinished or self._digests.get(key) == sha256_of(file)

    def _key(self, file: Path) -> str:
        return file.relative_to(self.folder).as_posix()


def open_folder(folder: Path, edit: Path) -> OutputFolder:
    """The output folder for a pass over `edit`, made when it is not there, and safe to write to.

    Raises OutputFolderError when it is a file, cannot be written, or holds someone's files under our names.
    """
    require_writable(folder, "--out")
    out = OutputFolder(folder, edit, manifest_of(folder))
    longest = max((out.edit, *out.companions), key=lambda file: len(os.fsencode(file.name)))
    if len(os.fsencode(longest.name)) > _LONGEST_NAME:
        raise OutputFolderError(f"{longest.name} is too long for a file name: give the edit a shorter one")
    out.require_free([out.edit, *out.companions, out.report, out.preview, out.cue_sheet()])
    return out


def require_writable(folder: Path, option: str) -> None:
    """Make the folder when it is not there. Raises OutputFolderError, naming `option`, when it cannot be written."""
    require_promising(folder, option)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise OutputFolderError(f"{folder} cannot be written ({why}): name another folder with {option}") from error


def require_promising(folder: Path, option: str) -> None:
    """Raise OutputFolderError, naming `option`, when a folder can be seen to be none to write to. Writes nothing."""
    if why := unnameable(folder):
        raise OutputFolderError(f"{why}, or name another folder with {option}")
    standing = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    if not standing.is_dir():
        raise OutputFolderError(f"{standing} is a file, so nothing can be written there: name a folder with {option}")
    if not os.access(standing, os.W_OK | os.X_OK):
        raise OutputFolderError(f"{standing} may not be written to: name another folder with {option}")


def write_text(file: Path, text: str) -> Path:
    """Write UTF-8 text, whole or not at all; what is no text (half a surrogate pair in a name) becomes "?".

    Raises OutputError when it cannot be written.
    """
    with replacing(file) as draft:
        draft.write_bytes(text.encode("utf-8", "replace"))
    return file


def manifest_of(folder: Path) -> Mapping[str, Any]:
    """What the last pass that wrote to `folder` noted there; {} when there was none.

    Raises OutputFolderError when a file that is no manifest of ours lies in its place.
    """
    return _previous(folder / MANIFEST_NAME)


def passes_of(folder: Path, conform: Path | None = None) -> dict[Path, Mapping[str, Any]]:
    """The manifests of the passes that a pass into `folder` comes after, by their folders, each read once.

    First comes the one it follows: that of `conform`, else the last one that wrote to `folder`; then those that one
    followed; `folder` is always among them. Raises OutputFolderError as `manifest_of` does.
    """
    if conform is not None and not (conform / MANIFEST_NAME).is_file():
        raise OutputFolderError(f"--conform {conform} is not the output folder of an earlier pass: name one that is")
    found: dict[Path, Mapping[str, Any]] = {}
    following: Path | None = folder if conform is None else conform.absolute()
    while following is not None and following not in found:
        found[following] = manifest_of(following)
        told = found[following].get("conformed_from")
        following = Path(told) if isinstance(told, str) else None
    if folder not in found:
        found[folder] = manifest_of(folder)
    return found


def rows_of(manifest: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """The shots of a manifest with their cues, as plain JSON objects; anything else in their place is passed over."""
    for shot in _objects(manifest.get("shots")):
        yield shot, list(_objects(shot.get("cues")))


def _objects(rows: Any) -> Iterable[dict[str, Any]]:
    return (row for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()


def _previous(manifest: Path) -> Mapping[str, Any]:
    if not os.path.lexists(manifest):
        return {}
    try:
        document = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OutputFolderError(_not_ours(manifest)) from error
    if not isinstance(document, dict) or document.get("what") != _MARK:
        raise OutputFolderError(_not_ours(manifest))
    return document


def _not_ours(manifest: Path) -> str:
    return f"{manifest} is not a manifest of this program: move it away, or name another folder with --out"
