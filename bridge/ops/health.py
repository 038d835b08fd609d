"""Whether the process is alive and whether it is ready, decided from its vital signs alone.

A restart helps neither an outage nor a rate limit, and nothing outside the process may kill it: a liveness that asked
Kafka or the API would restart every replica at the moment they are down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.holds import Reason

if TYPE_CHECKING:
    from bridge.ops.group_view import TopicProblem
    from bridge.ops.snapshot import Vitals


@dataclass(frozen=True, slots=True)
class BeatLimits:
    """Seconds a beat may be old. Generous: a kill costs duplicates, and a stuck process is stuck for minutes."""

    poll: float = 60.0
    loop: float = 30.0


DEFAULT_LIMITS = BeatLimits()
_NOT_JOINED = {
    False: "The consumer group has not given this process its assignment yet.",
    True: "The consumer group continued without this process, which is joining it again.",
}
"""By whether it had been a member before."""


@dataclass(frozen=True, slots=True)
class HealthFinding:
    """One reason against."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Health:
    """The answer of a probe: good when nothing speaks against it."""

    findings: tuple[HealthFinding, ...] = ()
    notes: tuple[HealthFinding, ...] = ()
    """What does not speak against, and is worth a look."""

    @property
    def ok(self) -> bool:
        """Whether the probe answers 200; otherwise 503."""
        return not self.findings


def live(vitals: Vitals, limits: BeatLimits = DEFAULT_LIMITS) -> Health:
    """Whether the process works: its poll thread and its loop beat.

    A drain is excused: the poll thread then waits, with a limit of its own, for what is in flight.
    """
    if vitals.draining or vitals.stopping:
        return Health()
    findings = []
    if vitals.poll_age > limits.poll:
        message = f"The poll thread has not polled for {vitals.poll_age:.0f} s; {limits.poll:.0f} s are allowed."
        findings.append(HealthFinding("poll_stuck", message))
    if vitals.loop_age > limits.loop:
        message = f"The event loop has not run for {vitals.loop_age:.0f} s; {limits.loop:.0f} s are allowed."
        findings.append(HealthFinding("loop_stuck", message))
    return Health(tuple(findings))


def ready(vitals: Vitals) -> Health:
    """Whether the process does its part: a member of its group, and held by nothing that needs an operator."""
    findings = []
    if vitals.stopping:
        findings.append(HealthFinding("draining", "The process is stopping."))
    elif vitals.kafka is not None:
        findings.append(HealthFinding(Reason.KAFKA_UNREACHABLE.value, vitals.kafka))
    elif not vitals.joined:
        message = vitals.join_problem or _NOT_JOINED[vitals.joined_before]
        findings.append(HealthFinding(Reason.NOT_JOINED.value, message))
    if vitals.unauthorized is not None:
        findings.append(HealthFinding("unauthorized", vitals.unauthorized))
    if vitals.dead_letters is not None:
        findings.append(HealthFinding("dead_letters_unwritable", vitals.dead_letters))
    if vitals.nothing_to_read is not None:
        findings.append(_problem(vitals.nothing_to_read))
        return Health(tuple(findings))
    return Health(tuple(findings), tuple(map(_problem, vitals.topic_problems)))


def _problem(problem: TopicProblem) -> HealthFinding:
    return HealthFinding(problem.reason.value, f"{problem.detail}.")
