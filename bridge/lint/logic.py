"""Whether a condition can be true, or false, whatever the record: as far as its comparisons contradict each other.

Silent where it does not know: a function is a thing of its own, equal only to itself. An expression of many
alternatives is not looked at.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import product
from math import inf
from typing import Any, Final

from bridge.decode.failures import QueryTypeError
from bridge.errors import Signal
from bridge.mapping.expressions.queries import Node, build

_MOST_ALTERNATIVES: Final = 256
_OPPOSITE: Final = {"eq": "ne", "ne": "eq", "lt": "gte", "gte": "lt", "gt": "lte", "lte": "gt"}
_TURNED: Final = {"eq": "eq", "ne": "ne", "lt": "gt", "gt": "lt", "lte": "gte", "gte": "lte"}
_READS_NOTHING: Final = frozenset({"literal", "comparator", "and_expression", "or_expression", "not_expression"})

Alternatives = tuple[tuple["Atom", ...], ...]
"""One of these must hold, with all that is in it. None of them: never."""


class TooManyError(Signal):
    """More alternatives than anybody looks at."""


@dataclass(frozen=True, slots=True)
class Atom:
    """What is asked of one operand: ``truthy``, ``falsy``, or how it compares with a constant or another operand."""

    operand: str
    asked: str
    constant: str
    """As JSON; of another operand its own text, after ``~``. Empty where nothing is compared."""


def can_be_true(trees: Iterable[Node], known: Iterable[Atom] = ()) -> bool:
    """Whether all of these can be true together, beside what is known."""
    try:
        alternatives = _all_of([_alternatives(tree, negated=False) for tree in trees])
    except TooManyError:
        return True
    facts = tuple(known)
    return any(_is_possible((*facts, *each)) for each in alternatives)


def can_be_false(tree: Node, known: Iterable[Atom] = ()) -> bool:
    """Whether it can, beside what is known."""
    try:
        alternatives = _alternatives(tree, negated=True)
    except TooManyError:
        return True
    facts = tuple(known)
    return any(_is_possible((*facts, *each)) for each in alternatives)


def equals(path: Node, constant: Any) -> Atom:
    """What is known of a path."""
    return Atom(_text(path), "eq", _constant(constant))


# --- alternatives


def _alternatives(tree: Node, *, negated: bool) -> Alternatives:
    kind, children = tree["type"], tree["children"]
    if _is_constant(tree):
        return ((),) if _truth(tree) is not negated else ()
    if kind == "not_expression":
        return _alternatives(children[0], negated=not negated)
    if kind in {"and_expression", "or_expression"}:
        found = [_alternatives(child, negated=negated) for child in children]
        return _all_of(found) if (kind == "and_expression") is not negated else _bounded(sum(found, ()))
    if kind == "comparator":
        return ((_comparison(tree, negated=negated),),)
    return ((Atom(_text(tree), "falsy" if negated else "truthy", ""),),)


def _all_of(found: Iterable[Alternatives]) -> Alternatives:
    parts = list(found)
    size = 1
    for each in parts:
        size *= len(each)
    if size > _MOST_ALTERNATIVES:
        raise TooManyError
    return tuple(tuple(atom for part in choice for atom in part) for choice in product(*parts))


def _bounded(found: Alternatives) -> Alternatives:
    if len(found) > _MOST_ALTERNATIVES:
        raise TooManyError
    return found


def _comparison(tree: Node, *, negated: bool) -> Atom:
    sign = tree["value"]
    left, right = tree["children"]
    if _is_constant(left):
        left, right, sign = right, left, _TURNED[sign]
    if negated:
        sign = _OPPOSITE[sign]
    if _is_constant(right):
        return Atom(_text(left), sign, _constant(build(right)(None)))
    one, other = _text(left), _text(right)
    if one > other:
        one, other, sign = other, one, _TURNED[sign]
    return Atom(one, sign, f"~{other}")


def _is_constant(tree: Node) -> bool:
    return tree["type"] in _READS_NOTHING and all(_is_constant(child) for child in tree["children"])


def _truth(tree: Node) -> bool:
    try:
        found = build(tree)(None)
    except QueryTypeError:
        return False
    return not (found is None or found is False or found in ("", [], {}))


def _text(tree: Node) -> str:
    """The same for trees that mean the same."""
    if tree["type"] == "literal":
        return _constant(tree["value"])
    return json.dumps(tree, sort_keys=True, default=str)


def _constant(value: Any) -> str:
    """Numbers by value, and never as true or false are."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, sort_keys=True, default=str)


# --- contradictions


@dataclass(slots=True)
class _AskedOperand:
    """All that is asked of one operand."""

    equal: set[str] = field(default_factory=set)
    unequal: set[str] = field(default_factory=set)
    truths: set[str] = field(default_factory=set)
    above: list[tuple[float, bool]] = field(default_factory=list)
    """Numbers that it must be above; whether it may be the number itself."""
    below: list[tuple[float, bool]] = field(default_factory=list)


def _is_possible(atoms: Iterable[Atom]) -> bool:
    every = tuple(dict.fromkeys(atoms))
    if not _operands_agree(every):
        return False
    by_operand: dict[str, _AskedOperand] = {}
    for atom in every:
        if not atom.constant.startswith("~"):
            _note(by_operand.setdefault(atom.operand, _AskedOperand()), atom)
    return all(_is_consistent(asked) for asked in by_operand.values())


def _operands_agree(atoms: tuple[Atom, ...]) -> bool:
    """Of two operands that are compared with each other."""
    compared: dict[tuple[str, str], set[str]] = {}
    for atom in atoms:
        if atom.constant.startswith("~"):
            if atom.operand == atom.constant[1:] and atom.asked in {"ne", "lt", "gt"}:
                return False
            compared.setdefault((atom.operand, atom.constant), set()).add(atom.asked)
    return not any(_OPPOSITE[asked] in signs for signs in compared.values() for asked in signs)


def _note(asked: _AskedOperand, atom: Atom) -> None:
    match atom.asked:
        case "eq":
            asked.equal.add(atom.constant)
        case "ne":
            asked.unequal.add(atom.constant)
        case "truthy" | "falsy":
            asked.truths.add(atom.asked)
        case sign:
            number = _number(atom.constant)
            if number is not None:
                bounds = asked.above if sign in {"gt", "gte"} else asked.below
                bounds.append((number, sign in {"gte", "lte"}))


def _is_consistent(asked: _AskedOperand) -> bool:
    if len(asked.equal) > 1 or asked.equal & asked.unequal or len(asked.truths) > 1:
        return False
    if not all(_fit(low, high) for low in asked.above for high in asked.below):
        return False
    return all(_is_within(each, asked) for each in asked.equal)


def _fit(low: tuple[float, bool], high: tuple[float, bool]) -> bool:
    return low[0] < high[0] or (low[0] == high[0] and low[1] and high[1])


def _is_within(constant: str, asked: _AskedOperand) -> bool:
    is_true = constant not in {"null", "false", '""', "[]", "{}"}
    if asked.truths and asked.truths != {"truthy" if is_true else "falsy"}:
        return False
    number = _number(constant)
    if number is None:
        return not (asked.above or asked.below)  # only numbers are ordered
    own = (number, True)
    return all(_fit(low, own) for low in asked.above) and all(_fit(own, high) for high in asked.below)


def _number(constant: str) -> float | None:
    found = json.loads(constant)
    if not isinstance(found, int | float) or isinstance(found, bool):
        return None
    try:
        return float(found)
    except OverflowError:  # of hundreds of digits
        return inf if found > 0 else -inf
