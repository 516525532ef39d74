"""Names of sound files that every editor, file system and burn-in survives: ASCII, short, unique."""

import hashlib
import re
import unicodedata
from enum import StrEnum
from fractions import Fraction

from flows.output.ucs import cat_id, own_cat_id, stem_cat_id
from pipeline.bwf import channel_mode

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9]+")


def slug(text: str, limit: int) -> str:
    """`text` in ASCII letters, digits and dashes, at most `limit` (at least 8) characters, never empty.

    Letters lose their accents. Text that cannot be spelled or is cut gets a short digest, so that two names stay two.
    """
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    plain = _NOT_PLAIN.sub("-", ascii_text).strip("-")
    lost = any(char.isalnum() and not unicodedata.normalize("NFKD", char)[0].isascii() for char in text)
    if plain and not lost and len(plain) <= limit:
        return plain
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    head = plain[: limit - 7].strip("-")
    return f"{head}-{digest}" if head else digest


class Naming(StrEnum):
    """Patterns of file and track names.

    plain    reel_sh0010_footsteps-on-gravel_s123.wav                   FOLEY Footsteps 1
    ucs      FOLYFeet_footsteps-on-gravel_FOLEY_reel_sh0010-s123.wav    FOLYFeet 1      (UCS: see ucs.py)
    netflix  reel_sh0010_FXPD_footsteps-on-gravel-s123_mono_48k_24b_23976.wav   FXPD Footsteps 1   (pre-dub naming)
    """

    PLAIN = "plain"
    UCS = "ucs"
    NETFLIX = "netflix"


class TakeNames:
    """Hands out one file name per take in a pattern, under 120 characters.

    Names that differ only in case count as equal, for disks that cannot tell them apart; the second gets `_2`.
    """

    def __init__(self, edit_name: str, rate: Fraction, naming: Naming = Naming.PLAIN, *, channels: int = 1) -> None:
        self._edit = slug(edit_name, 28)
        self._channels = channel_mode(channels)
        self._naming, self._rate = naming, rate
        self._given: set[str] = set()

    def name(self, shot_id: str, label: str, category: str, seed: int) -> str:
        """The file name of one more take."""
        stem = self._stem(slug(shot_id, 20), label, category, seed)
        number = 1
        name = f"{stem}.wav"
        while name.lower() in self._given:
            number += 1
            name = f"{stem}_{number}.wav"
        self._given.add(name.lower())
        return name

    def _stem(self, shot: str, text: str, category: str, seed: int) -> str:
        label = slug(text, 28)
        if self._naming is Naming.UCS:
            # A CatID that a person wrote before the label is not said twice.
            _own, rest = own_cat_id(text)
            return f"{cat_id(text, category)}_{slug(rest or text, 28)}_FOLEY_{self._edit}_{shot}-s{seed}"
        if self._naming is Naming.NETFLIX:
            return f"{self._edit}_{shot}_FXPD_{label}-s{seed}_{self._channels}_48k_24b_{_rate_digits(self._rate)}"
        return f"{self._edit}_{shot}_{label}_s{seed}"


def stem_name(edit_name: str, category: str, rate: Fraction, naming: Naming, *, channels: int = 1) -> str:
    """The file name of a full-length stem."""
    edit, stem = slug(edit_name, 28), slug(category, 20)
    if naming is Naming.UCS:
        return f"{stem_cat_id(category)}_{stem}-stem_FOLEY_{edit}.wav"
    if naming is Naming.NETFLIX:
        return f"{edit}_FXPD-{stem}_{channel_mode(channels)}_48k_24b_{_rate_digits(rate)}.wav"
    return f"{edit}_{stem}.wav"


def track_title(category: str, naming: Naming) -> str:
    """What the tracks of a category are called, before their number."""
    if naming is Naming.UCS:
        return stem_cat_id(category)
    kind = "FXPD" if naming is Naming.NETFLIX else "FOLEY"
    return f"{kind} {category[:1].upper()}{category[1:]}"


def _rate_digits(rate: Fraction) -> str:
    """23976, 24, 2997: a time code rate without its point."""
    if rate.denominator == 1:
        return str(rate)
    return f"{float(rate):.3f}".replace(".", "").rstrip("0")
