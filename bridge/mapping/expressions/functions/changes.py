"""``changed('a.b')``: whether a change event of Debezium changed that, as far as the event can tell.

A comparison of ``before`` and ``after`` cannot: PostgreSQL sends no ``before`` with an update unless the table has
REPLICA IDENTITY FULL, and then everything differs from nothing. Where the event cannot tell, it is a dead letter. As
Debezium's own `ExtractChangedRecordState` has it, only an update changes fields: a row that is new, was read by a
snapshot, or is gone does not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from bridge.decode import debezium
from bridge.decode.failures import QueryTypeError, kind
from bridge.mapping.expressions.misreadings import ON_A_PART
from bridge.mapping.expressions.paths import Path, parse_path

NAME: Final = "changed"
SIDES: Final = ("before", "after")

_UPDATE: Final = "u"
_OTHERS: Final = frozenset({"c", "r", "d", "t", "m"})
"""Created, read by a snapshot, deleted, truncated, a message: nothing that has a before and an after."""
_WHERE: Final = "write it alone, or as a part of &&, || and !"
_OF_DOCUMENTS: Final = "mongodb"
_OWN_WAY: Final = {
    _OF_DOCUMENTS: "for MongoDB, capture.mode: change_streams_update_full_with_pre_image and the collection's "
    "changeStreamPreAndPostImages have it in every change",
}
_FULL: Final = "for PostgreSQL, ALTER TABLE … REPLICA IDENTITY FULL has it in every change"

Node = Any


def problem(tree: Node) -> str | None:
    """What is wrong with the calls in an expression, as the end of a sentence that begins with it."""
    return _problem(tree, sees_value=True)


def _problem(node: Node, *, sees_value: bool) -> str | None:
    if node["type"] == "function_expression" and node["value"] == NAME:
        if path_of(node) is None:
            return "calls changed() without a path; it takes one, in single quotes: changed('a.b')"
        if not sees_value:
            return f"calls changed() on a part of the value, but it compares the whole change; {_WHERE}"
    for position, child in enumerate(node.get("children", ())):
        if isinstance(child, dict):  # a slice has numbers
            still = sees_value and child["type"] != "expref" and (position == 0 or node["type"] not in ON_A_PART)
            found = _problem(child, sees_value=still)
            if found is not None:
                return found
    return None


def path_of(call: Node) -> Path | None:
    """The path that a call asks for; None where it is written otherwise."""
    match call["children"]:
        case [{"type": "literal", "value": str(text)}]:
            return parse_path(text)
    return None


def read(path: Path, equal: Callable[[Any, Any], bool]) -> Callable[[Any], bool]:
    """What answers for a decoded value; raises `QueryTypeError`."""
    written = ".".join(path)
    call, column = f"changed('{written}')", path[0]

    def has_changed(value: Any) -> bool:
        change = _change(value)
        operation = change.get("op")
        if operation.__class__ is str and operation in _OTHERS:
            return False
        before, after = change.get("before"), change.get("after")
        if operation is not None and operation != _UPDATE:
            raise QueryTypeError(f"{call} got an op that is none of Debezium's")
        if before is None:
            return _without_before(change, written, call)
        if after is None:
            raise QueryTypeError(f"{call} found no after in an update")
        if before.__class__ is dict and after.__class__ is dict and (column in before) is not (column in after):
            _check_rows(before, column, call, change)
        one, other = _part(before, path, call, "before"), _part(after, path, call, "after")
        if debezium.is_unavailable(other):
            return False  # a value too long to be told again where it did not change
        return debezium.is_unavailable(one) or not equal(one, other)

    return has_changed


def _without_before(change: dict[str, Any], path: str, call: str) -> bool:
    """What MongoDB's own list of updated fields says; a failure without one, or where it names only what is above."""
    connector = _at(change, ("source", "connector"))
    updates = change.get("updateDescription")
    updated = _at(updates, ("updatedFields",))
    if updated.__class__ is dict:
        shortened = [_at(each, ("field",)) for each in _list(updates, "truncatedArrays")]
        fields = [name for name in (*updated, *_list(updates, "removedFields"), *shortened) if name.__class__ is str]
        if any(name == path or name.startswith(f"{path}.") for name in fields):
            return True
        if not any(path.startswith(f"{name}.") for name in fields):
            return False
    how = _OWN_WAY.get(connector, _FULL) if connector.__class__ is str else _FULL
    raise QueryTypeError(f"{call} found no before in the change: {how}")


def _change(value: Any) -> dict[str, Any]:
    """The envelope, which the JSON converter puts into another one, of schema and payload."""
    inner = value.get("payload") if value.__class__ is dict and "before" not in value and "op" not in value else None
    change = inner if inner.__class__ is dict else value
    if change.__class__ is not dict or not ("before" in change or "after" in change):
        raise QueryTypeError("changed() found neither before nor after: the value is no change event of Debezium")
    found: dict[str, Any] = change
    return found


def _check_rows(before: dict[str, Any], column: str, call: str, change: dict[str, Any]) -> None:
    """Of a table both rows have all columns: one that only one of them has was left out, and so has not changed."""
    if _at(change, ("source", "connector")) != _OF_DOCUMENTS:  # whose fields come and go
        raise QueryTypeError(
            f"{call} found {column} on one side only, {'before' if column in before else 'after'}: the table's REPLICA "
            "IDENTITY, the connector's list of columns, or never_send leaves it out on the other"
        )


def _part(side: Any, path: Path, call: str, name: str) -> Any:
    """What is at a path. A text on its way is JSON of which nobody said that it is to be read."""
    for depth, step in enumerate(path):
        if side is None:
            return None
        if side.__class__ is not dict:
            where = ".".join((name, *path[:depth]))
            reads = " (unwrap: debezium reads MongoDB's texts)" if side.__class__ is str and not depth else ""
            raise QueryTypeError(f"{call} cannot look into {where}, which is {kind(side)}; an object is needed{reads}")
        side = side.get(step)
    return side


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value.get(step) if value.__class__ is dict else None
    return value


def _list(value: Any, name: str) -> list[Any]:
    found = _at(value, (name,))
    return found if isinstance(found, list) else []
