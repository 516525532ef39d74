"""What a person must know before believing the sound: one honest sentence per kind, never one per shot."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from flows.shot_job import ShotJob
from pipeline.label import VocabularyLabel
from pipeline.probe import MovieInfo
from pipeline.weights.registry import ModelCard

_NAMED_AT_MOST = 3
_ALIKE = 0.7  # of 1, as difflib counts it
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def caveats(card: ModelCard, jobs: Iterable[ShotJob], movies: Sequence[MovieInfo]) -> tuple[str, ...]:
    """The warnings for a pass of these shots over these media with the model of `card`.

    A model of open domain gets none: only one that learnt from drawn scenes and a few labels can be out of its depth.
    """
    asked = dict.fromkeys(cue.label for job in jobs for cue in job.given or ())
    return tuple(filter(None, (_about_labels(card, list(asked)), _about_media(card, movies))))


def is_stranger(label: str, card: ModelCard) -> bool:
    """Whether the model never learnt this label."""
    return card.closed_vocabulary and label.casefold() not in _known(card.labels)


def _about_labels(card: ModelCard, asked: Sequence[str]) -> str:
    strangers = [label for label in asked if is_stranger(label, card)]
    if not strangers:
        return ""
    known = f"{card.name} was trained on {_number(len(card.labels))} labels ({', '.join(x.text for x in card.labels)})"
    quoted = ", ".join(f"'{label}'{_meant(label, card)}" for label in strangers[:_NAMED_AT_MOST])
    if len(strangers) == 1:
        return f"{known}; {quoted} is not one of them, so its sound will not fit"
    more = f" and {len(strangers) - _NAMED_AT_MOST} more" if len(strangers) > _NAMED_AT_MOST else ""
    return f"{known}; {quoted}{more} are not among them, so their sounds will not fit"


def _meant(label: str, card: ModelCard) -> str:
    """The known label that a mistyped one is most like, as a question."""
    known = {spelling.casefold(): one.text for one in card.labels for spelling in (*one.words, one.text)}
    alike = get_close_matches(label.casefold(), known, n=1, cutoff=_ALIKE)
    return f" (did you mean '{known[alike[0]]}'?)" if alike else ""


def _about_media(card: ModelCard, movies: Sequence[MovieInfo]) -> str:
    real = sum(not movie.is_procedural_scene for movie in movies)
    if not real or not card.procedural_only:
        return ""
    are = "file is" if len(movies) == 1 else "files are"
    return (
        f"{card.name} knows drawn scenes only; {real} of {len(movies)} media {are} real footage, "
        "so neither what it hears there nor how it sounds can be trusted"
    )


def _known(labels: Iterable[VocabularyLabel]) -> frozenset[str]:
    return frozenset(label.text.casefold() for label in labels)


def _number(count: int) -> str:
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)
