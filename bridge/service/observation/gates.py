"""What keeps the whole process from sending at this moment, since when, until when, and what to do."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.holds import Reason
from bridge.model import TRACK
from bridge.ops.snapshot import ClosedGate
from bridge.service.observation.kinds import outage_of, pause_of
from bridge.service.observation.observed import Observed
from bridge.service.time import ClockReading
from bridge.service.watches.rate_view import INTERVAL
from bridge.text.amounts import span
from bridge.track.credentials import KeyFile

_OLD_VIEW = 1.5 * INTERVAL
"""Seconds after which what was heard of the group decides no share of the rate any more: see `pacing.RateShare`."""
_KEY_AS_VALUE = (
    "Set a valid key in track.api_key, check track.endpoint, and restart: only the file of track.api_key_file is read"
    " again while the bridge runs."
)
_SHARE_UNKNOWN = (
    "Nothing, for some seconds. Longer: check the Kafka brokers, above all the coordinator of the group. A higher limit"
    " does not help."
)
_MEMBERSHIP = "Kafka's group coordinator has not confirmed for a whole session that the partitions are still ours."


def closed_gates(
    of: Observed, at: ClockReading, *, stopping_since: float | None, limited_since: float | None
) -> Iterator[ClosedGate]:
    """Every gate that is closed; what the observer samples is given to it, in monotonic seconds."""
    if of.dispatcher.stopping:
        deadline = at.ahead(of.dispatcher.assignments.deadline())
        yield ClosedGate(Reason.DRAINING, at.past(stopping_since or at.monotonic), until=deadline)
    if (lost := of.kafka_watch.lost) is not None:
        yield ClosedGate(Reason.KAFKA_UNREACHABLE, lost.since, kafka_sentence(of) or "")
    yield from _refused(of, at)
    yield from _of_the_api(of, at)
    if limited_since is not None:
        free_at = of.dispatcher.events_budget.pacer.free_at
        until = None if free_at == float("inf") else at.ahead(free_at)
        sentence, action = _paced(of, at.monotonic)
        yield ClosedGate(Reason.RATE_LIMITED, at.past(limited_since), sentence, until, action=action)


def kafka_sentence(of: Observed) -> str | None:
    """That no broker answers; None while one does."""
    lost = of.kafka_watch.lost
    return None if lost is None else f"No Kafka broker answers: {lost.detail}."


def _refused(of: Observed, at: ClockReading) -> Iterator[ClosedGate]:
    """The key by the API, letters by the dead-letter topic."""
    key, letters = of.dispatcher.key, of.dispatcher.letters.refused
    if key.held_since is not None:
        action = "" if isinstance(of.credentials, KeyFile) else _KEY_AS_VALUE
        probe_at = at.ahead(key.probe_at)
        yield ClosedGate(Reason.UNAUTHORIZED, at.past(key.held_since), key.detail, next_try=probe_at, action=action)
    if letters.since is not None:
        next_try = at.ahead(letters.next_try)
        yield ClosedGate(Reason.DEAD_LETTERS_UNWRITABLE, at.past(letters.since), letters.detail, next_try=next_try)


def _of_the_api(of: Observed, at: ClockReading) -> Iterator[ClosedGate]:
    """What keeps all events, and between that the membership that everything needs.

    What keeps requests of users or companies alone is told of these kinds: see `KindSampler`.
    """
    dispatcher, now = of.dispatcher, at.monotonic
    events = dispatcher.governors[TRACK]
    yield from outage_of(events, at)
    membership = dispatcher.membership
    if dispatcher.assignments and not membership.is_member(now):
        yield ClosedGate(Reason.MEMBERSHIP, at.past(membership.doubted_since(now)), _MEMBERSHIP)
    yield from pause_of(events, at)


def _paced(of: Observed, now: float) -> tuple[str, str]:
    """What is special about waiting for the rate: a share that nobody knows is no want of budget."""
    share = next(iter(of.shares.values()), None)  # all of them are of the same view
    age = None if share is None else share.view_age(now)
    if share is None or (age is not None and age <= _OLD_VIEW):
        return "", ""
    heard = "has not been read yet" if age is None else f"could not be read for {span(age)}"
    sentence = (
        "This replica's share of the rate budget is not known: what the members of the group wait for"
        f" {heard}. It sends only a trickle meanwhile."
    )
    return sentence, _SHARE_UNKNOWN
