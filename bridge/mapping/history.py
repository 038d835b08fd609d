"""The same mapping, for what is imported with the time at which it happened: each output with that, from one decoding.

No event is too old: `max_age` is about what is worth sending now. Everything else is as it is for a running bridge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import nan
from typing import Any, Final, NamedTuple

from bridge.decode.failures import MappingError
from bridge.errors import Signal
from bridge.mapping.expressions.scope import Scope
from bridge.mapping.mapper import CompiledMapping
from bridge.mapping.routes.plan import RoutePlan, unexpected
from bridge.model import Elements, Failed, LetterReason, Outcome, Outcomes, Record, Request, Route, Steps, output_of

_MICROSECONDS: Final = 1_000_000


class Occurrence(NamedTuple):
    """When something happened, and what tells it from everything else."""

    micros: int
    """Unix microseconds."""
    id: str


class HistoryOutput(NamedTuple):
    """One outcome of a record."""

    number: int
    """As `output_of`."""
    outcome: Outcome
    event: Occurrence | None = None
    """Of a request."""
    element: int | None = None
    """Which of the record's elements it is of; None: the record has none."""
    left: int = 0
    """Steps behind a failed one that are left out with it."""


class HistoryMapper:
    """Belongs to one thread."""

    def __init__(self, mapping: CompiledMapping) -> None:
        """`mapping` has mapped nothing yet."""
        self._mapping = mapping
        self._noted: list[tuple[Outcome, Scope]] = []
        mapping.put_around(self._noting)

    def outputs(self, record: Record) -> Iterable[list[HistoryOutput]]:
        """What becomes of a record: of each of its elements a list of its own, mapped when it is asked for.

        Raises what the mapping does where a registry is down. To be taken before the next record is given.
        """
        self._noted.clear()
        outcomes = self._mapping.map(record, nan)
        elements = outcomes[0]
        if not isinstance(elements, Elements):
            return (self._with_times(record, outcomes, None),)
        return self._of_elements(record, elements)

    def _of_elements(self, record: Record, elements: Elements) -> Iterator[list[HistoryOutput]]:
        """One after the other: there may be a million."""
        for element in range(elements.count):
            self._noted.clear()
            yield self._with_times(record, elements.map(element, nan), element)

    def _with_times(self, record: Record, outcomes: Outcomes, element: int | None) -> list[HistoryOutput]:
        found = []
        are_steps = isinstance(outcomes, Steps)
        for place, outcome in enumerate(outcomes):
            number = place if element is None else output_of(element, place)
            event: Occurrence | None = None
            if isinstance(outcome, Request):
                happened = self._happened(outcome)
                outcome, event = (happened, None) if isinstance(happened, Failed) else (outcome, happened)  # noqa: PLW2901
            is_last = are_steps and isinstance(outcome, Failed) and not self._mapping.rest_follows(record.topic)
            found.append(HistoryOutput(number, outcome, event, element, len(outcomes) - place - 1 if is_last else 0))
            if is_last:
                break  # as a running bridge leaves the rest with the dead letter
        return found

    def _happened(self, outcome: Request) -> Occurrence | Failed:
        noted, scope = self._noted[-1]  # of the only route, mostly; where numbers were read again exactly, too
        if noted is not outcome:
            scope = next(scope for noted, scope in reversed(self._noted) if noted is outcome)
        try:
            seconds = scope.occurred_seconds()
            if seconds is None:
                return _failed(
                    "the record has neither occurred_at nor a Kafka timestamp to be dated with", outcome.route
                )
            return Occurrence(round(seconds * _MICROSECONDS), scope.event_id())
        except MappingError as failure:
            return Failed(failure.reason, failure.message, outcome.route)
        except Signal:
            raise
        except Exception as error:  # noqa: BLE001  # whatever a record brings about is this record's own problem
            return _failed(unexpected(error), outcome.route)

    def _noting(self, plan: RoutePlan) -> Any:
        return _Noting(plan, self._noted)


class _Noting:
    """A plan that says what each outcome was made of."""

    def __init__(self, plan: RoutePlan, noted: list[tuple[Outcome, Scope]]) -> None:
        self._plan = plan
        self._noted = noted

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plan, name)

    def map(self, value: Any, scope: Scope, now: float) -> Outcome:
        """See `RoutePlan`."""
        outcome = self._plan.map(value, scope, now)
        self._noted.append((outcome, scope))
        return outcome


def _failed(message: str, route: Route) -> Failed:
    return Failed(LetterReason.UNMAPPABLE, message, route)
