from fractions import Fraction

import pytest

from flows.output.names import Naming, TakeNames, slug, stem_name, track_title


@pytest.mark.parametrize(
    ("text", "expected"),
    [("train passing", "train-passing"), ("Café #4 50%", "Cafe-4-50"), ("a/b\\c:d", "a-b-c-d"), ("__x__", "x")],
)
def test_a_slug_is_ascii_letters_digits_and_dashes(text: str, expected: str) -> None:
    assert slug(text, 28) == expected


def test_text_that_cannot_be_spelled_gets_a_digest_and_stays_apart() -> None:
    assert slug("列車", 28) != slug("電車", 28)
    assert slug("列車", 28).isascii()
    assert slug("поезд 1", 28).startswith("1-")


def test_long_text_is_cut_and_stays_apart() -> None:
    one, two = slug("x" * 200 + "1", 28), slug("x" * 200 + "2", 28)
    assert len(one) <= 28
    assert one != two


@pytest.mark.parametrize("text", ["", "...", "\x00", "\ud800"])
def test_a_slug_is_never_empty(text: str) -> None:
    assert slug(text, 28)


def test_take_names_are_short_and_unique_even_where_case_does_not_count() -> None:
    names = TakeNames("My Reel " * 20, Fraction(24))
    given = [
        names.name("sh0010" * 9, "Train" * 30, "vehicles", 2**31 - 1),
        names.name("sh0010", "Train", "vehicles", 1),
    ]
    given += [names.name("sh0010", spelling, "vehicles", 1) for spelling in ("train", "TRAIN")]
    assert all(len(name) < 100 for name in given)
    assert len({name.lower() for name in given}) == 4
    assert given[-1].endswith("_s1_3.wav")


@pytest.mark.parametrize(
    ("naming", "take", "stem", "track"),
    [
        (Naming.PLAIN, "Reel-1_sh0010_steps_s7.wav", "Reel-1_footsteps.wav", "FOLEY Footsteps"),
        (
            Naming.UCS,
            "FOLYFeet_steps_FOLEY_Reel-1_sh0010-s7.wav",
            "FOLYFeet_footsteps-stem_FOLEY_Reel-1.wav",
            "FOLYFeet",
        ),
        (
            Naming.NETFLIX,
            "Reel-1_sh0010_FXPD_steps-s7_mono_48k_24b_2997.wav",
            "Reel-1_FXPD-footsteps_mono_48k_24b_2997.wav",
            "FXPD Footsteps",
        ),
    ],
)
def test_names_follow_the_pattern_a_studio_wants(naming: Naming, take: str, stem: str, track: str) -> None:
    rate = Fraction(30000, 1001)
    assert TakeNames("Reel 1", rate, naming).name("sh0010", "steps", "footsteps", 7) == take
    assert stem_name("Reel 1", "footsteps", rate, naming) == stem
    assert track_title("footsteps", naming) == track
