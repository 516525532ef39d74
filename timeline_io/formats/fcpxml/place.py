"""Where the elements of a Final Cut Pro X storyline lie: their lanes, and the cuts under their transitions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from xml.etree.ElementTree import Element

from timeline_io.model import Dissolve

NOT_FILMED = {
    "title": "a title, not a filmed picture",
    "caption": "a caption, not a filmed picture",
    "live-drawing": "a drawing, not a filmed picture",
}
# The clips that hold others: a child on no lane lies inside, a child on a lane is connected from outside.
HOLDERS = frozenset({"clip", "sync-clip"})
_PLAIN_ITEMS = frozenset({"asset-clip", "video", "audio", "ref-clip", "mc-clip", "gap", "audition"})
STORY_ITEMS = _PLAIN_ITEMS | HOLDERS | NOT_FILMED.keys()

# () is the primary storyline, (1,) what is connected above it, (1, -1) what is connected below that.
Lane = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedElement:
    """An element of a storyline and the stretch of the timeline that is left to it; `dissolve` leads into it."""

    element: Element
    at_s: Fraction
    from_s: Fraction
    until_s: Fraction
    dissolve: Dissolve | None = None


def without_overlaps(along: Iterable[PlacedElement]) -> list[PlacedElement]:
    """The clips of a storyline, its transitions as the dissolves that lead into them.

    Final Cut lets two clips meet in the middle of their transition. Where another program lets them overlap for
    as long as the transition takes, they are cut at its centre.
    """
    kept: list[PlacedElement] = []
    transition: PlacedElement | None = None
    for laid in along:
        if laid.element.tag == "transition":
            transition = laid
            continue
        if kept and laid.at_s < kept[-1].until_s:
            cut_s = _cut(laid.at_s, kept[-1].until_s, transition)
            kept[-1] = replace(kept[-1], until_s=cut_s)
            laid = replace(laid, from_s=cut_s)
        if kept and transition is not None and kept[-1].until_s == laid.from_s:
            through = Dissolve(start_s=transition.from_s, cut_s=laid.from_s, end_s=transition.until_s)
            laid = replace(laid, dissolve=through)
        kept.append(laid)
        transition = None
    return kept


def _cut(from_s: Fraction, until_s: Fraction, transition: PlacedElement | None) -> Fraction:
    centre_s = from_s if transition is None else (transition.from_s + transition.until_s) / 2
    return min(until_s, max(from_s, centre_s))


def first_pick(element: Element) -> Element:
    """What is seen of an audition; any other element itself."""
    picks = element if element.tag == "audition" else ()
    return next((pick for pick in picks if pick.tag in STORY_ITEMS), element)


def lane_of(element: Element) -> int:
    """The number of the lane an element is connected on; 0 when it lies inside."""
    text = element.get("lane", "0").strip()
    try:
        return int(text[:10])
    except ValueError:
        return 0


def lane_name(lane: Lane) -> str:
    """What the track of a lane is called."""
    return f"lane {'.'.join(str(number) for number in lane)}" if lane else "primary storyline"


def picture_source(element: Element) -> Element | None:
    """The `mc-source` of a multicam clip that gives the picture, the clip itself when nothing is chosen in it,
    None when only its sound is on."""
    sources = element.findall("mc-source")
    pictures = (source for source in sources if source.get("srcEnable", "all") in ("all", "video"))
    return next(pictures, None) if sources else element


def story_of(whole: Element | None, source: Element) -> Element | None:
    """The storyline of a compound clip; of a multicam clip the angle that `source` names, or the first."""
    if whole is None or whole.tag == "sequence":
        return None if whole is None else whole.find("spine")
    angles = whole.findall("mc-angle")
    wanted = source.get("angleID")
    return next((angle for angle in angles if angle.get("angleID") == wanted), next(iter(angles), None))
