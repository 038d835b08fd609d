"""A stable share of the users: the same ones in every process, on every route, and as the share grows."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

_SPAN = 2**64


def sampler(share: float) -> Callable[[str], bool] | None:
    """Whether a user is in the sample; None where all are. `share` is from 0 to 1.

    The hash knows only the user, so whoever is in at 10 % is in at 20 %, too. It must never change: Python's own
    `hash` differs from process to process.
    """
    if share >= 1:
        return None
    limit = int(share * _SPAN)

    def contains(user_id: str) -> bool:
        digest = blake2b(user_id.encode(), digest_size=8, person=b"bridge.sample").digest()
        return int.from_bytes(digest) < limit

    return contains
