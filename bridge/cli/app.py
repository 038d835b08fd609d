"""The commands by name."""

from __future__ import annotations

from typing import Annotated

import typer

from bridge import __version__, exits
from bridge.cli import check, map, run, schema, send, status, test, topics  # noqa: A004 - named as the commands are
from bridge.cli.demo import command as demo
from bridge.cli.dlq import app as dlq
from bridge.cli.offsets import app as offsets
from bridge.cli.selftest import command as selftest

TRACEBACK_OPTION = "--traceback"

app = typer.Typer(
    name="bridge",
    help="Sends domain events from Kafka to the Userpilot Track API: nothing lost, order kept per user, "
    "the rate budget respected.",
    epilog=f"Exit codes: {exits.sentence()}.",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help is the same in a terminal, a pipe and a log, and is there at once
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("demo", short_help="Watch the whole bridge at work for half a minute.")(demo.demo)
app.command("run")(run.run)
app.command("check")(check.check)
app.command("map")(map.map_records)
app.command(
    "send",
    short_help="Send one record, or a file of them, to the Track API.",
    epilog="Examples: bridge send event.json; bridge send --file lost.ndjson --rate 20% --yes. "
    f"Exit codes: {exits.sentence()}.",
)(send.send)
app.command("test")(test.run_tests)
app.add_typer(topics.app, name="topics")
app.add_typer(dlq.app, name="dlq")
app.add_typer(offsets.app, name="offsets")
app.command("status")(status.status)
app.command("selftest", short_help="Prove that nothing is lost: real bridges under faults.")(selftest.selftest)
app.command("schema")(schema.schema)


def _version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"track-bridge {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
    traceback: Annotated[
        bool,
        typer.Option(TRACEBACK_OPTION, help="Show where a defect of the bridge happened (also BRIDGE_TRACEBACK=1)."),
    ] = False,
) -> None:
    """Options before the command: Typer acts on the one, `entry` on the other before the line is parsed."""
