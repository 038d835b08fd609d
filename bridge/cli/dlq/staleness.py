"""The stale guard: asks the source topics which letters come too late."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.cli.frame import progress, startup

if TYPE_CHECKING:
    from bridge.cli.dlq.opening import Opened
    from bridge.reprocess.replay.plan import Plan


def mark_stale(made: Plan, topics: Opened, *, skip: bool) -> None:
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
