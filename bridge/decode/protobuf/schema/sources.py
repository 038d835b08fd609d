"""From what a registry or a file holds to types: descriptors in base64 or as they are, sets of them, .proto text."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Final

from bridge.decode.protobuf.schema.descriptors import file_of, files_of
from bridge.decode.protobuf.schema.nodes import DescriptorError, FileNode, MessageNode
from bridge.decode.protobuf.schema.pool import Pool
from bridge.decode.protobuf.schema.proto_text import file_of_text, looks_like_proto
from bridge.decode.protocol import Schema

LARGEST: Final = 3_000_000
"""Characters of a schema and all that it refers to. Reading takes a tenth of a microsecond for each, once."""
_SHOWN: Final = 8


def pool_of(schema: Schema) -> Pool:
    """The types of a schema of a registry. Raises `DescriptorError`."""
    size = len(schema.text) + sum(len(text) for _, text in schema.references)
    if size > LARGEST:
        raise DescriptorError(f"with all that it imports it has {size} characters, and {LARGEST} are the most")
    return Pool(_file(schema.text, ""), {name: _file(text, name) for name, text in schema.references})


def _file(text: str, name: str) -> FileNode:
    if looks_like_proto(text):
        return file_of_text(name, text)
    try:
        content = b64decode(text, validate=True)
    except (Base64Error, ValueError):
        raise DescriptorError(
            "it is neither base64 of a file descriptor nor the text of a .proto file; a registry that gives Protobuf"
            " schemas with ?format=serialized serves it, or mapping.descriptor_set_file"
        ) from None
    return file_of(content)


class NoSuchMessageError(DescriptorError):
    """The set is right, and the name is none of its messages."""


class DescriptorSet:
    """A FileDescriptorSet, with the one message that its records are of."""

    def __init__(self, content: bytes, message_type: str | None) -> None:
        """Raises `DescriptorError` for a set that cannot serve any record."""
        self._files: Final = {file.name: file for file in files_of(content)}
        self.last: Final = self._pool(list(self._files.values())[-1])
        """Of the file that was compiled: those before are what it imports. Its messages are what indexes count."""
        self._named: Final = None if message_type is None else self._find(message_type.lstrip("."))

    def message(self) -> tuple[Pool, MessageNode] | None:
        """The message of all records that do not say otherwise; None where nothing tells."""
        if self._named is not None:
            return self._named
        if len(self.last.file.messages) == 1:
            return self.last, self.last.file.messages[0]
        return None

    def _pool(self, file: FileNode) -> Pool:
        """The types that a file of the set sees."""
        return Pool(file, {name: other for name, other in self._files.items() if other is not file})

    def check(self) -> None:
        """Raises `DescriptorError` where a type that the message reaches is not there."""
        found = self.message()
        if found is not None:
            found[0].reached(found[1])

    def candidates(self) -> str:
        """Names to choose from, for a sentence."""
        return _listed([message.name for message in self.last.file.messages])

    def _find(self, name: str) -> tuple[Pool, MessageNode]:
        for file in self._files.values():
            if not file.package or name.startswith(file.package + "."):
                waiting = list(file.messages)
                while waiting:
                    message = waiting.pop()
                    if message.name == name:
                        return self._pool(file), message
                    waiting.extend(message.messages)
        declared = sorted(_messages_of(self._files.values()))
        near = get_close_matches(name, declared, 1) or [each for each in declared if each.endswith(f".{name}")]
        meant = f"; did you mean {near[0]}?" if near else ""
        raise NoSuchMessageError(
            f"no file of the set declares the message {name}; it declares {_listed(declared)}{meant}"
        )


def _messages_of(files: Iterable[FileNode]) -> Iterator[str]:
    """Names of all that are not inside of another, without those of Google."""
    for file in files:
        if not file.package.startswith("google."):
            yield from (message.name for message in file.messages)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (", ".join(names[:_SHOWN]) or "none") + more
