"""Layers, nested sequences and retimes flattened to what the audience sees."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from timeline_io import shots
from timeline_io.errors import UnreadableEditError
from timeline_io.model import Clip, Marker, Nest, Track
from timeline_io.shots import Piece, flatten


def clip(name: str, start: int, length: int, *, source: int = 0, speed: Any = 1, **more: Any) -> Clip:
    return Clip(
        name=name,
        start_s=Fraction(start),
        length_s=Fraction(length),
        source_start_s=Fraction(source),
        speed=Fraction(speed),
        media_ref=name,
        **more,
    )


def nest(start: int, length: int, *tracks: Track, source: int = 0, speed: Any = 1, **more: Any) -> Nest:
    return Nest(
        name="scene",
        start_s=Fraction(start),
        length_s=Fraction(length),
        source_start_s=Fraction(source),
        speed=Fraction(speed),
        tracks=tracks,
        **more,
    )


def track(*items: Clip | Nest, enabled: bool = True) -> Track:
    return Track(name="V", items=items, enabled=enabled)


def seen(*tracks: Track) -> list[tuple[str, Any, Any, Any, Any]]:
    return [_facts(piece) for piece in flatten(tracks).pieces]


def reasons(*tracks: Track) -> dict[str, str]:
    return {lost.name: lost.reason for lost in flatten(tracks).unseen}


def _facts(piece: Piece) -> tuple[str, Any, Any, Any, Any]:
    return (piece.clip.name, piece.start_s, piece.end_s, piece.source_start_s, piece.speed)


def test_the_tail_of_a_doubled_clip_starts_twice_as_far_in_its_media() -> None:
    lower = track(clip("a", 0, 100, source=100, speed=2))
    upper = track(clip("b", 38, 10))
    assert seen(lower, upper) == [("a", 0, 38, 100, 2), ("b", 38, 48, 0, 1), ("a", 48, 100, 196, 2)]


def test_the_tail_of_a_reversed_clip_goes_on_backwards() -> None:
    assert seen(track(clip("a", 0, 10, source=50, speed=-1)), track(clip("b", 0, 4))) == [
        ("b", 0, 4, 0, 1),
        ("a", 4, 10, 46, -1),
    ]


def test_a_frozen_clip_shows_one_moment_however_it_is_cut() -> None:
    pieces = seen(track(clip("a", 0, 10, source=7, speed=0)), track(clip("b", 3, 2)))
    assert [piece[3] for piece in pieces if piece[0] == "a"] == [7, 7]


def test_three_layers_cover_from_the_top() -> None:
    assert seen(track(clip("a", 0, 9)), track(clip("b", 2, 5)), track(clip("c", 3, 1))) == [
        ("a", 0, 2, 0, 1),
        ("b", 2, 3, 0, 1),
        ("c", 3, 4, 0, 1),
        ("b", 4, 7, 2, 1),
        ("a", 7, 9, 7, 1),
    ]


def test_the_names_of_what_hides_a_clip_are_given() -> None:
    assert reasons(track(clip("a", 0, 4)), track(clip("b", 0, 2), clip("c", 2, 2))) == {"a": "hidden behind b and c"}


def test_a_title_an_adjustment_layer_and_a_disabled_clip_cut_nothing() -> None:
    upper = track(clip("title", 1, 2, no_picture="a title"), clip("off", 4, 2, enabled=False))
    assert seen(track(clip("a", 0, 10)), upper) == [("a", 0, 10, 0, 1)]
    assert reasons(track(clip("a", 0, 10)), upper) == {"title": "a title", "off": "disabled"}


def test_a_disabled_track_shows_nothing() -> None:
    assert seen(track(clip("a", 0, 10)), track(clip("b", 0, 10), enabled=False)) == [("a", 0, 10, 0, 1)]
    assert reasons(track(clip("b", 0, 10), enabled=False)) == {"b": "on the disabled track V"}


def test_a_clip_without_length_is_told() -> None:
    assert reasons(track(clip("a", 0, 0))) == {"a": "has no length"}


def test_a_nested_sequence_is_trimmed_moved_and_retimed() -> None:
    inside = track(clip("a", 0, 10), clip("b", 10, 10, source=3, speed=2))
    assert seen(track(nest(100, 6, inside, source=4, speed=2))) == [
        ("a", 100, 103, 4, 2),
        ("b", 103, 106, 3, 4),
    ]


def test_a_nested_sequence_played_backwards_shows_its_last_clip_first() -> None:
    inside = track(clip("a", 0, 10), clip("b", 10, 10))
    assert seen(track(nest(0, 8, inside, source=14, speed=-1))) == [
        ("b", 0, 4, 4, -1),
        ("a", 4, 8, 10, -1),
    ]


def test_a_frozen_nested_sequence_freezes_the_clip_of_that_moment() -> None:
    inside = track(clip("a", 0, 10), clip("b", 10, 10, source=5, speed=2))
    assert seen(track(nest(0, 8, inside, source=12, speed=0))) == [("b", 0, 8, 9, 0)]


def test_speeds_multiply_through_two_nested_sequences() -> None:
    inner = track(nest(0, 20, track(clip("a", 0, 40)), speed=Fraction(1, 2)))
    assert seen(track(nest(5, 4, inner, source=8, speed=-3)))[0] == ("a", 5, Fraction(23, 3), 4, Fraction(-3, 2))


def test_the_gaps_of_a_nested_sequence_let_the_lower_track_through() -> None:
    upper = nest(0, 10, track(clip("a", 0, 3), clip("b", 6, 4)))
    assert [piece[0] for piece in seen(track(clip("under", 0, 10)), track(upper))] == ["a", "under", "b"]


def test_clips_outside_the_used_part_are_told() -> None:
    inside = track(clip("a", 0, 10), clip("b", 10, 10))
    assert reasons(track(nest(0, 5, inside))) == {"b": "outside the part of scene that is used"}


def test_a_nested_sequence_without_picture_is_told() -> None:
    assert reasons(track(nest(0, 5))) == {"scene": "a nested sequence without a picture"}


def test_markers_move_with_the_clip_through_a_nested_sequence() -> None:
    marker = Marker(at_s=Fraction(6), length_s=Fraction(0), texts=("bang",))
    inside = track(clip("a", 0, 10, markers=(marker,)))
    (piece,) = flatten([track(nest(100, 4, inside, source=2, speed=2))]).pieces
    assert [(found.at_s, found.texts) for found in piece.markers] == [(102, ("bang",))]


def test_sequences_that_multiply_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shots, "MAX_PIECES", 1000)
    content = tuple(clip(f"c{index}", index, 1) for index in range(10))
    level: tuple[Track, ...] = (track(*content),)
    for _ in range(8):
        level = (track(*(nest(10 * index, 10, *level) for index in range(10))),)
    with pytest.raises(UnreadableEditError, match="more than 1000 clips"):
        flatten(level)
