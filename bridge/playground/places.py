"""Where everything of a playground is, and its configuration with these places in it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

from bridge.config.sections import Config
from bridge.selftest.overrides import OF_THE_CLUSTER
from bridge.text.printable import printable

KEY: Final = "NX-playground"
_HERE: Final = re.compile(
    r"^(?P<key>\s*[a-z_]+: )(?P<value>.*?)(?P<mark> # here: (?P<name>[a-z]+))[ \t]*$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class PlaygroundPlaces:
    """Addresses and files."""

    kafka: str
    """``host:port``"""
    api: str
    """URL of the emulated Track API, and of its page."""
    bridge: str
    """``host:port`` of its pages."""
    console: str
    token: Path
    key: Path
    """The file with the API key."""
    control: str
    """A path, or ``auto``."""

    def by_name(self) -> Mapping[str, str]:
        """As a configuration's marks call them."""
        return {
            "kafka": self.kafka,
            "api": self.api,
            "key": json.dumps(str(self.key)),
            "bridge": json.dumps(self.bridge),
            "console": json.dumps(self.console),
            "token": json.dumps(str(self.token)),
            "control": json.dumps(self.control),
        }


def template() -> str:
    """The shop's configuration, before it has places."""
    return resources.files("bridge.playground").joinpath("playground.yaml").read_text(encoding="utf-8")


def at(text: str, places: PlaygroundPlaces) -> str:
    """The text with the places in its marked lines. Raises ValueError for one that lost a mark."""
    values = places.by_name()
    found = {each["name"] for each in _HERE.finditer(text)}
    missing = [name for name in values if name not in found]
    if missing:
        raise ValueError(f"it has no line that ends with {', '.join(f'# here: {name}' for name in missing)}")
    return _HERE.sub(lambda each: f"{each['key']}{values.get(each['name'], each['value'])}{each['mark']}", text)


def without(text: str) -> str:
    """What of it is somebody's own: everything but the places."""
    return _HERE.sub(lambda each: f"{each['key']}{each['mark']}", text)


def derived(config: Config, places: PlaygroundPlaces, made_from: str | None = None) -> str:
    """Somebody's own configuration, pointed at the playground; JSON, which is YAML, too."""
    head = f"# Made from {printable(made_from)}: edit that one, and this follows.\n" if made_from else ""
    document: dict[str, Any] = dict(config.as_written())
    own = document.get("kafka", {}).get("properties") or {}
    changes: dict[str, dict[str, Any]] = {
        "kafka": {
            "bootstrap_servers": places.kafka,
            "start_from": "earliest",
            "aws_iam": None,
            "properties": {name: value for name, value in own.items() if not name.startswith(OF_THE_CLUSTER)}
            | {"session.timeout.ms": "6000", "heartbeat.interval.ms": "1000"},
        },
        "track": {"endpoint": places.api, "api_key": None, "api_key_file": str(places.key), "ca_file": None},
        "dead_letter": {"create": False, "properties": {}},
        "console": {"listen": places.console, "instances": [], "token_file": str(places.token), "show_values": True},
        "observability": {
            "listen": places.bridge,
            "control_socket": places.control,
            "tap": True,
            "log_level": "info",
            "log_format": "json",
        },
        "reload": {"watch": True},
    }
    for section, values in changes.items():
        document[section] = {**(document.get(section) or {}), **values}
    return head + json.dumps(_escaped(document), ensure_ascii=False, indent=1)


def _escaped(node: Any) -> Any:
    """What was substituted once must not be again."""
    match node:
        case dict():
            return {key: _escaped(value) for key, value in node.items()}
        case list() | tuple():
            return [_escaped(value) for value in node]
        case str():
            return node.replace("${", "$${")
        case _:
            return node
