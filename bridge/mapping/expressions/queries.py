"""JMESPath compiled to closures: parsed by the library, evaluated here, strictly.

The library's interpreter answers null where an ordering meets a non-number, so that a condition would quietly send
nothing; here that is a failure. Everything else has the library's semantics, held to them by a test.
"""

from __future__ import annotations

import difflib
import operator
from collections.abc import Callable
from itertools import takewhile
from typing import Any, Final, cast

from jmespath import exceptions
from jmespath.visitor import _Expression as ExpressionReference

from bridge.decode.failures import QueryTypeError, kind
from bridge.errors import InvalidError
from bridge.mapping.expressions import numbers, query_functions
from bridge.mapping.expressions.functions import changes
from bridge.mapping.expressions.misreadings import ON_A_PART, QuoteAwareParser, misreading
from bridge.mapping.expressions.paths import Path
from bridge.mapping.expressions.query_functions import Query

Node = Any
"""What the library's parser makes: ``{"type": …, "children": […]}``."""


class QueryError(InvalidError):
    """An expression that cannot be compiled: what is wrong and, where known, at which character."""


_TOO_DEEP: Final = (
    "has too many parts, or brackets within brackets: for one of many texts write contains(['a', 'b'], data.field)"
)


def parse(text: str) -> Node:
    """Parses a JMESPath expression; raises `QueryError`, also for what only a slip can mean."""
    try:
        tree: Node = QuoteAwareParser().parse(text).parsed
    except exceptions.LexerError as error:
        raise QueryError(
            f"is not JMESPath at character {error.lexer_position + 1}: {error.message}{_hint(text)}"
        ) from None
    except exceptions.IncompleteExpressionError:
        raise QueryError("is not JMESPath: it ends too early") from None
    except exceptions.ParseError as error:
        raise QueryError(
            f"is not JMESPath at character {error.lex_position + 1}: unexpected {error.token_value!r}{_hint(text)}"
        ) from None
    except (exceptions.JMESPathError, RecursionError) as error:
        raise QueryError(f"is not JMESPath: {type(error).__name__}") from None
    except ValueError:  # of the lexer, which hands all digits of a number to int()
        raise QueryError("is not JMESPath: it has a number with more digits than can be read") from None
    try:
        slip = misreading(text, tree) or changes.problem(tree)
    except RecursionError:
        raise QueryError(_TOO_DEEP) from None
    if slip is not None:
        raise QueryError(slip)
    return tree


def compile_query(text: str) -> Query:
    """`parse` and `build` in one."""
    return build(parse(text))


def build(tree: Node) -> Query:
    """Compiles what was parsed; raises `QueryError`. The query raises `QueryTypeError` for a wrong type."""
    try:
        return _built(tree)
    except RecursionError:  # each `||` and each bracket is a level of its own
        raise QueryError(_TOO_DEEP) from None


def _built(tree: Node) -> Query:
    return _BUILDERS[tree["type"]](tree)


def _hint(text: str) -> str:
    """The two mistakes everybody makes."""
    if any(sign in text for sign in ("<", ">", "=", "!")):
        return "; numbers, true, false and null are written between backticks (`0`), texts in single quotes ('paid')"
    return ""


def _children(node: Node) -> list[Query]:
    return [_built(child) for child in node["children"]]


def _identity(_node: Node) -> Query:
    return lambda value: value


def _literal(node: Node) -> Query:
    constant = node["value"]
    return lambda _value: constant


def _field(node: Node) -> Query:
    name = node["value"]
    return lambda value: value.get(name) if value.__class__ is dict else None


def _chain(node: Node) -> Query:
    """``a.b``, ``a[0]`` and ``a | b``: each step works on what the one before found."""
    path = names(node)
    if path is not None:
        return _fields(path)
    steps = _children(node)
    if len(steps) == 2:
        first, second = steps
        return lambda value: second(first(value))

    def chain(value: Any) -> Any:
        for step in steps:
            value = step(value)
        return value

    return chain


def names(node: Node) -> Path | None:
    """The names of ``a.b.c``; None where it is anything else than fields of fields."""
    if node["type"] == "field":
        return (node["value"],)
    if node["type"] != "subexpression":
        return None
    parts = [names(child) for child in node["children"]]
    return None if None in parts else tuple(name for part in parts if part for name in part)


def paths_of(tree: Node) -> tuple[Path, ...]:
    """The paths that an expression reads of the value itself, each as far as it is no more than names."""
    changed = changes.path_of(tree) if tree["type"] == "function_expression" and tree["value"] == changes.NAME else None
    if changed is not None:
        return tuple((side, *changed) for side in changes.SIDES)
    steps = tree["children"] if tree["type"] == "subexpression" else [tree]
    parts = list(takewhile(lambda part: part is not None, map(names, steps[steps[0]["type"] == "current" :])))
    if parts:
        return (tuple(name for part in parts if part for name in part),)
    children = [child for child in tree["children"] if isinstance(child, dict) and child["type"] != "expref"]
    if tree["type"] in ON_A_PART:
        children = children[:1]
    return tuple(dict.fromkeys(path for child in children for path in paths_of(child)))


def path_of(node: Node) -> Path | None:
    """The path of the value that an expression is, with or without ``@.``; None where it is more than names."""
    steps = node["children"] if node["type"] == "subexpression" else [node]
    parts = [names(step) for step in steps[steps[0]["type"] == "current" :]]
    return None if not parts or None in parts else tuple(name for part in parts if part for name in part)


def is_true(value: Any) -> bool:
    """JMESPath's truth: empty texts, arrays and objects, false and null are false; 0 is true."""
    return bool(value) or _is_number(value)


def _fields(path: Path) -> Query:
    """All of them in one call."""

    def fields(value: Any) -> Any:
        for name in path:
            if value.__class__ is not dict:
                return None
            value = value.get(name)
        return value

    return fields


def _index(node: Node) -> Query:
    place = node["value"]

    def index(value: Any) -> Any:
        if value.__class__ is not list or not -len(value) <= place < len(value):
            return None
        return value[place]

    return index


def _slice(node: Node) -> Query:
    if node["children"][2] == 0:
        raise QueryError("has a slice with step 0")
    span = slice(*node["children"])
    return lambda value: value[span] if value.__class__ is list else None


def _flatten(node: Node) -> Query:
    (base,) = _children(node)

    def flatten(value: Any) -> Any:
        items = base(value)
        if items.__class__ is not list:
            return None
        merged: list[Any] = []
        for item in items:
            if item.__class__ is list:
                merged.extend(item)
            else:
                merged.append(item)
        return merged

    return flatten


def _projection(node: Node) -> Query:
    base, each = _children(node)
    if node["children"][1]["type"] == "field":
        return _field_of_each(base, node["children"][1]["value"])

    def project(value: Any) -> Any:
        items = base(value)
        return _without_nulls(each, items) if items.__class__ is list else None

    return project


def _field_of_each(base: Query, name: str) -> Query:
    """``lines[].price``, the usual projection, without a call for each item."""

    def project(value: Any) -> Any:
        items = base(value)
        if items.__class__ is not list:
            return None
        return [found for item in items if item.__class__ is dict and (found := item.get(name)) is not None]

    return project


def _value_projection(node: Node) -> Query:
    base, each = _children(node)

    def project(value: Any) -> Any:
        items = base(value)
        return _without_nulls(each, list(items.values())) if items.__class__ is dict else None

    return project


def _filter_projection(node: Node) -> Query:
    base, each, condition = _children(node)

    def project(value: Any) -> Any:
        items = base(value)
        if items.__class__ is not list:
            return None
        return _without_nulls(each, [item for item in items if is_true(condition(item))])

    return project


def _without_nulls(each: Query, items: list[Any]) -> list[Any]:
    return [result for result in map(each, items) if result is not None]


_ORDERINGS: Final[dict[str, tuple[str, Callable[[Any, Any], bool]]]] = {
    "lt": ("<", operator.lt),
    "lte": ("<=", operator.le),
    "gt": (">", operator.gt),
    "gte": (">=", operator.ge),
}


def _comparator(node: Node) -> Query:
    left, right = _children(node)
    name = node["value"]
    if name == "eq":
        return lambda value: _equal(left(value), right(value))
    if name == "ne":
        return lambda value: not _equal(left(value), right(value))
    sign, ordered = _ORDERINGS[name]
    ordered = numbers.comparison(ordered)

    def compare(value: Any) -> bool:
        one, other = left(value), right(value)
        if not _is_number(one):
            raise QueryTypeError(f"the left side of {sign} is {kind(one)}; a number is needed")
        if not _is_number(other):
            raise QueryTypeError(f"the right side of {sign} is {kind(other)}; a number is needed")
        return ordered(one, other)

    return compare


def _is_number(value: Any) -> bool:
    return value.__class__ in numbers.NUMBERS


def _equal(one: Any, other: Any) -> bool:
    """Python holds 1 and true to be equal; JSON does not. Numbers are equal where they are written with one value."""
    if one.__class__ is not other.__class__ and _is_number(one) and _is_number(other):
        return bool(numbers.comparable(one) == numbers.comparable(other))
    return one == other and (one.__class__ is bool) == (other.__class__ is bool)


def _or(node: Node) -> Query:
    first, second = _children(node)

    def either(value: Any) -> Any:
        found = first(value)
        return found if is_true(found) else second(value)

    return either


def _and(node: Node) -> Query:
    first, second = _children(node)

    def both(value: Any) -> Any:
        found = first(value)
        return second(value) if is_true(found) else found

    return both


def _not(node: Node) -> Query:
    (inner,) = _children(node)
    return lambda value: not is_true(inner(value))


def _multi_select_list(node: Node) -> Query:
    items = _children(node)
    return lambda value: None if value is None else [item(value) for item in items]


def _multi_select_dict(node: Node) -> Query:
    items = [(child["value"], _built(child["children"][0])) for child in node["children"]]
    return lambda value: None if value is None else {name: item(value) for name, item in items}


class _Caller:
    """What the library's functions call an expression reference through, such as the ``&price`` of `sort_by`."""

    @staticmethod
    def visit(query: Query, value: Any) -> Any:
        return query(value)


def _expression_reference(node: Node) -> Query:
    (inner,) = _children(node)
    # The library's functions know a reference by this class and go through `visit` alone; its annotations are narrower.
    reference = ExpressionReference(cast("Any", inner), cast("Any", _Caller))
    return lambda _value: reference


def _function(node: Node) -> Query:
    name = node["value"]
    path = changes.path_of(node) if name == changes.NAME else None
    if path is not None:
        return changes.read(path, _equal)
    arguments = _children(node)
    bounds = query_functions.arity(name)
    if bounds is None:
        raise QueryError(f"calls {name}(), which is not a function; {_instead(name)}")
    least, most = bounds
    if len(arguments) < least or (most is not None and len(arguments) > most):
        wanted = str(least) if least == most else f"{least} to {most}" if most else f"at least {least}"
        raise QueryError(f"gives {name}() {len(arguments)} arguments; it takes {wanted}")
    for place, child in enumerate(node["children"]):
        if child["type"] == "literal":
            problem = query_functions.problem(name, place, child["value"])
            if problem is not None:
                raise QueryError(f"calls {name}(), which {problem}")
    function = query_functions.function(name)
    return lambda value: function([argument(value) for argument in arguments])


def _instead(name: str) -> str:
    """The function that is meant, as far as its name tells; otherwise all there are."""
    known = sorted([*query_functions.names(), changes.NAME])
    word = name.lower().replace("_", "")
    plain = {each.replace("_", "").removeprefix("to"): each for each in known} | {
        each.replace("_", ""): each for each in known
    }
    meant = _HABITS.get(word) or next(map(plain.__getitem__, difflib.get_close_matches(word, plain, 1, 0.7)), None)
    return f"did you mean {meant}()?" if meant else f"there are {', '.join(known)}"


_HABITS: Final = {
    "count": "length",
    "float": "to_number",
    "int": "to_number",
    "len": "length",
    "size": "length",
    "str": "to_string",
    "text": "to_string",
}
"""Functions of other languages, without underscores."""

_BUILDERS: Final[dict[str, Callable[[Node], Query]]] = {
    "and_expression": _and,
    "comparator": _comparator,
    "current": _identity,
    "expref": _expression_reference,
    "field": _field,
    "filter_projection": _filter_projection,
    "flatten": _flatten,
    "function_expression": _function,
    "identity": _identity,
    "index": _index,
    "index_expression": _chain,
    "literal": _literal,
    "multi_select_dict": _multi_select_dict,
    "multi_select_list": _multi_select_list,
    "not_expression": _not,
    "or_expression": _or,
    "pipe": _chain,
    "projection": _projection,
    "slice": _slice,
    "subexpression": _chain,
    "value_projection": _value_projection,
}
"""One builder for each kind of node the library's parser makes."""
