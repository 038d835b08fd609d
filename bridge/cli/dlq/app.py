"""The verbs by name."""

from __future__ import annotations

import typer

from bridge.cli.dlq import discard, export, import_, replay, show, stats
from bridge.cli.dlq import list as list_
from bridge.cli.dlq.selectors import SelectingCommand
from bridge.cli.frame import help, startup  # noqa: A004 - named as what it shows
from bridge.cli.frame.help import about

app = typer.Typer(
    help="Dead letters: what, why, and sending them again.",
    cls=help.HelpGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
@about(
    ("Count the open dead letters", "dlq stats"),
    ("Look at one", "dlq show 3:1207"),
    ("Send those again whose route is fixed now", "dlq replay --route order.completed --dry-run"),
)
def dlq(config: startup.ConfigPath = None) -> None:
    """Dead letters: what, why, and sending them again."""


app.command(
    "stats", cls=SelectingCommand, short_help="Count the open dead letters by reason, message, status, route and age."
)(stats.stats)
app.command("list", cls=SelectingCommand, short_help="Show the dead letters, one per line.")(list_.list_letters)
app.command("show", cls=help.Command, short_help="Show one: what came, was sent, would be sent now.")(show.show)
app.command("replay", cls=SelectingCommand, short_help="Send dead letters again, each once, in order.")(replay.replay)
app.command("discard", cls=SelectingCommand, short_help="Settle dead letters without sending them.")(discard.discard)
app.command("export", cls=SelectingCommand, short_help="Write dead letters as NDJSON, raw bytes kept.")(export.export)
app.command("import", cls=help.Command, short_help="Re-import corrected records.")(import_.import_letters)
