"""Topic names and patterns as Kafka's clients read them.

A pattern begins with ``^``. The classic protocol gives it to the C library: POSIX extended, searched for. The consumer
protocol gives it to the brokers: RE2, matched against the whole name. What only one of the two understands is refused,
because the other takes it without a word and matches nothing.
"""

from __future__ import annotations

import re

_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}", re.ASCII)
_CLASSES = {
    "[:alnum:]": "A-Za-z0-9",
    "[:alpha:]": "A-Za-z",
    "[:digit:]": "0-9",
    "[:lower:]": "a-z",
    "[:upper:]": "A-Z",
    "[:space:]": r"\s",
    "[:punct:]": "._-",
}
_ONLY_ONE_UNDERSTANDS = (
    (re.compile(r"\\d"), r"\d", "[0-9]"),
    (re.compile(r"\\D"), r"\D", "[^0-9]"),
    (re.compile(r"\\w"), r"\w", "[A-Za-z0-9_]"),
    (re.compile(r"\\s|\\S|\\W|\\b|\\B"), "a class such as \\s", "the characters themselves in brackets"),
    (re.compile(r"\(\?"), "(?", "a plain group, or list the topics"),
    (re.compile(r"[*+?}]\?"), "a lazy quantifier", "the plain one"),
)


def is_pattern(topic: str) -> bool:
    """Whether an entry of kafka.topics, or a key of mapping.per_topic, is a regular expression."""
    return topic.startswith("^")


def fault(topic: str) -> str | None:
    """What is wrong with a name or pattern, as the half sentence that follows its key; None where nothing is."""
    if not is_pattern(topic):
        if topic in {".", ".."} or not _TOPIC.fullmatch(topic):
            return (
                "is not a topic name (letters, digits, dots, underscores and dashes, at most 249); "
                "a regular expression begins with ^"
            )
        return None
    for found, what, instead in _ONLY_ONE_UNDERSTANDS:
        if found.search(topic.replace("\\\\", "")):
            return f"has {what}, which not every Kafka client understands; write {instead}"
    try:
        _compiled(topic)
    except re.error as error:
        place = f" at character {error.pos + 1}" if error.pos is not None else ""
        return f"is not a regular expression: {error.msg}{place}"
    return None


def matches(topic: str, name: str) -> bool:
    """Whether an entry would take the topic `name`, in either reading of a pattern: searching finds all that a whole
    match does. A faulty pattern takes nothing.
    """
    if not is_pattern(topic):
        return topic == name
    try:
        return _compiled(topic).search(name) is not None
    except re.error:
        return False


def _compiled(pattern: str) -> re.Pattern[str]:
    for posix, plain in _CLASSES.items():
        pattern = pattern.replace(posix, plain)
    # A bracket inside brackets is a plain character to POSIX; unescaped, Python warns that its meaning may change.
    return re.compile(re.sub(r"(?<=\[)\[|(?<=\[\^)\[", r"\\[", pattern))
