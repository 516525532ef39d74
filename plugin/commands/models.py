"""foley models: which models there are."""

from typing import TYPE_CHECKING, Any

import typer

from plugin.commands.options import DebugOption, JsonOption, QuietOption

if TYPE_CHECKING:
    from pipeline.weights.registry import ModelCard

app = typer.Typer(help="Which models there are.", no_args_is_help=True)


@app.command("list")
def list_models(as_json: JsonOption = False, quiet: QuietOption = False, debug: DebugOption = False) -> int:
    """List the models: name, licence, whether they are here, size, and the labels they know."""
    from pipeline.weights.registry import known_models
    from plugin.console import Voice, table

    rows = [_as_json(card) for card in known_models()]
    columns = ("name", "title", "licence", "installed", "megabytes", "labels")
    shown = table(columns, [[_cell(row[column]) for column in columns] for row in rows])
    Voice(as_json=as_json, quiet=quiet).result(rows, shown)
    return 0


def _as_json(card: "ModelCard") -> dict[str, Any]:
    return {
        "name": card.name,
        "title": card.title,
        "licence": card.licence,
        "domain": card.domain,
        "bundled": card.bundled,
        "installed": card.installed,
        "megabytes": round(card.size_bytes / 1e6, 1),
        "labels": [label.text for label in card.labels],
    }


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value)
