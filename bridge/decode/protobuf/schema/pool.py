"""The types of a schema by name: its own, those of what it imports, and those that everybody has built in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from bridge.decode.protobuf.schema.built_in import built_in_file, built_in_message
from bridge.decode.protobuf.schema.nodes import DescriptorError, EnumNode, FieldNode, FieldType, FileNode, MessageNode


class Pool:
    """What a file declares and imports, to look names up in.

    A missing import is no fault by itself: many are there for options only, which nobody reads. It is one where a
    type is needed that nothing here declares.
    """

    def __init__(self, file: FileNode, others: Mapping[str, FileNode]) -> None:
        """`others` are the files of imports by the names they are imported with."""
        self.file: Final = file
        self.missing: Final[list[str]] = []
        """Imports that nobody delivered."""
        self._messages: Final[dict[str, MessageNode]] = {}
        self._enums: Final[dict[str, EnumNode]] = {}
        self._resolved: Final[dict[tuple[str, int], tuple[FieldNode, MessageNode | EnumNode | None]]] = {}
        self._load(file, others)

    def _load(self, file: FileNode, others: Mapping[str, FileNode]) -> None:
        _check_circles(file, others)
        seen: set[str] = set()
        waiting = [file]
        while waiting:
            one = waiting.pop()
            self._declare(one.messages, one.enums)
            for name in one.imports:
                if name in seen:
                    continue
                seen.add(name)
                imported = built_in_file(name) or others.get(name)
                if imported is None:
                    self.missing.append(name)
                else:
                    waiting.append(imported)

    def _declare(self, messages: Sequence[MessageNode], enums: Sequence[EnumNode]) -> None:
        waiting = list(messages)
        self._enums.update({enum.name: enum for enum in enums})
        while waiting:
            message = waiting.pop()
            message = built_in_message(message.name) or message
            self._messages[message.name] = message
            self._enums.update({enum.name: enum for enum in message.enums})
            waiting.extend(message.messages)

    def message(self, name: str) -> MessageNode | None:
        """A message by its whole name."""
        return self._messages.get(name)

    def reached(self, message: MessageNode) -> list[MessageNode]:
        """The message and all that may be inside of it. Raises as `field` does."""
        found, seen = [message], {message.name}
        for one in found:  # which grows
            for field in one.fields:
                target = self.field(one, field)[1]
                if isinstance(target, MessageNode) and target.name not in seen:
                    seen.add(target.name)
                    found.append(target)
        return found

    def field(self, message: MessageNode, field: FieldNode) -> tuple[FieldNode, MessageNode | EnumNode | None]:
        """The field with its type told for sure, and the message or enum that its values are of.

        Raises `DescriptorError` where its type is not there.
        """
        key = message.name, field.number
        known = self._resolved.get(key)
        if known is None:
            known = self._resolved[key] = self._resolve(message, field)
        return known

    def _resolve(self, message: MessageNode, field: FieldNode) -> tuple[FieldNode, MessageNode | EnumNode | None]:
        if field.type not in {FieldType.UNKNOWN, FieldType.GROUP, FieldType.MESSAGE, FieldType.ENUM}:
            return field, None
        target = self._look_up(message.name, field.type_name)
        if target is None:
            raise DescriptorError(
                f"the type {field.type_name.lstrip('.') or 'that has no name'} of the field"
                f" {message.name}.{field.name} is not declared{self._why_not()}"
            )
        if isinstance(target, EnumNode):
            return replace(field, type=FieldType.ENUM), target
        if field.type is FieldType.ENUM:
            raise DescriptorError(f"the type of the field {message.name}.{field.name} is no enum")
        is_group = field.type is FieldType.GROUP and not target.is_map_entry
        explicit = field.explicit or (not field.repeated and not message.is_map_entry)
        return replace(field, type=FieldType.GROUP if is_group else FieldType.MESSAGE, explicit=explicit), target

    def _look_up(self, scope: str, name: str) -> MessageNode | EnumNode | None:
        if not name:
            return None
        if name.startswith("."):
            return self._messages.get(name[1:]) or self._enums.get(name[1:])
        while True:
            whole = f"{scope}.{name}" if scope else name
            found = self._messages.get(whole) or self._enums.get(whole)
            if found is not None or not scope:
                return found
            scope = scope.rpartition(".")[0]

    def _why_not(self) -> str:
        if not self.missing:
            return ""
        names = ", ".join(self.missing[:5])
        return f"; the schema imports {names}, which {'were' if len(self.missing) > 1 else 'was'} not delivered with it"


def _check_circles(file: FileNode, others: Mapping[str, FileNode]) -> None:
    """No compiler takes files that import each other in a circle; what claims to be some is no schema."""
    done: set[str] = set()
    way: dict[str, None] = {}
    waiting: list[tuple[str, bool]] = [(file.name, False)]
    while waiting:
        name, leaving = waiting.pop()
        if leaving:
            way.popitem()
            done.add(name)
            continue
        if name in way:
            names = list(way)
            raise DescriptorError(
                f"its imports go in a circle: {' imports '.join([*names[names.index(name) :], name])}"
            )
        if name in done:
            continue
        way[name] = None
        waiting.append((name, True))
        one = file if name == file.name and len(way) == 1 else others.get(name)
        waiting.extend((imported, False) for imported in (one.imports if one else ()))
