"""What the owner decides about delivery, as the pipeline needs it: plain values, seconds and bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Ordering = Literal["user", "key", "partition", "none"]


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """Seconds, and attempts that count only while other events succeed."""

    initial_backoff: float = 1.0
    max_backoff: float = 60.0
    max_retry_after: float = 600.0
    max_attempts: int = 12


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """Everything the dispatcher and the governor are told at start."""

    ordering: Ordering = "user"
    max_in_flight: int = 64
    max_buffered: int = 2000
    max_buffered_bytes: int = 32_000_000
    rate_limit: float | None = 10.0
    """Requests per second of the token, all replicas together; None: unlimited."""
    retry: RetrySettings = field(default_factory=RetrySettings)
    hold_after_unauthorized: int = 5
    recheck: float = 10.0
    hold_after_letters: int = 100
    drain_timeout: float = 20.0
    session_timeout: float = 45.0
