"""What this client puts behind the offset map in a commit's metadata: digits after a ``~``, which readers take off.

The number tells the explicit commits of this process apart. The client reports every commit through one callback, its
own periodic ones too, and an answer may have waited in a socket for as long as the process was suspended: only the
answer to one certain commit proves that the group still counts this process as a member.

Before it may be the number of the mapping that the process works by, so that a group whose members map the same records
differently can be told. Both have nine digits then. A reader that knows of one number only takes both for one mark.
"""

from __future__ import annotations

import re
from typing import Final

MAPPINGS: Final = 10**9
"""A mapping's number is below this."""
_COMMITS: Final = 10**9
_MARK: Final = re.compile(r"~\d{1,18}\0?\Z", re.ASCII)
_WITH_MAPPING: Final = re.compile(r"~(\d{9})\d{9}\0?\Z", re.ASCII)


def marked(metadata: str, number: int, mapping: int | None = None) -> str:
    """The text with the mark; `number` is 0 for a commit that need not be told from others."""
    return f"{metadata}{_mark(number, mapping)}"


def has(metadata: str | None, number: int, mapping: int | None = None) -> bool:
    """Whether the text carries this mark."""
    return bool(metadata) and str(metadata).rstrip("\0").endswith(_mark(number, mapping))


def unmarked(metadata: str | None) -> str:
    """The text without one; also without the final NUL that this client's strings end in on the wire."""
    return _MARK.sub("", metadata or "").rstrip("\0")


def mapping_of(metadata: str | None) -> int | None:
    """The number of the mapping that the committing process works by; None where it does not say."""
    found = _WITH_MAPPING.search(metadata or "")
    return None if found is None else int(found[1])


def _mark(number: int, mapping: int | None) -> str:
    return f"~{number}" if mapping is None else f"~{mapping:09d}{number % _COMMITS:09d}"
