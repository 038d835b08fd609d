"""What is configured, without any secret; the hashes it has, here and at the replicas; versions."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response

from bridge import __version__
from bridge.config import kafka_properties
from bridge.config.fingerprint import configuration_hash
from bridge.config.sections import Config
from bridge.console.page import ConsolePage, Visit
from bridge.sending.other_mapping import number_of

if TYPE_CHECKING:
    from bridge.fleet.view import FleetView, ReplicaView

HIDDEN: Final = "********"
_MAY_BE_SECRET: Final = ("sasl.oauthbearer.extensions", "sasl.oauthbearer.config")
"""Free text that goes to the broker with a login."""
_USERINFO: Final = re.compile(r"(://)[^/?#\s]*@")
"""Of a URL: a user, with a password at times."""


async def show(visit: Visit) -> Response:
    """The page."""
    view = await visit.parts.fleet.view()
    config = visit.parts.config
    mapping = number_of(config)
    return visit.render(
        {
            "sections": [
                (name, leaves)
                for name, value in shown(config, with_values=visit.may_see_values).items()
                if (leaves := list(_leaves(value)))
            ],
            "hash": configuration_hash(config),
            "mapping": mapping,
            "replicas": [(each, _differs(each, configuration_hash(config), mapping)) for each in view.replicas],
            "versions": _versions(view),
            "reach": visit.parts.reach,
            "may_see_values": visit.may_see_values,
        }
    )


def shown(config: Config, *, with_values: bool = False) -> dict[str, Any]:
    """What was set, by section. A secret is masked, and without `with_values` what examples have of records."""
    written: dict[str, Any] = {name: dict(value) for name, value in config.as_written().items() if value is not None}
    for name in ("kafka", "dead_letter"):
        properties = written.get(name, {}).get("properties")
        if properties is not None:
            written[name]["properties"] = {
                key: HIDDEN if kafka_properties.is_secret(key) or key in _MAY_BE_SECRET else value
                for key, value in properties.items()
            }
    examples = written.get("mapping", {}).get("examples")
    if examples and not with_values:
        written["mapping"]["examples"] = [{"name": each["name"], "record": HIDDEN} for each in examples]
    return written


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every key with its value, as the file has it."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _leaves(each, f"{path}.{key}" if path else str(key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        if any(isinstance(each, Mapping) for each in value):
            for number, each in enumerate(value):
                yield from _leaves(each, f"{path}[{number}]")
        else:
            yield path, ", ".join(_USERINFO.sub(rf"\1{HIDDEN}@", str(each)) for each in value) or "[]"
    elif value is not None:
        yield path, str(value).lower() if isinstance(value, bool) else _USERINFO.sub(rf"\1{HIDDEN}@", str(value))


def _differs(replica: ReplicaView, own: str, mapping: str) -> str:
    """What of a replica is another one than here."""
    if replica.document is None:
        return "it does not answer"
    others = [
        name
        for name, there, here in (
            ("version", replica.version, __version__),
            ("configuration", replica.configuration, own),
            ("mapping", replica.mapping, mapping),
        )
        if there is not None and there != here
    ]
    return f"another {', '.join(others)}" if others else "the same"


def _versions(view: FleetView) -> list[tuple[str, str]]:
    return [
        ("this console", __version__),
        ("Python", platform.python_version()),
        (
            "replicas",
            ", ".join(sorted({each.version for each in view.replicas if each.version is not None})) or "not known",
        ),
    ]


PAGE: Final = ConsolePage("settings", "Settings", "/settings", show, key="s")
