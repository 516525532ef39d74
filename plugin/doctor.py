"""What can be wrong with an installation, checked one by one; nothing is changed and nothing is asked of the network.

Whatever may crash or take the interpreter along (torch, Prefect's server) is tried in a process of its own.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_SUBPROCESS_LIMIT_S = 180
_GIGABYTE = 1 << 30
# The releases that pip would pick without these bounds break Prefect's server or its scheduler.
_PINS = {
    "prefect": ((3, 8, 8), (4,)),
    "fastapi": ((0, 139), (0, 151)),
    "sqlalchemy": ((2, 0), (2, 1)),
    "opentimelineio": ((0, 18), (0, 19)),
}


class Health(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the doctor: what was checked, how it is, what to do about it."""

    check: str
    health: Health
    text: str
    remedy: str = ""


def examine(store: Path, *, deep: bool = False) -> Iterable[Finding]:
    """All findings, one by one as they are made; `store` is the folder that takes are to be kept in.

    `deep` also tries what takes a minute.
    """
    yield check_python(sys.version_info[:2])
    yield check_own_packages()
    for name in _PINS:
        yield check_pin(name)
    yield _in_a_process(
        "prefect server", "import prefect.server.api.server", "run `pip install 'fastapi<0.151' 'sqlalchemy<2.1'`"
    )
    yield check_clients()
    yield check_torch()
    yield _try("movies", _movie_codecs, "run `pip install --force-reinstall av`")
    yield _try("weights", _weights, "install Smooth-Foley again")
    yield examine_models()
    yield check_store(store)
    yield check_studio()
    if deep:
        yield check_schedules()


def check_python(found: tuple[int, int]) -> Finding:
    """Python 3.11 to 3.13."""
    good = (3, 11) <= found <= (3, 13)
    return Finding(
        check="python",
        health=Health.OK if good else Health.FAIL,
        text=f"Python {found[0]}.{found[1]}",
        remedy="" if good else "install Smooth-Foley with Python 3.11, 3.12 or 3.13",
    )


def check_own_packages() -> Finding:
    """Our four packages are ours: no namesake shadows or overwrote them."""
    from flows.guard import require_own

    names = ("plugin", "flows", "pipeline", "timeline_io")
    try:
        require_own(*names)
    except ImportError as error:
        return Finding(check="packages", health=Health.FAIL, text=str(error), remedy="see the line above")
    return Finding(check="packages", health=Health.OK, text=f"{', '.join(names)} are Smooth-Foley's own")


def check_pin(name: str) -> Finding:
    """A package is there, in a release known to work."""
    low, high = _PINS[name]
    wanted = f"{name}>={_dotted(low)},<{_dotted(high)}"
    try:
        found = version(name)
    except PackageNotFoundError:
        return Finding(check=name, health=Health.FAIL, text="not installed", remedy=f"run `pip install '{wanted}'`")
    good = low <= _numbers(found) < high
    return Finding(
        check=name,
        health=Health.OK if good else Health.FAIL,
        text=found,
        remedy="" if good else f"run `pip install '{wanted}'`",
    )


def check_clients() -> Finding:
    """The clients that ask Prefect's server and the hub of models can be built with the proxies of the environment."""
    code = (
        "from pipeline.weights.hub import build_client; build_client(); "
        "from flows.server.prefect_env import set_defaults; set_defaults(); "
        "from prefect.client.orchestration import SyncPrefectClient; SyncPrefectClient('http://127.0.0.1:4200/api'); "
        "print('clients of Prefect and of the hub can be built')"
    )
    return _in_a_process("clients", code, "look at ALL_PROXY, HTTP_PROXY and HTTPS_PROXY in the environment")


def check_torch() -> Finding:
    """torch imports, on what it would compute, and what the number format "auto" means there."""
    code = "import torch; from pipeline.runtime import best_device_in_words as told; print(torch.__version__, told())"
    return _in_a_process("torch", code, "run `pip install --force-reinstall torch`")


def check_store(store: Path) -> Finding:
    """The store can be written and its disk has room."""
    try:
        store.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=store):
            pass
        free = shutil.disk_usage(store).free
    except OSError as error:
        why = error.strerror or type(error).__name__
        remedy = "name another folder with --store or FOLEY_STORE"
        return Finding(check="store", health=Health.FAIL, text=f"{store} cannot be written ({why})", remedy=remedy)
    text = f"{store}, {free / _GIGABYTE:.1f} GB free"
    if free >= 2 * _GIGABYTE:
        return Finding(check="store", health=Health.OK, text=text)
    health = Health.WARN if free >= _GIGABYTE // 4 else Health.FAIL
    return Finding(check="store", health=health, text=text, remedy="make room, or name another folder with FOLEY_STORE")


def examine_models() -> Finding:
    """Every fetched model is whole."""
    return _try("models", _models, "run `foley models fetch` again for it")


def check_studio() -> Finding:
    """Whether a studio runs here, and answers."""
    from flows.studio.home import studio_home
    from flows.studio.reach import answers

    home = studio_home()
    running = home.running()
    if running is None:
        return Finding(check="studio", health=Health.OK, text=f"none runs in {home.folder}")
    if not answers(running.api_url):
        text = f"process {running.pid} runs one, but {running.api_url} does not answer"
        return Finding(check="studio", health=Health.WARN, text=text, remedy=f"look into {home.logs}")
    workers = f"{len(running.workers)} worker{'' if len(running.workers) == 1 else 's'}"
    return Finding(check="studio", health=Health.OK, text=f"{running.ui_url} with {workers}")


def check_schedules() -> Finding:
    """A server of these releases plans the runs of a schedule: one that does not lets every night pass in silence."""
    from flows.studio.proof import seconds_to_plan

    return _try(
        "schedules",
        lambda: f"a server plans the runs of a schedule, after {seconds_to_plan():.1f} s",
        "run `pip install 'prefect>=3.9.1,<4' 'fastapi<0.151' 'sqlalchemy<2.1'`",
    )


def _movie_codecs() -> str:
    import av

    for codec in ("libx264", "aac"):
        av.codec.Codec(codec, "w")
    return f"PyAV {av.__version__} writes H.264 and AAC by itself, no ffmpeg needed"


def _weights() -> str:
    from pipeline.weights.registry import known_models, verify_files

    cards = [card for card in known_models() if card.bundled]
    for card in cards:
        verify_files(card)
    return ", ".join(f"{card.name}: {len(card.files)} files as they were made" for card in cards)


def _models() -> str:
    """The fetched models, whole by the length of their files; reading all of them would take minutes."""
    from pipeline.weights.registry import CARD_NAME, read_card, verify_sizes
    from pipeline.weights.store import models_folder

    folder = models_folder()
    cards = [read_card(path.parent) for path in sorted(folder.glob(f"[!.]*/{CARD_NAME}"))]
    for card in cards:
        verify_sizes(card)
    return ", ".join(f"{card.name} ({card.size_bytes / 1e9:.1f} GB)" for card in cards) or f"none fetched into {folder}"


def _try(check: str, probe: Callable[[], str], remedy: str) -> Finding:
    try:
        return Finding(check=check, health=Health.OK, text=probe())
    except Exception as error:
        return Finding(check=check, health=Health.FAIL, text=f"{type(error).__name__}: {error}", remedy=remedy)


def _in_a_process(check: str, code: str, remedy: str) -> Finding:
    try:
        # -P: a queue.py in the folder the doctor is called in is none of Python's.
        done = subprocess.run(
            [sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=_SUBPROCESS_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        text = f"did not answer in {_SUBPROCESS_LIMIT_S} s"
        return Finding(check=check, health=Health.WARN, text=text, remedy="try again when the machine is less busy")
    if done.returncode == 0:
        return Finding(check=check, health=Health.OK, text=done.stdout.strip() or "imports")
    last = (done.stderr.strip().splitlines() or [f"ended with code {done.returncode}"])[-1]
    return Finding(check=check, health=Health.FAIL, text=last, remedy=remedy)


def _dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))


def _numbers(text: str) -> tuple[int, ...]:
    """The leading numbers of a version: "2.15.0+cpu" is (2, 15, 0)."""
    parts = text.split("+")[0].split(".")
    return tuple(int(part) for part in parts if part.isdigit())
