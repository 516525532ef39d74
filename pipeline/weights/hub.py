"""The hub of published models, through its own client: the one place that asks anything of the network.

Downloads are kept in the client's cache (HF_HOME) and go on where they were cut off. HF_HUB_OFFLINE and HF_ENDPOINT
are honoured; nothing is reported about this program or its user.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import WeightsError, first_line
from pipeline.files import sha256_of
from pipeline.proxies import unusable_proxies
from pipeline.weights.catalogue import Part, Source
from pipeline.weights.store import require_room

_SHA256 = re.compile(r"[0-9a-f]{64}")


class Hub:
    """Published files by way of the network. revision: a branch, tag or commit, for every source; None the usual."""

    def __init__(self, revision: str | None = None, *, progress: bool = False) -> None:
        from huggingface_hub import constants
        from huggingface_hub.utils.logging import set_verbosity_error
        from huggingface_hub.utils.tqdm import disable_progress_bars

        # It logs every attempt; what matters in the end is raised.
        set_verbosity_error()  # type: ignore[no-untyped-call]
        constants.HF_HUB_DISABLE_TELEMETRY = True
        if not progress:
            disable_progress_bars()
        self._revision = revision

    @property
    def unchanging(self) -> bool:
        return True

    def find(self, source: Source, names: Sequence[str]) -> tuple[str, Path] | None:
        from huggingface_hub import constants
        from huggingface_hub.errors import LocalEntryNotFoundError, RemoteEntryNotFoundError

        for name in names:
            try:
                return name, self._download(source, name)
            except LocalEntryNotFoundError as error:
                if not constants.is_offline_mode():
                    raise self._unreachable(source, name) from error
            except RemoteEntryNotFoundError:
                continue
        return None

    def describe(self, source: Source, names: Sequence[str]) -> str:
        from huggingface_hub import constants

        offline = " in the cache (HF_HUB_OFFLINE is set: unset it)" if constants.is_offline_mode() else ""
        return f"{' or '.join(names)} in {source.repo} at revision {self.revision(source)}{offline}"

    def require_room(self, parts: Sequence[Part]) -> None:
        from huggingface_hub import constants

        missing = [part for part in parts if not self._cached(part)]
        require_room(Path(constants.HF_HUB_CACHE), sum(part.bytes for part in missing), "the download")

    def revision(self, source: Source) -> str:
        return self._revision or source.revision

    def _download(self, source: Source, name: str) -> Path:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError

        endpoint = os.environ.get("HF_ENDPOINT")
        try:
            found = hf_hub_download(source.repo, name, revision=self.revision(source), endpoint=endpoint)
        except EntryNotFoundError:
            raise
        except Exception as error:  # the client's, its HTTP library's and the disk's errors have no common base
            raise self._refused(source, name, error) from error
        path = Path(found)
        _require_whole(path)
        return path

    def _cached(self, part: Part) -> bool:
        from huggingface_hub import try_to_load_from_cache

        revision = self.revision(part.source)
        names = part.weights or part.files[:1]
        return any(isinstance(try_to_load_from_cache(part.source.repo, n, revision=revision), str) for n in names)

    def _unreachable(self, source: Source, name: str) -> WeightsError:
        return WeightsError(
            f"{name} of {source.repo} cannot be fetched, the hub does not answer: check the connection (what was "
            "fetched so far is kept), or download it elsewhere and use --from DIR"
        )

    def _refused(self, source: Source, name: str, error: Exception) -> WeightsError:
        return WeightsError(
            f"{name} of {source.repo} at revision {self.revision(source)} cannot be fetched, {_reason(error)}, or "
            "download it elsewhere and use --from DIR"
        )


def build_client() -> None:
    """Build the hub's client as a fetch would; asks nothing. Raises WeightsError for a proxy that it cannot use."""
    from huggingface_hub import get_session

    if (reason := _unusable_proxy()) is not None:
        raise WeightsError(reason)
    get_session()


def _unusable_proxy() -> str | None:
    for name, url in unusable_proxies(os.environ).items():
        return f"the proxy {url} that {name} names is of no known kind: name one of http, https or socks5 there"
    return None


def _reason(error: Exception) -> str:
    """Why the hub gave nothing, and what to do about it."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    if isinstance(error, GatedRepoError):
        return "its publisher lets in only who asked for it: ask on its page and log in with `hf auth login`"
    if isinstance(error, RepositoryNotFoundError):
        return "the hub has no such repository, or does not show it: log in with `hf auth login`"
    if isinstance(error, RevisionNotFoundError):
        return "there is no such revision: name another with --revision"
    if (reason := _unusable_proxy()) is not None:
        return reason
    return f"{first_line(error).rstrip('.:')}: try again"


def _require_whole(path: Path) -> None:
    """Large files are kept in the cache under their sha256: then the content has to agree with the name."""
    blob = path.resolve().name
    if _SHA256.fullmatch(blob) and sha256_of(path) != blob:
        raise WeightsError(
            f"the download {path} is damaged (its sha256 is not the announced one); delete it and fetch again"
        )
