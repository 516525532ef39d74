"""foley doctor: is this installation well?"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from plugin.commands.options import DebugOption, JsonOption, QuietOption


def doctor(
    store: Annotated[Path | None, typer.Option("--store", help="Folder of finished takes, as for `foley run`.")] = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Also try a schedule on a server of its own, which takes half a minute.")
    ] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> int:
    """Check the installation; each line says ok, warn or fail and what to do. Exit code 1 when something fails."""
    from flows.options import PassOptions, store_folder
    from plugin.console import Voice, complain
    from plugin.doctor import Health, examine

    voice = Voice(as_json=as_json, quiet=quiet)
    findings = []
    for finding in examine(store_folder(PassOptions(store=store)), deep=deep):
        findings.append(finding)
        remedy = f": {finding.remedy}" if finding.remedy else ""
        if not as_json:
            voice.result(None, f"{finding.health:<5} {finding.check:<15} {finding.text}{remedy}")
    failed = [finding.check for finding in findings if finding.health is Health.FAIL]
    if as_json:
        voice.result({"ok": not failed, "findings": [asdict(finding) for finding in findings]})
    if failed:
        complain(f"not in order: {', '.join(failed)}")
    return 1 if failed else 0
