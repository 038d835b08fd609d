"""What nobody would see: events without a time or an id, drops without a word, stops that are off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bridge.lint.lint_finding import Pointed
from bridge.lint.subject import LintSubject
from bridge.text.amounts import plural

_TIME: Final = "occurred_at"
_ID: Final = "event_id"


def no_time_is_sent(subject: LintSubject) -> Iterator[Pointed]:
    """The API stamps what it gets when it gets it."""
    for where in _left_out(subject, _TIME):
        what = f"is false: the API takes the time of arrival, and without {_TIME} nobody can tell when it happened"
        yield Pointed(where, what, "remove the line")


def no_id_is_sent(subject: LintSubject) -> Iterator[Pointed]:
    """Delivery is at least once."""
    for where in _left_out(subject, _ID):
        what = f"is false: an event that is sent twice after a crash cannot be told from two without {_ID}"
        yield Pointed(where, what, "remove the line")


def _left_out(subject: LintSubject, key: str) -> Iterator[str]:
    if subject.section.common_metadata.get(key) is False:
        yield f"mapping.common_metadata.{key}"
    for topic, own in subject.section.per_topic.items():
        if (own.common_metadata or {}).get(key) is False:
            yield f"mapping.per_topic.{topic}.common_metadata.{key}"
    for route in subject.routes:
        if route.route.metadata.get(key) is False:
            yield f"{route.where}.metadata.{key}"


def dropped_without_a_word(subject: LintSubject) -> Iterator[Pointed]:
    """Records that are wrong, rather than of no interest."""
    says = {"on_untyped": "a record without a type", "on_no_user": "an event without a user"}
    for key, what in says.items():
        if getattr(subject.section, key) == "drop":
            yield _dropped(f"mapping.{key}", what)
        for topic, own in subject.section.per_topic.items():
            if getattr(own, key) == "drop":
                yield _dropped(f"mapping.per_topic.{topic}.{key}", what)


def _dropped(where: str, what: str) -> Pointed:
    sentence = f"is drop: {what} leaves a count and nothing to look at, also after a field was renamed"
    return Pointed(where, sentence, "set dead_letter; where such records are normal, ignore this and say so")


def no_sample_has_a_time(subject: LintSubject) -> Iterator[Pointed]:
    """The setting itself is perhaps a slip."""
    yield from _never_found(subject, _TIME, "Kafka's timestamp is taken")


def no_sample_has_an_id(subject: LintSubject) -> Iterator[Pointed]:
    """The place in Kafka is another one when a producer sends the same event again.

    A change of a database has the id that its connector gives, and where there is none, nothing else has one.
    """
    if "debezium" in subject.of_all_topics("unwrap") and "event_id" not in subject.section.model_fields_set:
        return
    yield from _never_found(subject, _ID, "its place in Kafka is taken, which a producer's retry changes")


def _never_found(subject: LintSubject, name: str, instead: str) -> Iterator[Pointed]:
    for samples in subject.every_sample():
        for (setting, text), seen in samples.coverage.settings.items():
            if setting == name and seen.records and not seen.found:
                where = _written_at(subject, name, text)
                what = f"{text} is in none of {plural(seen.records, 'sample')}: {instead}"
                yield Pointed(where, what, "read it where the records have it, or add an example that has it")


def _written_at(subject: LintSubject, name: str, text: str) -> str:
    for topic, own in subject.section.per_topic.items():
        given = getattr(own, name)
        if given is not None and text in {given, getattr(given, "path", None), getattr(given, "template", None)}:
            return f"mapping.per_topic.{topic}.{name}"
    return f"mapping.{name}"


def stop_is_off(subject: LintSubject) -> Iterator[Pointed]:
    """0 never stops."""
    if subject.config.dead_letter.hold_after == 0:
        what = "is 0: a topic whose records all fail is written to the dead-letter topic to its end"
        yield Pointed("dead_letter.hold_after", what, "leave it out, or set a number")
    if subject.config.track.auth.hold_after == 0:
        what = "is 0: with a key that the API refuses, every event becomes a dead letter"
        yield Pointed("track.auth.hold_after", what, "leave it out, or set a number")
