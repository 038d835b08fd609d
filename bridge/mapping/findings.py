"""Everything that is wrong with a mapping, collected: the compiler goes on after a problem, to find the next."""

from __future__ import annotations

from bridge.config.keys.problems import Problem
from bridge.config.keys.values import ValueSpec
from bridge.mapping.expressions.conditions import Condition, ConditionError, compile_condition
from bridge.mapping.expressions.readers import NOTHING, ValueReader, ValueSpecError, compile_value


class Findings:
    """The problems so far."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []

    @property
    def problems(self) -> tuple[Problem, ...]:
        """In the order they were found, which is that of the file."""
        return tuple(self._problems)

    def add(self, where: str, message: str) -> None:
        """One more."""
        self._problems.append(Problem(where, message))

    def value(self, spec: ValueSpec, where: str, label: str) -> ValueReader:
        """Compiles a value; one with a problem finds nothing."""
        try:
            return compile_value(spec, label)
        except ValueSpecError as problem:
            self.add(f"{where}.{problem.key}" if problem.key else where, str(problem))
            return NOTHING

    def condition(self, text: str | None, where: str) -> Condition | None:
        """Compiles a condition; one with a problem is none."""
        if text is None:
            return None
        try:
            return compile_condition(text)
        except ConditionError as problem:
            self.add(where, str(problem))
            return None
