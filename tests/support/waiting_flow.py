"""A flow that says it has begun and waits until it is told how to end: a pass, as the studio sees it."""

import os
import time
from pathlib import Path
from typing import Any

from prefect import State, flow
from prefect.states import Completed, Failed


@flow(name="foley-pass", flow_run_name="reel1 - 3 shots", persist_result=False)
def waiting(folder: Path) -> State[Any]:
    """Write the process id to `folder`/begun; end when there is a file `folder`/end, with what it says."""
    with (folder / "begun").open("a", encoding="utf-8") as begun:
        begun.write(f"{os.getpid()} {os.environ.get('CUDA_VISIBLE_DEVICES')}\n")
    while not (folder / "end").exists():
        time.sleep(0.1)
    word, _, message = (folder / "end").read_text(encoding="utf-8").partition(" ")
    if word == "dies":
        os._exit(9)
    return Failed(message=message) if word == "Failed" else Completed(name=word, message=message)
