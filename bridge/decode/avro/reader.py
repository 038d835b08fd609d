"""One schema, ready to read with: the fast reader, and the careful one for what that cannot read."""

from __future__ import annotations

from struct import error as StructError  # noqa: N812 - it is a class
from typing import Any, Final

from bridge.decode.avro.careful import AvroBytesError, CarefulReader
from bridge.decode.avro.schema import AvroSchemaError, parse_schema
from bridge.decode.avro.source import FastRead, fast_reader
from bridge.decode.protocol import Schema

MISREAD: Final = (LookupError, ValueError, TypeError, ArithmeticError, StructError, RecursionError)
"""What generated readers raise for bytes that they were not written for."""
_FORMS: Final = {"protobuf": "Protobuf", "json": "JSON Schema"}


class AvroReader:
    """Reads the values of one schema."""

    __slots__ = ("_schema", "fast", "reference")

    def __init__(self, schema: Schema, reference: str, *, logical_types: bool) -> None:
        """Raises `AvroSchemaError`: whole sentences."""
        if schema.form != "avro":
            raise AvroSchemaError(f"{named(reference)} is {_FORMS[schema.form]} and not Avro, which decode says it is")
        try:
            self._schema = parse_schema(schema.text, schema.references, logical_types=logical_types)
        except AvroSchemaError as fault:
            raise AvroSchemaError(f"{named(reference)} is no Avro schema that can be read by: {fault}") from None
        self.reference = reference
        self.fast: FastRead = self._first
        """Given bytes and where in them the value begins. Raises one of `MISREAD` for what `carefully` is for."""

    def _first(self, raw: bytes, start: int) -> Any:
        """Written for the first value: who only peeks needs no reader."""
        self.fast = fast_reader(self._schema, self.reference)
        return self.fast(raw, start)

    @property
    def schema(self) -> Any:
        """As nodes."""
        return self._schema

    def carefully(self, raw: bytes, start: int) -> Any:
        """As `fast`, for what that could not read. Raises `AvroBytesError`: field, what is wrong, byte."""
        return CarefulReader(self._schema, raw, start).read()

    def read(self, raw: bytes, start: int) -> Any:
        """Any value. Raises `AvroBytesError`."""
        try:
            return self.fast(raw, start)
        except MISREAD:
            return self.carefully(raw, start)


def named(reference: str) -> str:
    """What a record refers to, for people: ``schema id 42``, ``schema guid 0f8f…``."""
    kind, _, name = reference.partition(":")
    return f"schema {kind} {name}"


__all__ = ["MISREAD", "AvroBytesError", "AvroReader", "AvroSchemaError", "named"]
