"""Which records are certainly filtered, told by a header: for whoever can leave them out before they are records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bridge.model import Header, Outcomes


class HeaderFilter(NamedTuple):
    """How to tell the filtered records of a topic by one header and nothing else of them."""

    header: str
    filtered: Mapping[bytes | None, Outcomes]
    """By the header's content; a view that grows as the mapping sees records."""


def last_of(headers: Sequence[Header], name: str) -> bytes | None:
    """A header's content. The last of several with one name counts, as in Kafka's own clients."""
    for header, content in reversed(headers):
        if header == name:
            return content
    return None
