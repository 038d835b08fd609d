"""The records of a self-test: the mapping's own examples, many times over, for many users. Nothing here is random
beyond the seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import nan
from typing import Any, Final

import orjson

from bridge.config.events.example_section import ExampleConfig
from bridge.errors import Misuse
from bridge.mapping.mapper import CompiledMapping
from bridge.mapping.review.examples import TOPIC_OF_INPUT, example_record
from bridge.model import COMPANY, Outcomes, Record, Request
from bridge.sandbox.sample import SampleRecord
from bridge.selftest.overrides import MARK

BROKEN: Final = b'{"selftest": '
"""A value no decoder takes: there are dead letters to write, whatever the mapping."""
_BROKEN_EVERY: Final = 100
_OTHERS: Final = 0.05
"""The share of the examples that become no event: enough to see them, too few to be what is tested."""
_PROBE: Final = 987_654
"""A user no example has."""


class NoEventError(Misuse):
    """Nothing the mapping shows becomes an event; the message is one sentence."""

    def __init__(self) -> None:
        super().__init__(
            "no example of the mapping becomes an event on one of kafka.topics; add one to mapping.examples, with "
            "record.topic where kafka.topics has only patterns"
        )


@dataclass(frozen=True, slots=True)
class Pattern:
    """An example as a pattern for records."""

    topic: str
    record: Record
    value: Any
    """Decoded, where it is JSON and users can be put into it; else None, and the record stays as it is."""
    users: tuple[str, ...]
    """The users of its events, each replaced wherever it is all of a text in value, key or headers."""
    makes_events: bool


def patterns(mapping: CompiledMapping, examples: Sequence[ExampleConfig], names: Mapping[str, str]) -> list[Pattern]:
    """The examples as patterns, each for the topics it is made for. `names`: own name of each topic to the used one.

    An example without a topic is for those topics on which most becomes of it. Raises `NoEventError`.
    """
    found = []
    for example in examples:
        record = example_record(example)
        own = [record.topic] if record.topic != TOPIC_OF_INPUT else list(names)
        events = {topic: len(_requests(mapping.map(_on(record, names[topic]), nan))) for topic in own if topic in names}
        most = max(events.values(), default=0)
        found += [_pattern(mapping, _on(record, names[topic])) for topic, count in events.items() if count == most]
    if not any(pattern.makes_events for pattern in found):
        raise NoEventError
    return found


def records(patterns: Sequence[Pattern], count: int, users: int, seed: int) -> Iterator[SampleRecord]:
    """`count` records; those that become events come most often."""
    rng = random.Random(f"{seed}/events")  # noqa: S311 - a sample, not a secret
    events = [pattern for pattern in patterns if pattern.makes_events]
    others = [pattern for pattern in patterns if not pattern.makes_events]
    topics = sorted({pattern.topic for pattern in events})
    for number in range(count):
        user = rng.randrange(users)
        if number % _BROKEN_EVERY == _BROKEN_EVERY // 2:
            yield marked(SampleRecord(rng.choice(topics), f"user-{user}".encode(), BROKEN), number)
            continue
        chosen = rng.choice(others if others and rng.random() < _OTHERS else events)
        made = _copy(chosen, user)
        key = made.key if made.key is not None else f"user-{user}".encode()
        yield marked(SampleRecord(chosen.topic, key, made.value, tuple(made.headers)), number)


def marked(record: SampleRecord, number: int) -> SampleRecord:
    """The record with its own number in a header."""
    return replace(record, headers=(*record.headers, (MARK, f"{number:06d}".encode())))


# --- one pattern --------------------------------------------------------------------------------------


def _pattern(mapping: CompiledMapping, record: Record) -> Pattern:
    outcomes = mapping.map(record, nan)
    users = tuple(sorted({each.user_id for each in _requests(outcomes) if each.kind is not COMPANY}))
    plain = Pattern(record.topic, record, None, (), bool(users))
    try:
        value = orjson.loads(record.value or b"")
    except orjson.JSONDecodeError:
        return plain
    pattern = replace(plain, value=value, users=users)
    try:
        copied = mapping.map(_copy(pattern, _PROBE), nan)
    except orjson.JSONEncodeError:  # a user that is a number has no room for more digits
        return plain
    # Only a replacement that the mapping understands as one is used: the same events, of other users.
    return pattern if _differs_in_users(outcomes, copied) else plain


def _differs_in_users(one: Outcomes, other: Outcomes) -> bool:
    if [outcome.__class__ for outcome in one] != [outcome.__class__ for outcome in other]:
        return False
    pairs = list(zip(_requests(one), _requests(other), strict=True))
    return all(a.event_name == b.event_name and (a.kind is COMPANY or a.user_id != b.user_id) for a, b in pairs)


def _copy(pattern: Pattern, user: int) -> Record:
    record = pattern.record
    if pattern.value is None:
        return record
    value = orjson.dumps(_replaced(pattern.value, pattern.users, user))
    headers = tuple((name, _replaced_text(content, pattern.users, user)) for name, content in record.headers)
    return record._replace(value=value, key=_replaced_text(record.key, pattern.users, user), headers=headers)


def _replaced_text(content: bytes | None, users: Sequence[str], user: int) -> bytes | None:
    """A key or a header: text that is a user, or JSON with users in it."""
    if content is None:
        return None
    if any(content == each.encode() for each in users):
        return f"{content.decode()}{_suffix(user)}".encode()
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        return content
    if document.__class__ not in {dict, list}:
        return content
    return orjson.dumps(_replaced(document, users, user))


def _replaced(node: Any, users: Sequence[str], user: int) -> Any:
    match node:
        case dict():
            return {key: _replaced(value, users, user) for key, value in node.items()}
        case list():
            return [_replaced(value, users, user) for value in node]
        case str() if node in users:
            return f"{node}{_suffix(user)}"
        case int() if not isinstance(node, bool) and str(node) in users:
            return int(f"{node}{user:06d}")
        case _:
            return node


def _suffix(user: int) -> str:
    return f"-{user}"


def _on(record: Record, topic: str) -> Record:
    return record._replace(topic=topic)


def _requests(outcomes: Outcomes) -> list[Request]:
    return [outcome for outcome in outcomes if isinstance(outcome, Request)]
