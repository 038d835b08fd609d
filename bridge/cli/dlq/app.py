"""The verbs by name."""

from __future__ import annotations

import typer

from bridge.cli.dlq import discard, export, import_, replay, show, stats
from bridge.cli.dlq import list as list_

app = typer.Typer(
    help="Dead letters: what is in their topic and why; mend, send again, settle.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def dlq() -> None:
    """Dead letters: what is in their topic and why; mend, send again, settle."""


app.command("stats")(stats.stats)
app.command("list")(list_.list_letters)
app.command("show")(show.show)
app.command("replay")(replay.replay)
app.command("discard")(discard.discard)
app.command("export")(export.export)
app.command("import")(import_.import_letters)
