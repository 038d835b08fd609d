"""The two files that show every key: the repository's own example, and the text its interface was agreed in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bridge.config.load import Loaded, read
from bridge.config.reading import yaml_core
from bridge.config.sections import Config, SchemaRegistry

ROOT = Path(__file__).parents[3]
OWN = ROOT / "bridge.example.yaml"
CONTRACT = Path(__file__).with_name("contract.example.yaml")
ENVIRON = {"USERPILOT_ENDPOINT": "analytex-eu.userpilot.io/v1", "USERPILOT_API_KEY": "key-1"}


@pytest.fixture(params=[OWN, CONTRACT], ids=lambda path: path.name)
def loaded(request: pytest.FixtureRequest) -> Loaded:
    return read(request.param, ENVIRON)


def test_the_example_loads_with_two_variables_set(loaded: Loaded) -> None:
    assert [str(each) for each in loaded.problems + loaded.warnings] == []
    assert loaded.config
    assert loaded.config.track.endpoint == "https://analytex-eu.userpilot.io"
    assert loaded.config.kafka.bootstrap_servers == "localhost:9092"
    assert len(loaded.config.mapping.events) == 4
    assert len(loaded.config.mapping.examples) == 5


def test_without_its_variables_the_example_names_each() -> None:
    problems = read(OWN, {}).problems
    assert [each.where for each in problems] == ["track.endpoint", "track.api_key_file"]


def test_both_files_mean_the_same() -> None:
    own, contract = read(OWN, ENVIRON).config, read(CONTRACT, ENVIRON).config
    assert own == contract


REQUIRED_OR_EXAMPLE = {
    "kafka.bootstrap_servers", "kafka.group_id", "kafka.topics", "track.endpoint", "track.api_key_file",
    "track.api_key", "dead_letter.topic", "mapping.per_topic", "mapping.events", "mapping.examples",
}  # fmt: skip


def test_every_value_shown_is_the_default_unless_said_otherwise(loaded: Loaded) -> None:
    bare = read_minimal()
    assert loaded.config
    assert differences(bare, loaded.config) <= REQUIRED_OR_EXAMPLE


def test_every_key_is_shown() -> None:
    text = OWN.read_text()
    tree = yaml_core.parse(text).tree
    optional = {"schema_registry": SchemaRegistry}
    for name, info in Config.model_fields.items():
        if name in optional:
            assert tree[name] is None
            assert [key for key in optional[name].model_fields if f"\n#   {key}: " not in text] == []
        else:
            model: Any = info.annotation
            assert set(tree[name]) == set(model.model_fields), name


def read_minimal() -> Config:
    minimal = {
        "kafka": {"bootstrap_servers": "b", "group_id": "g", "topics": ["t"]},
        "track": {"endpoint": "h.example"},
        "dead_letter": {"topic": "d"},
        "mapping": {"events": {"a": "drop"}},
    }
    return Config.model_validate(minimal)


def differences(one: Any, other: Any, path: str = "") -> set[str]:
    found = set()
    for key in type(one).model_fields:
        here = f"{path}.{key}" if path else key
        left, right = getattr(one, key), getattr(other, key)
        if hasattr(type(left), "model_fields"):
            found |= differences(left, right, here)
        elif left != right:
            found.add(here)
    return found


def test_the_values_outside_the_models_load_without_pydantic() -> None:
    """Importing pydantic takes half a second, which `track-bridge --help` and the mapping must not pay."""
    keys = "keys.problems, keys.scalars, keys.api_key, keys.endpoint"
    modules = f"{keys}, kafka_properties, topics.topic_patterns, reading.hints".split(", ")
    imports = "".join(f"import bridge.config.{module}\n" for module in modules)
    program = f"import sys\n{imports}print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
