"""Conditions that decide nothing: never true, or always."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bridge.errors import InvalidError
from bridge.lint.lint_finding import Pointed
from bridge.lint.logic import Atom, can_be_false, can_be_true, equals
from bridge.lint.subject import LintSubject, NamedRoute
from bridge.mapping import globs
from bridge.mapping.expressions.paths import parse_path
from bridge.mapping.expressions.queries import Node, parse
from bridge.mapping.expressions.values import compile_condition
from bridge.mapping.review.coverage import FOR_ALL
from bridge.text.amounts import thousands

ENOUGH: Final = 20
"""Records that a condition must have been asked of before it is odd that none makes it true."""


def never_true(subject: LintSubject) -> Iterator[Pointed]:
    """Of `mapping.when`, of topics, and of routes: these beside what is known of their records."""
    for where, text in _shared(subject):
        tree = _tree(text)
        if tree is not None and not can_be_true([tree]):
            yield Pointed(where, f"{text} can never be true, so nothing is sent", "correct it, or remove it")
    shared = _common(subject)
    for route in subject.routes:
        tree = _tree(route.route.when)
        if tree is None:
            continue
        known = _known(subject, route)
        if not can_be_true([tree], known):
            beside = "" if not can_be_true([tree]) else f" for records of the type {route.key}"
            what = f"{route.route.when} can never be true{beside}, so the route sends nothing"
            yield Pointed(f"{route.where}.when", what, "correct the comparison, or remove the route")
        elif shared is not None and not can_be_true([shared, tree], known):
            what = f"{route.route.when} can never be true where mapping.when ({subject.section.when}) is"
            yield Pointed(f"{route.where}.when", what, "correct one of the two, or remove the route")


def always_true(subject: LintSubject) -> Iterator[Pointed]:
    """Whatever the record is, as far as it has what is compared."""
    for where, text in _shared(subject):
        tree = _tree(text)
        if tree is not None and not can_be_false(tree):
            yield Pointed(where, f"{text} is true for every record", "remove it, or correct the comparison")
    for route in subject.routes:
        tree = _tree(route.route.when)
        if tree is None:
            continue
        known = _known(subject, route)
        if not can_be_false(tree, known):
            beside = "every record" if not can_be_false(tree) else f"every record of the type {route.key}"
            what = f"{route.route.when} is true for {beside}"
            yield Pointed(f"{route.where}.when", what, "remove it, or correct the comparison")


def true_for_no_record(subject: LintSubject) -> Iterator[Pointed]:
    """Of records of a topic: examples show what somebody thought of."""
    if subject.evidence is None:
        return
    for verdicts in subject.evidence.records.coverage.conditions.values():
        if verdicts.true or verdicts.total < ENOUGH:
            continue
        where = "mapping" if verdicts.route == FOR_ALL else f"mapping.events.{verdicts.route}"
        what = f"{verdicts.text} was true for none of {thousands(verdicts.total)} records"
        yield Pointed(f"{where}.when", what, "see whether the records have what it compares")


def _shared(subject: LintSubject) -> Iterator[tuple[str, str]]:
    if subject.section.when is not None:
        yield "mapping.when", subject.section.when
    for topic, own in subject.section.per_topic.items():
        if own.when is not None:
            yield f"mapping.per_topic.{topic}.when", own.when


def _common(subject: LintSubject) -> Node | None:
    """The condition of all topics; None where some have another."""
    values = subject.of_all_topics("when")
    return _tree(values[0]) if len(values) == 1 else None


def _known(subject: LintSubject, route: NamedRoute) -> tuple[Atom, ...]:
    """The type, where the rule is of one and it is read out of the value."""
    if globs.is_glob(route.key):
        return ()
    texts = subject.of_all_topics("event_type")
    if len(texts) != 1 or not isinstance(texts[0], str):
        return ()
    tree = _tree(texts[0])
    return () if tree is None or tree["type"] not in {"field", "subexpression"} else (equals(tree, route.key),)


def _tree(text: str | None) -> Node | None:
    """None of what reads no value."""
    if text is None:
        return None
    try:
        tree = compile_condition(text).tree
        return tree if tree is not None else _plain(text)
    except InvalidError:
        return None


def _plain(text: str) -> Node | None:
    """A path that is read without the library, or none."""
    return parse(text) if parse_path(text) is not None and "-" not in text else None
