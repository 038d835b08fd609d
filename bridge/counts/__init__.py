"""What the program counts: plain numbers in plain objects, each raised where it happens and by one thread alone.

`bridge.ops.snapshot` takes a copy of each whole, so that a metric shows what is counted here without being named in
between.
"""

from __future__ import annotations

from copy import copy
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

_Counts = TypeVar("_Counts", bound=Any)


def taken(counts: _Counts) -> _Counts:
    """What was counted until now; what is counted on does not change it."""
    return replace(counts, **{each.name: _own(getattr(counts, each.name)) for each in fields(counts)})


def _own(value: Any) -> Any:
    own = copy(value)
    if isinstance(own, dict):
        own.update((key, copy(each)) for key, each in own.items() if is_dataclass(each))
    return own
