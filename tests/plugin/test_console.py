"""What comes from an edit is shown, and obeyed by no terminal."""

import json

import pytest

from plugin.console import Voice, complain, table

TITLE = "reel\x1b]0;owned\x07\x9b2J\r\x08\x7f"
SPELLED = r"reel\x1b]0;owned\x07\x9b2J\x0d\x08\x7f"


def test_a_name_does_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    voice = Voice()
    voice.result(None, f"{TITLE}: made\n", table(("shot",), [[f"{TITLE}\nsh0020 [b]"]]))
    voice.note(TITLE)
    voice.warn(TITLE)
    complain(TITLE)
    printed = capsys.readouterr()
    assert printed.out.splitlines()[0] == f"{SPELLED}: made"
    assert printed.out.splitlines()[-1].rstrip() == rf"{SPELLED}\nsh0020 [b]"
    assert printed.err.splitlines() == [SPELLED, f"foley: warning: {SPELLED}", f"foley: {SPELLED}"]


def test_json_keeps_a_name_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    Voice(as_json=True).result({"name": TITLE}, TITLE)
    assert json.loads(capsys.readouterr().out) == {"name": TITLE}
