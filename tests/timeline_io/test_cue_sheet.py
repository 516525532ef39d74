"""Cue sheets: what is written reads back, what an editor types is understood, what is wrong is pointed at."""

from __future__ import annotations

import csv
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from timeline_io.cue_sheet import COLUMNS, Cue, read_cues, write_cues
from timeline_io.edit import Edit
from timeline_io.errors import CueSheetError
from timeline_io.frames import FrameSpan
from timeline_io.read import read_edit


@pytest.fixture
def edit(fixture_timelines: Path) -> Edit:
    return read_edit(fixture_timelines / "golden.otio")


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    return tmp_path / "cues.csv"


def _labels(cues: tuple[Cue, ...]) -> list[tuple[str, str]]:
    return [(cue.shot_id, cue.label) for cue in cues]


def test_what_is_written_reads_back(edit: Edit, sheet: Path) -> None:
    cues = (
        Cue(cue_id="sh0010-1", shot_id="sh0010", label="footsteps, wet", category="footsteps", seed=7, source="heard",
            confidence=0.625),
        Cue(cue_id="sh0140-1", shot_id="sh0140", label='"bang"', category="effects"),
        Cue(cue_id="sh0050-1", shot_id="sh0050", label=""),
    )  # fmt: skip
    assert read_cues(write_cues(sheet, edit, cues), edit) == cues


def test_the_columns_and_the_timecodes(edit: Edit, sheet: Path) -> None:
    write_cues(sheet, edit, [Cue(cue_id="c", shot_id="sh0020", label="train passing")])
    with sheet.open(encoding="utf-8-sig", newline="") as stream:
        header, row = csv.reader(stream)
    assert tuple(header) == COLUMNS
    assert dict(zip(header, row, strict=True)) == {
        "shot": "sh0020", "cue": "c", "clip": "train_02.mov", "in": "01:00:02:00", "out": "01:00:02:12",
        "label": "train passing", "category": "", "confidence": "1.000", "heard": "", "spans": "",
        "seed": "", "best": "", "take": "", "lock": "", "tail": "", "source": "sheet", "spotted": "", "score": "",
    }  # fmt: skip


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_minimal_sheets_of_any_spreadsheet(edit: Edit, sheet: Path, delimiter: str, encoding: str) -> None:
    rows = [["Shot", "Label"], ["SH0010", "rain"], ["日本 #11.mov", '"crowd; cheering"'], ["", ""], ["sh0030", ""]]
    sheet.write_text("\r\n".join(delimiter.join(row) for row in rows), encoding=encoding)
    cues = read_cues(sheet, edit)
    assert _labels(cues) == [("sh0010", "rain"), ("sh0140", "crowd"), ("sh0140", "cheering"), ("sh0030", "")]
    assert [cue.is_silent for cue in cues] == [False, False, False, True]
    assert [cue.cue_id for cue in cues] == ["sh0010-1", "sh0140-1", "sh0140-2", "sh0030-1"]
    assert {cue.seed for cue in cues} == {None}


def test_a_clip_name_means_every_shot_of_that_clip(edit: Edit, sheet: Path) -> None:
    sheet.write_text("shot,label\nTRAIN_02.MOV,train passing\n", encoding="utf-8")
    assert _labels(read_cues(sheet, edit)) == [("sh0020", "train passing"), ("sh0040", "train passing")]


def test_columns_may_be_missing_swapped_and_more(edit: Edit, sheet: Path) -> None:
    sheet.write_text("remark,label,shot,seed\nloud,rain,sh0010,12\nshort row,wind,sh0020\n", encoding="utf-8")
    cues = read_cues(sheet, edit)
    assert _labels(cues) == [("sh0010", "rain"), ("sh0020", "wind")]
    assert [cue.seed for cue in cues] == [12, None]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("shot,label\nsh0010,rain\nsh9999,wind\n", r"cues\.csv, row 3, column 'shot': .*'sh9999'"),
        ("shot,label\n,wind\n", "row 2, column 'shot'"),
        ("shot,label,seed\nsh0010,rain,-3\n", "row 2, column 'seed': '-3'"),
        ("shot,label,seed\nsh0010,rain,99999999999999999999\n", "row 2, column 'seed'"),
        ("shot,label,confidence\nsh0010,rain,often\n", "row 2, column 'confidence'"),
        ("shot,label,confidence\nsh0010,rain,nan\n", "row 2, column 'confidence'"),
        ("clip,label\nsh0010,rain\n", "row 1: there is no column 'shot'"),
        ("shot,label,cue\nsh0010,a,x\nsh0020,b,x\n", "'x' stands for more than one cue"),
        ('shot,label\nsh0010,"rain\n', r"row \d+: the row is no valid CSV"),
        ("", "is empty"),
    ],
)
def test_what_is_wrong_is_pointed_at(edit: Edit, sheet: Path, text: str, complaint: str) -> None:
    sheet.write_text(text, encoding="utf-8")
    with pytest.raises(CueSheetError, match=complaint) as caught:
        read_cues(sheet, edit)
    assert "\n" not in str(caught.value)


def test_a_sheet_that_is_not_there(edit: Edit, tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.csv", tmp_path):
        with pytest.raises(CueSheetError, match="cannot be read"):
            read_cues(path, edit)


def test_a_cue_for_a_shot_that_is_not_there(edit: Edit, sheet: Path) -> None:
    with pytest.raises(CueSheetError, match="no shot of golden"):
        write_cues(sheet, edit, [Cue(cue_id="c", shot_id="sh9999", label="rain")])


def _span(first: int, end: int, edit: Edit) -> FrameSpan:
    return FrameSpan(first=edit.start_frame + first, count=end - first, rate=edit.rate)


def test_spans_takes_and_locks_read_back(edit: Edit, sheet: Path) -> None:
    spans = (_span(0, 3, edit), _span(10, 48, edit))
    cue = Cue(cue_id="c", shot_id="sh0010", label="rain", seed=3, spans=spans, take=2, locked=True, source="note")
    write_cues(sheet, edit, [cue])
    assert "01:00:00:00-01:00:00:03 01:00:00:10-01:00:02:00" in sheet.read_text(encoding="utf-8-sig")
    assert read_cues(sheet, edit) == (cue,)


def test_spans_begin_as_what_was_heard_and_count_once_they_are_changed(edit: Edit, sheet: Path) -> None:
    cue = Cue(cue_id="c", shot_id="sh0010", label="rain", heard=(_span(2, 20, edit),))
    write_cues(sheet, edit, [cue])
    assert read_cues(sheet, edit) == (cue,)
    text = sheet.read_text(encoding="utf-8-sig")
    heard = "01:00:00:02-01:00:00:20"
    assert text.count(heard) == 2
    head, _, tail = text.rpartition(heard)
    for cell, told in (("", None), ("01:00:00:02-01:00:00:09", (_span(2, 9, edit),))):
        sheet.write_text(head + cell + tail, encoding="utf-8-sig")
        assert [changed.spans for changed in read_cues(sheet, edit)] == [told]


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({}, (None, 2)),
        ({"take": "2.0"}, (None, 2)),
        ({"take": ""}, (None, 2)),
        ({"take": "1"}, (1, None)),
        ({"take": "5"}, (5, None)),
        ({"lock": "yes"}, (2, None)),
        ({"lock": "yes", "take": ""}, (None, 2)),
        ({"best": ""}, (2, None)),
        ({"best": "", "take": ""}, (None, None)),
    ],
)
def test_a_take_counts_as_picked_once_it_is_changed(
    edit: Edit, sheet: Path, cells: dict[str, str], told: tuple[int | None, int | None]
) -> None:
    cue = Cue(cue_id="c", shot_id="sh0010", label="rain", best=2, score="best of 3: presence .97")
    write_cues(sheet, edit, [cue])
    with sheet.open(encoding="utf-8-sig", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["best"], row["take"], row["score"]) == ("2", "2", "best of 3: presence .97")
    with sheet.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerow(row | cells)
    (read,) = read_cues(sheet, edit)
    assert (read.take, read.best) == told


@pytest.mark.parametrize(
    "cell",
    [
        "01:00:00:10-01:00:02:00, 01:00:00:00 - 01:00:00:03",
        "1:00:00:00-1:00:00:03;01:00:00:10 to 01:00:01:00 | 01:00:00:20\u201301:00:02:00",
    ],
)
def test_spans_as_people_type_them(edit: Edit, sheet: Path, cell: str) -> None:
    sheet.write_text(f'shot,label,spans,take,lock\nsh0010,rain,"{cell}",2.0,X\n', encoding="utf-8")
    (cue,) = read_cues(sheet, edit)
    assert (cue.spans, cue.take, cue.locked) == ((_span(0, 3, edit), _span(10, 48, edit)), 2, True)


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("spans", "from the start"),
        ("spans", "01:00:00:10-01:00:00:02"),
        ("spans", "01:00:00:00-01:00:99:00"),
        ("spans", "01:00:00:00-01:00:00:05 and more"),
        ("spans", "01:00:00:00"),
        ("take", "0"),
        ("take", "best"),
        ("best", "first"),
        ("lock", "perhaps"),
    ],
)
def test_the_cell_that_is_wrong_is_named(edit: Edit, sheet: Path, column: str, cell: str) -> None:
    sheet.write_text(f"shot,label,{column}\nsh0010,rain,{cell}\n", encoding="utf-8")
    with pytest.raises(CueSheetError, match=rf"cues.csv, row 2, column '{column}'"):
        read_cues(sheet, edit)


def test_a_sheet_of_another_cut_is_refused(edit: Edit, sheet: Path) -> None:
    sheet.write_text("shot,clip,label\nsh0010,train_02.mov,train\n", encoding="utf-8")
    with pytest.raises(CueSheetError, match=r"row 2, column 'clip': .*'train_02.mov', but sh0010 shows 'walk_01.mov'"):
        read_cues(sheet, edit)


def test_a_second_label_in_a_row_gets_an_id_of_its_own(edit: Edit, sheet: Path) -> None:
    write_cues(sheet, edit, [Cue(cue_id="sh0010_01", shot_id="sh0010", label="rain")])
    sheet.write_text(sheet.read_text("utf-8-sig").replace("rain", "rain; wind"), encoding="utf-8")
    assert [(cue.cue_id, cue.label) for cue in read_cues(sheet, edit)] == [
        ("sh0010_01", "rain"),
        ("sh0010_01-2", "wind"),
    ]


def test_spans_outside_their_shot_are_refused(edit: Edit, sheet: Path) -> None:
    sheet.write_text("shot,label,spans\nsh0010,rain,01:00:30:00-01:00:31:00\n", encoding="utf-8")
    with pytest.raises(CueSheetError, match=r"column 'spans': .* lies outside sh0010, which runs from 01:00:00:00"):
        read_cues(sheet, edit)


@pytest.mark.parametrize("drop_frame", [False, True])
def test_a_timeline_over_midnight_reads_its_own_spans(edit: Edit, sheet: Path, drop_frame: bool) -> None:
    rate = Fraction(30000, 1001)
    day = 2_589_408 if drop_frame else 2_592_000
    record = FrameSpan(first=day - 30, count=60, rate=rate)
    shot = replace(edit.shots[0], record=record)
    late = replace(edit, rate=rate, start_frame=day - 60, shots=(shot,), drop_frame=drop_frame)
    over, after = (FrameSpan(first=day + first, count=count, rate=rate) for first, count in ((-10, 20), (15, 5)))
    cues = (Cue(cue_id="a", shot_id="sh0010", label="rain", spans=(over, after)),)
    assert read_cues(write_cues(sheet, late, cues), late) == cues


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04rest", "save it as CSV"),
        (b"shot,label,label\nsh0010,rain,\n", "column 'label' stands there more than once"),
    ],
)
def test_what_is_no_sheet_is_refused(edit: Edit, sheet: Path, data: bytes, words: str) -> None:
    sheet.write_bytes(data)
    with pytest.raises(CueSheetError, match=words):
        read_cues(sheet, edit)


def test_a_sheet_as_excel_saves_it(edit: Edit, sheet: Path) -> None:
    sheet.write_bytes(b"sep=;\r\nshot;label;seed\r\nsh0010;rain;5.0\r\n")
    assert [(cue.label, cue.seed) for cue in read_cues(sheet, edit)] == [("rain", 5)]
