"""The number at the end of a commit's metadata that tells the explicit commits of this process apart.

The client reports every commit through one callback, its own periodic ones too. An answer may have waited in a socket
for as long as the process was stopped, so only the answer to one certain commit proves that the group still counts
this process as a member. What stands before the mark is the offset map; readers take the mark off first.
"""

from __future__ import annotations

import re
from typing import Final

_MARK: Final = re.compile(r"~\d{1,18}\0?\Z", re.ASCII)


def marked(metadata: str, number: int) -> str:
    """The text with the mark."""
    return f"{metadata}~{number}"


def has(metadata: str | None, number: int) -> bool:
    """Whether the text carries this mark."""
    return bool(metadata) and str(metadata).rstrip("\0").endswith(f"~{number}")


def unmarked(metadata: str | None) -> str:
    """The text without one; also without the final NUL that this client's strings end in on the wire."""
    return _MARK.sub("", metadata or "").rstrip("\0")
