"""What an edit shows of a media file, what the file says of itself, and how well the two fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from timeline_io.edit import Numbered
from timeline_io.frames import Counting
from timeline_io.media_clock import MediaClock

# A frame: edits round where a clip ends.
_ROUNDED_S = Fraction(1, 24)
# Lists hold eight letters of the name of a reel.
_CUT_OFF_FROM = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFacts:
    """What a media file says of itself: its length, how it counts its timecode, and its reel ("" not known)."""

    length_s: Fraction | None = None
    clock: MediaClock | None = None
    reel: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What an edit shows of a file: up to `until_s` from its start, and `timecodes_s` of its own timecode.

    `counted` is how those were counted, None where they are true seconds; `reel` is the tape or
    card that the edit names. With `numbered` the pictures of an image sequence are wanted.
    """

    until_s: Fraction | None = None
    timecodes_s: tuple[Fraction, Fraction] | None = None
    counted: Counting | None = None
    reel: str = ""
    numbered: Numbered | None = None


ANYTHING = Need()


def merged(needs: Iterable[Need]) -> Need:
    """One need for a file of one reel that is shown several times, at least once."""
    all_of = list(needs)
    numbered = next((need.numbered for need in all_of if need.numbered), None)
    ends = [need.until_s for need in all_of if need.until_s is not None]
    codes = [code for need in all_of if need.timecodes_s for code in need.timecodes_s]
    timecodes_s = (min(codes), max(codes)) if codes else None
    return replace(all_of[0], until_s=max(ends, default=None), timecodes_s=timecodes_s, numbered=numbered)


def suits(facts: MediaFacts, need: Need) -> int:
    """How many of its length and timecode fit what the edit shows, less those that contradict it."""
    return sum(_comparisons(facts, need))


def contradicts(facts: MediaFacts, need: Need) -> bool:
    """Whether what a file says of itself cannot be true of the one that is needed, or of a part of what is shown."""
    return any(fit < 1 for fit in _comparisons(facts, need))


def _comparisons(facts: MediaFacts, need: Need) -> Iterator[int]:
    """Whether each of length and timecode fits, as far as both sides tell: 1, 0 where they do in part, else -1."""
    if need.until_s is not None and facts.length_s is not None:
        yield 1 if need.until_s <= facts.length_s + _ROUNDED_S else -1
    if need.timecodes_s is not None and facts.clock is not None:
        yield _holds(facts.clock, facts.length_s, need.timecodes_s, need.counted)


def _holds(
    clock: MediaClock, length_s: Fraction | None, codes_s: tuple[Fraction, Fraction], counted: Counting | None
) -> int:
    """Whether a stretch of timecode lies inside a file, 0 for a part of it; a frame on either side is left to rounding.

    A handle may begin before the file does, or end after it.
    """
    file_s = clock.day_s / 2 if length_s is None else length_s + 2 / clock.rate
    first_s = (clock.offset_s(codes_s[0], counted) + 1 / clock.rate) % clock.day_s
    end_s = first_s + codes_s[1] - codes_s[0]
    if end_s <= file_s:
        return 1
    return 0 if first_s < file_s or end_s > clock.day_s else -1


def is_of_reel(path: Path, facts: MediaFacts, reel: str) -> int:
    """How surely a file is of a reel: 2 by its own word or the whole name of a folder, 1 by how one begins, else 0."""
    wanted = _letters(reel)
    if not wanted:
        return 0
    names = [_letters(name) for name in (facts.reel, path.stem, *path.parent.parts)]
    if wanted in names:
        return 2
    return int(len(wanted) >= _CUT_OFF_FROM and any(name.startswith(wanted) for name in names))


def _letters(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
