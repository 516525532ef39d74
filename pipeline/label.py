"""Labels: what a sound is called, which stem it belongs to, and where a label hides in a clip name or a marker note."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.errors import LabelError

CATEGORIES = ("footsteps", "props", "vehicles", "ambience", "effects")
MAX_LABEL_LENGTH = 200

_OTHER = "effects"
_WORDS_BY_CATEGORY = {
    "footsteps": "footstep foot feet step walk jog stomp tiptoe stride march tramp boot heel sneaker shoe",
    "vehicles": """car vehicle automobile auto train railway locomotive tram subway metro siren ambulance airplane
        aeroplane plane aircraft jet helicopter chopper drone engine motor truck lorry van bus taxi boat ship ferry
        motorboat motorcycle motorbike scooter moped bicycle bike tractor tank rocket spaceship traffic horn tyre tire
        wheel""",
    "ambience": """rain drizzle wind breeze storm wave sea ocean surf river stream brook waterfall crowd audience
        applause bird birdsong thunder lightning fire campfire bonfire forest jungle city street room night cricket
        cicada frog insect water hail snow atmosphere ambience ambiance restaurant cafe office station market""",
    "props": """door gate window drawer cupboard hammer anvil nail metal ball glass bottle cup mug plate dish cutlery
        knife fork spoon cloth fabric jacket coat zipper key keyboard typewriter typing phone paper page book newspaper
        bag box chair table wood stick rope chain coin gun pistol rifle sword switch button lever lock latch handle
        bell clock bucket broom saw drill scissors lighter match cigarette chime umbrella suitcase hinge""",
}
_MOVEMENTS_ON_FOOT = frozenset({"run", "sprint", "climb", "dance", "shuffle"})
# Words that look like an inflection of a word above and mean something else.
_NOT_INFLECTED = frozenset({"training", "trained", "caring", "cared", "planing", "planed", "busing", "glassed", "news"})
_PREPOSITIONS = {"on", "in", "into", "at", "with", "over", "under", "by", "from", "through", "against", "near", "of"}
_PREPOSITIONS |= {"off", "onto", "inside", "and", "while"}

_NOTE_LINE = re.compile(r"^\s*foley(?:\s*:|\s+[-\u2013\u2014])\s*(.*)$", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
_CAMEL_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class VocabularyLabel:
    """A label a model was trained on: its text, its stem, and other words that mean the same."""

    text: str
    category: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroShotLabel:
    """A label heard in a picture, with the spotter's confidence in 0..1."""

    label: str
    category: str
    confidence: float


def category_of(label: str) -> str:
    """The stem a label belongs to, one of CATEGORIES; "effects" when no word is known.

    Steps win wherever they are named; otherwise the thing that acts comes first: in "car door slamming on a train"
    it is the door, the last known noun before the verb or preposition.
    """
    words = words_of(label)
    if any(_base_forms(word) & _TABLE["footsteps"] for word in words):
        return "footsteps"
    for phrase in phrases_of(label):
        known = [category for category in map(_category_of_word, phrase) if category]
        if known:
            return known[-1]
    if any(_base_forms(word) & _MOVEMENTS_ON_FOOT for word in words):
        return "footsteps"
    return _OTHER


def label_in_name(name: str, vocabulary: Sequence[VocabularyLabel]) -> str | None:
    """The label of `vocabulary` that a clip name speaks of, or None: "train_pass_03.mov" is "train passing".

    Whole words only (a carpet is no car), inflection aside. The longest phrase wins, counted in words, then in
    letters; then the one that comes first in the name, then in the vocabulary.
    """
    words = words_of(name)
    best: tuple[int, int, int] | None = None
    found: str | None = None
    for label in vocabulary:
        for phrase in (label.text, *label.words):
            rank = _match_rank(words, words_of(phrase))
            if rank is not None and (best is None or rank > best):
                best, found = rank, label.text
    return found


def labels_in_note(note: str) -> tuple[str, ...]:
    """The labels asked for in a marker note: "foley: car passing by; footsteps" asks for two; () when it asks for none.

    Every line that starts with "foley:" or "foley -" counts, in any case. Repeated labels are kept once.
    Raises LabelError for a label of more than MAX_LABEL_LENGTH characters.
    """
    labels: dict[str, str] = {}
    for line in note.splitlines():
        asked = _NOTE_LINE.match(line)
        for part in asked.group(1).split(";") if asked else ():
            label = clean_label(part)
            labels.setdefault(label.casefold(), label)
    return tuple(label for label in labels.values() if label)


def clean_label(text: str) -> str:
    """A label as it is stored: white space collapsed, control characters gone; LabelError when it is too long."""
    label = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    if len(label) > MAX_LABEL_LENGTH:
        raise LabelError(
            f"The label {label[:40]!r}... has {len(label)} characters: use at most {MAX_LABEL_LENGTH}, "
            "or separate several labels with a semicolon."
        )
    return label


def words_of(text: str) -> list[str]:
    """The words of a name in lower case: "CarPassBy_02-final" is car, pass, by, final."""
    return [part.lower() for word in _WORD.findall(text) for part in _CAMEL_PART.findall(word) or [word]]


def phrases_of(label: str) -> Iterator[list[str]]:
    """The words of a label cut at prepositions and after verbs in -ing: each part has its own head, the first acts."""
    phrase: list[str] = []
    for word in words_of(label):
        if word not in _PREPOSITIONS:
            phrase.append(word)
        if word in _PREPOSITIONS or (word.endswith("ing") and len(phrase) > 1):
            yield phrase
            phrase = []
    yield phrase


def _match_rank(words: list[str], phrase: list[str]) -> tuple[int, int, int] | None:
    """How well `phrase` is found in `words` (greater is better): its words, its letters, how early; None if absent."""
    for first in range(len(words) - len(phrase) + 1):
        if phrase and all(map(same_word, words[first:], phrase)):
            return len(phrase), sum(map(len, phrase)), -first
    return None


def same_word(one: str, other: str) -> bool:
    """Whether two words in lower case are one, inflection aside: doors and door, stepping and step."""
    return one == other or not _base_forms(one).isdisjoint(_base_forms(other))


def _base_forms(word: str) -> frozenset[str]:
    """The words that `word` may be an inflection of, itself included: "stepping" is step, "buses" is bus."""
    if word in _NOT_INFLECTED:
        return frozenset({word})
    return frozenset({word, *_singular(word), *_infinitive(word)})


def _singular(word: str) -> Iterator[str]:
    if len(word) > 4 and word.endswith("ies"):
        yield word[:-3] + "y"
    elif len(word) > 4 and word.endswith(("ses", "xes", "zes", "ches", "shes")):
        yield word[:-2]
        yield word[:-1]
    elif len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        yield word[:-1]


def _infinitive(word: str) -> Iterator[str]:
    for ending in ("ing", "ed"):
        stem = word.removesuffix(ending)
        if stem == word or len(stem) < 3:
            continue
        yield stem
        yield stem + "e"
        if stem[-1] == stem[-2]:
            yield stem[:-1]


def _category_of_word(word: str) -> str | None:
    forms = _base_forms(word)
    return next((category for category, known in _TABLE.items() if not forms.isdisjoint(known)), None)


_TABLE = {category: frozenset(words.split()) for category, words in _WORDS_BY_CATEGORY.items()}
