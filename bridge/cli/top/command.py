"""``track-bridge top``"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from bridge.cli.frame import output, startup
from bridge.cli.frame.help import about
from bridge.commands import command
from bridge.config import environment
from bridge.errors import Misuse
from bridge.exits import ExitCode


@about(
    ("All replicas of console.instances, and Kafka", "top"),
    ("With replicas that the configuration does not name", "top --instance bridge-0:9464"),
)
def top(
    config: startup.ConfigPath = None,
    instance: Annotated[
        list[str] | None,
        typer.Option(
            "--instance",
            metavar="ADDRESS",
            show_default=False,
            help="Where a replica listens, or dns+http://NAME:PORT for all addresses of a name; may be repeated. "
            "Left out: console.instances.",
        ),
    ] = None,
) -> ExitCode:
    """The whole group live on this terminal: partitions, routes, replicas, holds, and what can be done about them.

    Keys sort, open a row, hold, pause, release, set offsets, send a file (with a question and a reason, by the token of
    console.token_file); ? lists them, q ends it. For a log or a script there is track-bridge status --group.
    """
    instead = command("status", "--group", "--watch")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Misuse(f"This needs a terminal. For a log or a script use `{instead}`, or --json with it.")
    if environment.variables().get("TERM") == "dumb":
        raise Misuse(f"This terminal (TERM) cannot move its cursor. Use `{instead}`.")
    return _run(config, instance or ())


def _run(config: startup.ConfigPath, named: Sequence[str]) -> ExitCode:
    import asyncio

    from bridge.cli import status_group
    from bridge.cli.top import program
    from bridge.cli.top.sending import TopFiles
    from bridge.fleet import acts
    from bridge.fleet.acts.offset_setting import ClusterBooks, OffsetSetting
    from bridge.fleet.opening import open_fleet
    from bridge.reprocess.author import author
    from bridge.text.printable import printable

    start = startup.load_to_read(config, None, needs_key=False)
    instances = tuple(status_group.instance_of(each) for each in named)
    control = None if start.config.console.token_file is None else acts.over_network(start.config, instances)

    offsets = files = None
    if control is not None:
        files = TopFiles(start.config, start.mapping, startup.quiet_logger())
        books = ClusterBooks(start.config, startup.quiet_logger())
        offsets = OffsetSetting(start.config.kafka.group_id, control, books)

    async def run() -> None:
        async with open_fleet(start.config, startup.quiet_logger(), instances) as source:
            await program.on_terminal(source, control, author("").user, offsets, files)

    asyncio.run(run())
    if files is not None and files.line:
        output.line(printable(files.line))
    return ExitCode.OK
