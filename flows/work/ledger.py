"""What is known of one edit's sounds while a pass goes on."""

from collections.abc import Iterable

from flows.work.steps import Heard, Take


class Ledger:
    """One Heard per shot, one Take per key; which keys are wanted, which were made just now."""

    def __init__(self) -> None:
        self.heard: dict[str, Heard] = {}
        self.takes: dict[str, Take] = {}
        self.wanted: set[str] = set()
        self.made: set[str] = set()

    def note_heard(self, heard: Heard) -> None:
        """Note a shot's cues, and the takes the store held for them."""
        self.heard[heard.shot_id] = heard
        self.wanted.update(cue.request.key() for cue in heard.cues)
        for receipt in heard.stored:
            self.takes.setdefault(receipt.key, Take(key=receipt.key, receipt=receipt))

    def note_takes(self, takes: Iterable[Take]) -> None:
        """Note takes made in this pass."""
        for take in takes:
            self.takes[take.key] = take
            self.made.add(take.key)

    @property
    def missing(self) -> int:
        """How many wanted takes nobody knows anything of yet."""
        return len(self.wanted) - len(self.takes)
