"""What this client puts behind the offset map in a commit's metadata: digits after a ``~``, which readers take off.

The number tells the explicit commits of this process apart. The client reports every commit through one callback, its
own periodic ones too, and an answer may have waited in a socket for as long as the process was suspended: only the
answer to one certain commit proves that the group still counts this process as a member.

The long form has eighteen digits. The first nine are the mapping that the process works by, so that a group whose
members map the same records differently can be told. The next six are the subscription under which the group is known
to have settled (`settled`), so that a topic that is new can be told from an old one. The last three are the number, of
which those that may still be on their way must differ. Zeros say nothing. A reader that knows of the number only takes
all of it for one mark; this is why it travels here and not in the map.

Between map and digits there may be notes: each a ``~!``, a small letter that says what it is, and its text, out of
``A-Z a-z 0-9 _ -``. A reader passes over those it does not know. One from before there were notes takes the map with a
note behind it for foreign text and ignores it, which costs duplicates and never an event; so a note is there only
while it has something to say.
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
_NOTES: Final = r"((?:~![a-z][\w-]*)*)"
_TAIL: Final = re.compile(_NOTES + r"\0*(?:~\d{1,18})?\0*\Z", re.ASCII)
_LONG: Final = re.compile(r"~(\d{9})(\d{6})(\d{3})\0?\Z", re.ASCII)


def marked(metadata: str, number: int, mapping: int | None = None, subscription: int | None = None) -> str:
    """The text with the mark; `number` is 0 for a commit that need not be told from others."""
    if mapping is None and subscription is None:
        return f"{metadata}~{number}"
    return f"{metadata}~{mapping or 0:09d}{subscription or 0:06d}{_numbered(number):03d}"


def beginning(mapping: int) -> str:
    """The whole text of a commit by which somebody decides where a group begins: nothing was read below it."""
    return marked("", 0, mapping)


def is_beginning(metadata: str | None) -> bool:
    """Whether the text is one of `beginning`. No bridge at work commits such a text, also where it has no map: its
    explicit commits have a number, and its others have nothing, or the subscription.
    """
    mapping = mapping_of(metadata)
    return mapping is not None and str(metadata).rstrip("\0") == beginning(mapping)


def has(metadata: str | None, number: int, mapping: int | None = None) -> bool:
    """Whether the text carries this number, and this mapping where one is given."""
    found = _LONG.search(metadata or "")
    if found is not None:
        return int(found[3]) == _numbered(number) and mapping in (None, int(found[1]))
    return mapping is None and bool(metadata) and str(metadata).rstrip("\0").endswith(f"~{number}")


def unmarked(metadata: str | None) -> str:
    """The text without one, and without notes and the final NUL that this client's strings end in on the wire."""
    text = metadata or ""
    found = _TAIL.search(text)
    return text if found is None else text[: found.start()]


def note_of(metadata: str | None, letter: str) -> str | None:
    """What the note of this letter says; None where there is none."""
    found = _TAIL.search(metadata or "")
    notes = "" if found is None else found[1]
    return next((note[1:] for note in notes.split("~!") if note[:1] == letter), None)


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
