"""Settings that say something of what there is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from bridge.lint.lint_finding import Pointed
from bridge.lint.subject import LintSubject
from bridge.mapping.destination import destination_of

_Is = Callable[[LintSubject], bool]


def _has_age(subject: LintSubject) -> bool:
    section = subject.section
    own = [each.max_age for each in section.per_topic.values()]
    return any(each is not None for each in (section.max_age, *own, *(each.route.max_age for each in subject.routes)))


def _makes(subject: LintSubject, *kinds: str) -> bool:
    return any(route.route.makes in kinds for route in subject.routes)


def _identifies(subject: LintSubject) -> bool:
    return destination_of(subject.config.track).identifies_unknown or _makes(subject, "identify")


def _has_company(subject: LintSubject) -> bool:
    return any(each.route.identify is not None and each.route.identify.company is not None for each in subject.routes)


_USELESS: Final[tuple[tuple[str, str, _Is, str], ...]] = (
    ("mapping", "on_expired", _has_age, "no max_age is set, so no event expires"),
    (
        "track",
        "known_users",
        lambda subject: destination_of(subject.config.track).identifies_unknown,
        "track.unknown_users is send, so nobody is remembered",
    ),
    ("track", "identify_settle", _identifies, "no user is identified"),
    ("track", "company_id_field", _has_company, "no route puts a user into a company"),
    (
        "delivery",
        "identify_rate_limit",
        lambda subject: not subject.config.delivery.shared_rate_limit,
        "delivery.shared_rate_limit is true, and rate_limit holds for all",
    ),
    (
        "mapping",
        "on_identify_rejected",
        lambda subject: _makes(subject, "identify"),
        "no route identifies a user",
    ),
)
"""Section, key, when it is of use, and why it is not."""


def for_nothing(subject: LintSubject) -> Iterator[Pointed]:
    """Those that were written, and differ from what holds anyway."""
    for section, key, is_of_use, why in _USELESS:
        given = getattr(subject.config, section)
        is_written = key in given.model_fields_set and getattr(given, key) != type(given).model_fields[key].default
        if is_written and not is_of_use(subject):
            yield Pointed(f"{section}.{key}", f"is for nothing: {why}", "remove it, or set what it is about")
    registry = subject.config.schema_registry
    if "unknown_schema" in subject.config.dead_letter.redrive.reasons and registry is None:
        what = "names unknown_schema for nothing: there is no schema_registry"
        yield Pointed("dead_letter.redrive.reasons", what, "remove it, or set schema_registry")
