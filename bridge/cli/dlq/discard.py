"""``track-bridge dlq discard``"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.dlq import opening, selectors
from bridge.cli.frame import output, startup
from bridge.cli.frame.help import about
from bridge.cli.frame.schema_option import SchemaFiles
from bridge.errors import Misuse, Unreachable
from bridge.exits import ExitCode
from bridge.text.amounts import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.reprocess.reading.selection import LetterEntry

COMMAND = "track-bridge dlq discard"


@about(
    ("Settle those of a test user", 'dlq discard --user test-1 --because "a test user"'),
    unreachable="No Kafka broker answers, or not everything was recorded.",
)
def discard(
    ctx: typer.Context,
    because: Annotated[
        str, typer.Option("--because", metavar="TEXT", show_default=False, help="Why; it is kept with each of them.")
    ],
    ids: opening.Ids = None,
    config: startup.ConfigPath = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="Without any selection: every open dead letter of this group.")
    ] = False,
    yes: opening.Yes = False,
    schema: SchemaFiles = None,
    json: opening.AsJson = False,
) -> ExitCode:
    """Settle dead letters without sending them. It cannot be undone; the dead letters themselves stay in the topic."""
    if not because.strip():
        raise Misuse("--because must say why.")
    start = startup.load_to_read(config, schema, reaches_api=False)
    with opening.opened(start) as topics:
        topics.need_resolutions()
        selection = topics.selection(selectors.asked(ctx), ids=tuple(ids or ()))
        if selection.is_everything and not everything:
            raise Misuse("Nothing is selected: name dead letters, use selectors, or add --everything.")
        chosen = topics.chosen(selection)
        if not chosen:
            if json:
                output.document(_document(chosen, because))
            else:
                output.line(topics.none_match(selection))
            return ExitCode.OK
        reasons = ", ".join(f"{number} {reason}" for reason, number in _by_reason(chosen))
        question = f"Discard {plural(len(chosen), 'dead letter')} ({reasons}) for good?"
        if not output.agreed(question, yes=yes, otherwise="add --yes to do it without being asked"):
            output.result(_document([], because), "Nothing was discarded.", as_json=json)
            return ExitCode.OK
        _write(topics, chosen, because.strip())
    said = f"Discarded {plural(len(chosen), 'dead letter')}: {because.strip()}"
    output.result(_document(chosen, because), said, as_json=json)
    return ExitCode.OK


def _document(chosen: Sequence[LetterEntry], because: str) -> dict[str, Any]:
    return {"discarded": len(chosen), "by_reason": dict(_by_reason(chosen)), "because": because.strip()}


def _by_reason(chosen: Sequence[LetterEntry]) -> list[tuple[str, int]]:
    from collections import Counter

    return Counter(entry.letter.reason for entry in chosen).most_common()


def _write(topics: opening.Opened, chosen: Sequence[LetterEntry], because: str) -> None:
    from bridge.reprocess import discarding
    from bridge.reprocess.author import author

    problem = discarding.discard(
        topics.start.config,
        startup.quiet_logger(),
        chosen,
        topics.reader.extent.topic_id,
        because=because,
        by=author(COMMAND),
        now=time.time(),
    )
    if problem is not None:
        raise Unreachable(f"Not all could be recorded ({problem}). Those that were are settled; run it again.")
