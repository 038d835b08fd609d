"""All dead letters without what is in them, kept up to date: whoever pages through them does not read them each time.

A letter takes about a kilobyte here, whatever its record takes. What is asked about the contents (`type`, `user`,
`match`) is looked for in the topic itself, once for each question.
"""

from __future__ import annotations

import gc
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from bridge.formats.letters import Letter, LetterPlace, parse
from bridge.formats.resolutions import Identity, identity, record_sha256
from bridge.kafka.letters.letter_log import Extent, LetterLog
from bridge.mapping.mapper import CompiledMapping
from bridge.model import TopicPartition
from bridge.pipeline.letter_breaker import common_form
from bridge.reprocess.reading import contents
from bridge.reprocess.reading.ledger import Endings, LetterLedger, LetterStanding, LetterState, Once
from bridge.reprocess.reading.reader import LetterReader
from bridge.reprocess.reading.redaction import Redaction
from bridge.reprocess.reading.selection import LetterEntry, Selection, select

_MANY: Final = 1_000
_QUESTIONS: Final = 8
"""About contents, whose answers are kept."""

_Messages = tuple[tuple[str, str, int], ...]
"""Reason, message's form, how many."""
_Question = tuple[frozenset[str], frozenset[str], str]
"""Types, users, and the text of a condition."""
Progress = Callable[[int, int], None]
"""Takes how many offsets were read, and of how many."""


class ShelvedLetter(NamedTuple):
    """One dead letter without key, value, headers and request; its message is the common form, without its values."""

    letter: Letter
    name: Identity
    digest: str
    user: str | None
    """That its event is of, as it may be shown."""

    @property
    def age_key(self) -> tuple[int, LetterPlace]:
        """Orders by time."""
        return (self.letter.timestamp_ms or 0, self.letter.place)


class ShelfRow(NamedTuple):
    """A letter as a list shows it."""

    letter: Letter
    standing: LetterStanding
    user: str | None


@dataclass(frozen=True, slots=True)
class ShelfPage:
    """Some of the letters that are meant, the newest first."""

    rows: tuple[ShelfRow, ...]
    found: int
    """That are meant, in all."""
    messages: tuple[tuple[str, str, int], ...]
    """The commonest of all that are meant: reason, message's form, how many."""


class LetterShelf:
    """Of one dead-letter topic. Every method blocks; one at a time reads what is new, whatever is asked beside it."""

    def __init__(self, log: LetterLog, mapping: CompiledMapping, hidden: Redaction) -> None:
        self._log = log
        self._mapping = mapping
        self._hidden = hidden
        self._lock = threading.Lock()
        self._extent: Extent | None = None
        self._ledger = LetterLedger("")
        self._once = Once()
        self._letters: list[ShelvedLetter] = []
        """The oldest first."""
        self._read: dict[TopicPartition, int] = {}
        """How far, of both topics."""
        self._version = 0
        self._last: tuple[tuple[int, Selection, str], list[LetterEntry], _Messages] | None = None
        """The last question, and what was found."""
        self._forms: dict[tuple[str, str], str] = {}
        self._answers: OrderedDict[_Question, tuple[dict[TopicPartition, int], frozenset[LetterPlace]]] = OrderedDict()

    def refresh(self, progress: Progress = lambda _done, _all: None) -> None:
        """Read what was written since. Raises `LetterLogError`."""
        with self._lock:
            extent = self._log.extent()
            if self._extent is None or extent.topic_id != self._extent.topic_id or self._went_back(extent):
                self._ledger = LetterLedger(extent.topic_id, endings=Endings.STATES)
                self._once, self._letters, self._read = Once(), [], {}
            self._extent = extent
            before = dict(self._read)
            new = list(self._new_letters(extent, progress))
            self._take_resolutions(extent)
            first = {partition.partition: log.first for partition, log in extent.letters.items()}
            kept = [each for each in self._letters if each.letter.place.offset >= first[each.letter.place.partition]]
            if len(new) >= _MANY:
                # They stay: looking for circles among them again and again would take longer than to page through them.
                gc.freeze()
            if new or len(kept) < len(self._letters) or self._read != before:
                self._version += 1
            # Replaced at once: whoever pages meanwhile goes on with what there was.
            self._letters = sorted([*kept, *new], key=lambda each: each.age_key) if new else kept

    def page(self, selection: Selection, number: int, size: int, match: str = "") -> ShelfPage:
        """Page `number`, from 1; `match` is the text of the selection's condition.

        Raises `LetterLogError` where the topic has to be read for it.
        """
        found, messages = self._found(selection, match)
        begin = max(0, len(found) - number * size)
        shown = found[begin : max(0, len(found) - (number - 1) * size)]
        users = {each.letter.place: each.user for each in self._shelved({entry.letter.place for entry in shown})}
        rows = tuple(ShelfRow(*entry, users.get(entry.letter.place)) for entry in reversed(shown))
        return ShelfPage(rows, len(found), messages)

    def _found(self, selection: Selection, match: str) -> tuple[list[LetterEntry], _Messages]:
        """All that are meant; of the last question they are kept, for its further pages."""
        asked = self._version, replace(selection, match=None), match
        last = self._last
        if last is not None and last[0] == asked:
            return last[1], last[2]
        inside = self._inside(selection, match)
        outside = replace(selection, types=frozenset(), users=frozenset(), match=None, limit=None)
        found = list(select(self._entries(inside), outside, self._mapping))
        counts = Counter((entry.letter.reason, entry.letter.message) for entry in found)
        commonest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:10]
        messages = tuple((reason, message, count) for (reason, message), count in commonest)
        self._last = asked, found, messages
        return found, messages

    def _entries(self, inside: frozenset[LetterPlace] | None) -> Iterator[LetterEntry]:
        standing = self._ledger.standing_of_digest
        for letter, name, digest, _ in self._letters:
            if inside is None or letter.place in inside:
                yield LetterEntry(letter, standing(name, digest))

    def _shelved(self, places: set[LetterPlace]) -> Iterable[ShelvedLetter]:
        return (each for each in self._letters if each.letter.place in places)

    def _inside(self, selection: Selection, match: str) -> frozenset[LetterPlace] | None:
        """Those whose contents are meant; None: nothing is asked about contents."""
        if not (selection.types or selection.users or selection.match is not None):
            return None
        asked = Selection(
            states=frozenset(LetterState),
            types=selection.types,
            users=selection.users,
            match=selection.match,
        )
        question = (selection.types, selection.users, match)
        with self._lock:
            known = self._answers.get(question)
            if known is not None and known[0] == self._read:
                self._answers.move_to_end(question)
                return known[1]
            read = dict(self._read)
        # Without the lock: a condition may take its time, and nobody waits for it who has asked something else.
        reader = LetterReader(self._log, Endings.STATES)
        found = frozenset(entry.letter.place for entry in select(reader.entries(), asked, self._mapping))
        with self._lock:
            self._answers[question] = read, found
            while len(self._answers) > _QUESTIONS:
                self._answers.popitem(last=False)
        return found

    def _went_back(self, extent: Extent) -> bool:
        return any(self._read.get(partition, 0) > log.end for partition, log in extent.letters.items())

    def _new_letters(self, extent: Extent, progress: Progress) -> Iterator[ShelvedLetter]:
        wanted = {
            partition: range(max(log.first, self._read.get(partition, 0)), log.end)
            for partition, log in extent.letters.items()
        }
        total = sum(map(len, wanted.values()))
        with closing(self._log.read(wanted, lambda done: progress(done, total))) as batches:
            for batch in batches:
                for record in batch:
                    letter = parse(record)
                    name = identity(letter)
                    if self._once.is_new(name):
                        yield self._shelved_of(letter, name)
        self._read |= {partition: log.end for partition, log in extent.letters.items()}

    def _take_resolutions(self, extent: Extent) -> None:
        wanted = {
            partition: range(max(log.first, self._read.get(partition, 0)), log.end)
            for partition, log in extent.resolutions.items()
        }
        for batch in self._log.read(wanted):
            self._ledger.take(batch)
        self._read |= {partition: log.end for partition, log in extent.resolutions.items()}

    def _shelved_of(self, letter: Letter, name: Identity) -> ShelvedLetter:
        record = letter.record()
        user = None if record is None else contents.user(self._mapping, record)
        if user is not None and self._hidden.hides and record is not None:
            text = contents.legible(self._mapping, record, record.value).text
            user = self._hidden.of_user(user, text, record.headers)
        slim = letter._replace(key=None, value=None, headers=(), request=None, message=self._form(letter))
        return ShelvedLetter(slim, name, record_sha256(letter), user)

    def _form(self, letter: Letter) -> str:
        """The same object for all that say the same."""
        key = letter.reason, common_form(letter.message or "")
        form = self._forms.get(key)
        if form is None:
            text = letter.value
            if self._hidden.hides:
                text = contents.legible(self._mapping, letter.record(), letter.value).text
            form = common_form(self._hidden.of_message(letter.message or "", text, letter.headers))
            if len(self._forms) < 10_000:
                self._forms[key] = form
        return form
