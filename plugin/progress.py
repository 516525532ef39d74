"""Shows how a pass goes: bars in a terminal, plain lines elsewhere, nothing when quiet. Always on stderr."""

import time
from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from flows.desk import PassEvent
from plugin.console import Voice, logs_json

_COUNTED = {"listen": "shots listened to", "make": "takes made"}
_A_LINE_EVERY_S = 5.0


class PassProgress:
    """A context manager whose `tell` is the listener of a pass, or of a night of `many`."""

    def __init__(self, voice: Voice, *, many: bool = False) -> None:
        self._voice = voice
        self._many = many
        self._bars = _bars(voice) if voice.err.is_terminal and not voice.quiet and not logs_json() else None
        self._rows: dict[str, TaskID] = {}
        self._last_line_s = time.monotonic()

    def __enter__(self) -> "PassProgress":
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars:
            self._bars.stop()

    def tell(self, event: PassEvent) -> None:
        """Show one event."""
        if logs_json():
            self._log(event)
        elif event.text:
            self._voice.note(f"{event.edit}: {event.text}" if self._many and event.edit else event.text)
        elif event.stage not in _COUNTED:
            return
        elif self._bars:
            self._move_bar(self._bars, event)
        else:
            self._write_line(event)

    def _log(self, event: PassEvent) -> None:
        """A line for a program, which counts for itself: every event, with the shot that it is about."""
        facts = {"edit": event.edit, "shot": event.heard.shot_id if event.heard else ""}
        failures = [take.failure for take in event.takes if take.failure]
        text = event.text or (event.heard.failure if event.heard else "") or "; ".join(failures)
        told = {name: fact for name, fact in facts.items() if fact}
        self._voice.note(text, stage=event.stage, done=event.done, total=event.total, **told)

    def _move_bar(self, bars: Progress, event: PassEvent) -> None:
        if event.stage not in self._rows:
            self._rows[event.stage] = bars.add_task(_COUNTED[event.stage], total=event.total)
        bars.update(self._rows[event.stage], completed=event.done, total=event.total)

    def _write_line(self, event: PassEvent) -> None:
        """A line now and then: a log of an overnight pass should not drown in its progress."""
        now_s = time.monotonic()
        if now_s - self._last_line_s >= _A_LINE_EVERY_S:
            self._last_line_s = now_s
            self._voice.note(f"{event.done} of {event.total} {_COUNTED[event.stage]}")


def _bars(voice: Voice) -> Progress:
    return Progress(
        TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=voice.err
    )
