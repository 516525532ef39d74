"""How often a piece of work is tried before it is set aside."""

from collections import Counter, defaultdict

# What is tried: the kind of work, whose it is, the shot or the key.
Name = tuple[str, int, str]
TRIES = 3
# A process that somebody killed counts half, so there are more of them at most.
MOST_TRIES = 2 * TRIES


class Attempts:
    """Counts tries, and how much of each failure is the work's own fault.

    The blame for a process that died under a work counts whole, for one that somebody killed half: that may have had
    nothing to do with the work. Without blame it was no try at all. With a blame of three it is set aside.
    """

    def __init__(self) -> None:
        self._tries: Counter[Name] = Counter()
        self._blame: defaultdict[Name, float] = defaultdict(float)

    def again(self, name: Name, retryable: bool, blame: float = 1.0) -> bool:
        """Note a failure; whether to try once more."""
        self._tries[name] += blame > 0
        self._blame[name] += blame
        return retryable and self._blame[name] < TRIES

    def last_word(self, name: Name, reason: str) -> str:
        """The reason for a report."""
        return reason if self._blame[name] < TRIES else f"set aside after {self._tries[name]} tries: {reason}"
