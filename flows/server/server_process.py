"""The process that private_server.py starts: a Prefect server that leaves when its parent does.

Its standard input is the parent's end of a pipe. It then stays for a moment to write down the history it still holds
in memory.
"""

import sys
import time

from flows.parent import when_parent_ends

_WRITES_HISTORY_FOR_S = 2.5


def serve(port: int) -> None:
    """Serve Prefect's API on this port of this machine, until standard input ends."""
    import uvicorn
    from prefect.server.api.server import create_app

    config = uvicorn.Config(create_app(), host="127.0.0.1", port=port, log_level="error", lifespan="on")
    server = uvicorn.Server(config)

    def leave() -> None:
        time.sleep(_WRITES_HISTORY_FOR_S)
        server.should_exit = True

    when_parent_ends(leave)
    server.run()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
