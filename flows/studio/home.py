"""The folder of a studio: who runs it, where its server answers, what its password is.

studio/            FOLEY_STUDIO, else this user's data folder; nobody else may look into it
  studio.lock      held by `foley studio up` for as long as it runs; the kernel lets go of it whatever happens
  studio.json      where its server answers; there only while it runs
  password         what the server asks for, 0600
  prefect/         Prefect's own folder, with the database when no other is named
  papers/          under which ids the folders of passes are shown to this machine
  logs/            what the server and the workers say
"""

import json
import os
import platform
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from flows.errors import StudioError
from flows.places import absolute
from pipeline.files import atomically
from pipeline.user_folders import data_folder

_USER = "foley"
_LOCK_PATIENCE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A studio that runs. `pid` is the process of `foley studio up` on `machine`; `since` is an ISO time; `papers_url`
    is "" where what passes wrote is not shown. Nothing here is secret."""

    pid: int
    api_url: str
    ui_url: str
    database: str
    workers: tuple[str, ...]
    since: str
    machine: str = field(default_factory=platform.node)
    papers_url: str = ""


@dataclass(frozen=True, slots=True)
class StudioHome:
    """The folder, and the names in it."""

    folder: Path

    @property
    def prefect(self) -> Path:
        """Prefect's own folder."""
        return self.folder / "prefect"

    @property
    def papers(self) -> Path:
        """Which folders are shown to this machine, under which ids."""
        return self.folder / "papers"

    @property
    def logs(self) -> Path:
        """Where the children's words go."""
        return self.folder / "logs"

    @property
    def password_file(self) -> Path:
        """The file with the password."""
        return self.folder / "password"

    def make(self) -> None:
        """Make the folder and what belongs in it, for this user alone. Raises StudioError when that cannot be, and for
        a folder of other things, which nobody else could open any more."""
        try:
            if self._is_of_others():
                raise StudioError(
                    f"{self.folder} holds other things, and a studio closes its folder to everybody else: name "
                    "a new or empty folder with --home or FOLEY_STUDIO"
                )
            for folder in (self.folder, self.prefect, self.logs):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.chmod(0o700)
        except OSError as error:
            raise StudioError(
                f"the studio's folder {self.folder} cannot be written ({error.strerror}): name another with --home or "
                "FOLEY_STUDIO"
            ) from error

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the one who runs this studio. Raises StudioError, which says who does, when somebody else is."""
        self.make()
        lock = FileLock(self._lock_file)
        try:
            lock.acquire(timeout=_LOCK_PATIENCE_S)
        except Timeout as error:
            raise StudioError(f"the studio in {self.folder} is running already{self._by_whom()}") from error
        except (OSError, NotImplementedError) as error:  # some network disks know no locks
            raise StudioError(
                f"{self._lock_file} cannot be locked ({error}): name another folder with --home"
            ) from error
        try:
            self._record.unlink(missing_ok=True)
            yield
        finally:
            self._record.unlink(missing_ok=True)
            lock.release()

    def is_held(self) -> bool:
        """Whether somebody runs this studio, or is starting or stopping it."""
        lock = FileLock(self._lock_file)
        try:
            if not self._lock_file.exists():
                return False
            lock.acquire(timeout=0)
        except Timeout:
            return True
        except (OSError, NotImplementedError):  # another user's: not ours to use
            return False
        lock.release()
        return False

    def announce(self, running: Running) -> None:
        """Write down that it runs; only who holds the studio may."""
        private_text(self._record, json.dumps(asdict(running), indent=2) + "\n")

    def running(self) -> Running | None:
        """The studio that runs here, or None. What a killed one left behind does not count."""
        if not self.is_held():
            return None
        try:
            fields = json.loads(self._record.read_text(encoding="utf-8"))
            return Running(**{**fields, "workers": tuple(fields["workers"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def require_running(self) -> Running:
        """The studio that runs here. Raises StudioError when none does."""
        running = self.running()
        if running is None:
            more = "is just starting or stopping: try again" if self.is_held() else "does not run: `foley studio up`"
            raise StudioError(f"the studio in {self.folder} {more}")
        return running

    def credentials(self) -> str:
        """What the server asks for, "user:password"; made when it is first needed.

        Raises StudioError when the file cannot be read or written.
        """
        try:
            if not self.password_file.exists():
                private_text(self.password_file, f"{_USER}:{secrets.token_urlsafe(24)}\n")
            self.password_file.chmod(0o600)
            return read_credentials(self.password_file)
        except OSError as error:
            raise StudioError(f"{self.password_file} cannot be used ({error.strerror}): see to it") from error

    def keep_credentials(self, credentials: str) -> None:
        """Keep the password of a studio elsewhere. Raises StudioError when it cannot be written."""
        try:
            private_text(self.password_file, f"{credentials}\n")
        except OSError as error:
            raise StudioError(f"{self.password_file} cannot be written ({error.strerror}): see to it") from error

    @property
    def _lock_file(self) -> Path:
        return self.folder / "studio.lock"

    @property
    def _record(self) -> Path:
        return self.folder / "studio.json"

    def _is_of_others(self) -> bool:
        names = {entry.name for entry in self.folder.iterdir()} if self.folder.is_dir() else set()
        return bool(names - {"lost+found"}) and not names & {self._lock_file.name, self.password_file.name}

    def _by_whom(self) -> str:
        running = self.running()
        if running is None:
            return ""
        where = "" if running.machine == platform.node() else f" of {running.machine}"
        return (
            f" (process {running.pid}{where}, {running.ui_url}): `foley studio status` shows it, `foley studio down` "
            "ends it"
        )


def studio_home(chosen: Path | None = None) -> StudioHome:
    """The studio's folder: `chosen`, else FOLEY_STUDIO, else this user's data folder. It need not be there."""
    told = chosen or os.environ.get("FOLEY_STUDIO")
    usual = data_folder("the studio", "FOLEY_STUDIO") / "smooth-foley" / "studio" if not told else Path(told)
    return StudioHome(absolute(usual))


def read_credentials(file: Path) -> str:
    """The "user:password" in a file. Raises StudioError when there is none or when it cannot be read."""
    try:
        text = file.read_bytes().decode(errors="replace").strip()
    except OSError as error:
        raise StudioError(f"{file} cannot be read ({error.strerror}): name the file with the password") from error
    if ":" not in text or not text.isprintable() or "\ufffd" in text:
        raise StudioError(f"{file} holds no password: it must be one line, as `foley studio password` prints it")
    return text


def private_text(path: Path, text: str) -> None:
    """Write a small file whole or not at all, for this user alone from the first byte on."""
    with atomically(path, private=True) as draft:
        draft.write_text(text, encoding="utf-8")
