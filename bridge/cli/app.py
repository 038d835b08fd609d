"""The commands by name."""

from __future__ import annotations

from typing import Annotated

import typer

from bridge import __version__
from bridge.cli import check, console, demo, holds, map, run, schema, selftest, send, status, test, topics  # noqa: A004 - named as commands are
from bridge.cli.backfill import check as check_files
from bridge.cli.backfill import plan, submit, verify, watch, write
from bridge.cli.backfill import status as backfill_status
from bridge.cli.dlq import discard, replay, show, stats, transfer
from bridge.cli.dlq import list as list_letters
from bridge.cli.dlq.selectors import SelectingCommand
from bridge.cli.explaining import explain
from bridge.cli.formatting import fmt
from bridge.cli.frame import help, startup  # noqa: A004 - named as commands are
from bridge.cli.frame.help import about
from bridge.cli.init import command as init_
from bridge.cli.live import tap
from bridge.cli.offsets import set_
from bridge.cli.offsets import show as show_offsets
from bridge.cli.top import command as top_
from bridge.cli.trying import emulator, playground
from bridge.errors import Misuse
from bridge.exits import ExitCode

TRACEBACK_OPTION = "--traceback"


def _group() -> typer.Typer:
    """Commands under one name; what it is for, its callback says."""
    return typer.Typer(cls=help.HelpGroup, no_args_is_help=True, rich_markup_mode=None)


topics_ = _group()
topics_.command("create", cls=help.Command, short_help="Create the dead-letter topic and its .resolutions.")(
    topics.create
)


@topics_.callback()
@about(
    ("See which topics the bridge needs and are missing", "topics create --dry-run"),
)
def _topics(config: startup.ConfigPath = None) -> None:
    """The topics that the bridge itself needs."""


dlq = _group()
dlq.command(
    "stats", cls=SelectingCommand, short_help="Count the open dead letters by reason, message, status, route and age."
)(stats.stats)
dlq.command("list", cls=SelectingCommand, short_help="Show the dead letters, one per line.")(list_letters.list_letters)
dlq.command("show", cls=help.Command, short_help="Show one: what came, was sent, would be sent now.")(show.show)
dlq.command("replay", cls=SelectingCommand, short_help="Send dead letters again, each once, in order.")(replay.replay)
dlq.command("discard", cls=SelectingCommand, short_help="Settle dead letters without sending them.")(discard.discard)
dlq.command("export", cls=SelectingCommand, short_help="Write dead letters as NDJSON, raw bytes kept.")(transfer.export)
dlq.command("import", cls=help.Command, short_help="Re-import corrected records.")(transfer.import_letters)


@dlq.callback(invoke_without_command=True, no_args_is_help=False)
@about(
    ("Count the open dead letters", "dlq stats"),
    ("Look at one", "dlq show 3:1207"),
    ("Send those again whose route is fixed now", "dlq replay --route order.completed --dry-run"),
)
def _dlq(ctx: typer.Context, config: startup.ConfigPath = None) -> object:
    """Dead letters: what, why, and sending them again. Without a command: `stats`, the first look."""
    if ctx.invoked_subcommand is not None:
        return None
    if not startup.is_configured(config):
        typer.echo(ctx.get_help())
        return ExitCode.USAGE
    group = ctx.command
    assert isinstance(group, help.HelpGroup)  # noqa: S101  # it is the class of `dlq`
    first = group.get_command(ctx, "stats")
    assert first is not None  # noqa: S101  # see above
    with first.make_context("stats", [], parent=ctx) as inner:
        return first.invoke(inner)


offsets = _group()
offsets.command("show", cls=help.Command, short_help="Show committed offsets, logs, lag and what is wrong.")(
    show_offsets.show
)
offsets.command("set", cls=help.Command, short_help="Set the group's committed offset.")(set_.set_offsets)


@offsets.callback()
@about(
    ("The committed offsets of a topic, and what is wrong", "offsets show shop.orders"),
)
def _offsets(config: startup.ConfigPath = None) -> None:
    """The committed offset of each partition, and setting it."""


backfill = _group()
backfill.command("plan", cls=help.Command, short_help="Decide which offsets are history.")(plan.plan)
backfill.command("write", cls=help.Command, short_help="Write its events as files of rows.")(write.write)
backfill.command("check", cls=help.Command, short_help="Look at all rows before anything is submitted.")(
    check_files.check
)
backfill.command("submit", cls=help.Command, short_help="Send the files to the Import API, each row once.")(
    submit.submit
)
backfill.command("watch", cls=help.Command, short_help="Wait for the job that is under way; send nothing.")(watch.watch)
backfill.command("verify", cls=help.Command, short_help="Hold what was sent against what the API tells of it.")(
    verify.verify
)
backfill.command("status", cls=help.Command, short_help="Show how far a run is, and what is next.")(
    backfill_status.status
)


@backfill.callback()
@about(
    ("All that Kafka has, for a bridge that has not run yet", "backfill plan y25 --cut"),
)
def _backfill(config: startup.ConfigPath = None) -> None:
    """History: import files of what happened before."""


app = typer.Typer(
    name="track-bridge",
    help="Sends domain events from Kafka to the Userpilot Track API: nothing lost, order kept per user, "
    "the rate budget respected.",
    cls=help.HelpGroup,
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help is the same in a terminal, a pipe and a log, and is there at once
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("demo", cls=help.Command, short_help="Watch the whole bridge at work for half a minute.")(demo.demo)
app.command("emulator", cls=help.Command, short_help="An emulated Track API to try against, with faults and a page.")(
    emulator.emulator
)
app.command(
    "playground",
    cls=help.Command,
    short_help="A live shop, Kafka, API, bridge and console to touch, until Ctrl-C.",
)(playground.playground)
app.command("init", cls=help.Command, short_help="Propose a configuration from the records of topics or files.")(
    init_.init
)
app.command("run", cls=help.Command)(run.run)
app.command("check", cls=help.Command)(check.check)
app.command("map", cls=help.Command)(map.map_records)
app.command("explain", cls=help.Command, short_help="Was this event sent? What became of it, and why.")(explain.explain)
app.command("send", cls=help.Command, short_help="Send one record, or a file of them, to the Track API.")(send.send)
app.command("test", cls=help.Command)(test.run_tests)
app.command("fmt", cls=help.Command, short_help="Format a configuration; its comments stay.")(fmt.fmt)
app.add_typer(topics_, name="topics")
app.add_typer(dlq, name="dlq")
app.add_typer(offsets, name="offsets")
app.add_typer(backfill, name="backfill")
app.command("hold", cls=help.Command, short_help="Stop sending a topic's records, on a running bridge.")(holds.hold)
app.command("release", cls=help.Command, short_help="Send a held topic's records again, on a running bridge.")(
    holds.release
)
app.command("pause", cls=help.Command, short_help="The same for a time: it ends by itself.")(holds.pause)
app.command("resume", cls=help.Command, short_help="End a pause before its time.")(holds.resume)
app.command("status", cls=help.Command)(status.status)
app.command("console", cls=help.Command, short_help="Serve pages for the operator, in a browser.")(console.console)
app.command("top", cls=help.Command, short_help="The whole group live on this terminal, with keys to act.")(top_.top)
app.command("tap", cls=help.Command, short_help="Watch samples of what comes in and what goes out.")(tap.tap)
app.command("selftest", cls=help.Command, short_help="Prove that nothing is lost: real bridges under faults.")(
    selftest.selftest
)
app.command("schema", cls=help.Command)(schema.schema)


def _version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"track-bridge {__version__}")
        raise typer.Exit


@app.callback()
@about(
    ("Look at everything a configuration needs, then run it", "check -c bridge.yaml"),
    ("", "run -c bridge.yaml"),
)
def options(
    ctx: typer.Context,
    config: startup.ConfigPath = None,
    version: Annotated[  # noqa: ARG001 - see below
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
    traceback: Annotated[  # noqa: ARG001 - see below
        bool,
        typer.Option(TRACEBACK_OPTION, help="Show where a defect of the bridge happened (also BRIDGE_TRACEBACK=1)."),
    ] = False,
) -> None:
    """Options before the command.

    Typer acts on --version, `entry` on --traceback before the line is parsed, the command on --config.
    """
    called = ctx.invoked_subcommand
    if config is not None and called is not None and not _takes_config(ctx, called):
        raise Misuse(f"track-bridge {called} reads no configuration: leave --config out.")


def _takes_config(ctx: typer.Context, called: str) -> bool:
    group = ctx.command
    assert isinstance(group, help.HelpGroup)  # noqa: S101  # it is the class of `app`
    command = group.get_command(ctx, called)
    return command is None or any(each.name == "config" for each in command.params)
