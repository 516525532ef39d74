"""Which take of a cue is laid. Who knows best comes first:

1. an editor whose track it lies on     that track stays, and no other take of the cue is laid beside it
2. a person who picked one              in the cue sheet or by a lock, as long as that take could be made
3. its score                            the best of those that could be made; of equals, the first
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import groupby

from flows.shot_job import CueJob
from flows.work.ledger import Ledger
from pipeline.records import ClipReceipt, TakeScore

CueId = tuple[str, str, int]
_FAULT_WORDS = {"silent": "silent", "clipping": "clipped", "offset": "DC", "speech": "speech", "music": "music"}
_FAULT_FROM = 0.005  # less would be told as .00


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One take among those of its cue: whether it is laid, and its `rank` from 1 of the `rank_of` that have a score.

    `rank` is None for a take without one: it could not be made, nothing sounds in it, or it is from before scores.
    """

    laid: bool
    rank: int | None = None
    rank_of: int = 0


def choose_takes(ledger: Ledger, on_kept_tracks: Collection[CueId] = ()) -> dict[CueId, Choice]:
    """The choice about every take, by shot, cue and take. It depends on what was made, not on when or in which order.

    `on_kept_tracks` are the takes that lie on tracks an editor has worked on.
    """
    receipts = {key: take.receipt for key, take in ledger.takes.items() if take.receipt}
    chosen: dict[CueId, Choice] = {}
    for shot_id, heard in ledger.heard.items():
        for cue_id, cues in groupby(heard.cues, key=lambda cue: cue.cue_id):
            kept = {take for shot, cue, take in on_kept_tracks if (shot, cue) == (shot_id, cue_id)}
            for take, choice in _among(list(cues), receipts, kept).items():
                chosen[shot_id, cue_id, take] = choice
    return chosen


def in_words(choice: Choice, score: TakeScore | None, *, picked: bool) -> str:
    """What a person reads about a take: "best of 3: presence .97, label .88"; "" when there is nothing to tell."""
    place = ""
    if choice.rank is not None and choice.rank_of > 1:
        place = f"best of {choice.rank_of}" if choice.rank == 1 else f"no. {choice.rank} of {choice.rank_of}"
    head = ", ".join(filter(None, ("picked" if picked else "", place)))
    return ": ".join(filter(None, (head, _measures(score) if score else "")))


def _among(cues: list[CueJob], receipts: Mapping[str, ClipReceipt], kept: Collection[int]) -> dict[int, Choice]:
    """The choice about each take of one cue, by its number."""
    receipt_of = {cue.take: receipts.get(cue.request.key()) for cue in cues}
    best_first = sorted(receipt_of, key=lambda take: (*_worth(receipt_of[take]), take))
    ranked = [take for take in best_first if _worth(receipt_of[take])[0] == 0]
    pick = cues[0].spotted.take
    laid = min(kept, default=pick if pick is not None and receipt_of.get(pick) else best_first[0])
    return {
        take: Choice(
            laid=take == laid,
            rank=ranked.index(take) + 1 if take in ranked else None,
            rank_of=len(ranked),
        )
        for take in receipt_of
    }


def _worth(receipt: ClipReceipt | None) -> tuple[int, float]:
    """Less is better: scored takes by their score, then those from before scores, then silence, then failures."""
    if receipt is None:
        return 3, 0.0
    if receipt.silent:
        return 2, 0.0
    return (1, 0.0) if receipt.score is None else (0, -receipt.score.total)


def _measures(score: TakeScore) -> str:
    agreeing = {"presence": score.presence, "level": score.level, "label": score.label}
    told = [f"{name} {_short(value)}" for name, value in agreeing.items() if value is not None]
    faults = {word: getattr(score, name) or 0.0 for name, word in _FAULT_WORDS.items()}
    return ", ".join(told + [f"{word} {_short(value)}" for word, value in faults.items() if value >= _FAULT_FROM])


def _short(value: float) -> str:
    return f"{value:.2f}".removeprefix("0")
