"""Media linker foley_search: finds media by path maps and in search folders, by name and best fitting folders.

Arguments: path_maps, a list of [prefix in the edit, prefix here]; roots, a list of folders searched at any depth;
allowed_roots, folders outside which nothing is found; cache, a folder to remember the names of files in.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import opentimelineio as otio

from timeline_io.media import MediaSearch
from timeline_io.media_need import ANYTHING
from timeline_io.path_maps import PathMaps

# A linker is asked for every clip alone; the folders are not listed again for each.
_REMEMBERED_S = 60


def link_media_reference(in_clip: Any, media_linker_argument_map: Mapping[str, Any] | None = None) -> Any:
    """A reference to the file that was found, as a plain path; None, which keeps the old one, when there is none.

    A choice between several equally good files is told in the reference's metadata under `foley_search`.
    """
    reference = in_clip.media_reference
    wanted = _wanted(in_clip, reference)
    found = _search(media_linker_argument_map or {}).find(wanted, ANYTHING) if wanted else None
    if found is None or found.path is None:
        return None
    linked = otio.schema.ExternalReference(
        target_url=str(found.path), available_range=reference.available_range, metadata=dict(reference.metadata)
    )
    linked.name = reference.name
    if found.remark:
        linked.metadata["foley_search"] = {"remark": found.remark}
    return linked


def _wanted(clip: Any, reference: Any) -> str:
    """What to search for: a missing reference still tells the name; generators and image sequences are no files."""
    if isinstance(reference, otio.schema.ExternalReference):
        return str(reference.target_url)
    if isinstance(reference, otio.schema.MissingReference):
        return str(reference.name or clip.name)
    return ""


def _search(arguments: Mapping[str, Any]) -> MediaSearch:
    maps = tuple((str(there), str(here)) for there, here in arguments.get("path_maps") or ())
    roots, allowed = (tuple(map(str, arguments.get(key) or ())) for key in ("roots", "allowed_roots"))
    return _remembered(maps, roots, allowed, str(arguments.get("cache") or ""), int(time.monotonic() / _REMEMBERED_S))


@lru_cache(maxsize=2)
def _remembered(
    maps: PathMaps, roots: tuple[str, ...], allowed: tuple[str, ...], cache: str, _minute: int
) -> MediaSearch:
    return MediaSearch(
        path_maps=maps,
        roots=tuple(map(Path, roots)),
        allowed_roots=tuple(map(Path, allowed)),
        cache=Path(cache) if cache else None,
    )
