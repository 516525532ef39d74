"""`python -m tests.bench.one_shot MOVIE STORE SECONDS...`: a take of each length, one after the other, with `mini`.

Prints per length a line of its seconds of sound, the seconds it took, and the peak of resident memory in MB so far.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

from pipeline.clip_store import ClipStore, FeatureStore
from pipeline.generate import generate_takes
from pipeline.generators.auffusion.generator import AuffusionGenerator, load_auffusion
from pipeline.probe import probe_movie
from pipeline.records import FoleyRequest, MediaSpan


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the lines; a take of one second before them loads what is loaded at first use."""
    movie, store, *lengths = sys.argv[1:] if arguments is None else arguments
    bundle = load_auffusion("mini", device="cpu")
    seconds_of_take(Path(movie), Path(store), bundle, Fraction(1), seed=0)
    for length in lengths:
        seconds = seconds_of_take(Path(movie), Path(store), bundle, Fraction(length), seed=int(length))
        sys.stdout.write(f"{length} {seconds} {getrusage(RUSAGE_SELF).ru_maxrss / 1024}\n")


def seconds_of_take(movie: Path, store: Path, bundle: AuffusionGenerator, duration_s: Fraction, *, seed: int) -> float:
    """Wall seconds of one take from the start of the movie."""
    settings = bundle.card.settings
    span = MediaSpan(path=movie, digest=probe_movie(movie).digest, start_s=Fraction(0), duration_s=duration_s)
    request = FoleyRequest(
        span=span,
        label="hammer hitting metal",
        seed=seed,
        settings_digest=settings.digest(),
        model_digest=bundle.digest,
    )
    started = time.perf_counter()
    generate_takes([request], bundle, settings, FeatureStore(store / "features"), ClipStore(store / "takes"))
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
