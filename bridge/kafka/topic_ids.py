"""A topic's id, by which a topic that was deleted and created again is told from its predecessor.

This is the one place that knows how an id is written. Commits carry it in their offset maps and resolutions of dead
letters in their values; both compare what they find there with what the cluster says now.
"""

from __future__ import annotations

from typing import Any, Final

_NONE: Final = "A" * 22
"""All zeros in base64: how brokers from before topic ids (Kafka 2.8) answer, and what was kept of it."""


def normal(text: str) -> str:
    """The id as Kafka's own tools write it: base64url without padding. Empty for all zeros, which is no id.

    An id of all zeros that was taken for one would differ from the id the same topic gets when its cluster is upgraded:
    everything written before would count as written for another topic.
    """
    written = text.replace("+", "-").replace("/", "_").rstrip("=")
    return "" if written == _NONE else written


def of(described: Any) -> str:
    """Of one answer to `describe_topics`; empty where the cluster gives topics no id, or did not answer."""
    # The client library gives the alphabet of base64 that has + and /.
    return normal(str(getattr(described, "topic_id", None) or ""))


def differ(one: str, other: str) -> bool:
    """Whether these certainly belong to two topics. Of a topic whose id is not known nothing can be said."""
    return one != other and bool(normal(one)) and bool(normal(other)) and normal(one) != normal(other)
