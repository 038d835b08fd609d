"""Rules, routes and settings that no record comes to, and values that no sample has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bridge.config.events.route_section import RouteConfig
from bridge.config.keys.values import LiteralValue, PathValue
from bridge.config.topics import topic_patterns
from bridge.config.topics.topic_patterns import Reading
from bridge.lint.lint_finding import Pointed
from bridge.lint.subject import LintSamples, LintSubject
from bridge.mapping import globs
from bridge.mapping.expressions.paths import Path, parse_path
from bridge.mapping.review.coverage import Fill
from bridge.mapping.settings import pattern_rank
from bridge.text.amounts import listed, plural


def type_of_no_topic(subject: LintSubject) -> Iterator[Pointed]:
    """Where the type is the topic's name, or the same for all records, which types there are is known."""
    specs = subject.of_all_topics("event_type")
    if not all(spec == "topic" or isinstance(spec, LiteralValue) for spec in specs):
        return
    literals = {str(spec.value) for spec in specs if isinstance(spec, LiteralValue)}
    by_name = "topic" in specs
    if subject.has_patterns and by_name:
        possible, unknown = literals | subject.read.names, True
    else:
        possible, unknown = literals | (subject.read.names if by_name else set()), False
    for key in subject.section.events:
        if _takes_any(key, possible) or (unknown and (globs.is_glob(key) or subject.read.takes(key))):
            continue
        source = "the topic's name" if by_name else "a literal"
        there = listed(sorted(possible)) or "none"
        what = f"no record has such a type: event_type is {source}, and the types there are: {there}"
        yield Pointed(f"mapping.events.{key}", what, "correct the type, read the topic, or remove the rule")


def _takes_any(key: str, types: set[str] | frozenset[str]) -> bool:
    if not globs.is_glob(key):
        return key in types
    pattern = globs.compile_glob(key)
    return any(pattern.fullmatch(each) for each in types)


def topic_not_read(subject: LintSubject) -> Iterator[Pointed]:
    """Names and patterns of `per_topic` and of routes; where two patterns meet, only the brokers can tell."""
    places = [(f"mapping.per_topic.{entry}", entry) for entry in subject.section.per_topic]
    for route in subject.routes:
        places += [(f"{route.where}.topics[{at}]", entry) for at, entry in enumerate(route.route.topics or ())]
    for where, entry in places:
        if _is_read(subject, entry) is False:
            consumed = listed(subject.read.entries)
            what = f"{entry} fits nothing that kafka.topics consumes ({consumed}), so it is for no record"
            yield Pointed(where, what, "correct the name or the pattern, read the topic, or remove it")


def _is_read(subject: LintSubject, entry: str) -> bool | None:
    if not topic_patterns.is_pattern(entry):
        return subject.read.takes(entry)
    if any(_matches(entry, name) for name in subject.read.names):
        return True
    return None if subject.has_patterns else False


def settings_never_used(subject: LintSubject) -> Iterator[Pointed]:
    """An entry of `per_topic` that others take every topic from."""
    if subject.has_patterns:
        return
    entries = list(subject.section.per_topic)
    patterns = sorted((each for each in entries if topic_patterns.is_pattern(each)), key=pattern_rank)
    for entry in patterns:
        names = sorted(name for name in subject.read.names if _matches(entry, name))
        winners = {name: _winner(name, entries, patterns) for name in names}
        if names and entry not in winners.values():
            others = listed(sorted(set(winners.values())))
            what = (
                f"is for no topic: {others} {'win' if len(set(winners.values())) > 1 else 'wins'} for {listed(names)}"
            )
            yield Pointed(f"mapping.per_topic.{entry}", what, "remove it, or the entries that win")


def _winner(name: str, entries: list[str], patterns: list[str]) -> str:
    return name if name in entries else next(each for each in patterns if _matches(each, name))


def _matches(entry: str, name: str) -> bool:
    return topic_patterns.matches(entry, name, Reading.FROM_BEGINNING)


def sends_nothing(subject: LintSubject) -> Iterator[Pointed]:
    """A share of no users."""
    for route in subject.routes:
        if route.route.sample == 0:
            yield Pointed(
                f"{route.where}.sample", "0% of users: the route sends nothing", "raise it, or write drop for the type"
            )


def no_sample_has(subject: LintSubject) -> Iterator[Pointed]:
    """Metadata and properties; of a route that a sample makes a request of."""
    for samples in subject.every_sample():
        shared: dict[str, list[tuple[Fill, int]]] = {}
        for route in subject.routes:
            seen = samples.coverage.routes.get(route.name)
            requests = 0 if seen is None else seen.requests
            for key, fill in () if seen is None or not requests else seen.keys.items():
                if route.route.makes == "track" and key not in route.route.metadata:
                    shared.setdefault(key, []).append((fill, requests))
                elif not fill.filled and not _is_null(route.route, key, samples):
                    at = f"{route.where}.{_place(route.route.makes, key)}"
                    yield _not_there(at, fill, requests, subject.source_of(samples))
        for key, fills in shared.items():
            spec = subject.section.common_metadata.get(key)
            is_of_the_envelope = isinstance(spec, str) and spec.startswith("envelope:")
            if spec and not is_of_the_envelope and not any(fill.filled for fill, _ in fills):
                at, made = f"mapping.common_metadata.{key}", sum(each for _, each in fills)
                yield _not_there(at, fills[0][0], made, subject.source_of(samples))


def _not_there(where: str, fill: Fill, requests: int, source: str) -> Pointed:
    why = "" if fill.obstacle is None else f" ({fill.obstacle})"
    made = f"that the {source} make"
    what = (
        f"the only request {made} does not have it{why}"
        if requests == 1
        else f"none of the {plural(requests, 'request')} {made} has it{why}"
    )
    return Pointed(where, what, "correct the path, or add an example that shows it")


def _is_null(route: RouteConfig, key: str, samples: LintSamples) -> bool:
    """Whether what is read is there, and says that there is nothing."""
    specs = dict(route.profile_values())
    spec = route.metadata.get(key) or specs.get(_place(route.makes, key))
    path = parse_path(spec.path if isinstance(spec, PathValue) else spec if isinstance(spec, str) else "")
    return path is not None and any(_has(value, path) for value in samples.values)


def _place(makes: str, key: str) -> str:
    """The key in the file of what `RoutePlan.keys` names."""
    if makes == "track":
        return f"metadata.{key}"
    if makes == "identify" and key.startswith("company: "):
        return f"identify.company.properties.{key.removeprefix('company: ')}"
    return f"{makes}.properties.{key}"


def never_send_in_vain(subject: LintSubject) -> Iterator[Pointed]:
    """A slip in such a path is a leak that nobody sees."""
    places = [("mapping.never_send", subject.section.never_send)]
    for name, own in subject.section.per_topic.items():
        places.append((f"mapping.per_topic.{name}.never_send", own.never_send or ()))
    values = [value for samples in subject.every_sample() for value in samples.values]
    if not values:
        return
    for where, texts in places:
        for at, text in enumerate(texts):
            path = parse_path(text)
            if path is not None and not any(_has(value, path) for value in values):
                what = (
                    f"{text} is in none of {plural(_count(subject), 'sample')}, so nothing shows that it is taken out"
                )
                yield Pointed(f"{where}[{at}]", what, "correct the path, or add an example whose record has it")


def _count(subject: LintSubject) -> int:
    return sum(samples.records.total() for samples in subject.every_sample())


def _has(value: Any, path: Path) -> bool:
    """Lists on the way are walked, as `never_send` walks them."""
    if isinstance(value, list):
        return any(_has(each, path) for each in value)
    if not path:
        return True
    return isinstance(value, dict) and path[0] in value and _has(value[path[0]], path[1:])
