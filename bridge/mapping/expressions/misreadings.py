"""Expressions that JMESPath takes and their writers meant otherwise: texts and constants in the wrong quotes.

``data.plan == "pro"`` compares two fields, and is false for every record without a word. What only a slip can mean is
refused when the configuration is read, with the spelling that was meant; whoever does mean a field of such a name
writes ``@."pro"``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from jmespath import lexer, parser

Node = Any
"""What the library's parser makes, see `bridge.mapping.expressions.queries.Node`."""

_CONSTANTS: Final = frozenset({"true", "false", "null"})
_TEXT_ARGUMENTS: Final = {
    "changed": (0,),
    "contains": (1,),
    "ends_with": (1,),
    "find_first": (1,),
    "find_last": (1,),
    "iso8601": (1,),
    "join": (0,),
    "pad_left": (2,),
    "pad_right": (2,),
    "replace": (1, 2),
    "split": (1,),
    "starts_with": (1,),
    "trim": (1,),
    "trim_left": (1,),
    "trim_right": (1,),
}
"""Functions by name, and which of their arguments are texts that nearly everybody writes out."""

ON_A_PART: Final = frozenset(
    {"filter_projection", "flatten", "index_expression", "pipe", "projection", "subexpression", "value_projection"}
)
"""Nodes of which only the first child sees the value itself; the others see what that one found."""


_HOLDS_VALUES: Final = frozenset(
    {
        "and_expression",
        "comparator",
        "function_expression",
        "key_val_pair",
        "multi_select_dict",
        "multi_select_list",
        "not_expression",
        "or_expression",
    }
)
"""Nodes of which each child is a value of its own, read of what the whole expression is read of."""


class QuoteAwareParser(parser.Parser):
    """The library's parser, which forgets whether a field's name stood in quotes; this one notes it in the node."""

    _CACHE: dict[str, Any] = {}  # noqa: RUF012 - the library's way; its own would be shared with trees that lack the note

    def _token_nud_quoted_identifier(self, token: Any) -> Node:
        field = super()._token_nud_quoted_identifier(token)  # type: ignore[misc]  # not in the stubs
        return field | {"quoted": True}


def misreading(text: str, tree: Node) -> str | None:
    """What an expression does not mean, as the end of a sentence that begins with it; None where nothing is.

    `text` must be JMESPath, and `tree` what `QuoteAwareParser` makes of it.
    """
    for token in lexer.Lexer().tokenize(text):
        # No JSON begins with a single quote: the library takes it for a text, quotes included.
        if token["type"] == "literal" and text[token["start"] :].startswith("`'"):
            found, meant = str(token["value"]), _text(str(token["value"]).strip("'"))
            return f"has `{found}`, a text whose quotes are part of it: a text is written {meant}"
    for node in _all_nodes(tree):
        for operand in _operands(node):
            slip = _slip(operand)
            if slip is not None:
                return slip
    return None


def quoted_words(tree: Node) -> frozenset[str]:
    """Fields in quotes, alone, in a longer expression: ``data.name || "unknown"``, where a text may have been meant.

    That can be right, so only records can tell: see `bridge.mapping.review.cautions`.
    """
    if tree["type"] == "field":
        return frozenset({tree["value"]}) if tree.get("quoted") else frozenset()
    if tree["type"] not in _HOLDS_VALUES:
        return frozenset()
    return frozenset().union(*(quoted_words(child) for child in tree["children"]))


def _all_nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.get("children", ()):
        if isinstance(child, dict):  # a slice has numbers
            yield from _all_nodes(child)


def _operands(node: Node) -> Iterator[Node]:
    """What a text or a constant would be meant by: one side of a comparison, or such an argument."""
    children = node.get("children", ())
    if node["type"] == "comparator":
        left, right = children
        yield from filter(_is_constant, children)
        if "literal" not in {left["type"], right["type"]}:
            yield left if left.get("quoted") and not right.get("quoted") else right
    elif node["type"] == "function_expression":
        places = _TEXT_ARGUMENTS.get(node["value"], ())
        yield from (children[place] for place in places if place < len(children))


def _is_constant(node: Node) -> bool:
    return node["type"] == "field" and not node.get("quoted") and node["value"] in _CONSTANTS


def _slip(operand: Node) -> str | None:
    """A bare field where a text or a constant was meant."""
    match operand:
        case {"type": "field", "value": str(name), "quoted": True}:
            return (
                f"has {_quoted(name)}, which is a field's name: a text is written {_text(name)} (and a field of that "
                f"name, if it is meant, @.{_quoted(name)})"
            )
        case {"type": "field", "value": str(name)} if name in _CONSTANTS:
            return (
                f"has {name}, which is a field's name: the constant is written `{name}` (and a field of that name, "
                f"if it is meant, @.{_quoted(name)})"
            )
        case _:
            return None


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)


def _text(text: str) -> str:
    return "'" + text.replace("'", "\\'") + "'"
