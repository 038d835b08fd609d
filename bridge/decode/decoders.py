"""The table of decoders, one for each name that `mapping.decode` may have.

A new format is a module with its decoder, a row here, and its name in `bridge.config.mapping_section.ValueFormat`, of
which everything that lists the formats is made. A test keeps the names and the rows together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bridge.config.mapping_section import ValueFormat
from bridge.decode import cloud_events, plain_json
from bridge.decode.avro import row as avro
from bridge.decode.protobuf import row as protobuf
from bridge.decode.protocol import Decoder, always

DECODERS: Final[Mapping[ValueFormat, Decoder]] = {
    "auto": Decoder(cloud_events.make, cloud_events.form, cloud_events.binary_attributes, shows_members=True),
    "json": Decoder(plain_json.make, plain_json.form, shows_members=True),
    "cloudevents": Decoder(always(cloud_events.decode), cloud_events.form, cloud_events.binary_attributes),
    "avro": Decoder(avro.make, avro.form, peek=avro.peek, is_exact=True),
    "protobuf": Decoder(protobuf.make, protobuf.form, peek=protobuf.peek, is_exact=True),
}
