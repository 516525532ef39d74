"""Deciding the cues of a shot. Who knows best comes first:

1. the cue sheet a person wrote          an emptied label or "silence" means: silent on purpose
2. a "foley: ..." marker or note on the clip, "foley: silence" among them
3. the words of the clip's name, where they name a sound the model knows
4. CLIP itself, asked when the shot is looked at
"""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from flows.shot_job import HEARD, NAME, NOTE, Spotted
from pipeline.errors import OutputError
from pipeline.files import make_shared_folder, mark_used, replacing
from pipeline.label import VocabularyLabel, ZeroShotLabel, category_of, clean_label, label_in_name, labels_in_note
from timeline_io.cue_sheet import SILENCE, Cue
from timeline_io.edit import Shot

log = logging.getLogger(__name__)


def given_cues(
    shot: Shot, sheet: Mapping[str, Sequence[Cue]], vocabulary: Sequence[VocabularyLabel]
) -> tuple[Spotted, ...] | None:
    """The sounds decided before anyone looks at the picture: () is silence on purpose, None is "ask CLIP".

    `sheet` holds the cues by shot id; a shot it does not name, or of which it only repeats that nothing was heard,
    falls to its notes, then to its name.
    """
    rows = sheet.get(shot.shot_id, ())
    if any(cue.label.strip() or cue.is_silent for cue in rows):
        return tuple(_from_sheet(cue, vocabulary) for cue in rows if cue.label.strip())
    noted = tuple(label for note in shot.notes for label in labels_in_note(note))
    if noted:
        sounding = dict.fromkeys(label for label in noted if label.casefold() != SILENCE)
        return tuple(_spotted(label, NOTE, vocabulary) for label in sounding)
    named = label_in_name(shot.name, vocabulary)
    return (_spotted(named, NAME, vocabulary),) if named else None


def by_shot(cues: Sequence[Cue]) -> dict[str, tuple[Cue, ...]]:
    """The cues of a sheet, grouped by shot id, in the sheet's order."""
    grouped: dict[str, tuple[Cue, ...]] = {}
    for cue in cues:
        grouped[cue.shot_id] = (*grouped.get(cue.shot_id, ()), cue)
    return grouped


def heard_by_clip(labels: Sequence[ZeroShotLabel]) -> tuple[Spotted, ...]:
    """What CLIP hears in the picture, as cues."""
    return tuple(
        Spotted(label=found.label, category=found.category, confidence=found.confidence, source=HEARD)
        for found in labels
    )


def _from_sheet(cue: Cue, vocabulary: Sequence[VocabularyLabel]) -> Spotted:
    found = _spotted(clean_label(cue.label), cue.source, vocabulary)
    return replace(
        found,
        confidence=cue.confidence if cue.source == HEARD else found.confidence,
        category=cue.category or found.category,
        seed=cue.seed,
        cue_id=cue.cue_id,
        take=cue.take,
        best=cue.best,
        spans=cue.spans,
        tail_frames=cue.tail_frames,
        locked=cue.locked,
        in_sheet=True,
    )


def _spotted(label: str, source: str, vocabulary: Sequence[VocabularyLabel]) -> Spotted:
    """A label a person gave; one the model knows takes the model's spelling: "Car Passing By" is no stranger."""
    known = {entry.text.casefold(): entry for entry in vocabulary}.get(label.casefold())
    text, category = (known.text, known.category) if known else (label, category_of(label))
    return Spotted(label=text, category=category, confidence=1.0, source=source)


class SpotMemory:
    """What CLIP heard in which stretch of which movie, so that a finished pass runs again without loading the model.

    One small JSON file per key under `root`; a damaged one is as good as none.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def find(self, feature_key: str, settings_digest: str) -> tuple[Spotted, ...] | None:
        """What was heard, or None when nobody listened yet."""
        try:
            file = self._file(feature_key, settings_digest)
            rows = json.loads(file.read_text(encoding="utf-8"))
            mark_used(file)
            return tuple(Spotted(label=row[0], category=row[1], confidence=float(row[2]), source=HEARD) for row in rows)
        except (OSError, ValueError, TypeError, LookupError):
            return None

    def put(self, feature_key: str, settings_digest: str, cues: Sequence[Spotted]) -> None:
        """Remember; where the store cannot be written, CLIP is asked again the next time."""
        rows = [[cue.label, cue.category, cue.confidence] for cue in cues]
        file = self._file(feature_key, settings_digest)
        try:
            make_shared_folder(file.parent, self._root)
            with replacing(file) as draft:
                draft.write_text(json.dumps(rows), encoding="utf-8")
        except OutputError as error:
            log.info("what was heard is not kept: %s", error)

    def _file(self, feature_key: str, settings_digest: str) -> Path:
        key = hashlib.sha256(f"{feature_key} {settings_digest}".encode()).hexdigest()
        return self._root / key[:2] / f"{key}.json"
