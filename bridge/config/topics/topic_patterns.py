"""Topic names and patterns as Kafka's clients read them.

A pattern begins with ``^``. The classic protocol gives it to the C library, which searches a name for it; the consumer
protocol gives it to the brokers, which match it against the whole name. What the two engines read differently otherwise
is refused, because the one that does not know it takes it without a word and matches nothing. Whoever asks which topics
a pattern takes asks here, and gets the answer that the one in use would give.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from bridge.config.topics.pattern_syntax import ALPHABET, BEGIN, END, FORK, MATCH, Parser, PatternError

_LONGEST_NAME: Final = 249
_MOST_REMEMBERED: Final = 100_000
"""Numbers of nodes, over all steps of an automaton that are remembered; beyond it they are found out again."""

_States = frozenset[int]


class Reading(enum.Enum):
    """Which part of a name a pattern must match."""

    SEARCHED = "searched"
    """Any: the classic protocol."""
    WHOLE = "whole"
    """All of it: the consumer protocol."""
    FROM_BEGINNING = "from_beginning"
    """Any that begins where the name does: the mapping's own patterns, which no Kafka client sees."""


class TopicPattern:
    """One pattern under one reading. `compiled` makes it."""

    def __init__(self, text: str, reading: Reading) -> None:
        """Raises `PatternError`."""
        parser = Parser(text, shorthands=reading is Reading.FROM_BEGINNING)
        start = parser.parse()
        self.text = text
        self._nodes = parser.nodes
        self._match = next(number for number, each in enumerate(parser.nodes) if each.takes == MATCH)
        self._is_searched = reading is Reading.SEARCHED
        self._is_whole = reading is Reading.WHOLE
        self._first = self._reached([start], at_begin=True)
        self._again = self._reached([start], at_begin=False) if self._is_searched else frozenset()
        self._steps: dict[tuple[_States, str], _States] = {}
        self._remembered = 0

    def matches(self, name: str) -> bool:
        """Whether it takes the topic."""
        states, nodes = self._first, self._nodes
        for sign in name:
            if not self._is_whole and self._match in states:
                return True
            if not states:
                return False
            states = self._step(states, sign)
        ends = [each for each in states if nodes[each].takes == END]
        return self._match in states or (bool(ends) and self._match in self._reached(ends, at_begin=False, at_end=True))

    def _step(self, states: _States, sign: str) -> _States:
        known = self._steps.get((states, sign))
        if known is None:
            taken = [
                after
                for each in states
                if not isinstance(takes := self._nodes[each].takes, str) and sign in takes
                for after in self._nodes[each].following
            ]
            known = self._reached(taken, at_begin=False) | self._again
            self._remembered += 1 + len(known)
            if self._remembered > _MOST_REMEMBERED:
                self._steps.clear()
                self._remembered = 1 + len(known)
            self._steps[states, sign] = known
        return known

    def _reached(self, entries: Iterable[int], *, at_begin: bool, at_end: bool = False) -> _States:
        """Through everything that takes no character."""
        seen: set[int] = set()
        waiting = list(entries)
        while waiting:
            each = waiting.pop()
            if each in seen:
                continue
            seen.add(each)
            takes = self._nodes[each].takes
            if takes == FORK or (takes == BEGIN and at_begin) or (takes == END and at_end):
                waiting.extend(self._nodes[each].following)
        kept = (each for each in seen if self._nodes[each].takes not in (FORK, BEGIN))
        return frozenset(kept)


@lru_cache(maxsize=512)
def compiled(text: str, reading: Reading) -> TopicPattern:
    """Raises `PatternError`."""
    return TopicPattern(text, reading)


def is_pattern(topic: str) -> bool:
    """Whether an entry of kafka.topics, or a key of mapping.per_topic, is a regular expression."""
    return topic.startswith("^")


def fault(topic: str) -> str | None:
    """What is wrong with a name or pattern, as the half sentence that follows its key; None where nothing is."""
    if not is_pattern(topic):
        if topic in {".", ".."} or not 0 < len(topic) <= _LONGEST_NAME or not ALPHABET.issuperset(topic):
            return (
                "is not a topic name (letters, digits, dots, underscores and dashes, at most 249); "
                "a regular expression begins with ^"
            )
        return None
    try:
        compiled(topic, Reading.SEARCHED)
    except PatternError as error:
        return str(error)
    return None


def matches(topic: str, name: str, reading: Reading) -> bool:
    """Whether an entry takes the topic `name`. A faulty pattern takes nothing."""
    if not is_pattern(topic):
        return topic == name
    try:
        return compiled(topic, reading).matches(name)
    except PatternError:
        return False
