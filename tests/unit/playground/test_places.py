"""The playground's configuration gets its places and keeps what somebody changed; somebody's own is pointed at it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bridge.config import load
from bridge.mapping.compile import compile_mapping
from bridge.mapping.mapper import CompiledMapping
from bridge.playground import own, places
from bridge.playground.places import PlaygroundPlaces

HERE = PlaygroundPlaces(
    kafka="127.0.0.1:4711",
    api="http://127.0.0.1:8080",
    bridge="127.0.0.1:9464",
    console="127.0.0.1:9465",
    token=Path("/tmp/playground/token"),  # noqa: S108 - only a name
    key=Path("/tmp/playground/key"),  # noqa: S108 - only a name
    control="/tmp/playground/control.sock",  # noqa: S108 - only a name
)
OWN = """
kafka:
  bootstrap_servers: kafka.example.com:9093
  group_id: own
  topics: [crm.people]
  start_from: latest
  properties:
    {security.protocol: SASL_SSL, sasl.mechanism: PLAIN, sasl.username: u, sasl.password: made-up, client.id: mine}
track: {endpoint: "https://analytex.userpilot.io", api_key_file: /nowhere/key}
dead_letter: {topic: own.dlq, create: true}
mapping:
  event_type: kind
  user_id: who
  events: {signup: {event_name: Signed Up, metadata: {price: {value: "$${x}"}}}}
"""


def test_the_shops_configuration_is_whole_with_its_places_and_its_example_holds(tmp_path: Path) -> None:
    (tmp_path / "bridge.yaml").write_text(places.at(places.template(), HERE))
    loaded = load.read(tmp_path / "bridge.yaml", {})
    assert (loaded.problems, loaded.warnings) == ((), ())
    assert loaded.config is not None
    assert loaded.config.kafka.bootstrap_servers == "127.0.0.1:4711"
    assert loaded.config.reload.watch
    assert isinstance(compile_mapping(loaded.config.mapping), CompiledMapping)


def test_other_places_change_their_lines_alone() -> None:
    edited = places.at(places.template(), HERE).replace("event_name: Order Completed", "event_name: Order Paid")
    moved = places.at(edited, replace(HERE, kafka="127.0.0.1:4712"))
    assert moved == edited.replace("127.0.0.1:4711", "127.0.0.1:4712")
    assert places.without(moved) == places.without(edited) != places.without(places.template())


def test_a_file_that_lost_a_mark_is_refused_with_it() -> None:
    with pytest.raises(ValueError, match=r"it has no line that ends with # here: api$"):
        places.at(places.template().replace("# here: api", "# mine"), HERE)


def test_somebodys_own_configuration_leads_nowhere_but_to_the_playground(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(OWN)
    config = own.configuration(tmp_path / "own.yaml").config
    (tmp_path / "bridge.yaml").write_text(places.derived(config, HERE))
    loaded = load.read(tmp_path / "bridge.yaml", {})
    assert loaded.problems == ()
    assert loaded.config is not None
    kafka, track = loaded.config.kafka, loaded.config.track
    assert kafka.bootstrap_servers == "127.0.0.1:4711"
    assert {name.partition(".")[0] for name in kafka.properties} == {"client", "session", "heartbeat"}
    assert (track.endpoint, track.api_key) == (HERE.api, None)
    assert str(track.api_key_file) == str(HERE.key)
    assert loaded.config.mapping == config.mapping
    assert own.topics(config, "crm.more", []) == {
        "crm.people": 4,
        "crm.more": 4,
        "own.dlq": 4,
        "own.dlq.resolutions": 4,
    }
