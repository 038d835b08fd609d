"""What the verbs share at their start: the configuration, the topics, and what both hold now."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.frame import progress, startup
from bridge.commands import command
from bridge.errors import Misuse

if TYPE_CHECKING:
    from bridge.cli.dlq.selectors import SelectorOptions
    from bridge.kafka.admin.inspection import Cluster
    from bridge.kafka.letters.letter_log import LetterLog
    from bridge.reprocess.reading.reader import LetterReader
    from bridge.reprocess.reading.selection import LetterEntry, Selection

AllGroups = Annotated[bool, typer.Option("--all-groups", help="Also dead letters of other bridges in the same topic.")]
AsJson = Annotated[bool, typer.Option("--json", help="For a script: JSON, one document per line.")]
Redact = Annotated[
    bool, typer.Option("--redact", help="Hide every value of the records, not only dead_letter.redact's paths.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]
Ids = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ID",
        show_default=False,
        help="Dead letters: PARTITION:OFFSET, or where their records came from: TOPIC/PARTITION/OFFSET.",
    ),
]


@dataclass(frozen=True, slots=True)
class Opened:
    """Everything a verb begins with."""

    start: startup.LoadedConfiguration
    cluster: Cluster
    log: LetterLog
    reader: LetterReader

    @property
    def topic(self) -> str:
        """The dead-letter topic."""
        return self.reader.extent.topic

    @property
    def group(self) -> str:
        """The bridge's own."""
        return self.start.config.kafka.group_id

    def selection(
        self, asked: SelectorOptions, *, ids: tuple[str, ...] = (), with_ended: bool = False, all_groups: bool = False
    ) -> Selection:
        """What was asked for. Raises `Misuse` for what cannot be understood, or names what does not exist."""
        from bridge.config.topics.consumed_topics import topics_of
        from bridge.reprocess.reading.ledger import Endings
        from bridge.reprocess.reading.names import refusals, unknown
        from bridge.reprocess.reading.reader import LetterReader

        made = asked.selection(None if all_groups else self.group, ids=ids, with_ended=with_ended)
        waiting = unknown(made, self.start.mapping, topics_of(self.start.config.kafka), self.cluster.topics)
        if waiting:
            problems = refusals(waiting, LetterReader(self.log, Endings.STATES).entries())
            if problems:
                raise Misuse("\n".join(problems))
        return made

    def entries(self) -> Iterator[LetterEntry]:
        """Every letter once, with a bar or lines about how far the reading is."""
        with progress.shown("Reading the dead letters", self.reader.extent.count) as report, _without_collector():
            yield from self.reader.entries(report)

    def select(self, selection: Selection) -> Iterator[LetterEntry]:
        """The letters that are meant."""
        from bridge.reprocess.reading.selection import select

        return select(self.entries(), selection, self.start.mapping)

    def none_match(self, selection: Selection) -> str:
        """The sentence for a selection of nothing. Any status may be meant, so those that there are are named."""
        ended = "" if any(not state.is_open for state in selection.states) else "open "
        sentence = f"No {ended}dead letters in {self.topic} match."
        if not selection.statuses:
            return sentence
        from bridge.reprocess.reading.ledger import Endings
        from bridge.reprocess.reading.reader import LetterReader

        entries = LetterReader(self.log, Endings.STATES).entries()
        there = sorted({each.letter.status for each in entries if each.letter.status is not None})
        return f"{sentence} Statuses there are: {', '.join(map(str, there)) or 'none'}."

    def chosen(self, selection: Selection) -> list[LetterEntry]:
        """The same at once. Raises `Misuse` where an ID is that of no letter: a typing error must not pass for done."""
        from bridge.reprocess.reading.selection import is_named

        found = list(self.select(selection))
        missing = [str(name) for name in selection.ids if not any(is_named(entry.letter, name) for entry in found)]
        if missing and selection.limit is None:
            raise Misuse(
                f"{self.topic} has no open dead letter {', '.join(missing)} that the other selectors allow: "
                f"`{command('dlq', 'show', missing[0])}` says what became of it."
            )
        return found

    def need_resolutions(self) -> None:
        """Raises `Misuse` where a resolution has no place to go."""
        from bridge.kafka.admin.topic_creation import resolutions_of

        extent, name = self.reader.extent, resolutions_of(self.topic)
        if not extent.has_resolutions:
            raise Misuse(
                f"{name} does not exist, or this user may not see it: nothing could be recorded. Run "
                f"`{command('topics', 'create')}`, or grant READ, WRITE and DESCRIBE on it."
            )
        if len(extent.resolutions) < len(extent.letters):
            raise Misuse(
                f"{name} has {len(extent.resolutions)} partitions and {self.topic} has {len(extent.letters)}: a dead "
                "letter and its resolution are in partitions of the same number. Add partitions to the former."
            )


@contextmanager
def opened(start: startup.LoadedConfiguration, *, shows_endings: bool = False) -> Iterator[Opened]:
    """The topics as they are now. Whatever cannot be read, now or later, ends the command with one sentence.

    `shows_endings`: the command shows who settled letters and why, which takes a thousand bytes for each of them.
    """
    from bridge.kafka.client import ClientRefusedError
    from bridge.kafka.letters.letter_log import LetterLog
    from bridge.reprocess.reading.ledger import Endings
    from bridge.reprocess.reading.reader import LetterReader

    _, cluster = startup.connect(start)
    try:
        log = LetterLog(start.config.kafka, start.config.dead_letter.topic, startup.quiet_logger())
        yield Opened(start, cluster, log, LetterReader(log, Endings.WHOLE if shows_endings else Endings.STATES))
    except ClientRefusedError as refused:
        raise Misuse(f"{start.path}: {refused}") from refused


@contextmanager
def _without_collector() -> Iterator[None]:
    """Letters make no cycles; looking for some among a hundred thousand of them takes a third of the time.

    What was read by then is never looked at again, not even at the end of the process.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
