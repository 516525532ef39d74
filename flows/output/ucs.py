"""The category of the Universal Category System that a sound belongs to: its CatID, the first word of a UCS file name.

The FOLY categories are for Foley performed to picture: feet, cloth, hands, props. What a picture shows and nobody
performs has categories of its own: rain is RAIN and a passing car VEHCar. `ucs_8_2_1.csv` holds the official list,
`ucs_phrases.txt` the words that lead to it.
"""

import csv
import re
from functools import cache
from importlib.resources import files

from pipeline.label import phrases_of, same_word, words_of

UCS_VERSION = "8.2.1"

# What a label without a word below is, by its stem; also what a whole stem is, of whatever sounds.
_BY_STEM = {"footsteps": "FOLYFeet", "props": "FOLYProp", "vehicles": "VEHMisc", "ambience": "AMBMisc"}
_OTHER = "FOLYMisc"


@cache
def cat_ids() -> frozenset[str]:
    """Every CatID of the official list."""
    rows = csv.DictReader(line for line in _text("ucs_8_2_1.csv").splitlines() if not line.startswith("#"))
    return frozenset(row["CatID"] for row in rows)


def cat_id(label: str, category: str) -> str:
    """The CatID of a sound: one that a person wrote before its label or as its stem, `category`; else by the label.

    The longest phrase of the part of a label that acts wins, of equals the last: "dog barking in a car" is a dog,
    "ambulance siren" a siren. Steps are steps whatever else is named, as in the stems.
    """
    own = own_cat_id(label)[0] or own_cat_id(category)[0]
    if own:
        return own
    found = _found(label, feet_only=category == "footsteps")
    return found or stem_cat_id(category)


def stem_cat_id(category: str) -> str:
    """The CatID of a stem, which holds many sounds; a person may call it by one."""
    return own_cat_id(category)[0] or _BY_STEM.get(category, _OTHER)


def own_cat_id(label: str) -> tuple[str, str]:
    """The CatID that a person wrote before a label, and the rest: "DOORWood slam" is DOORWood, slam; "" for none.

    The case counts for those that are words, such as RAIN.
    """
    head, rest = re.match(r"\s*([A-Za-z]*)[-_\s]*(.*)", label, re.DOTALL).groups("")  # type: ignore[union-attr]
    exact = head if head in cat_ids() else _mixed_case().get(head.casefold(), "")
    return (exact, rest.strip()) if exact else ("", label)


def _text(name: str) -> str:
    return files("flows.output").joinpath(name).read_text("utf-8")


@cache
def _mixed_case() -> dict[str, str]:
    return {known.casefold(): known for known in cat_ids() if not known.isupper()}


def _found(label: str, *, feet_only: bool) -> str:
    parts = [words_of(label), *phrases_of(label)]
    for index, words in enumerate(parts):
        ranked = (
            (len(phrase), at, known)
            for known, phrase in _phrases()
            if (at := _at(phrase, words)) is not None
            # Only what names several things in their order looks at the whole label.
            and (index > 0 or len(phrase) > 2)
            and (not feet_only or known.startswith("FEET"))
        )
        best = max(ranked, default=None)
        if best is not None:
            return best[2]
    return ""


@cache
def _phrases() -> tuple[tuple[str, tuple[str, ...]], ...]:
    lines = (line.partition(" ") for line in _text("ucs_phrases.txt").splitlines() if not line.startswith("#"))
    return tuple((known, tuple(phrase.split())) for known, _, phrases in lines for phrase in phrases.split(","))


def _at(phrase: tuple[str, ...], words: list[str]) -> int | None:
    """Where in `words` the last word of `phrase` is found, None where it is not."""
    if len(phrase) > 2:
        return _in_order(phrase, words)
    for first in range(len(words) - len(phrase), -1, -1):
        if all(map(same_word, words[first:], phrase)):
            return first + len(phrase) - 1
    return None


def _in_order(phrase: tuple[str, ...], words: list[str]) -> int | None:
    at = -1
    for wanted in phrase:
        at = next((index for index in range(at + 1, len(words)) if same_word(words[index], wanted)), -1)
        if at < 0:
            return None
    return at
