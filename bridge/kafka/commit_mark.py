"""What this client puts behind the offset map in a commit's metadata: digits after a ``~``, which readers take off.

The number tells the explicit commits of this process apart. The client reports every commit through one callback, its
own periodic ones too, and an answer may have waited in a socket for as long as the process was suspended: only the
answer to one certain commit proves that the group still counts this process as a member.

The long form has eighteen digits. The first nine are the mapping that the process works by, so that a group whose
members map the same records differently can be told. The next six are the subscription under which the group is known
to have settled (`settled`), so that a topic that is new can be told from an old one. The last three are the number, of
which those that may still be on their way must differ. Zeros say nothing. A reader that knows of the number only takes
all of it for one mark; this is why it travels here and not in the map.
"""

from __future__ import annotations

import re
from typing import Final

MAPPINGS: Final = 10**9
"""A mapping's number is below this, and above 0."""
SUBSCRIPTIONS: Final = 10**6
"""The same for a subscription's."""
LONG: Final = 19
"""Characters of the long form."""
_COMMITS: Final = 999
_MARK: Final = re.compile(r"~\d{1,18}\0?\Z", re.ASCII)
_LONG: Final = re.compile(r"~(\d{9})(\d{6})(\d{3})\0?\Z", re.ASCII)


def marked(metadata: str, number: int, mapping: int | None = None, subscription: int | None = None) -> str:
    """The text with the mark; `number` is 0 for a commit that need not be told from others."""
    if mapping is None and subscription is None:
        return f"{metadata}~{number}"
    return f"{metadata}~{mapping or 0:09d}{subscription or 0:06d}{_numbered(number):03d}"


def has(metadata: str | None, number: int, mapping: int | None = None) -> bool:
    """Whether the text carries this number, and this mapping where one is given."""
    found = _LONG.search(metadata or "")
    if found is not None:
        return int(found[3]) == _numbered(number) and mapping in (None, int(found[1]))
    return mapping is None and bool(metadata) and str(metadata).rstrip("\0").endswith(f"~{number}")


def unmarked(metadata: str | None) -> str:
    """The text without one; also without the final NUL that this client's strings end in on the wire."""
    return _MARK.sub("", metadata or "").rstrip("\0")


def mapping_of(metadata: str | None) -> int | None:
    """The number of the mapping that the committing process works by; None where it does not say."""
    found = _LONG.search(metadata or "")
    return None if found is None else int(found[1]) or None


def subscription_of(metadata: str | None) -> int | None:
    """Under which subscription the group had settled when this was committed; None where nothing says it."""
    found = _LONG.search(metadata or "")
    return None if found is None else int(found[2]) or None


def _numbered(number: int) -> int:
    """0 for 0 only."""
    return 0 if number == 0 else (number - 1) % _COMMITS + 1
