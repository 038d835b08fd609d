"""The state of every letter: a fold over the dead-letter topic and its resolutions, and nothing else.

Whoever reads both topics to the same offsets gets the same states; there is no other store, and no order between the
two topics matters, because an ending is final and attempts only ever count up.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

from bridge.formats import losses, resolutions
from bridge.formats.letters import Letter
from bridge.formats.resolutions import (
    Attempted,
    Changed,
    Ended,
    Ending,
    Fact,
    Identity,
    ParsedResolution,
    ResolutionKind,
)
from bridge.kafka import topic_ids
from bridge.model import TRACK, Record


class LetterState(enum.StrEnum):
    """What is known of a letter: is it open, and how did it end."""

    OPEN = "open"
    FAILED_AGAIN = "failed_again"
    """Still open; at least one replay failed."""
    REPLAYED = "replayed"
    DISCARDED = "discarded"

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do something about it."""
        return self in (LetterState.OPEN, LetterState.FAILED_AGAIN)


class FailedEvent(NamedTuple):
    """One of a record's events."""

    number: int
    """Among them, as in `Attempted.delivered`."""
    kind: str
    """Of its request."""


class LetterStanding(NamedTuple):
    """All that is known of what became of one letter."""

    state: LetterState
    attempted: Attempted | None = None
    changed: Changed | None = None
    ended: Ended | None = None

    @property
    def failures(self) -> int:
        """Replays of it that failed."""
        return self.attempted.failures if self.attempted else 0

    @property
    def delivered(self) -> tuple[int, ...]:
        """Events of its record that were accepted already."""
        return self.attempted.delivered if self.attempted else ()

    @property
    def failed_event(self) -> FailedEvent | None:
        """Where the last replay of its steps ended; None: there was none, or nothing is known of it."""
        attempt = self.attempted
        if attempt is None or attempt.event is None:
            return None
        return FailedEvent(attempt.event, attempt.kind or TRACK.name)


UNTOUCHED = LetterStanding(LetterState.OPEN)


class Endings(enum.Enum):
    """What is kept of letters that are settled: they are nearly all of a long history."""

    WHOLE = "whole"
    """Who settled each, when and why: a thousand bytes."""
    STATES = "states"
    """That it is, and how: a hundred bytes."""


_SETTLED: Final = (LetterStanding(LetterState.REPLAYED), LetterStanding(LetterState.DISCARDED))


class LetterLedger:
    """Folds resolutions. Feed it records with `take`, then ask `standing` for letters, then feed it more."""

    def __init__(
        self, topic_id: str, about: Collection[Identity] | None = None, endings: Endings = Endings.WHOLE
    ) -> None:
        """`about`: of no other events anything is kept, however much the topic has."""
        self._about = about
        self._endings = endings
        self._settled: dict[int, int] = {}
        """By the hash of an event: the hash of its letter's bytes, and which of the `_SETTLED` it is."""
        self._topic_id = topic_id
        """Of the dead-letter topic as it is now; what speaks of another one of that name is ignored."""
        self._facts: dict[Identity, dict[ResolutionKind, ParsedResolution]] = {}
        self.ignored = 0
        """Records that are foreign, damaged, newer, or of a dead-letter topic that was deleted."""

    def take(self, records: Iterable[Record]) -> None:
        """Records of the resolutions topic, of each partition in order."""
        for record in records:
            if losses.is_one(record.key):
                continue  # not of a dead letter, and nothing foreign either
            if record.value is None:
                self._forget(record.key)
                continue
            written = resolutions.decode(record.key, record.value)
            if written is None or topic_ids.differ(written.topic_id, self._topic_id):
                self.ignored += 1
                continue
            if self._about is None or written.identity in self._about:
                self.note(written)

    def note(self, written: ParsedResolution) -> None:
        """One record, understood; or what this process has just written itself."""
        if self._endings is Endings.STATES and isinstance(written.fact, Ended):
            which = int(written.fact.ending is Ending.DISCARDED)
            self._settled[hash(written.identity)] = hash(written.record_sha256) << 1 | which
            self._facts.pop(written.identity, None)
            return
        self._facts.setdefault(written.identity, {})[written.kind] = written

    def standing(self, letter: Letter) -> LetterStanding:
        """What is known of it."""
        return self.standing_of(resolutions.identity(letter), letter)

    def standing_of(self, name: Identity, letter: Letter) -> LetterStanding:
        """The same for who has the letter's identity at hand. A record about other bytes decides nothing."""
        if name not in self._facts and not (self._settled and hash(name) in self._settled):
            return UNTOUCHED
        return self.standing_of_digest(name, resolutions.record_sha256(letter))

    def standing_of_digest(self, name: Identity, digest: str) -> LetterStanding:
        """The same for who kept the digest of the letter's bytes instead of them (`resolutions.record_sha256`)."""
        facts = self._facts.get(name)
        settled = self._settled.get(hash(name)) if self._settled else None
        if settled is not None and settled >> 1 == hash(digest):
            return _SETTLED[settled & 1]
        if not facts:
            return UNTOUCHED
        return _standing({kind: each.fact for kind, each in facts.items() if each.record_sha256 == digest})

    def _forget(self, key: bytes | None) -> None:
        found = resolutions.forgotten(key)
        # An ending is final: only a change may be taken back, by whoever ended the letter it was for.
        if found is not None and found[0] is ResolutionKind.CHANGE:
            self._facts.get(found[1], {}).pop(ResolutionKind.CHANGE, None)


def _standing(facts: Mapping[ResolutionKind, Fact]) -> LetterStanding:
    ended, attempted, changed = (
        facts.get(kind) for kind in (ResolutionKind.ENDED, ResolutionKind.ATTEMPT, ResolutionKind.CHANGE)
    )
    attempt = attempted if isinstance(attempted, Attempted) else None
    change = changed if isinstance(changed, Changed) else None
    if isinstance(ended, Ended):
        state = LetterState.REPLAYED if ended.ending is Ending.REPLAYED else LetterState.DISCARDED
        return LetterStanding(state, attempt, change, ended)
    failed = attempt is not None and attempt.failures > 0
    return LetterStanding(LetterState.FAILED_AGAIN if failed else LetterState.OPEN, attempt, change)


class Once:
    """Lets every event pass once: after a crash a record may have been dead-lettered twice."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        """Hashes, seeded in each process, for a fifth of the memory."""
        self.repeated = 0

    def is_new(self, name: Identity) -> bool:
        """False for a further letter of an event that passed already."""
        seen = hash(name)
        if seen in self._seen:
            self.repeated += 1
            return False
        self._seen.add(seen)
        return True
