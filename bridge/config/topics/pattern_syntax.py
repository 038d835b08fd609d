"""The syntax of topic patterns, and an automaton of each that takes time in proportion to a name, whatever the pattern.

Of POSIX extended expressions (glibc's, which the C client uses) and RE2 (the brokers') it takes what both read alike.
Topic names are ASCII, so a set of characters is one of the 65 that a name can have. Python's own expressions are no
stand-in: they read classes otherwise, and some need longer than the universe for a name of thirty characters.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass, field
from typing import Final

from bridge.errors import InvalidError

ALPHABET: Final = frozenset(string.ascii_letters + string.digits + "._-")
"""All that a topic's name can hold."""
MOST_NODES: Final = 2_000
"""Of an automaton: repetitions multiply them."""
_LONGEST: Final = 1_000
_DEEPEST: Final = 50
_MOST_REPETITIONS: Final = 1_000
"""RE2's own bound."""
_INTERVAL: Final = re.compile(r"\{([0-9]{1,4})(,)?([0-9]{1,4})?\}", re.ASCII)
_CLASSES: Final = {
    "alnum": string.ascii_letters + string.digits,
    "alpha": string.ascii_letters,
    "blank": "",
    "cntrl": "",
    "digit": string.digits,
    "graph": "".join(ALPHABET),
    "lower": string.ascii_lowercase,
    "print": "".join(ALPHABET),
    "punct": "._-",
    "space": "",
    "upper": string.ascii_uppercase,
    "xdigit": string.hexdigits,
}
_SHORT: Final = {
    "d": frozenset(string.digits),
    "w": frozenset(string.ascii_letters + string.digits + "_"),
    "s": frozenset(""),
}
_INSTEAD: Final = {"d": "[0-9]", "D": "[^0-9]", "w": "[A-Za-z0-9_]"}


class PatternError(InvalidError):
    """The half sentence that follows the pattern's key."""


@dataclass(slots=True)
class Node:
    """Of the automaton. `takes` is a set of characters, or one of the marks below."""

    takes: frozenset[str] | str
    following: list[int] = field(default_factory=list)


FORK: Final = "fork"
BEGIN: Final = "begin"
END: Final = "end"
MATCH: Final = "match"


@dataclass(frozen=True, slots=True)
class _Piece:
    """Part of the automaton: where it is entered, and the nodes from which what follows is entered."""

    entry: int
    exits: tuple[int, ...]


class Parser:
    r"""Builds the nodes of one pattern. `parse` it once.

    `shorthands`: the mapping's own patterns never reach a Kafka client, and may also say ``\d`` and ``(?:…)``.
    """

    def __init__(self, text: str, *, shorthands: bool) -> None:
        self._text = text
        self._shorthands = shorthands
        self._at = 0
        self._depth = 0
        self.nodes: list[Node] = []

    def parse(self) -> int:
        """The node to start from. Raises `PatternError`."""
        text = self._text
        if len(text) > _LONGEST:
            raise PatternError(f"is longer than {_LONGEST} characters")
        odd = next((place for place, each in enumerate(text) if not " " <= each <= "~"), None)
        if odd is not None:
            raise PatternError(f"has a character at place {odd + 1} that no topic name has: they are ASCII")
        piece = self._alternatives()
        if self._at < len(text):
            raise self._wrong("is not a regular expression: a ) without its (")
        self._connect(piece, self._node(MATCH))
        return piece.entry

    def _alternatives(self) -> _Piece:
        found = [self._sequence()]
        while self._peek() == "|":
            self._at += 1
            found.append(self._sequence())
        if len(found) == 1:
            return found[0]
        fork = self._node(FORK, [piece.entry for piece in found])
        return _Piece(fork, tuple(each for piece in found for each in piece.exits))

    def _sequence(self) -> _Piece:
        nothing = self._node(FORK)
        whole = _Piece(nothing, (nothing,))
        while (sign := self._peek()) and sign not in "|)":
            piece = self._repeated()
            self._connect(whole, piece.entry)
            whole = _Piece(whole.entry, piece.exits)
        return whole

    def _repeated(self) -> _Piece:
        start = self._at
        piece = self._atom()
        bounds = self._bounds()
        if bounds is None:
            return piece
        if self._text[start] in "^$":
            raise self._wrong("is not a regular expression: repeats what has no length")
        if self._shorthands and self._peek() == "?":
            self._at += 1  # lazy: how much is taken first changes nothing of what matches
        elif self._peek() and self._peek() in "*+?{":
            lazy = self._peek() == "?"
            what, instead = ("a lazy quantifier", "the plain one") if lazy else ("two quantifiers in a row", "a group")
            raise self._wrong(f"has {what}, which not every Kafka client understands; write {instead}")
        return self._times(start, self._at, *bounds)

    def _times(self, start: int, resume: int, least: int, most: int | None) -> _Piece:
        """The atom at `start` once more for each time: the first one made is not used, so that all are alike."""
        if most == 0:
            return self._leaf(FORK)
        copies = []
        for _ in range(max(1, least if most is None else most)):
            self._at = start
            copies.append(self._atom())
        self._at = resume
        entry = self._node(FORK)
        whole = _Piece(entry, (entry,))
        leaving: list[int] = []
        for number, copy in enumerate(copies):
            if number >= least:
                leaving.extend(whole.exits)
            self._connect(whole, copy.entry)
            whole = _Piece(entry, copy.exits)
        if most is None:
            self._connect(whole, copies[-1].entry)
        return _Piece(entry, (*leaving, *whole.exits))

    def _bounds(self) -> tuple[int, int | None] | None:
        """What a quantifier here says; None where there is none."""
        sign = self._peek()
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if sign in simple:
            self._at += 1
            return simple[sign]
        if sign != "{":
            return None
        found = _INTERVAL.match(self._text, self._at)
        if found is None:
            raise self._wrong("has a { that begins no number of times, such as {2} or {2,5}; write \\{ for the sign")
        self._at = found.end()
        least = int(found[1])
        most = least if found[2] is None else (None if found[3] is None else int(found[3]))
        if max(least, most or 0) > _MOST_REPETITIONS or (most is not None and most < least):
            raise self._wrong(f"repeats from {least} to {most} times; at most {_MOST_REPETITIONS} are allowed")
        return least, most

    def _atom(self) -> _Piece:
        sign = self._peek()
        if sign == "(":
            return self._group()
        if sign in ("*", "+", "?", "{"):
            raise self._wrong("is not a regular expression: repeats nothing")
        self._at += 1
        if sign == "[":
            return self._leaf(self._brackets())
        if sign == "\\":
            return self._leaf(self._escaped())
        if sign in ("^", "$"):
            return self._leaf(BEGIN if sign == "^" else END)
        return self._leaf(ALPHABET if sign == "." else frozenset(sign) & ALPHABET)

    def _group(self) -> _Piece:
        opened = self._at
        self._at += 1
        if self._peek() == "?":
            self._after_question_mark()
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._wrong(f"has more than {_DEEPEST} groups inside each other")
        piece = self._alternatives()
        if self._peek() != ")":
            raise PatternError(
                f"is not a regular expression: missing ), unterminated subpattern at character {opened + 1}"
            )
        self._at += 1
        self._depth -= 1
        return piece

    def _after_question_mark(self) -> None:
        if not self._shorthands:
            raise self._wrong(
                "has (?, which not every Kafka client understands; write a plain group, or list the topics"
            )
        named = re.compile(r"\?(:|P<\w+>)").match(self._text, self._at)
        if named is None:
            raise self._wrong(
                "looks around, sets a flag or refers back with (?; write a plain group, or list the topics"
            )
        self._at = named.end()

    def _escaped(self) -> frozenset[str]:
        sign = self._peek()
        self._at += 1
        if not sign:
            raise self._wrong("is not a regular expression: ends in a lone backslash")
        if self._shorthands and sign.lower() in _SHORT:
            return _short(sign)
        if sign.isalnum() or sign in "<>`'":
            known = sign in _INSTEAD
            what = f"\\{sign}" if known else f"a class, place or reference such as \\{sign}"
            instead = _INSTEAD.get(sign, "the characters themselves in brackets")
            raise self._wrong(f"has {what}, which not every Kafka client understands; write {instead}")
        return frozenset(sign) & ALPHABET

    def _brackets(self) -> frozenset[str]:
        """What is in brackets, as long as both engines agree. The place is behind the opening one."""
        start = self._at
        escaping, after = _bracket(self._text, start, escapes=True, shorthands=self._shorthands)
        if not self._shorthands:
            literal = _bracket(self._text, start, escapes=False, shorthands=False)
            if literal != (escaping, after):
                raise self._wrong(
                    "has a backslash in brackets, which some Kafka clients read as itself; write ] first and - last "
                    "in them, and all other signs as they are"
                )
        self._at = after
        return escaping

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _leaf(self, takes: frozenset[str] | str) -> _Piece:
        node = self._node(takes)
        return _Piece(node, (node,))

    def _node(self, takes: frozenset[str] | str, following: list[int] | None = None) -> int:
        if len(self.nodes) >= MOST_NODES:
            raise PatternError("is too large: its repetitions come to more than any topic name needs")
        self.nodes.append(Node(takes, following or []))
        return len(self.nodes) - 1

    def _connect(self, piece: _Piece, entry: int) -> None:
        for each in piece.exits:
            if entry not in self.nodes[each].following:
                self.nodes[each].following.append(entry)

    def _wrong(self, what: str) -> PatternError:
        return PatternError(f"{what} (at character {min(self._at, len(self._text) - 1) + 1})")


def _short(sign: str) -> frozenset[str]:
    found = _SHORT[sign.lower()]
    return ALPHABET - found if sign.isupper() else found


def _bracket(text: str, at: int, *, escapes: bool, shorthands: bool) -> tuple[frozenset[str], int]:
    """The set behind an opening bracket, and the place behind the closing one; where a backslash `escapes`, or is one
    of the set.
    """
    negated = text[at : at + 1] == "^"
    at += negated
    found: set[str] = set()
    first = True
    while first or text[at : at + 1] != "]":
        if text[at : at + 2] in ("[:", "[.", "[="):
            name, closed, rest = text[at + 2 :].partition(":]")
            if text[at + 1] != ":" or not closed or name not in _CLASSES:
                raise PatternError(f"has brackets in brackets that are no class: {', '.join(_CLASSES)}")
            found.update(_CLASSES[name])
            at = len(text) - len(rest)
            if text[at : at + 1] == "-" and text[at + 1 : at + 2] != "]":
                raise PatternError("has a class as an end of a range in brackets")
        elif shorthands and text[at : at + 1] == "\\" and text[at + 1 : at + 2].lower() in _SHORT:
            found |= _short(text[at + 1])
            at += 2
        else:
            low, after = _member(text, at, escapes)
            if text[at] == "-" and not first and text[after : after + 1] != "]":
                raise PatternError("has a - in the middle of brackets that is no range; write it last")
            if text[after : after + 1] == "-" and text[after + 1 : after + 2] not in ("]", ""):
                high, after = _member(text, after + 1, escapes)
                if high < low:
                    raise PatternError(f"has a range in brackets that ends before it begins: {low}-{high}")
            else:
                high = low
            found.update(each for each in ALPHABET if low <= each <= high)
            at = after
        first = False
    return (ALPHABET - found if negated else frozenset(found)), at + 1


def _member(text: str, at: int, escapes: bool) -> tuple[str, int]:  # noqa: FBT001 - handed on
    sign = text[at : at + 1]
    if escapes and sign == "\\":
        at += 1
        sign = text[at : at + 1]
        if sign.isalnum():
            raise PatternError(f"has \\{sign} in brackets, which not every Kafka client understands")
    if not sign:
        raise PatternError("is not a regular expression: a [ without its ]")
    if text[at : at + 2] in ("[:", "[.", "[="):
        raise PatternError("has a class as an end of a range in brackets")
    return sign, at + 1
