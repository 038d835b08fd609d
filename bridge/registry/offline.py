"""Schemas for commands: looked up right now, or read from files. They run without a loop, and end.

A command maps a record; where that needs a schema it has it resolved here and maps again.
"""

from __future__ import annotations

import asyncio
import base64
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final
from uuid import UUID

from bridge.config.sections import SchemaRegistry
from bridge.decode.protocol import NoSchema, Schema
from bridge.errors import Misuse, Unreachable
from bridge.registry.apis.apicurio import form_of_json
from bridge.registry.apis.descriptors import files_of_set, is_descriptor
from bridge.registry.build import build_folder, build_source
from bridge.registry.folder import FolderOfSchemas
from bridge.registry.outcomes import SCHEMA_LIMIT, RegistryFailure, UnknownReference, UnusableSchema
from bridge.registry.source import RegistrySource

_REFERENCE: Final = re.compile(r"(?:id|contentId|globalId):[0-9]+|(?:guid|glue):[0-9a-f-]{36}")


class RegistryUnreachable(Unreachable):
    """The registry does not answer, or refuses the login; the message is a sentence."""


class ResolvingSchemas(Mapping[str, Schema | NoSchema]):
    """`Schemas` that a command fills as it needs them, from files first, then `cache_dir`, then the registry."""

    def __init__(
        self,
        given: Mapping[str, Schema],
        source: RegistrySource | None = None,
        folder: FolderOfSchemas | None = None,
    ) -> None:
        """`given` are those of ``--schema``; without `source` nothing is asked for over a network."""
        self._known: dict[str, Schema | NoSchema] = dict(given)
        self._source = source
        self._folder = folder

    def __getitem__(self, reference: str) -> Schema | NoSchema:
        return self._known[reference]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def resolve(self, reference: str, timeout: float) -> Schema | NoSchema:
        """Know it from now on; at most `timeout` seconds. Raises `RegistryUnreachable`. Not on a loop's thread."""
        return asyncio.run(self.aresolve(reference, timeout))

    async def aresolve(self, reference: str, timeout: float) -> Schema | NoSchema:  # noqa: ASYNC109 - as a command states it
        """As `resolve`, on a loop.

        An id that the registry does not know is asked for once: whoever types a command sees what is there now.
        """
        known = self._known.get(reference) or self._kept(reference)
        if known is None:
            known = await self._asked(reference, timeout)
        self._known[reference] = known
        return known

    def _kept(self, reference: str) -> Schema | None:
        return self._folder.read(reference) if self._folder is not None else None

    async def _asked(self, reference: str, timeout: float) -> Schema | NoSchema:  # noqa: ASYNC109 - see `aresolve`
        if self._source is None:
            return NoSchema(
                f"the schema {reference} is not at hand: there is no schema_registry to ask; give it with --schema"
                f" {reference.removeprefix('id:')}=FILE"
            )
        try:
            async with asyncio.timeout(timeout):
                schema, url = await self._source.fetch(reference)
        except TimeoutError:
            addresses = ", ".join(self._source.urls)
            raise RegistryUnreachable(f"{addresses} did not give the schema {reference} in {timeout:g} s") from None
        except RegistryFailure as failure:
            raise RegistryUnreachable(f"the schema {reference} cannot be looked up: {failure.sentence}") from None
        except UnknownReference as signal:
            return NoSchema(f"the registry does not know {signal.what}")
        except UnusableSchema as signal:
            return NoSchema(signal.why)
        if self._folder is not None:
            self._folder.write(reference, schema, url)
        return schema


def open_schemas(
    section: SchemaRegistry | None,
    environ: Mapping[str, str],
    given: Mapping[str, Schema],
    *,
    warn: Callable[[str], None] = lambda _sentence: None,
) -> ResolvingSchemas:
    """The schemas of a command: those `given`, and those of the configured registry, if there is one.

    Raises `Misuse` as `build_source`.
    """
    if section is None:
        return ResolvingSchemas(given)
    source = build_source(section, environ, clock=time.monotonic)
    return ResolvingSchemas(given, source, build_folder(section, source.urls, warn))


def read_schema_options(texts: Iterable[str]) -> dict[str, Schema]:
    """All that are given. Raises `Misuse` as `read_schema_option`, and where two are for one reference."""
    given: dict[str, Schema] = {}
    by: dict[str, str] = {}
    for text in texts:
        reference, schema = read_schema_option(text)
        if reference in given:
            raise Misuse(
                f"--schema {text}: --schema {by[reference]} is for the same id, and one schema belongs to it; remove"
                " one of them"
            )
        given[reference], by[reference] = schema, text
    return given


def read_schema_option(text: str) -> tuple[str, Schema]:
    """``42=order.avsc``: the reference and the schema of a file.

    ID is a number, a GUID, or a whole reference such as ``contentId:7``. FILE is ``.avsc`` or ``.json`` (Avro or JSON
    Schema, told apart by what is in it), ``.proto`` text, or a descriptor (``.desc``, ``.pb``) of one file or, as
    protoc writes it, of several: the last is the schema, the others what it imports. Raises `Misuse`.
    """
    name, equals, file = text.partition("=")
    if not equals or not name.strip() or not file.strip():
        raise Misuse(f"--schema {text}: write ID=FILE, such as 42=order.avsc")
    reference = _reference(name.strip())
    path = Path(file.strip())
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Misuse(f"--schema {text}: {path} cannot be read: {error.strerror}") from None
    if len(content) > SCHEMA_LIMIT:
        raise Misuse(f"--schema {text}: {path} is larger than a schema may be ({SCHEMA_LIMIT // 1024**2} MiB)")
    return reference, _schema(path, content)


def _reference(name: str) -> str:
    if name.isascii() and name.isdigit():
        return f"id:{int(name)}"
    if _REFERENCE.fullmatch(name):
        return name
    try:
        return f"guid:{UUID(name)}"
    except ValueError:
        raise Misuse(
            f"--schema {name}=…: {name} is no schema id; write a number, a GUID, or a reference such as contentId:7 or"
            " glue:UUID"
        ) from None


def _schema(path: Path, content: bytes) -> Schema:
    match path.suffix.lower():
        case ".avsc" | ".json":
            return Schema(form_of_json(content), _text(path, content))
        case ".proto":
            return Schema("protobuf", _text(path, content))
        case ".desc" | ".pb" | ".binpb" | ".protoset":
            return _descriptor(path, content)
    raise Misuse(f"--schema: {path} must end in .avsc, .json, .proto, .desc or .pb, which says what is in it")


def _text(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Misuse(f"--schema: {path} is not UTF-8 text") from None


def _descriptor(path: Path, content: bytes) -> Schema:
    files = files_of_set(content) or ([("", content)] if is_descriptor(content) else [])
    if not files:
        raise Misuse(f"--schema: {path} is neither a file descriptor nor a set of them, as protoc writes with -o")
    encoded = [(name, base64.b64encode(each).decode("ascii")) for name, each in files]
    return Schema("protobuf", encoded[-1][1], tuple(encoded[:-1]))
