"""How long a pass will still take, from what this machine knew before and what the pass has shown so far.

At first the past speaks alone; once a twentieth of a stage is done, the pass speaks alone; in between it is a mixture.
Without a past nothing is said before there is something to say.
"""

from dataclasses import dataclass

from flows.watching.pace import Pace, side_by_side
from flows.watching.stopwatch import Meter, Stopwatch

_TRUST_FROM_SHARE = 0.05
_TRUST_FROM_COUNT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Seconds on the clock that are left of each stage and of the whole; None where nobody can know yet. Where the
    laying was never measured, `wall_s` is without it."""

    listen_s: float | None
    make_s: float | None
    lay_s: float | None
    wall_s: float | None


def remaining(past: Pace, watch: Stopwatch, now_s: float) -> Left:
    """What is left at `now_s`, on the clock of the events that `watch` noted."""
    listen_s = _listen_left(past, watch, now_s)
    make_s = _make_left(past, watch, now_s)
    lay_s = _lay_left(past, watch, now_s)
    wall_s = None
    if listen_s is not None and make_s is not None and (listen_s or make_s or lay_s is not None):
        both_s = _both_left(listen_s, make_s, watch)
        wall_s = both_s + _load_left(past, watch, now_s) + (lay_s or 0.0)
    return Left(listen_s=listen_s, make_s=make_s, lay_s=lay_s, wall_s=wall_s)


def time_left(left: Left) -> str:
    """ "about 12 min left"."""
    if left.wall_s is None:
        return "time left not known yet"
    return f"about {duration(left.wall_s)} left" + (" until the laying" if left.lay_s is None else "")


def stages_left(left: Left) -> str:
    """ " (listening 2 min, making 10 min)"; "" when less than two stages are left."""
    parts = {"listening": left.listen_s, "making": left.make_s, "laying": left.lay_s}
    told = [f"{name} {duration(seconds)}" for name, seconds in parts.items() if seconds and seconds >= 0.5]
    return f" ({', '.join(told)})" if left.wall_s is not None and len(told) > 1 else ""


def duration(seconds: float) -> str:
    """A length of time as people say it: 40 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def _listen_left(past: Pace, watch: Stopwatch, now_s: float) -> float | None:
    if not watch.unheard_s:
        return 0.0  # all is heard, or was looked at before
    before = None if past.listen is None else past.listen / watch.listeners
    rate = _rate(watch.listening, before, watch.heard_s + watch.unheard_s)
    return _counted_down(watch.unheard_s, rate, watch.listening, watch.last.get("listen"), now_s)


def _make_left(past: Pace, watch: Stopwatch, now_s: float) -> float | None:
    amount = _sound_left(past, watch)
    if not amount:
        return amount
    before = None if past.make_wall is None else past.make_wall / watch.devices
    rate = _rate(watch.making, before, watch.asked_s + amount - watch.unmade_s)
    since = watch.last.get("make") if watch.cues_waiting else None
    return _counted_down(amount, rate, watch.making, since, now_s)


def _sound_left(past: Pace, watch: Stopwatch) -> float | None:
    """Seconds of sound to be made: what is asked for, what will be, and what the open shots will ask for."""
    if not watch.open_s:
        return watch.unmade_s + watch.told_sound_s
    so_far = watch.open_asked_s / watch.open_heard_s if watch.open_heard_s else None
    share = watch.open_heard_s / (watch.open_heard_s + watch.open_s)
    per_second = _mixed(so_far, past.sound, share / _TRUST_FROM_SHARE)
    return None if per_second is None else watch.unmade_s + watch.told_sound_s + per_second * watch.open_s


def _lay_left(past: Pace, watch: Stopwatch, now_s: float) -> float | None:
    if not watch.unlaid_shots:
        return 0.0
    rate = _rate(watch.laying, past.lay, watch.unlaid_shots)
    if rate is None:
        return None
    since = watch.laying_since()
    return max(0.0, watch.unlaid_shots * rate - (0.0 if since is None else now_s - since))


def _load_left(past: Pace, watch: Stopwatch, now_s: float) -> float:
    """What is left of loading the model, which nothing else can begin without."""
    if watch.heard_all or watch.load_s is not None or watch.load_since is None or past.load_s is None:
        return 0.0
    return max(0.0, past.load_s - (now_s - watch.load_since))


def _both_left(listen_s: float, make_s: float, watch: Stopwatch) -> float:
    """Of listening and making together: they wait for each other at the beginning and at the end only."""
    if watch.makers_busy and make_s >= listen_s:
        return make_s
    batch_s = watch.usual_batch_s
    sound_s = watch.unmade_s + watch.told_sound_s + watch.open_s
    return side_by_side(listen_s, make_s, sound_s / batch_s if batch_s else 1.0)


def _rate(meter: Meter, before: float | None, whole: float) -> float | None:
    """Seconds per amount: what was known before, giving way to what is measured."""
    share = meter.amount / whole if whole else 1.0
    return _mixed(meter.rate, before, min(share / _TRUST_FROM_SHARE, meter.count / _TRUST_FROM_COUNT))


def _mixed(now: float | None, before: float | None, trust: float) -> float | None:
    if now is None or before is None:
        return before if now is None else now
    trust = min(1.0, trust)
    return trust * now + (1 - trust) * before


def _counted_down(amount: float, rate: float | None, meter: Meter, since_s: float | None, now_s: float) -> float | None:
    """The time `amount` takes, less what has passed since the last result, which is part of the next one. A result that
    is late takes nothing more off: nobody knows when it will come."""
    if rate is None:
        return None
    waited_s = 0.0 if since_s is None else min(now_s - since_s, rate * meter.usual_amount)
    return max(0.0, amount * rate - waited_s)
