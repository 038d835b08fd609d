"""The share of users that a route is for."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Final

from bridge.config.events.route_section import RouteConfig
from bridge.mapping.findings import Findings

_HASHES: Final = 2**64


def compiled_sample(route: RouteConfig, where: str, findings: Findings) -> Callable[[str], bool] | None:
    """What tells whether a user is in the route's share."""
    if not 0 <= route.sample <= 1:
        findings.add(f"{where}.sample", "must be from 0% to 100%")
        return None
    return sampler(route.sample)


def sampler(share: float) -> Callable[[str], bool] | None:
    """Whether a user is in a stable share of all, from 0 to 1; None where all are.

    The hash knows only the user, so whoever is in at 10 % is in at 20 %, too. It must never change: Python's own
    `hash` differs from process to process.
    """
    if share >= 1:
        return None
    limit = int(share * _HASHES)

    def contains(user_id: str) -> bool:
        digest = blake2b(user_id.encode(), digest_size=8, person=b"bridge.sample").digest()
        return int.from_bytes(digest) < limit

    return contains
