"""What of a record is sent by hand: its requests, and which of them waits for which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bridge.model import IDENTIFY, Delivered, Elements, Failed, Outcomes, Record, Reject, Request, Steps, Verdict
from bridge.pipeline.ports import Mapper


@dataclass(frozen=True, slots=True)
class StepChain:
    """Requests of which each waits for the one before it, as steps do. One that waits for none is a chain itself."""

    requests: tuple[Request, ...]
    rest_follows: bool
    """Whether what comes behind a refused identify is sent nevertheless, see `mapping.on_identify_rejected`."""
    left: int = 0
    """Requests that are not sent, because a step before them cannot become one."""

    def follows(self, request: Request) -> bool:
        """Whether the steps behind this request are sent if it is refused."""
        return self.rest_follows and request.kind is IDENTIFY

    def goes_on(self, request: Request, verdict: Verdict) -> bool:
        """Whether they are sent after this answer."""
        return isinstance(verdict, Delivered) or (isinstance(verdict, Reject) and self.follows(request))


def chains_of(mapping: Mapper, record: Record, now: float) -> list[StepChain]:
    """Of all elements, where the record has some, in their order."""
    rest_follows = mapping.rest_follows(record.topic)
    outcomes = mapping.map(record, now)
    first = outcomes[0]
    parts = [first.map(each, now) for each in range(first.count)] if isinstance(first, Elements) else [outcomes]
    return [chain for part in parts for chain in _chains(part, rest_follows=rest_follows)]


def _chains(outcomes: Outcomes, *, rest_follows: bool) -> Iterator[StepChain]:
    if isinstance(outcomes, Steps):
        yield _of_steps(outcomes, rest_follows=rest_follows)
        return
    for outcome in outcomes:
        if isinstance(outcome, Request):
            yield StepChain((outcome,), rest_follows)


def _of_steps(steps: Sequence[object], *, rest_follows: bool) -> StepChain:
    requests: list[Request] = []
    left, ends = 0, False
    for step in steps:
        if isinstance(step, Failed):
            ends = ends or not (rest_follows and step.kind == IDENTIFY.name)
        elif isinstance(step, Request) and ends:
            left += 1
        elif isinstance(step, Request):
            requests.append(step)
    return StepChain(tuple(requests), rest_follows, left)
