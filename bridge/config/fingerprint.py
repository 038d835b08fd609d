"""A hash of the whole configuration, so that replicas which run with different ones can be told apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from bridge.config import kafka_properties

if TYPE_CHECKING:
    from bridge.config.sections import Config

_OF_ONE_REPLICA: Final = frozenset({"client.id", "client.rack", "group.instance.id"})
"""Properties that are meant to differ between replicas."""


def configuration_hash(config: Config) -> str:
    """12 hex digits, the same in every process, for every order of keys, and however a value was given.

    No secret goes into it, not even hashed: whoever knows the rest could try passwords until the hash is the same.
    """
    document = config.model_dump(mode="json", exclude={"track": {"api_key"}})
    for section in ("kafka", "dead_letter"):
        document[section]["properties"] = _public(document[section]["properties"])
    text = json.dumps(document, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _public(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in properties.items()
        if name not in _OF_ONE_REPLICA and not kafka_properties.is_secret(name)
    }
