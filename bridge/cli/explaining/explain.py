"""``track-bridge explain``"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.frame import completion, output, progress, startup
from bridge.cli.frame.help import about
from bridge.cli.frame.schema_option import SchemaFiles
from bridge.errors import Misuse
from bridge.exits import ExitCode

if TYPE_CHECKING:
    from bridge.explain.questions import Question, SearchBounds
    from bridge.explain.shown import ShownContent
    from bridge.explain.sources import ReplicasTold

_LIMIT = 100_000
_TIMEOUT = "60s"


@about(
    ("What became of a record", "explain shop.orders/3/1207"),
    ("What became of an event, by its id", "explain --event-id ord-7f3a --topic shop.orders"),
    ("Was anything of this user sent since yesterday", "explain --user u-1 --since 24h"),
    findings="Nothing was found; or an event is lost, an open dead letter, waits for somebody, or what became of it "
    "cannot be known.",
    unreachable="No Kafka broker answers.",
)
def explain(  # noqa: PLR0917 - options are parameters
    place: Annotated[
        str | None,
        typer.Argument(
            metavar="TOPIC/PARTITION/OFFSET",
            show_default=False,
            autocompletion=completion.places,
            help="The record, by its place.",
        ),
    ] = None,
    config: startup.ConfigPath = None,
    event_id: Annotated[
        str | None,
        typer.Option("--event-id", metavar="ID", show_default=False, help="Look for it by mapping.event_id."),
    ] = None,
    user: Annotated[
        str | None,
        typer.Option("--user", metavar="ID", show_default=False, help="Look for all of a user; company:ID: a company."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            show_default=False,
            help="Look at no older records: a time (2026-01-31T00:00:00Z), or so long ago (24h).",
        ),
    ] = None,
    topic: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            show_default=False,
            autocompletion=completion.topics,
            help="Look only here; may be repeated. Left out: all consumed topics.",
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", metavar="N", min=1, help="Look at N records at most, the newest.")
    ] = _LIMIT,
    timeout: Annotated[
        str, typer.Option("--timeout", metavar="TIME", help="Look through the topics for so long at most.")
    ] = _TIMEOUT,
    show_values: Annotated[
        bool,
        typer.Option("--show-values", help="Show what is in the record and the requests, less dead_letter.redact."),
    ] = False,
    schema: SchemaFiles = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> ExitCode:
    """Was this event sent? Finds a record, shows the mapping step by step, and says what became of it.

    Waiting, and for what; delivered; filtered, by which rule; a dead letter, in which state; lost; or what cannot be
    known, and why. Joins no group, changes nothing. Of what is in the record nothing is shown without --show-values.
    """
    from bridge.explain.document import document
    from bridge.explain.explain import explain as answer_to
    from bridge.explain.sources import ClusterSources

    question = _question(place, event_id, user, _bounds(since, topic, limit, timeout))
    start = startup.load_to_read(config, schema, reaches_api=False)
    sources = ClusterSources(
        start.config, start.mapping, startup.connect(start), lambda: _replicas(start), startup.quiet_logger()
    )
    with progress.watched("Reading", limit) as report:
        answer = answer_to(question, sources, _shown(start, shows_values=show_values), report)
    if json:
        output.document(document(answer))
    else:
        from bridge.cli import status_screen
        from bridge.cli.explaining import page

        status_screen.write(page.page(answer, status_screen.width()))
    return ExitCode.FINDINGS if answer.needs_a_look else ExitCode.OK


def _question(place: str | None, event_id: str | None, user: str | None, bounds: SearchBounds) -> Question:
    from bridge.explain.questions import ById, ByUser, parse_place

    if sum(each is not None for each in (place, event_id, user)) != 1:
        raise Misuse("Say which record is meant: TOPIC/PARTITION/OFFSET, --event-id ID or --user ID, one of them.")
    if event_id is not None:
        return ById(event_id, bounds)
    if user is not None:
        return ByUser(user, bounds)
    if bounds.since_ms is not None or bounds.topics:
        raise Misuse("--since and --topic say where to look: they need --event-id or --user.")
    try:
        return parse_place(place or "")
    except ValueError as problem:
        raise Misuse(f"{problem}.") from problem


def _bounds(since: str | None, topics: list[str] | None, limit: int, timeout: str) -> SearchBounds:
    from bridge.config.keys import scalars
    from bridge.explain.questions import SearchBounds
    from bridge.reprocess.reading.wanted import moment_of

    try:
        seconds = scalars.duration(timeout)
    except ValueError as problem:
        raise Misuse(f"--timeout {problem}.") from problem
    return SearchBounds(limit, seconds, moment_of("--since", since, time.time()), tuple(dict.fromkeys(topics or ())))


def _shown(start: startup.LoadedConfiguration, *, shows_values: bool) -> ShownContent:
    from bridge.explain.shown import ShownContent
    from bridge.reprocess.reading.redaction import places, redaction

    if not shows_values:
        return ShownContent()
    config = start.config
    return ShownContent(redaction(config.dead_letter.redact, everything=False, within=places(config.mapping)))


def _replicas(start: startup.LoadedConfiguration) -> ReplicasTold:
    """What those that run now say. One that does not answer is said so, and is no reason to say nothing."""
    import asyncio

    from bridge.config import listening
    from bridge.errors import BridgeError
    from bridge.explain import replicas
    from bridge.explain.sources import ReplicasTold

    try:
        return asyncio.run(replicas.ask(start.config, startup.quiet_logger()))
    except (listening.ListenUnknownError, BridgeError) as error:
        return ReplicasTold(silence=str(error))
