"""How the garbage collector is set for a process that makes and drops a hundred thousand small objects a second."""

from __future__ import annotations

import gc
from typing import Final

_NET_ALLOCATIONS: Final = 50_000
"""Objects more than were freed until the youngest are looked at: more than a full buffer of events is made of."""


def settle() -> None:
    """Call once when everything that stays was built.

    Events leave no cycles behind, so the collector finds nothing; with its defaults (700 objects) it looks at all
    that waits for an answer again and again, which costs 1.2 µs per event. What the start built stays for good and is
    taken out of its sight.
    """
    gc.freeze()
    gc.set_threshold(_NET_ALLOCATIONS, 20, 20)
