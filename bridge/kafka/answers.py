"""Answers of the admin client, collected under one deadline.

Each question yields a future that the client's background thread completes. A cluster that cannot answer one of them
(too old, no permission, embedded) must not cost the others.
"""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import OffsetSpec

__all__ = ["EARLIEST", "LATEST", "AdminAnswers", "OffsetSpec", "at_time", "collect", "error_of"]

K = TypeVar("K")

EARLIEST: Final = OffsetSpec.earliest()  # type: ignore[no-untyped-call]  # the library leaves these untyped
LATEST: Final = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # as above


def at_time(epoch_ms: int) -> OffsetSpec:
    """Asks for the first record at or after this time."""
    spec: OffsetSpec = OffsetSpec.for_timestamp(epoch_ms)
    return spec


@dataclass(frozen=True, slots=True)
class AdminAnswers(Generic[K]):
    """What came in time, and the errors of the rest."""

    results: dict[K, Any] = field(default_factory=dict)
    errors: dict[K, KafkaError] = field(default_factory=dict)


def collect(futures: Mapping[K, concurrent.futures.Future[Any]], deadline: float) -> AdminAnswers[K]:
    """Wait until the monotonic `deadline`; what is not there by then counts as `_TIMED_OUT`."""
    answers: AdminAnswers[K] = AdminAnswers()
    for key, future in futures.items():
        try:
            answers.results[key] = future.result(max(0.0, deadline - time.monotonic()))
        except (KafkaException, concurrent.futures.TimeoutError, ValueError) as error:
            answers.errors[key] = error_of(error)
    return answers


def error_of(error: BaseException) -> KafkaError:
    """The Kafka error inside an exception of the client."""
    cause = error.args[0] if error.args else None
    if isinstance(cause, KafkaError):
        return cause
    if isinstance(error, concurrent.futures.TimeoutError):
        return KafkaError(KafkaError._TIMED_OUT)  # noqa: SLF001  # the library's public name for a local code
    return KafkaError(KafkaError._FAIL, str(error))  # noqa: SLF001  # as above
