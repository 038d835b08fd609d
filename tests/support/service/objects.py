"""Every object a running service is made of, to be asked what it would tell a log, a debugger or a crash report."""

from __future__ import annotations

import asyncio
import gc
import types
from collections.abc import Iterator

_NOT_ENTERED = (
    type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.CodeType, types.FrameType,
    types.TracebackType, types.MethodDescriptorType, types.GetSetDescriptorType, types.MemberDescriptorType,
    asyncio.AbstractEventLoop,
)  # fmt: skip
"""They lead to everything that is loaded or runs, the test itself included."""
_PLAIN = ("builtins", "collections", "re")
"""Whose values and containers are what they hold; nothing shows them by itself."""


def objects_of(root: object) -> Iterator[object]:
    """All that can be reached from `root`, but for plain values and containers."""
    seen: set[int] = set()
    waiting: list[object] = [root]
    keep: list[object] = []  # an id belongs to an object only for as long as it lives
    while waiting:
        each = waiting.pop()
        if id(each) in seen or isinstance(each, _NOT_ENTERED):
            continue
        seen.add(id(each))
        keep.append(each)
        if type(each).__module__ not in _PLAIN:
            yield each
        waiting += gc.get_referents(each)
