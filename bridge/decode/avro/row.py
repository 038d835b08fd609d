"""What the table of decoders has of Avro: the decoder itself is imported where a topic is read by it.

A bridge that reads JSON starts without it.
"""

from __future__ import annotations

from typing import Any

from bridge.decode.protocol import Attributes, Decode, FormatSettings, Peek, Schemas


def make(settings: FormatSettings, schemas: Schemas) -> Decode:
    """See `Decoder.make`."""
    from bridge.decode.avro import decoder  # noqa: PLC0415 - see above

    return decoder.make(settings, schemas)


def peek(settings: FormatSettings, schemas: Schemas, path: tuple[str, ...]) -> Peek | None:
    """See `Decoder.peek`."""
    from bridge.decode.avro import decoder  # noqa: PLC0415 - see above

    return decoder.peek(settings, schemas, path)


def form(_attributes: Attributes | None, _value: dict[str, Any]) -> str:
    """See `Decoder.form`."""
    return "Avro"
