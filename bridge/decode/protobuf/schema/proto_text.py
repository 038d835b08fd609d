"""The text of a .proto file, read as far as decoding needs it: for registries that do not serialize, and for built-ins.

It is no compiler: what a compiler refuses may pass. Services, extensions, reserved numbers and options of others are
skipped. Raises `DescriptorError` with the line. Source: protobuf.dev, the language specifications of proto2, proto3 and
editions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import count, pairwise
from typing import Final

from bridge.decode.protobuf.schema.features import Features, features_of
from bridge.decode.protobuf.schema.nodes import EnumNode, FieldNode, FieldType, FileNode, MessageNode
from bridge.decode.protobuf.schema.proto_tokens import ProtoTokens

_DEEPEST: Final = 64
_SCALARS: Final = {
    type_.name.lower(): type_ for type_ in FieldType if type_.name not in {"UNKNOWN", "GROUP", "MESSAGE", "ENUM"}
}
_EDITIONS: Final = {"2023": 1000, "2024": 1001, "2026": 1002}


def file_of_text(name: str, text: str) -> FileNode:
    """A .proto file; `name` is what others import it by."""
    return _ProtoParser(name, text).file()


def looks_like_proto(text: str) -> bool:
    """Whether a text may be a .proto file, and is surely no base64 of a descriptor."""
    return re.search(r"\b(?:syntax|edition)\s*=|\bmessage\s+\w+\s*\{", text) is not None


@dataclass(slots=True)
class _MessageBody:
    """What a message is made of while it is read."""

    fields: list[FieldNode]
    messages: list[MessageNode]
    enums: list[EnumNode]


class _ProtoParser(ProtoTokens):
    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self._name = name
        self._features = features_of("", 0)
        self._oneofs = count()

    # --- the file

    def file(self) -> FileNode:
        package, imports = "", []
        body = _MessageBody([], [], [])
        while not self._ends():
            match self._word():
                case "syntax" | "edition" as what:
                    self._syntax(what)
                case "package":
                    package = self._word()
                    self._take(";")
                case "import":
                    imports.append(self._import())
                case "option":
                    self._features = self._option(self._features)
                case "message":
                    body.messages.append(self._message(package, self._features, 1))
                case "enum":
                    body.enums.append(self._enum(package))
                case "service" | "extend":
                    self._word()
                    self._skip_block()
                case "export" | "local" | ";":
                    pass
                case other:
                    raise self._fault(f"{other} is not known in a .proto file")
        return FileNode(self._name, package, tuple(imports), tuple(body.messages), tuple(body.enums))

    def _syntax(self, what: str) -> None:
        self._take("=")
        text = self._string()
        self._take(";")
        if what == "syntax":
            self._features = features_of(text, 0)
        else:
            self._features = features_of("editions", _EDITIONS.get(text, int(text) if text.isdigit() else 0))

    def _import(self) -> str:
        if self._peek() in {"public", "weak", "option"}:
            self._word()
        name = self._string()
        self._take(";")
        return name

    # --- messages

    def _message(self, scope: str, features: Features, depth: int) -> MessageNode:
        name = self._word()
        return self._body(f"{scope}.{name}" if scope else name, features, depth)

    def _body(self, name: str, features: Features, depth: int) -> MessageNode:
        if depth > _DEEPEST:
            raise self._fault(f"messages are declared deeper than {_DEEPEST} inside of each other")
        body = _MessageBody([], [], [])
        self._take("{")
        # Options of a message count for all of it, wherever they are written; everybody writes them first.
        while not self._is("}"):
            if self._peek() == "option":
                self._word()
                features = self._option(features)
            elif not self._skips_what_is_not_read():
                self._declaration(name, features, body, depth)
        return MessageNode(name, tuple(body.fields), tuple(body.messages), tuple(body.enums))

    def _skips_what_is_not_read(self) -> bool:
        """Words that begin a statement may be names of types as well."""
        match self._peek():
            case "extensions" | "reserved" if self._peek(2) != "=":
                self._skip_statement()
            case "extend" if self._peek(2) == "{":
                self._word()
                self._word()
                self._skip_block()
            case "export" | "local" if self._peek(1) in {"message", "enum"}:
                self._word()
            case ";":
                self._take(";")
            case _:
                return False
        return True

    def _declaration(self, name: str, features: Features, body: _MessageBody, depth: int) -> None:
        word = self._peek() if self._peek(2) == "{" else ""
        if word == "message":
            self._word()
            body.messages.append(self._message(name, features, depth + 1))
        elif word == "enum":
            self._word()
            body.enums.append(self._enum(name))
        elif word == "oneof":
            self._oneof(name, features, body, depth)
        else:
            self._field(name, features, body, depth, None)

    def _oneof(self, message: str, features: Features, body: _MessageBody, depth: int) -> None:
        self._word()
        self._word()
        self._take("{")
        number = next(self._oneofs)
        while not self._is("}"):
            if self._peek() == "option":
                self._word()
                features = self._option(features)
            elif self._peek() == ";":
                self._take(";")
            else:
                self._field(message, features, body, depth, number)

    def _field(self, message: str, features: Features, body: _MessageBody, depth: int, oneof: int | None) -> None:
        label = self._word() if self._peek() in {"repeated", "optional", "required"} and self._peek(1) != "=" else ""
        if self._peek() == "map" and self._peek(1) == "<":
            self._map(message, features, body)
            return
        written = self._word()
        is_group = written == "group" and self._peek(1) == "=" and self._peek(3) in {"{", "["}
        name = self._word()
        self._take("=")
        number = self._integer()
        features = self._field_options(features)
        if is_group:
            body.messages.append(self._body(f"{message}.{name}", features, depth + 1))
            type_, written, name = FieldType.GROUP, f".{message}.{name}", name.lower()
        else:
            self._take(";")
            type_ = _SCALARS.get(written, FieldType.GROUP if features.delimited else FieldType.UNKNOWN)
        body.fields.append(
            FieldNode(
                name,
                number,
                type_,
                "" if written in _SCALARS else written,
                label == "repeated",
                label != "repeated" and (features.explicit or label in {"optional", "required"} or oneof is not None),
                oneof,
                features.verified,
            )
        )

    def _map(self, message: str, features: Features, body: _MessageBody) -> None:
        self._word()
        self._take("<")
        key = self._word()
        self._take(",")
        value = self._word()
        self._take(">")
        name = self._word()
        self._take("=")
        number = self._integer()
        features = self._field_options(features)
        self._take(";")
        camel = "".join(part[:1].upper() + part[1:] for part in name.split("_"))
        entry = f"{message}.{camel}Entry"
        parts = tuple(
            FieldNode(
                part,
                place,
                _SCALARS.get(written, FieldType.UNKNOWN),
                "" if written in _SCALARS else written,
                explicit=False,
                verified=features.verified,
            )
            for part, place, written in (("key", 1, key), ("value", 2, value))
        )
        body.messages.append(MessageNode(entry, parts, is_map_entry=True))
        body.fields.append(FieldNode(name, number, FieldType.MESSAGE, f".{entry}", repeated=True, explicit=False))

    def _enum(self, scope: str) -> EnumNode:
        name = self._word()
        names: dict[int, str] = {}
        self._take("{")
        while not self._is("}"):
            if self._peek() == ";":
                self._take(";")
            elif self._peek() in {"option", "reserved"} and self._peek(1) != "=":
                self._skip_statement()
            else:
                value = self._word()
                self._take("=")
                names.setdefault(self._integer(), value)
                self._field_options(self._features)
                self._take(";")
        return EnumNode(f"{scope}.{name}" if scope else name, names)

    # --- options

    def _field_options(self, features: Features) -> Features:
        if self._peek() != "[":
            return features
        start = self._next
        self._skip_block()
        return self._with(features, start, self._next)

    def _option(self, features: Features) -> Features:
        start = self._next
        self._skip_statement()
        return self._with(features, start, self._next)

    def _with(self, features: Features, start: int, end: int) -> Features:
        """Features are named and valued by words of their own, so that it does not matter how they are nested."""
        words = [word for kind, word, _ in self._tokens[start:end] if kind == "word"]
        for name, value in pairwise(words):
            match name.rpartition(".")[2]:
                case "field_presence":
                    features = replace(features, explicit=value != "IMPLICIT")
                case "utf8_validation":
                    features = replace(features, verified=value != "NONE")
                case "message_encoding":
                    features = replace(features, delimited=value == "DELIMITED")
        return features
