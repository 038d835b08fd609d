"""Which schema an undecodable record was missing. Asked only for records that are dead letters already."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.decode.failures import MappingError
from bridge.decode.layers import undo
from bridge.decode.protocol import NO_SCHEMAS, NoSchema, Schemas
from bridge.decode.schema_ids import framed_key, framed_value
from bridge.model import Failed, LetterReason, Record


def failed(record: Record, failure: MappingError, schemas: Schemas, layers: Sequence[str] = ()) -> Failed:
    """The outcome of a record that a whole mapping failed on. `layers` are around its value."""
    if failure.schema is not None or failure.reason is not LetterReason.UNDECODABLE or schemas is NO_SCHEMAS:
        return Failed(failure.reason, failure.message, schema=failure.schema)
    return Failed(failure.reason, failure.message, schema=_missing(record, schemas, layers))


def _missing(record: Record, schemas: Schemas, layers: Sequence[str]) -> str | None:
    """As `SchemaNeeded.reference`: what the registry was asked for and does not know; None: that was not the reason."""
    for content, around, framed in ((record.value, layers, framed_value), (record.key, (), framed_key)):
        if content is None:
            continue
        try:
            found = framed(undo(content, around), record.headers)
        except MappingError:
            continue
        if found is not None and isinstance(schemas.get(found.reference), NoSchema):
            return found.reference
    return None
