"""The verbs by name."""

from __future__ import annotations

import typer

from bridge import exits
from bridge.cli.offsets import set_, show

app = typer.Typer(
    help="Where the group stands on each partition, and setting it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def offsets() -> None:
    """Where the group stands on each partition, and setting it."""


app.command(
    "show",
    short_help="Show committed offsets, logs, lag and what is wrong.",
    epilog=f"Example: bridge offsets show shop.orders/3 -c bridge.yaml. Exit codes: {exits.sentence()}.",
)(show.show)
app.command(
    "set",
    short_help="Set the group's committed offset.",
    epilog="Example: bridge offsets set shop.orders/3 --to earliest --accept-loss 400 -c bridge.yaml. "
    f"Exit codes: {exits.sentence()}.",
)(set_.set_offsets)
