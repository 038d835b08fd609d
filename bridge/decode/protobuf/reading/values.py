"""From what a message holds to what expressions see: names as in the file, defaults, and the well-known types."""

from __future__ import annotations

from typing import Any, Final

from bridge.decode.beyond_json.binary import base64_of
from bridge.decode.protobuf.reading import well_known
from bridge.decode.protobuf.reading.trees import Tree, TreeReader
from bridge.decode.protobuf.schema.nodes import DEFAULTS, EnumNode, FieldNode, FieldType, MessageNode
from bridge.decode.protobuf.schema.pool import Pool
from bridge.decode.protobuf.wire import WireError

ANY: Final = "google.protobuf.Any"
WRAPPERS: Final = frozenset(
    f"google.protobuf.{name}Value"
    for name in ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
)


class Values:
    """Makes values of the trees of one payload."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def value_of(self, message: MessageNode, tree: Tree, depth: int = 1) -> Any:
        """A message as expressions see it: an object, or what a well-known type stands for."""
        if message.name in WRAPPERS:
            (field,) = message.fields
            return self._field(message, field, tree, depth)
        if message.name == ANY:
            return self._any(tree, depth)
        made = well_known.FORMS.get(message.name)
        if made is not None:
            return made(tree)
        return {field.name: self._field(message, field, tree, depth) for field in message.fields}

    def _field(self, message: MessageNode, field: FieldNode, tree: Tree, depth: int) -> Any:
        field, target = self._pool.field(message, field)
        value = tree.get(field.number)
        if isinstance(target, MessageNode) and target.is_map_entry and field.repeated:
            return self._map(target, value or (), depth)
        if field.repeated:
            return [self._one(field, target, one, depth) for one in value or ()]
        if field.number in tree:
            return self._one(field, target, value, depth)
        return None if field.explicit else default(field, target)

    def _one(self, field: FieldNode, target: Any, value: Any, depth: int) -> Any:
        if isinstance(target, MessageNode):
            return self.value_of(target, value, depth + 1)
        if field.type is FieldType.BYTES:
            return base64_of(value)
        return value

    def _map(self, entry: MessageNode, entries: Any, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for tree in entries:
            key, value = (self._entry_part(entry, number, tree, depth) for number in (1, 2))
            found[key_text(key)] = value
        return found

    def _entry_part(self, entry: MessageNode, number: int, tree: Tree, depth: int) -> Any:
        for declared in entry.fields:
            if declared.number == number:
                field, target = self._pool.field(entry, declared)
                if number in tree:
                    return self._one(field, target, tree[number], depth)
                # Where only one of the two is written, the other one is its type's default.
                if isinstance(target, MessageNode):
                    return self.value_of(target, {}, depth + 1)
                return default(field, target)
        return None

    def _any(self, tree: Tree, depth: int) -> dict[str, Any]:
        """`@type`, and the fields of a message whose type is among the schema's; else its bytes as ``value``."""
        url, content = tree.get(1, ""), tree.get(2, b"")
        name = url.rpartition("/")[2] if isinstance(url, str) else ""
        message = self._pool.message(name)
        if message is None:
            return {"@type": url, "value": base64_of(content)} if content else {"@type": url}
        try:
            inside = TreeReader(self._pool, content).read(message, 0, len(content), depth + 1)
        except WireError as fault:
            raise WireError(f"what it holds is no {name}: {fault.why}", 0) from None
        value = self.value_of(message, inside, depth + 1)
        if isinstance(value, dict) and not is_well_known(message):
            return {"@type": url, **value}
        return {"@type": url, "value": value}


def is_well_known(message: MessageNode) -> bool:
    """Whether it is shown as something else than an object of its fields."""
    return message.name in WRAPPERS or message.name == ANY or message.name in well_known.FORMS


def default(field: FieldNode, target: Any) -> Any:
    """What a field without presence is where it is not written; not for lists, maps and messages."""
    if isinstance(target, EnumNode):
        return target.names.get(0, 0)
    return DEFAULTS.get(field.type, 0)


def key_text(key: Any) -> str:
    """A key of a map as JSON has it: ``7``, ``true``."""
    if key.__class__ is str:
        return key
    return ("true" if key else "false") if isinstance(key, bool) else str(key)
