"""From records to a proposal. The order in which they are given does not matter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

from bridge.decode.protocol import NO_SCHEMAS, Schemas
from bridge.model import Record
from bridge.proposal.choices import Proposal, ProposedSetting, ProposedTopic
from bridge.proposal.documents import SampledTopic, TopicFormat
from bridge.proposal.fields import SampledField, fields_of
from bridge.proposal.pace import moments_of, traffic_of
from bridge.proposal.people import user_of
from bridge.proposal.reading import read_topic
from bridge.proposal.routes import routes_of
from bridge.proposal.time_and_id import id_of, time_of
from bridge.proposal.types import is_outbox, said_type, type_of
from bridge.proposal.words import CHANGES, singular, subject_of, title, words
from bridge.text.amounts import plural

_GENERIC: Final = frozenset({"value", "record", "envelope", "event", "message", "payload", "key", "data"})
_NORMAL: Final = 0.95
"""Share of events that have what they need. Below it their lack is normal; above it what lacks it deserves a look."""
Request = tuple[str, int, float | None, str]
"""Topic, partition, moment and user."""


def propose(
    records: Iterable[Record],
    schemas: Schemas = NO_SCHEMAS,
    topics: Sequence[str] = (),
    protobuf: TopicFormat | None = None,
) -> Proposal:
    """What the records mean. `topics` are those that were asked for, with or without records."""
    by_topic: dict[str, list[Record]] = {name: [] for name in topics}
    for record in records:
        by_topic.setdefault(record.topic, []).append(record)
    return _proposal(
        (read_topic(name, sorted(by_topic[name], key=_order), schemas, protobuf) for name in sorted(by_topic)), {}
    )


def with_types(proposal: Proposal, said: Mapping[str, str]) -> Proposal:
    """The same records, with fields that somebody named as the types of topics."""
    return _proposal((each.topic for each in proposal.topics), said)


def _proposal(topics: Iterable[SampledTopic], said: Mapping[str, str]) -> Proposal:
    made = []
    requests: list[Request] = []
    for topic in topics:
        proposed, own = _topic(topic, said.get(topic.name))
        made.append(proposed)
        requests += own
    return Proposal(tuple(made), traffic_of(requests))


def _order(record: Record) -> tuple[bytes, bytes, list[tuple[str, bytes]], int, int, int]:
    headers = [(name, content or b"") for name, content in record.headers]
    return record.value or b"", record.key or b"", headers, record.timestamp_ms or 0, record.partition, record.offset


def _topic(topic: SampledTopic, event_type: str | None) -> tuple[ProposedTopic, list[Request]]:
    fields = fields_of(topic.documents)
    changes = topic.format.unwrap == "debezium"
    everything = _read_in(set(range(len(topic.documents))), fields, _NORMAL)
    kind = (None if event_type is None else said_type(event_type, fields)) or type_of(topic, everything)
    subject = kind.subject or subject_of([topic.name])
    user = user_of(
        _read_in(kind.types.keys(), fields, _NORMAL),
        subject=singular(subject.replace(" ", "_")),
        changes=changes and bool(kind.subject),
    )
    users = _users(user, fields)
    sent = users.keys() & kind.types.keys() or kind.types.keys()
    stored = {
        number: document.record.timestamp_ms / 1000
        for number, document in enumerate(topic.documents)
        if document.record.timestamp_ms
    }
    free = [each for each in _read_in(sent, fields) if each.expression not in user.text.split(" || ")]
    when = time_of(free, stored)
    time_field = next((each for each in free if each.expression == when.setting.text), None)
    identifier = id_of([each for each in free if each is not time_field], time_field, changes=changes)
    used = _used(kind.setting, user, when.setting, identifier)
    routes, remarks = routes_of(
        kind.types,
        [replace(each, unread=each.unread & sent) for each in fields if not _is_the(users, each)],
        used,
        subject=subject,
        changes=changes,
        named=_named(topic, kind.setting.spec),
        topic=topic.name if kind.setting.spec == "topic" else "",
    )
    proposed = ProposedTopic(
        topic,
        kind.setting,
        user,
        when.setting,
        identifier,
        routes,
        drops_userless=user.is_certain and 0 < _share(user, fields, users, kind.types.keys()) < _NORMAL,
        drops_untyped=kind.setting.share < _NORMAL,
        remarks=(*_boxed(fields, changes=changes), *_untyped(topic, kind.setting), *remarks),
    )
    dropped = {route.event_type for route in routes if not route.event_name}
    moments = moments_of(stored, when.moments)
    return proposed, [
        (topic.name, topic.documents[number].record.partition, moments.get(number), users[number])
        for number in sorted(kind.types)
        if kind.types[number] not in dropped and number in users
    ]


def _read_in(numbers: AbstractSet[int], fields: Sequence[SampledField], least: float = 1) -> list[SampledField]:
    """Without those in texts that fewer of these documents have: where no text is, to read it makes a dead letter."""
    return [each for each in fields if len(each.unread & numbers) <= (1 - least) * len(numbers)]


def _share(
    user: ProposedSetting, fields: Sequence[SampledField], users: Mapping[int, str], typed: AbstractSet[int]
) -> float:
    """Of the events that have a user. A deleted row of an outbox has neither a text nor a type, and needs no user."""
    is_in_text = any(each.text for each in fields if each.expression == user.spec)
    return len(users.keys() & typed) / len(typed) if is_in_text and typed else user.share


def _boxed(fields: Sequence[SampledField], *, changes: bool) -> Iterator[str]:
    """Of an outbox nothing but the type is in fields of their own."""
    if changes and is_outbox(fields):
        yield (
            "rows of an outbox: the event is the text in after.payload, and `from_json(after.payload).NAME` reads it, "
            "the user too; or let Debezium's event router take it out (docs/cookbook.md)"
        )


def _untyped(topic: SampledTopic, event_type: ProposedSetting) -> Iterator[str]:
    """What has no type needs a word: a route of its own is one expression away."""
    without = len(topic.documents) - round(event_type.share * len(topic.documents))
    if not without:
        return
    become = "are dropped" if event_type.share < _NORMAL else "become dead letters"
    schemas = f"; there are schemas {', '.join(topic.titles[:5])}" if len(topic.titles) > 1 else ""
    yield (
        f"{plural(without, 'event')} without {event_type.text} {become}{schemas}; "
        f"`event_type: {event_type.text} || 'a.type'` would give them one"
    )


def _used(*settings: ProposedSetting) -> set[str]:
    used: set[str] = set()
    for each in settings:
        used |= {part.strip('{}"') for part in each.text.replace("}.{", " || ").replace("}/{", " || ").split(" || ")}
        used |= set(each.text.split(" || "))
    return used


def _is_the(users: Mapping[int, str], field: SampledField) -> bool:
    """Whether it is the user once more, under another name."""
    return bool(users) and all(users.get(number) == str(value) for number, value in field.values.items())


def _users(user: ProposedSetting, fields: Sequence[SampledField]) -> dict[int, str]:
    found: dict[int, str] = {}
    for expression in reversed(user.text.split(" || ")):
        for each in fields:
            if each.expression == expression:
                found.update({number: str(value) for number, value in each.values.items()})
    return found


def _named(topic: SampledTopic, spec: object) -> str:
    """The schema's name tells more of an event than the topic's does."""
    titles = [each for each in topic.titles if set(words(each)) - _GENERIC - CHANGES and len(words(each)) > 1]
    return title(titles[0]) if spec == "topic" and len(topic.titles) == 1 and titles else ""
