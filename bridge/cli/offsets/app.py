"""The verbs by name."""

from __future__ import annotations

import typer

from bridge.cli.frame import help, startup  # noqa: A004 - named as what it shows
from bridge.cli.frame.help import about
from bridge.cli.offsets import set_, show

app = typer.Typer(
    help="The committed offset of each partition, and setting it.",
    cls=help.HelpGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
@about(
    ("The committed offsets of a topic, and what is wrong", "offsets show shop.orders"),
)
def offsets(config: startup.ConfigPath = None) -> None:
    """The committed offset of each partition, and setting it."""


app.command("show", cls=help.Command, short_help="Show committed offsets, logs, lag and what is wrong.")(show.show)
app.command("set", cls=help.Command, short_help="Set the group's committed offset.")(set_.set_offsets)
