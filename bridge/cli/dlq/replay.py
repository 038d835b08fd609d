"""``track-bridge dlq replay``"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.dlq import opening, plan_page, selectors
from bridge.cli.frame import completion, output, progress, running, startup
from bridge.cli.frame.help import about
from bridge.cli.frame.schema_option import SchemaFiles
from bridge.errors import Misuse
from bridge.exits import ExitCode
from bridge.text import tables
from bridge.text.amounts import plural, thousands

if TYPE_CHECKING:
    from bridge.reprocess.reading.selection import Selection
    from bridge.reprocess.replay.letters import ReplayOutcome
    from bridge.reprocess.replay.plan import Plan, ReplayRules

COMMAND = "track-bridge dlq replay"


@about(
    ("See what would be sent, and what has changed", "dlq replay --reason unmappable --dry-run"),
    ("Send it with a fifth of the rate limit", "dlq replay --reason unmappable --rate 20%"),
    findings="A selected dead letter failed again, or is left (with `--dry-run`: would be).",
    unreachable="No Kafka broker answers.",
)
def replay(  # noqa: PLR0917 - Typer makes options of parameters
    ctx: typer.Context,
    ids: opening.Ids = None,
    config: startup.ConfigPath = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be sent, and with what changes.")
    ] = False,
    yes: opening.Yes = False,
    rate: Annotated[
        str,
        typer.Option(
            metavar="SHARE|RATE",
            autocompletion=completion.shares,
            help=startup.RATE_HELP,
        ),
    ] = "20%",
    force: Annotated[
        bool, typer.Option("--force", help="Also dead letters that were rejected and whose route has not changed.")
    ] = False,
    max_replays: Annotated[
        int, typer.Option(min=1, metavar="N", help="Skip dead letters that failed in N replays.")
    ] = 3,
    max_age: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            show_default=False,
            autocompletion=completion.durations,
            help="Skip dead letters of records older than this.",
        ),
    ] = None,
    stale: Annotated[
        str,
        typer.Option(metavar="skip|send", help="Dead letters older than an event already delivered for the user."),
    ] = "send",
    redact: opening.Redact = False,
    schema: SchemaFiles = None,
    json: opening.AsJson = False,
) -> ExitCode:
    """Send dead letters to the Track API again, as the present mapping has them.

    One user's dead letters go in their original order. What becomes of each is recorded, so that none is sent twice;
    interrupted: run it again to resume. Ends with 1 where selected dead letters failed again or are left.
    """
    from collections import Counter

    from bridge.reprocess.reading.redaction import places, redaction
    from bridge.reprocess.replay.letters import LetterResult, ReplayOutcome
    from bridge.service import side_traffic

    start = startup.load_to_read(config, schema, reaches_api=not dry_run)
    rules = _rules(force=force, max_replays=max_replays, max_age=max_age, stale=stale)
    wish = side_traffic.Wish(rules, startup.requests_per_second(rate, start.config.delivery.rate_limit), COMMAND)
    key = None if dry_run else startup.api_key(start)
    with opening.opened(start) as topics:
        if not dry_run:
            topics.need_resolutions()
        selection = topics.selection(selectors.asked(ctx), ids=tuple(ids or ()))
        made = _planned(topics, selection, rules, look_for_stale=dry_run or stale == "skip", skip=stale)
        nothing = "" if made.counts else topics.none_match(selection)
        if key is None:
            hidden = redaction(start.config.dead_letter.redact, everything=redact, within=places(start.config.mapping))
            if json:
                output.document(plan_page.document(made, start, hidden))
            else:
                output.lines(plan_page.lines(made, start, hidden, nothing))
            return ExitCode.FINDINGS if _left(made) else ExitCode.OK
        counts = plan_page.counts(made, nothing)
        output.to_stderr(counts) if json else output.lines(counts)
        if not made.sends:
            if json:
                output.document(_result(ReplayOutcome(), made))
            return ExitCode.FINDINGS if _left(made) else ExitCode.OK
        letters = plural(len(made.sends), "dead letter")
        if not output.agreed(
            f"Send {letters} to {start.config.track.endpoint}?",
            yes=yes,
            otherwise="add --yes to do it without being asked",
        ):
            left = ReplayOutcome(Counter({LetterResult.LEFT: len(made.sends)}))
            output.result(_result(left, made), "Nothing was sent.", as_json=json)
            return ExitCode.OK
        outcome = running.send(
            start,
            key,
            len(made.sends),
            lambda setting, started: side_traffic.replay(
                made.sends, wish, setting, reader=topics.reader, started=started
            ),
        )
    return _end(outcome, made, as_json=json)


def _rules(*, force: bool, max_replays: int, max_age: str | None, stale: str) -> ReplayRules:
    from bridge.config.keys import scalars
    from bridge.reprocess.replay.plan import ReplayRules

    if stale not in ("skip", "send"):
        raise Misuse(f"--stale must be skip or send, not {stale!r}.")
    try:
        seconds = None if max_age is None else scalars.duration(max_age)
    except ValueError as problem:
        raise Misuse(f"--max-age {problem}.") from problem
    return ReplayRules(max_replays, force, seconds)


def _planned(
    topics: opening.Opened, selection: Selection, rules: ReplayRules, *, look_for_stale: bool, skip: str
) -> Plan:
    from bridge.reprocess.replay.plan import planned

    made = planned(topics.chosen(selection), topics.start.mapping, rules, time.time())
    if look_for_stale and made.sends:
        _mark_stale(made, topics, skip=skip == "skip")
    return made


def _mark_stale(made: Plan, topics: opening.Opened, *, skip: bool) -> None:
    """Count the letters that come after a newer event of their user was delivered; leave them out with `skip`."""
    from bridge.reprocess.replay.plan import without_stale
    from bridge.reprocess.replay.staleness import Search

    search = Search([each.entry for each in made.sends], topics.start.mapping)
    inspection, _ = startup.connect(topics.start)
    partitions = search.partitions
    spans = search.spans(inspection.logs(partitions), inspection.positions(partitions))
    total = sum(len(span) for span in spans.values())
    with progress.shown("Looking for newer events of their users", total) as report:
        for batch in topics.log.read(spans, report):
            search.look(batch)
    found = search.found
    made.stale_unknown = len(found.unknown - found.stale)
    if skip:
        kept = without_stale(made, lambda letter: letter.place in found.stale)
        made.sends, made.counts, made.samples = kept.sends, kept.counts, kept.samples
    else:
        made.stale = sum(each.entry.letter.place in found.stale for each in made.sends)


def _end(outcome: ReplayOutcome, made: Plan, *, as_json: bool) -> ExitCode:
    from bridge.reprocess.replay.letters import LetterResult
    from bridge.text.printable import printable

    if as_json:
        output.document(_result(outcome, made))
    else:
        results = [(outcome.results[LetterResult(name)], text) for name, text in _RESULTS.items()]
        rows = [[thousands(number), text] for number, text in results if number]
        output.lines(tables.table(rows, right=(0,)))
        output.lines(f"  {thousands(number)} {reason}" for reason, number in outcome.failures.most_common())
        if outcome.ambiguous:
            output.line(f"{plural(outcome.ambiguous, 'request')} without an answer may have arrived twice.")
        if outcome.unrecorded:
            places = ", ".join(map(str, outcome.unrecorded[:20]))
            output.line(f"Accepted but not recorded, and so sent again by the next replay: {places}.")
        if outcome.stopped:
            output.line(printable(f"Stopped: {outcome.stopped}."))
    if outcome.interrupted:
        return ExitCode.INTERRUPTED
    left = _left(made) or outcome.results[LetterResult.FAILED_AGAIN] or outcome.results[LetterResult.LEFT]
    return ExitCode.FINDINGS if left or outcome.unrecorded else ExitCode.OK


def _left(made: Plan) -> int:
    """Selected letters that are not to be sent, and so are open afterwards, too."""
    from bridge.reprocess.replay.plan import LetterFate

    return made.counts.total() - made.counts[LetterFate.SEND]


def _result(outcome: ReplayOutcome, made: Plan) -> dict[str, Any]:
    from bridge.reprocess.replay.letters import LetterResult

    return {
        "selected": made.counts.total(),
        "not_sent": {fate.value: number for fate, number in made.counts.items() if fate.value != "send"},
        **{result.value: outcome.results[result] for result in LetterResult},
        "failures": dict(outcome.failures),
        "requests": outcome.requests,
        "ambiguous": outcome.ambiguous,
        "unrecorded": [str(place) for place in outcome.unrecorded],
        "stopped": outcome.stopped,
    }


_RESULTS = {
    "replayed": "replayed: the API accepted them",
    "failed_again": "failed again, and stay open",
    "elsewhere": "settled meanwhile by somebody else",
    "left": "left as they were: run it again to resume",
}
