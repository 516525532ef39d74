"""Names of sound files that every editor, file system and burn-in survives: ASCII, short, unique."""

import hashlib
import re
import unicodedata

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


class TakeNames:
    """Hands out one file name per take: `<edit>_<shot>_<label>_s<seed>.wav`, under 100 characters.

    Names that differ only in case count as equal, for disks that cannot tell them apart; the second gets `_2`.
    """

    def __init__(self, edit_name: str) -> None:
        self._edit = slug(edit_name, 28)
        self._given: set[str] = set()

    def name(self, shot_id: str, label: str, seed: int) -> str:
        """The file name of one more take."""
        stem = f"{self._edit}_{slug(shot_id, 20)}_{slug(label, 28)}_s{seed}"
        number = 1
        name = f"{stem}.wav"
        while name.lower() in self._given:
            number += 1
            name = f"{stem}_{number}.wav"
        self._given.add(name.lower())
        return name
