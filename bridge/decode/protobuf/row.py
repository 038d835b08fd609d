"""What the table of decoders has of Protobuf: the decoder itself is imported where a topic is read by it.

A bridge that reads JSON starts without it.
"""

from __future__ import annotations

from typing import Any

from bridge.decode.protocol import Attributes, Decode, FormatSettings, Peek, Schemas


def make(settings: FormatSettings, schemas: Schemas) -> Decode:
    """See `Decoder.make`."""
    from bridge.decode.protobuf import decoder  # noqa: PLC0415 - see above

    return decoder.make(settings, schemas)


def peek(settings: FormatSettings, schemas: Schemas, path: tuple[str, ...]) -> Peek | None:
    """See `Decoder.peek`."""
    from bridge.decode.protobuf import decoder  # noqa: PLC0415 - see above

    return decoder.peek(settings, schemas, path)


def problem_of(descriptor_set: bytes, message_type: str | None) -> tuple[str, str] | None:
    """Why a descriptor set, with the message's name, serves no record, after the key to look at; None where it does."""
    from bridge.decode.protobuf.schema.descriptors import files_of  # noqa: PLC0415 - see above
    from bridge.decode.protobuf.schema.nodes import DescriptorError  # noqa: PLC0415 - see above
    from bridge.decode.protobuf.schema.sources import DescriptorSet, NoSuchMessageError  # noqa: PLC0415 - see above

    try:
        files_of(descriptor_set)
    except DescriptorError as problem:
        return "descriptor_set_file", f"{problem}; protoc --descriptor_set_out --include_imports makes one"
    try:
        DescriptorSet(descriptor_set, message_type).check()
    except NoSuchMessageError as problem:
        return "message_type", str(problem)
    except DescriptorError as problem:
        return "descriptor_set_file", str(problem)
    return None


def candidates(descriptor_set: bytes) -> str | None:
    """The messages that a value may be where `message_type` names none; None where there is one only."""
    from bridge.decode.protobuf.schema.sources import DescriptorSet  # noqa: PLC0415 - see above

    given = DescriptorSet(descriptor_set, None)
    return given.candidates() if given.message() is None else None


def form(_attributes: Attributes | None, _value: dict[str, Any]) -> str:
    """See `Decoder.form`."""
    return "Protobuf"
