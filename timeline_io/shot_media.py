"""The media of an edit's shots: each asks for what it shows, with the others that name a file in the same way."""

from __future__ import annotations

from dataclasses import replace

from timeline_io.bundles import container_of
from timeline_io.edit import Edit, Numbered, Shot
from timeline_io.media import Finder, Found, MediaSearch
from timeline_io.media_need import Need, merged

# The same pictures may be counted in more than one way, and lie on more than one reel.
_Named = tuple[str, Numbered | None, str]


def with_media(edit: Edit, media: MediaSearch | None = None) -> Edit:
    """The edit with the media of its shots found, or the reason why a shot is offline; choices become remarks."""
    search = media or MediaSearch(edit_folder=edit.path.parent)
    wanted = [shot for shot in edit.shots if not shot.offline_reason]
    if not wanted:
        return edit
    finder = container_of(edit.path).finder(search)
    needs: dict[_Named, list[Need]] = {}
    for shot in wanted:
        needs.setdefault(_named(shot), []).append(_need(shot))
    of_all = {named: merged(shown) for named, shown in needs.items()}
    found = {shot.shot_id: _found_for(shot, finder, of_all[_named(shot)]) for shot in wanted}
    shots = tuple(_with_file(shot, found[shot.shot_id]) if shot.shot_id in found else shot for shot in edit.shots)
    chosen = (place.remark for place in found.values() if place.remark)
    return replace(edit, shots=shots, remarks=tuple(dict.fromkeys((*edit.remarks, *chosen))))


def _named(shot: Shot) -> _Named:
    return shot.media_ref, shot.numbered, shot.reel


def _found_for(shot: Shot, finder: Finder, of_all: Need) -> Found:
    """The file that holds what all shots show that name it in the same way, or else what this one shows."""
    common = finder.find(shot.media_ref, of_all)
    if common.path and not common.contradicted:
        return common
    own = finder.find(shot.media_ref, _need(shot))
    return own if own.path else common


def _need(shot: Shot) -> Need:
    """What a shot shows of its file; the source time is no place in the file when only the media knows its start."""
    edges = (shot.source_start_s, shot.source_start_s + shot.speed * shot.record.duration_s)
    reached = [*edges, *(source_s for _, source_s in shot.ramp)]
    code, first = shot.source_timecode_s, shot.source_start_s
    codes = None if code is None else (code + min(reached) - first, code + max(reached) - first)
    until_s = None if shot.start_unknown else max(reached)
    return Need(until_s=until_s, timecodes_s=codes, counted=shot.source_counted, reel=shot.reel, numbered=shot.numbered)


def _with_file(shot: Shot, found: Found) -> Shot:
    return replace(shot, media=found.path, offline_reason=found.offline_reason)
