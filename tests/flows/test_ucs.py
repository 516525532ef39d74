"""Names by the Universal Category System: the CatID of what people call a sound."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from flows.output.names import Naming, TakeNames, stem_name, track_title
from flows.output.ucs import UCS_VERSION, cat_id, cat_ids, stem_cat_id
from pipeline.label import CATEGORIES, category_of

MINI = Path(__file__).parents[2] / "pipeline" / "weights" / "mini" / "model.json"
FOLEY = {
    "FOLYFeet": ["footsteps walking", "steps on wood near a door", "running on gravel", "high heels"],
    "FOLYClth": ["cloth", "jacket rustling", "sleeves", "silk dress"],
    "FOLYHand": ["clapping hands", "handshake", "fingers snapping"],
    "FOLYProp": ["ball bouncing", "hammer hitting metal", "keys jingling", "paper", "cup on a table", "glass clinking"],
}
OTHERS = {
    "RAIN": ["rain", "rain falling", "a rain shower"],
    "RAINMetl": ["heavy rain on a tin roof", "rain on the car"],
    "RAINGlas": ["rain against the window"],
    "VEHCar": ["car", "car passing by", "cars in the street", "car parking"],
    "VEHDoor": ["car door slamming"],
    "VEHHorn": ["car horn", "taxi honking"],
    "VEHSirn": ["siren", "ambulance siren", "police siren"],
    "TRNMisc": ["train", "train passing", "a train on the railway"],
    "TRNSbwy": ["subway"],
    "AEROHeli": ["helicopter flying", "chopper rotor blades"],
    "AEROMisc": ["airplane flying", "a plane flies by"],
    "AEROJet": ["jet aircraft flying", "jet flyby"],
    "DOORMisc": ["door", "door slamming", "slam of a door"],
    "DOORWood": ["wooden door"],
    "DOORKnck": ["a knock on the door"],
    "ANMLDog": ["dog", "dog barking in a car", "dogs"],
    "ANMLCat": ["cat meowing"],
    "FEETHors": ["horse walking", "horses galloping"],
    "THUN": ["thunder"],
    "WIND": ["wind"],
    "WATRWave": ["ocean waves"],
    "GLASBrk": ["glass breaking"],
    "CRWDCheer": ["crowd cheering"],
}


@pytest.mark.parametrize(
    ("known", "label"), [(known, label) for known, labels in (FOLEY | OTHERS).items() for label in labels]
)
def test_what_people_say_leads_to_its_category(known: str, label: str) -> None:
    assert cat_id(label, category_of(label)) == known


def test_every_label_of_the_bundled_model_has_a_category_of_its_own() -> None:
    labels = json.loads(MINI.read_text("utf-8"))["labels"]
    assert {label["text"]: cat_id(label["text"], label["category"]) for label in labels} == {
        "airplane flying": "AEROMisc",
        "train passing": "TRNMisc",
        "ambulance siren": "VEHSirn",
        "car passing by": "VEHCar",
        "helicopter flying": "AEROHeli",
        "rain falling": "RAIN",
        "ball bouncing": "FOLYProp",
        "hammer hitting metal": "FOLYProp",
        "footsteps walking": "FOLYFeet",
        "door slamming": "DOORMisc",
    }


def test_what_no_word_is_known_of_goes_by_its_stem() -> None:
    found = {category: cat_id("something odd", category) for category in CATEGORIES}
    assert found == {
        "footsteps": "FOLYFeet",
        "props": "FOLYProp",
        "vehicles": "VEHMisc",
        "ambience": "AMBMisc",
        "effects": "FOLYMisc",
    }
    assert found == {category: stem_cat_id(category) for category in CATEGORIES}


def test_only_what_the_official_list_holds_is_given() -> None:
    root = Path(__file__).parents[2] / "flows" / "output"
    lines = (root / "ucs_phrases.txt").read_text("utf-8").splitlines()
    phrases = {
        phrase.strip(): line.split()[0]
        for line in lines if not line.startswith("#")
        for phrase in line.partition(" ")[2].split(",")
    }  # fmt: skip
    assert set(phrases.values()) <= cat_ids()
    # A phrase by itself leads where the table says: none is hidden by another.
    assert {phrase: cat_id(phrase, "effects") for phrase in phrases} == phrases
    assert (len(cat_ids()), UCS_VERSION) == (752, "8.2.1")
    assert f"Universal Category System {UCS_VERSION}, CC0" in (root / "ucs_8_2_1.csv").read_text("utf-8")


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("DOORWood slam", "DOORWood_slam_FOLEY_Reel_sh0010-s1.wav"),
        ("doorwood_heavy slam", "DOORWood_heavy-slam_FOLEY_Reel_sh0010-s1.wav"),
        ("DOORWood", "DOORWood_DOORWood_FOLEY_Reel_sh0010-s1.wav"),
        ("RAIN on a car", "RAIN_on-a-car_FOLEY_Reel_sh0010-s1.wav"),
        ("rain on a car", "RAINMetl_rain-on-a-car_FOLEY_Reel_sh0010-s1.wav"),
        ("DOORNone slam", "DOORMisc_DOORNone-slam_FOLEY_Reel_sh0010-s1.wav"),
    ],
)
def test_a_category_that_a_person_wrote_wins_and_is_not_said_twice(label: str, name: str) -> None:
    assert TakeNames("Reel", Fraction(24), Naming.UCS).name("sh0010", label, category_of(label), 1) == name


def test_a_stem_that_a_person_calls_by_a_category_has_it() -> None:
    names = TakeNames("Reel", Fraction(24), Naming.UCS)
    assert names.name("sh0010", "slam", "DOORWood", 1) == "DOORWood_slam_FOLEY_Reel_sh0010-s1.wav"
    assert names.name("sh0010", "GLASBrk pane", "DOORWood", 1) == "GLASBrk_pane_FOLEY_Reel_sh0010-s1.wav"
    assert track_title("DOORWood", Naming.UCS) == "DOORWood"
    assert track_title("my monsters", Naming.UCS) == "FOLYMisc"


def test_tracks_and_stems_hold_many_sounds_and_are_called_after_their_stem() -> None:
    assert track_title("vehicles", Naming.UCS) == "VEHMisc"
    assert stem_name("Reel", "ambience", Fraction(24), Naming.UCS) == "AMBMisc_ambience-stem_FOLEY_Reel.wav"
