"""The C library's own regular expressions, as librdkafka compiles and asks them: what the classic protocol reads by."""

from __future__ import annotations

import ctypes
import ctypes.util

_EXTENDED, _NO_SUBMATCHES = 1, 8
_SIZE = 512
"""Bytes; a regex_t has 64 where glibc makes it."""


class RefusedError(Exception):
    """It is no expression to the C library."""


def searches(pattern: str, names: list[str]) -> list[bool]:
    """Whether each of the names matches. Raises `RefusedError`."""
    library = ctypes.CDLL(ctypes.util.find_library("c"))
    compiled = ctypes.create_string_buffer(_SIZE)
    if library.regcomp(compiled, pattern.encode(), _EXTENDED | _NO_SUBMATCHES) != 0:
        raise RefusedError(pattern)
    try:
        return [library.regexec(compiled, name.encode(), 0, None, 0) == 0 for name in names]
    finally:
        library.regfree(compiled)
