"""What an attempt to look a schema up means for the records that wait for it. Pure: times and luck are handed in.

A trouble of the registry is never decided against a record: the records wait for as long as it lasts. Only a registry
that works and does not know the reference, and goes on not knowing it for `unknown_after` seconds, decides; and what
it has and nobody can use.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from bridge.decode.protocol import NoSchema, Schema
from bridge.registry.outcomes import LookupResult, RegistryFailure, UnknownReference, UnusableSchema

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
"""Seconds between two attempts: twice as many each time."""
UNKNOWN_PAUSE: Final = 5.0
"""The longest while a registry works and does not know the reference: it is a matter of replicas, not of load."""

Attempt = Schema | RegistryFailure | UnknownReference | UnusableSchema
"""How one attempt ended."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is known of a reference that is being asked for."""

    attempts: int = 0
    """Those that ended alike, one after the other: with a trouble, or unknown."""
    unknown_since: float | None = None
    """Since when every attempt said that it is unknown. A trouble ends that: what comes back may know less at first."""
    troubled_since: float | None = None
    """Since when every attempt met a trouble."""


@dataclass(frozen=True, slots=True)
class Decided:
    """It need not be asked for any more."""

    schema: Schema | NoSchema
    result: LookupResult


@dataclass(frozen=True, slots=True)
class AskAgain:
    """It is asked for again, in so many seconds."""

    pause: float
    waiting: Waiting
    result: LookupResult
    sentence: str


def decide(attempt: Attempt, waiting: Waiting, *, now: float, unknown_after: float, luck: float) -> Decided | AskAgain:
    """What to do after an attempt; `luck` is 0…1, and spreads the replicas of a bridge over time."""
    match attempt:
        case Schema():
            return Decided(attempt, LookupResult.FOUND)
        case UnusableSchema():
            return Decided(NoSchema(attempt.why), LookupResult.UNUSABLE)
        case UnknownReference():
            return _unknown(attempt, waiting, now, unknown_after, luck)
        case RegistryFailure():
            return _failed(attempt, waiting, now, luck)


def _unknown(
    attempt: UnknownReference, waiting: Waiting, now: float, unknown_after: float, luck: float
) -> Decided | AskAgain:
    since = now if waiting.unknown_since is None else waiting.unknown_since
    attempts = 0 if waiting.unknown_since is None else waiting.attempts
    left = since + unknown_after - now
    if left <= 0:
        return Decided(NoSchema(f"the registry does not know {attempt.what}"), LookupResult.UNKNOWN)
    sentence = f"the registry does not know {attempt.what}; it is asked again for {math.ceil(left)} s"
    # Not later than when it is decided: the last attempt falls on the end.
    pause = min(_pause(attempts, UNKNOWN_PAUSE, luck), left)
    return AskAgain(pause, Waiting(attempts + 1, unknown_since=since), LookupResult.UNKNOWN, sentence)


def _failed(attempt: RegistryFailure, waiting: Waiting, now: float, luck: float) -> AskAgain:
    since = now if waiting.troubled_since is None else waiting.troubled_since
    attempts = 0 if waiting.troubled_since is None else waiting.attempts
    pause = _pause(attempts, LONGEST_PAUSE, luck)
    if attempt.retry_after is not None:
        # It knows best, within bounds: one that says an hour is asked after a minute.
        pause = min(max(pause, attempt.retry_after), LONGEST_PAUSE)
    return AskAgain(pause, Waiting(attempts + 1, troubled_since=since), attempt.kind, attempt.sentence)


def _pause(attempts: int, longest: float, luck: float) -> float:
    """1, 2, 4, … seconds and up to a quarter more."""
    return min(FIRST_PAUSE * 2.0 ** min(attempts, 16), longest * 0.8) * (1 + 0.25 * luck)
