"""The process that private_server.py starts: a Prefect server that leaves when its parent does.

Its standard input is the parent's end of a pipe, which closes even when the parent is killed. It then stays for a
moment to write down the history it still holds in memory. Run as a file; it imports nothing of this project.
"""

import sys
import threading
import time

_WRITES_HISTORY_FOR_S = 2.5


def serve(port: int) -> None:
    """Serve Prefect's API on this port of this machine, until standard input ends."""
    import uvicorn
    from prefect.server.api.server import create_app

    config = uvicorn.Config(create_app(), host="127.0.0.1", port=port, log_level="error", lifespan="on")
    server = uvicorn.Server(config)
    threading.Thread(target=_leave_with_parent, args=(server,), daemon=True).start()
    server.run()


def _leave_with_parent(server: "uvicorn.Server") -> None:  # type: ignore[name-defined]  # noqa: F821
    sys.stdin.read()
    time.sleep(_WRITES_HISTORY_FOR_S)
    server.should_exit = True


if __name__ == "__main__":
    serve(int(sys.argv[1]))
