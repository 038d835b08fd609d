"""Limits that cannot be kept, or that keep something else from being reached."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bridge.config.sections import Delivery
from bridge.lint.lint_finding import Pointed
from bridge.lint.subject import LintSubject
from bridge.mapping.destination import destination_of
from bridge.text.amounts import per_minute, plural, span

DOCUMENTED: Final[float] = Delivery.model_fields["rate_limit"].default
"""Requests per second of one token: the default is what the API's pages say."""
_TOLERATED: Final = 1e-9


def above_the_api(subject: LintSubject) -> Iterator[Pointed]:
    """The API answers 429 beyond it, and what is refused is sent again."""
    delivery = subject.config.delivery
    for name, limit in (("rate_limit", delivery.rate_limit), ("identify_rate_limit", delivery.identify_rate_limit)):
        if limit is None or limit > DOCUMENTED + _TOLERATED:
            given = "unlimited" if limit is None else per_minute(limit)
            what = f"is {given}, and the API documents {per_minute(DOCUMENTED)} for each key: it refuses the rest (429)"
            yield Pointed(
                f"delivery.{name}", what, "set what your contract says, and ignore this with it as the reason"
            )


def several_of_one_budget(subject: LintSubject) -> Iterator[Pointed]:
    """How many events fit is not what the limit says."""
    delivery = subject.config.delivery
    if delivery.shared_rate_limit:
        if destination_of(subject.config.track).identifies_unknown:
            yield Pointed(
                "track.unknown_users",
                "is identify, and with shared_rate_limit a user's first event costs two requests of one budget",
                "set shared_rate_limit: false where the API counts them apart",
            )
        kinds, budget = {"track", "identify", "company"}, "rate_limit"
    else:
        kinds, budget = {"identify", "company"}, "identify_rate_limit"
    for key, rule in subject.section.events.items():
        drawing = [route for route in (() if rule == "drop" else rule) if route.makes in kinds and route.when is None]
        profiles = [route for route in drawing if route.makes != "track"]
        if len(drawing) > 1 and profiles:
            limit = getattr(delivery, budget)
            fits = "" if limit is None else f", so {per_minute(limit / len(drawing))} of these records fit"
            what = f"each record makes {plural(len(drawing), 'request')} that draw on delivery.{budget}{fits}"
            yield Pointed(
                f"mapping.events.{key}", what, "put a company under identify, or a condition on what repeats itself"
            )


def too_little_room(subject: LintSubject) -> Iterator[Pointed]:
    """Requests on their way are records in memory."""
    delivery = subject.config.delivery
    if delivery.max_buffered < delivery.max_in_flight:
        what = f"is {delivery.max_buffered}, so max_in_flight ({delivery.max_in_flight}) is never reached"
        yield Pointed("delivery.max_buffered", what, "raise it, or lower max_in_flight")


def too_old_by_then(subject: LintSubject) -> Iterator[Pointed]:
    """Where somebody worked out how long the backlog takes."""
    evidence = subject.evidence
    if evidence is None or evidence.backlog is None:
        return
    records = evidence.records
    share = records.requests.total() / records.records.total() if records.records.total() else 1.0
    backlog = evidence.backlog * share
    for where, limit in _ages(subject):
        if limit < backlog:
            what = f"is {span(limit)}, and what is in the topics takes {span(backlog)} to send: events expire unsent"
            yield Pointed(where, what, "raise it, or the rate limit, or accept the loss with an ignore")


def more_than_fits(subject: LintSubject) -> Iterator[Pointed]:
    """What came in during the last hour, times what the newest records become."""
    evidence, delivery = subject.evidence, subject.config.delivery
    if evidence is None:
        return
    profiles = ("identify", "company")
    budgets = (
        {"rate_limit": ("track", *profiles)}
        if delivery.shared_rate_limit
        else {"rate_limit": ("track",), "identify_rate_limit": profiles}
    )
    for name, kinds in budgets.items():
        limit: float | None = getattr(delivery, name)
        wanted = sum(rate * evidence.requests_per_record(topic, kinds) for topic, rate in evidence.arriving.items())
        if limit is not None and wanted > limit:
            what = (
                f"is {per_minute(limit)}, and the records of the last hour make about {per_minute(wanted)}, as the "
                "newest of them are mapped: the backlog grows"
            )
            yield Pointed(f"delivery.{name}", what, "send less: drop types, add conditions, or a sample of users")


def _ages(subject: LintSubject) -> Iterator[tuple[str, float]]:
    if subject.section.max_age is not None:
        yield "mapping.max_age", subject.section.max_age
    for topic, own in subject.section.per_topic.items():
        if own.max_age is not None:
            yield f"mapping.per_topic.{topic}.max_age", own.max_age
    for route in subject.routes:
        if route.route.max_age is not None:
            yield f"{route.where}.max_age", route.route.max_age
