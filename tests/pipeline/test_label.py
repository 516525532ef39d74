"""Labels in clip names and marker notes, and the stem each belongs to."""

import pytest

from pipeline.errors import LabelError
from pipeline.label import CATEGORIES, VocabularyLabel, category_of, label_in_name, labels_in_note

VOCABULARY = (
    VocabularyLabel(text="airplane flying", category="vehicles", words=("airplane", "plane", "jet", "aircraft")),
    VocabularyLabel(text="train passing", category="vehicles", words=("train", "railway")),
    VocabularyLabel(text="ambulance siren", category="vehicles", words=("ambulance", "siren", "fire engine")),
    VocabularyLabel(text="car passing by", category="vehicles", words=("car", "vehicle", "automobile")),
    VocabularyLabel(text="rain falling", category="ambience", words=("rain",)),
    VocabularyLabel(text="ball bouncing", category="props", words=("ball",)),
    VocabularyLabel(text="hammer hitting metal", category="props", words=("hammer", "anvil")),
    VocabularyLabel(text="footsteps walking", category="footsteps", words=("footsteps", "steps", "walk")),
    VocabularyLabel(text="door slamming", category="props", words=("door",)),
)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("train_pass_03.mov", "train passing"),
        ("TrainPass03", "train passing"),
        ("TRAIN.MOV", "train passing"),
        ("two trains 2", "train passing"),
        ("cars2", "car passing by"),
        ("CARS-night", "car passing by"),
        ("A001_C003_walking_legs", "footsteps walking"),
        ("Step by the window", "footsteps walking"),
        ("JetFlyby.mxf", "airplane flying"),
        ("planes", "airplane flying"),
        ("raining", "rain falling"),
        ("hammering_take4", "hammer hitting metal"),
        ("FireEngine", "ambulance siren"),
        ("car_door_slamming", "door slamming"),
        ("doors", "door slamming"),
        ("\u00c9tude train", "train passing"),
    ],
)
def test_a_name_speaks_of_its_label(name: str, label: str) -> None:
    assert label_in_name(name, VOCABULARY) == label


@pytest.mark.parametrize(
    "name",
    [
        "scar",
        "carpet",
        "raincoat_test",
        "brainy",
        "football",
        "plan_b",
        "floorplans",
        "training_day",
        "walker",
        "outdoor",
    ],
)
def test_part_of_a_word_is_not_the_word(name: str) -> None:
    assert label_in_name(name, VOCABULARY) is None


@pytest.mark.parametrize("name", ["", "___", "IMG_2931", "caring", "engine", "carcass", "motion", "IMG2931.MOV"])
def test_a_name_may_say_nothing(name: str) -> None:
    assert label_in_name(name, VOCABULARY) is None


def test_the_longest_match_wins_over_the_order_of_the_vocabulary() -> None:
    assert label_in_name("hammer_in_a_car_passing", VOCABULARY) == "hammer hitting metal"
    assert label_in_name("hammer_and_car_passing_by", VOCABULARY) == "car passing by"
    assert label_in_name("ball door", VOCABULARY[::-1]) == "ball bouncing"
    assert label_in_name("door ball", VOCABULARY) == "door slamming"


def test_an_empty_vocabulary_knows_nothing() -> None:
    assert label_in_name("train", ()) is None
    assert label_in_name("train", (VocabularyLabel(text="", category="effects", words=("",)),)) is None


@pytest.mark.parametrize(
    ("label", "category"),
    [
        ("footsteps on gravel in the rain", "footsteps"),
        ("Steps", "footsteps"),
        ("person walking", "footsteps"),
        ("man running", "footsteps"),
        ("car passing by", "vehicles"),
        ("car engine running", "vehicles"),
        ("fire truck siren", "vehicles"),
        ("helicopter flying", "vehicles"),
        ("boats on waves", "vehicles"),
        ("rain on a car roof", "ambience"),
        ("waves crashing", "ambience"),
        ("thunder", "ambience"),
        ("birds singing", "ambience"),
        ("crowd cheering", "ambience"),
        ("train station", "ambience"),
        ("car door slamming on a train", "props"),
        ("hammer hitting metal", "props"),
        ("ball bouncing in a car", "props"),
        ("glasses clinking", "props"),
        ("keys jingling", "props"),
        ("dog barking", "effects"),
        ("carpet", "effects"),
        ("", "effects"),
    ],
)
def test_each_label_has_a_stem(label: str, category: str) -> None:
    assert category_of(label) == category
    assert category in CATEGORIES


@pytest.mark.parametrize(("text", "category"), [(label.text, label.category) for label in VOCABULARY])
def test_known_labels_are_sorted_as_their_cards_say(text: str, category: str) -> None:
    assert category_of(text) == category


@pytest.mark.parametrize(
    ("note", "labels"),
    [
        ("foley: car passing by; footsteps", ("car passing by", "footsteps")),
        ("FOLEY - door slamming", ("door slamming",)),
        ("Foley \u2014 rain", ("rain",)),
        ("  foley :  glass\t breaking  ;; ", ("glass breaking",)),
        ("fix the grade\nFoley: train\nask Ann\nfoley: Train; siren", ("train", "siren")),
        ("foley: dog, far away", ("dog, far away",)),
        ("foley: a\r\nfoley: b", ("a", "b")),
        ("foley:", ()),
        ("foley", ()),
        ("", ()),
        ("foley-artist is ill", ()),
        ("no foley: here", ()),
        ("foleys: car", ()),
    ],
)
def test_a_note_asks_for_labels(note: str, labels: tuple[str, ...]) -> None:
    assert labels_in_note(note) == labels


def test_a_label_may_have_200_characters_and_no_more() -> None:
    assert labels_in_note("foley: " + "x" * 200) == ("x" * 200,)
    with pytest.raises(LabelError, match="201 characters"):
        labels_in_note("foley: " + "x" * 201)
