"""What a studio has done after every pass that laid something: a loudness check, a copy to its storage, a message.

FOLEY_AFTER_LAYING is a command, or a function as `module:name`. It is a variable of the machine that lays: what comes
with an edit or a request (foley.toml, a deployment's form) must not be able to run a program here.
"""

import importlib
import json
import os
import re
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

from flows.records import PassReport
from flows.work.boundary import Failure, attempt
from pipeline.errors import PipelineError

VARIABLE = "FOLEY_AFTER_LAYING"
_WITHIN_S = 1800.0
_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_MOST_LETTERS = 300


class _HookError(PipelineError):
    """It says that something is wrong."""


def asked_for(report: PassReport) -> str:
    """The command or function that is to run after this pass; "" for none, or where nothing was laid."""
    return os.environ.get(VARIABLE, "").strip() if report.laid else ""


def after_laying(report: PassReport) -> PassReport:
    """The report with what the hook said in `after_laying`. One that fails is a warning: the tracks are laid.

    A command gets FOLEY_EDIT, FOLEY_FOLDER, FOLEY_MANIFEST and FOLEY_REPORT; it fails by a status other than 0, and its
    last line is what it says. A function gets the manifest's path and the manifest; what it returns is what it says.
    """
    hook = asked_for(report)
    if not hook:
        return report
    said = attempt(_call if _FUNCTION.fullmatch(hook) else _run, hook, report)
    if isinstance(said, Failure):
        return replace(report, warnings=(*report.warnings, f"what runs after laying ({hook}) failed: {said.reason}"))
    return replace(report, after_laying=said)


def _call(hook: str, report: PassReport) -> str:
    module, _, name = hook.partition(":")
    manifest = _manifest(report)
    document: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
    return _shortened(str(getattr(importlib.import_module(module), name)(manifest, document) or ""))


def _run(hook: str, report: PassReport) -> str:
    outputs = report.outputs
    paths = {
        "FOLEY_EDIT": outputs.edit,
        "FOLEY_FOLDER": outputs.folder,
        "FOLEY_MANIFEST": outputs.manifest,
        "FOLEY_REPORT": outputs.report,
    }
    try:
        done = subprocess.run(
            shlex.split(hook),
            cwd=outputs.folder,
            env=os.environ | {name: str(path) for name, path in paths.items() if path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_WITHIN_S,
            text=True,
            errors="replace",
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _HookError(f"it did not end within {_WITHIN_S:.0f} s") from error
    except (OSError, ValueError) as error:
        raise _HookError(f"it cannot be run ({getattr(error, 'strerror', None) or error})") from error
    said = _shortened(done.stdout.strip().rpartition("\n")[2])
    if done.returncode:
        raise _HookError(f"it ended with status {done.returncode}{f': {said}' if said else ''}")
    return said


def _manifest(report: PassReport) -> Path:
    assert report.outputs.manifest is not None  # every pass writes one
    return report.outputs.manifest


def _shortened(text: str) -> str:
    return text if len(text) <= _MOST_LETTERS else f"{text[:_MOST_LETTERS]}…"
