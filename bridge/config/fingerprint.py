"""Hashes of the configuration: of all of it, so that replicas with different ones can be told apart; of its mapping and
of one route, which change with whatever could change what becomes of a record.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from bridge.config import kafka_properties
from bridge.config.events.route_section import RouteConfig
from bridge.config.mapping_section import MappingConfig

if TYPE_CHECKING:
    from bridge.config.sections import Config


_OF_ONE_REPLICA: Final = frozenset({"client.id", "client.rack", "group.instance.id"})
"""Properties that are meant to differ between replicas."""


def configuration_hash(config: Config) -> str:
    """12 hex digits, the same in every process, for every order of keys, and however a value was given.

    No secret goes into it, not even hashed: whoever knows the rest could try passwords until the hash is the same.
    What the console is told makes no other bridge, nor how a changed mapping is taken over, nor what lint is told.
    """
    document = config.model_dump(
        mode="json", exclude={"track": {"api_key"}, "console": True, "reload": True, "lint": True}
    )
    for section in ("kafka", "dead_letter"):
        document[section]["properties"] = _public(document[section]["properties"])
    if not document["observability"]["tap"]:
        del document["observability"]["tap"]  # as before there was one
    text = json.dumps(document, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _public(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in properties.items()
        if name not in _OF_ONE_REPLICA and not kafka_properties.is_secret(name)
    }


ENGINE_VERSION: Final = 3
"""Raised with every change of decoding or mapping that makes other requests of the same record and configuration."""

_USUAL_ID: Final = "id"
_NUMBERS: Final = 10**9
_OF_OTHERS: Final = {"events", "examples"}
_NEVER_IN_A_REQUEST: Final = {"on_unmapped", "on_expired", "metadata_limit", "on_identify_rejected"}


def mapping_number(config: MappingConfig, company_id_field: str = _USUAL_ID) -> int:
    """From 1 to 10⁹ - 1, the same in every process; changes with whatever could change what becomes of a record.

    `company_id_field` is that of the section `track`.
    """
    dumped = config.model_dump(mode="json", exclude_defaults=True, exclude={"examples"})
    dumped["per_topic"] = {
        name: overrides.model_dump(mode="json", exclude_unset=True) for name, overrides in config.per_topic.items()
    }
    dumped["events"] = {
        key: rule if rule == "drop" else [_dump(route) for route in rule] for key, rule in config.events.items()
    }
    document = {"engine": ENGINE_VERSION, "mapping": dumped}
    if any(rule != "drop" and any(map(_has_company, rule)) for rule in config.events.values()):
        document |= _named(company_id_field)
    text = json.dumps(document, sort_keys=True)
    return int(hashlib.sha256(text.encode()).hexdigest()[:16], 16) % (_NUMBERS - 1) + 1


def route_hash(config: MappingConfig, rule: str, route: RouteConfig | None, company_id_field: str = _USUAL_ID) -> str:
    """12 hex digits, the same in every process and for every order of keys in the file. `route` None is ``drop``."""
    shared = config.model_dump(mode="json", exclude_defaults=True, exclude=_OF_OTHERS | _NEVER_IN_A_REQUEST)
    per_topic = shared.get("per_topic", {})
    for name, overrides in config.per_topic.items():
        # exclude_unset keeps a null that lifts a setting
        per_topic[name] = overrides.model_dump(mode="json", exclude_unset=True, exclude=_NEVER_IN_A_REQUEST)
    document: dict[str, Any] = {
        "engine": ENGINE_VERSION,
        "rule": rule,
        "route": "drop" if route is None else _dump(route),
        "shared": shared,
    }
    if route is not None and _has_company(route):
        document |= _named(company_id_field)
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:12]


def _has_company(route: RouteConfig) -> bool:
    """Whether its requests hold a company beside a user, whose id has a name that can be chosen."""
    return route.identify is not None and route.identify.company is not None


def _named(company_id_field: str) -> dict[str, str]:
    return {} if company_id_field == _USUAL_ID else {"company_id_field": company_id_field}


def _dump(route: RouteConfig) -> dict[str, Any]:
    dumped = route.model_dump(mode="json", exclude_defaults=True)
    if "max_age" in route.model_fields_set:
        dumped["max_age"] = route.max_age  # a null here lifts the one of `mapping`
    return dumped
