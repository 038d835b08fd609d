"""Two configurations, and what their mappings make of the same records."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.cli.frame import startup
from bridge.mapping.review.comparison import MappingComparison

if TYPE_CHECKING:
    from pathlib import Path

    from bridge.cli.frame.progress import Report
    from bridge.cli.samples.sampled_topics import Sampled
    from bridge.model import Record


@dataclass(frozen=True, slots=True)
class TwoConfigurations:
    """Both without problems."""

    before: startup.LoadedConfiguration
    after: startup.LoadedConfiguration


def load(paths: tuple[Path, Path], schema: Sequence[str] | None) -> TwoConfigurations:
    """Neither needs a key: a pull request's check has none. Raises `Refused` for the first that has problems."""
    before, after = (startup.load_to_read(path, schema, needs_key=False) for path in paths)
    return TwoConfigurations(before, after)


def topics(both: TwoConfigurations, name: str | None, chosen: Sequence[str]) -> Sampled:
    """Which are read; where nothing is named, all that either of them reads. Raises `Misuse`."""
    from bridge.cli.samples.sampled_topics import Sampled, sampled
    from bridge.config.topics.consumed_topics import ConsumedTopics, topics_of

    before, after = topics_of(both.before.config.kafka), topics_of(both.after.config.kafka)
    if name is not None or chosen:
        return sampled(after, name, chosen)
    return Sampled(ConsumedTopics(tuple(dict.fromkeys((*after.entries, *before.entries))), after.reading))


def reported(found: Iterator[Record], report: Report) -> Iterator[Record]:
    """The same, with how many there were."""
    for number, record in enumerate(found, 1):
        yield record
        report(number)


def compared(both: TwoConfigurations, found: Iterator[Record], *, values: bool) -> MappingComparison:
    """All records; with `values`, samples of what differs, less what the new one's `dead_letter.redact` hides."""
    from bridge.config.topics.consumed_topics import topics_of
    from bridge.reprocess.reading import contents
    from bridge.reprocess.reading.redaction import places, redaction

    config, mapping = both.after.config, both.after.mapping
    paths = (*config.dead_letter.redact, *both.before.config.dead_letter.redact)
    hidden = redaction(paths, everything=False, within=places(config.mapping))
    ours, theirs = topics_of(config.kafka), topics_of(both.before.config.kafka)

    def shown(body: bytes, record: Record) -> bytes:
        if not hidden.hides:
            return body
        return hidden.of_request(body, contents.legible(mapping, record, record.value).text, record.headers)

    comparison = MappingComparison(
        both.before.mapping,
        mapping,
        time.time(),
        # A topic that neither reads is one that somebody names to see what its records would become.
        reads_before=lambda topic: theirs.takes(topic) or not ours.takes(topic),
        reads_after=lambda topic: ours.takes(topic) or not theirs.takes(topic),
        shown=shown if values else None,
    )
    for record in found:
        comparison.add(record)
    return comparison
