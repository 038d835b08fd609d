"""What editions decide by features, and proto2 and proto3 by their syntax: resolved from file to message to field.

Source: descriptor.proto's FeatureSet and the defaults of each edition there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from bridge.decode.protobuf.schema.nodes import DescriptorError
from bridge.decode.protobuf.wire import fields

PROTO2: Final = 998
PROTO3: Final = 999
EDITION_2023: Final = 1000
LAST_EDITION: Final = 1002
"""Edition 2026. Later ones may have other defaults, and are refused by their number."""


@dataclass(frozen=True, slots=True)
class Features:
    """Those of which the reading of a message depends."""

    explicit: bool
    """A field that is not there is null."""
    verified: bool
    """A string must be UTF-8."""
    delimited: bool = False
    """A message in a message is written as a group."""


_BY_SYNTAX: Final = {
    PROTO2: Features(explicit=True, verified=False),
    PROTO3: Features(explicit=False, verified=True),
    EDITION_2023: Features(explicit=True, verified=True),
}
_PRESENCE, _UTF8, _ENCODING = 1, 4, 5
_IMPLICIT, _NONE, _DELIMITED = 2, 3, 2


def features_of(syntax: str, edition: int) -> Features:
    """The defaults of a file. `syntax` is empty for proto2, as compilers leave it out."""
    if syntax == "editions":
        if not EDITION_2023 <= edition <= LAST_EDITION:
            raise DescriptorError(f"it is of the edition {edition}, which is not known here")
        return _BY_SYNTAX[EDITION_2023]
    if syntax in {"", "proto2", "proto3"}:
        return _BY_SYNTAX[PROTO3 if syntax == "proto3" else PROTO2]
    raise DescriptorError("its syntax is neither proto2 nor proto3 nor an edition")


def overridden(features: Features, options: Iterable[bytes], number: int) -> Features:
    """With what options set of them; `number` is that of `features` in this kind of options."""
    for option in options:
        for found, content in fields(option):
            if found == number and isinstance(content, bytes):
                features = _with(features, content)
    return features


def _with(features: Features, content: bytes) -> Features:
    for number, value in fields(content):
        if number == _PRESENCE:
            features = replace(features, explicit=value != _IMPLICIT)
        elif number == _UTF8:
            features = replace(features, verified=value != _NONE)
        elif number == _ENCODING:
            features = replace(features, delimited=value == _DELIMITED)
    return features
