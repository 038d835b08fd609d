"""A message's headers, also where the client cannot hand them out.

Kafka takes any bytes for a header's name, and some clients write any. For a name that is not UTF-8 this client hands
out a pair without a name, and leaves an error for its caller to find. A call from C looks for it and raises; the
interpreter, once a line is hot, does not, and the process ends at the next touch of the pair. One such record would end
whoever reads it, for as long as it is kept. So the method is never called by a line of Python: only here, from C, and
once for each message: a second call hands out the same pairs without any error.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from bridge.model import UNREADABLE_HEADERS, Header

if TYPE_CHECKING:
    from confluent_kafka import Message

_UNREADABLE: Final = (SystemError, UnicodeDecodeError)
_read: Final[Callable[[Any], Sequence[Header] | None]] = operator.methodcaller("headers")


def headers_of(message: Message[Any, Any]) -> Sequence[Header]:
    """Name and content of each; `UNREADABLE_HEADERS` where there is a name that cannot be read."""
    try:
        return _read(message) or ()
    except _UNREADABLE:
        return UNREADABLE_HEADERS


def headers_of_all(messages: Sequence[Message[Any, Any]]) -> Sequence[Sequence[Header] | None]:
    """The same of many, in less time; None where there are none."""
    found: list[Sequence[Header] | None] = []
    if not messages:
        return found
    read: Callable[[Any], Any] = type(messages[0]).headers
    unread = iter(messages)
    while len(found) < len(messages):
        try:
            found.extend(map(read, unread))
        except _UNREADABLE:
            found.append(UNREADABLE_HEADERS)  # for the one that was just taken; those before it are there
    return found
