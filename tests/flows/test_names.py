import pytest

from flows.names import TakeNames, slug


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
    names = TakeNames("My Reel " * 20)
    given = [names.name("sh0010" * 9, "Train" * 30, 2**31 - 1), names.name("sh0010", "Train", 1)]
    given += [names.name("sh0010", "train", 1), names.name("sh0010", "TRAIN", 1)]
    assert all(len(name) < 100 for name in given)
    assert len({name.lower() for name in given}) == 4
    assert given[-1].endswith("_s1_3.wav")
