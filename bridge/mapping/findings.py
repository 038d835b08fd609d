"""Everything that is wrong with a mapping, collected: the compiler continues after a problem, to find the next."""

from __future__ import annotations

from bridge.config.keys.problems import Problem
from bridge.config.keys.values import ValueSpec
from bridge.config.topics import topic_patterns
from bridge.config.topics.pattern_syntax import PatternError
from bridge.config.topics.topic_patterns import TopicPattern
from bridge.mapping.expressions.readers import NOTHING, ValueReader, ValueSpecError
from bridge.mapping.expressions.values import Condition, ConditionError, compile_condition, compile_value


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

    def topic_pattern(self, text: str, where: str) -> TopicPattern | None:
        """A pattern that is bound to the beginning of a topic's name and, without ``$``, not to its end.

        Whatever the group protocol reads: to which records a setting applies is no business of the brokers.
        """
        try:
            return topic_patterns.compiled(text, topic_patterns.Reading.FROM_BEGINNING)
        except PatternError as problem:
            self.add(where, str(problem))
            return None

    def metadata_key(self, key: str, where: str) -> None:
        """A metadata key must be something an analyst can type."""
        if not key.strip():
            self.add(where, "has an empty metadata key")
        elif key != key.strip():
            self.add(where, f"has white space around the metadata key {key!r}; remove it")
