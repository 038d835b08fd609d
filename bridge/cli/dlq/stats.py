"""``track-bridge dlq stats``"""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any

import typer

from bridge.cli.dlq import opening, selectors
from bridge.cli.frame import output, startup
from bridge.cli.frame.help import about
from bridge.cli.frame.schema_option import SchemaFiles
from bridge.commands import command
from bridge.exits import ExitCode
from bridge.text import tables
from bridge.text.amounts import plural, span, thousands

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bridge.mapping.mapper import CompiledMapping
    from bridge.reprocess.reading.redaction import Redaction
    from bridge.reprocess.reading.statistics import LetterGroup, Saying, Sayings, Statistics

    User = Callable[[Saying], str | None]

MESSAGES = 10
"""Shown to a person."""
LISTED = 100
"""Listed for a script."""


@about(
    ("How many are open since yesterday, and why", "dlq stats --since 24h"),
    findings="A dead letter is open.",
    unreachable="No Kafka broker answers.",
)
def stats(
    ctx: typer.Context,
    config: startup.ConfigPath = None,
    all_groups: opening.AllGroups = False,
    schema: SchemaFiles = None,
    json: opening.AsJson = False,
) -> ExitCode:
    """How many dead letters are open, by reason, message, status, route and age; what became of the others.

    Ends with 1 where any is open.
    """
    from bridge.reprocess.reading.redaction import places, redaction
    from bridge.reprocess.reading.statistics import count

    start = startup.load_to_read(config, schema, reaches_api=False)
    with opening.opened(start) as topics:
        selection = topics.selection(selectors.asked(ctx), with_ended=True, all_groups=all_groups)
        hidden = redaction(start.config.dead_letter.redact, everything=False, within=places(start.config.mapping))
        now = time.time()
        found = count(topics.entries(), selection, start.mapping, now, hidden, topics.log.retention())
        user = functools.partial(_user, start.mapping, hidden)
        if json:
            output.document(_document(found, topics, user))
        else:
            output.lines(_page(found, topics, now, user))
    return ExitCode.FINDINGS if found.open else ExitCode.OK


def _user(mapping: CompiledMapping, hidden: Redaction, said: Saying) -> str | None:
    """That the sample is of, as `list` shows it."""
    from bridge.reprocess.showing.rows import user_of

    return None if said.record is None else user_of(said.record, mapping, hidden)


def _page(found: Statistics, topics: opening.Opened, now: float, user: User) -> list[str]:
    from bridge.reprocess.reading.next_steps import kept_sentence
    from bridge.text.printable import printable

    if not found.open:
        lines = [f"{topics.topic} has no open dead letter."]
    else:
        oldest = "" if found.oldest is None else f", the oldest {span(found.oldest.age)} old ({found.oldest.id})"
        lines = [f"{topics.topic}: {plural(found.open, 'open dead letter')}{oldest}"]
        for title, groups in found.groupings.items():
            rows = [[title, "dead letters", "oldest"], *(_row(name, group) for name, group in groups.items())]
            lines += ["", *(printable(line) for line in tables.table(rows, right=(1,)))]
        lines += ["", *(printable(line) for line in _sayings(found.sayings, now, user))]
        lines += ["", *(printable(line) for line in _next(found))]
        kept = kept_sentence(found)
        lines += [] if kept is None else ["", kept]
    ended = [f"{thousands(number)} {state}" for state, number in found.ended.items() if number]
    notes = [f"Settled: {', '.join(ended)}."] if ended else []
    notes += [
        f"{thousands(number)} {rest}"
        for number, rest in (
            (found.failed_again, "of the open ones failed again in a replay."),
            (found.others, "of other groups are not counted (--all-groups)."),
            (found.damaged, f"with headers that cannot be read (`{command('dlq', 'list')}` shows them)."),
            (topics.reader.once.repeated, "of events that have a dead letter already are not counted twice."),
            (topics.reader.ledger.ignored, "resolutions belong to no dead letter here and are ignored."),
        )
        if number
    ]
    if not topics.reader.extent.has_resolutions:
        notes.append(f"There is no {topics.topic}.resolutions yet: run `{command('topics', 'create')}`.")
    return [*lines, *(["", *notes] if notes else [])]


def _next(found: Statistics) -> Iterator[str]:
    """What to do, by reason."""
    from bridge.reprocess.reading.next_steps import next_steps

    yield "what comes next"
    for step in next_steps(found):
        yield f"  {step.reason}: {step.first}"
        yield f"    `{step.look}`"
        yield f"    `{step.then}`"


def _sayings(said: Sayings, now: float, user: User) -> Iterator[str]:
    """The commonest messages, each with where one of them is."""
    commonest = said.commonest()
    yield "messages, without numbers, ids and quoted values"
    width = len(thousands(commonest[0].count))
    for each in commonest[:MESSAGES]:
        yield f"  {thousands(each.count):>{width}}  {each.reason}: {each.message or '(no message)'}"
        yield f"  {'':>{width}}  {_ages(each, now)}{_whose(each, user)}such as {each.sample}"
    more = commonest[MESSAGES:]
    left = sum(each.count for each in more) + said.unlisted
    if left:
        yield f"  … and {plural(left, 'dead letter')} with other messages (--json lists {LISTED})"
    yield f"  `{command('dlq', 'show', str(commonest[0].sample))}` shows one of the commonest."


def _ages(said: Saying, now: float) -> str:
    if said.first_ms is None or said.last_ms is None:
        return ""
    oldest, newest = (span(now - each / 1000) for each in (said.first_ms, said.last_ms))
    return f"oldest {oldest}, newest {newest}; "


def _whose(said: Saying, user: User) -> str:
    """Route and user of the sample."""
    parts = [f"route {said.route}"] if said.route is not None else []
    found = user(said)
    parts += [] if found is None else [f"user {found}"]
    return f"{', '.join(parts)}; " if parts else ""


def _row(name: str, group: LetterGroup) -> list[str]:
    return [name, thousands(group.count), "" if group.oldest_age is None else span(group.oldest_age)]


def _document(found: Statistics, topics: opening.Opened, user: User) -> dict[str, Any]:
    import math

    from bridge.reprocess.reading.next_steps import next_steps
    from bridge.reprocess.showing.rows import moment

    kept = found.retention
    return {
        "topic": topics.topic,
        "open": found.open,
        "failed_again": found.failed_again,
        "oldest": None if found.oldest is None else {"id": found.oldest.id, "age_seconds": round(found.oldest.age, 3)},
        "messages": [
            {
                "reason": each.reason,
                "message": each.message,
                "count": each.count,
                "first": moment(each.first_ms),
                "last": moment(each.last_ms),
                "sample": str(each.sample),
                "route": each.route,
                "user": user(each),
            }
            for each in found.sayings.commonest()[:LISTED]
        ],
        "next": [{"reason": each.reason, "look": each.look, "then": each.then} for each in next_steps(found)],
        "retention_seconds": None if kept is None or math.isinf(kept) else kept,
        "deleted_within_a_day": found.soon,
        "by": {
            title: {name: {"count": group.count, "oldest_age_seconds": group.oldest_age} for name, group in of.items()}
            for title, of in found.groupings.items()
        },
        "ended": {state.value: number for state, number in found.ended.items()},
        "other_groups": found.others,
        "damaged": found.damaged,
        "repeated": topics.reader.once.repeated,
        "ignored_resolutions": topics.reader.ledger.ignored,
    }
