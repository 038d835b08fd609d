"""Which trace to look at for a bar of a histogram: the last one traced of each bucket."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from bridge.counts import Exemplar


def keep(kept: dict[int, Exemplar], bounds: Sequence[float], seconds: float, trace: tuple[str, str], at: float) -> None:
    """An observation that is traced; `trace` is the ids of trace and span, `at` Unix seconds."""
    kept[bisect_left(bounds, seconds)] = Exemplar(*trace, seconds, at)
