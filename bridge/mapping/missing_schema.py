"""Which schema an undecodable record was missing. Asked only for records that are dead letters already."""

from __future__ import annotations

from bridge.decode.failures import MappingError
from bridge.decode.protocol import NO_SCHEMAS, NoSchema, Schemas
from bridge.decode.schema_ids import framed_key, framed_value
from bridge.model import Failed, LetterReason, Record


def failed(record: Record, failure: MappingError, schemas: Schemas) -> Failed:
    """The outcome of a record that a whole mapping failed on."""
    if failure.reason is not LetterReason.UNDECODABLE or schemas is NO_SCHEMAS:
        return Failed(failure.reason, failure.message)
    return Failed(failure.reason, failure.message, schema=_missing(record, schemas))


def _missing(record: Record, schemas: Schemas) -> str | None:
    """As `SchemaNeeded.reference`: what the registry was asked for and does not know; None: that was not the reason."""
    for content, framed in ((record.value, framed_value), (record.key, framed_key)):
        if content is None:
            continue
        try:
            found = framed(content, record.headers)
        except MappingError:
            continue
        if found is not None and isinstance(schemas.get(found.reference), NoSchema):
            return found.reference
    return None
