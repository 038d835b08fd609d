"""Every key of the configuration reaches the self-test, or is in the one list of those it decides itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from bridge.config import load
from bridge.config.events.example_section import ExampleConfig
from bridge.config.keys.fields import Section
from bridge.config.sections import Config
from bridge.selftest import overrides
from bridge.selftest.overrides import OVERRIDES, Given, Site
from tests.support.kafka.certificates import issue

EVERY_KEY: Mapping[str, Any] = {
    "kafka": {
        "bootstrap_servers": "kafka.example:9092",
        "group_id": "the-users-group",
        "topics": ["orders", "accounts"],
        "start_from": "2026-01-31T00:00:00.250Z",
        "refresh": "7s",
        "commit_interval": "150ms",
        "drain_timeout": "25s",
        "max_record_bytes": "7MB",
        "start_timeout": "2m",
        "group_protocol": "classic",
        "aws_iam": {"region": "eu-central-1", "role_arn": "arn:aws:iam::123456789012:role/bridge"},
        "properties": {"queued.min.messages": 500},
    },
    "track": {
        "endpoint": "http://api.example:8080",
        "api_key_file": "key",
        "timeout": "9s",
        "connection_max_age": "1m",
        "client": "httpx",
        "allow_http": True,
        "ca_file": "ca.pem",
        "auth": {"hold_after": 3, "recheck": "5s"},
        "company_id_field": "both",
        "unknown_users": "identify",
        "known_users": {"size": 500, "ttl": "1h"},
        "identify_settle": "2s",
    },
    "delivery": {
        "ordering": "key",
        "max_in_flight": 7,
        "max_buffered": 700,
        "max_buffered_bytes": "7MiB",
        "rate_limit": "77/min",
        "identify_rate_limit": "66/min",
        "shared_rate_limit": True,
        "retry": {"initial_backoff": "20ms", "max_backoff": "300ms", "max_retry_after": "4s", "max_attempts": 5},
    },
    "dead_letter": {
        "topic": "the-users.dlq",
        "create": True,
        "hold_after": 7,
        "properties": {"compression.type": "zstd"},
        "redact": ["data.email"],
        "redrive": {"reasons": ["unauthorized"], "after": "recovery"},
    },
    "schema_registry": {
        "type": "apicurio",
        "urls": ["https://registry.example"],
        "oauth": {
            "token_endpoint": "https://id.example/token",
            "client_id": "bridge",
            "client_secret_file": "key",
            "scope": "schemas",
            "logical_cluster": "lsrc-1",
            "identity_pool": "pool-1",
        },
        "tls": {"ca_file": "ca.pem", "certificate_file": "ca.pem", "key_file": "key"},
        "timeout": "4s",
        "unknown_id_after": "30s",
        "cache_dir": "schemas",
    },
    "mapping": {
        "decode": "json",
        "layers": ["gzip"],
        "unwrap": "connect",
        "logical_types": False,
        "descriptor_set_file": "shop.desc",
        "message_type": "shop.Order",
        "key": "json",
        "each": "records",
        "on_untyped": "drop",
        "on_no_user": "drop",
        "on_identify_rejected": "send",
        "event_type": {"path": "kind", "default": "${KIND}"},
        "user_id": "key",
        "occurred_at": {"path": "at", "type": "datetime", "unit": "ms"},
        "event_id": {"template": "{id}-1"},
        "when": "data.internal == `false`",
        "max_age": "7d",
        "on_unmapped": "dead_letter",
        "on_expired": "dead_letter",
        "stringify": True,
        "metadata_limit": "9KB",
        "never_send": ["data.email"],
        "common_metadata": {"source": {"value": "shop"}, "event_id": False},
        "per_topic": {
            "orders": {
                "decode": "protobuf",
                "layers": ["base64"],
                "unwrap": "debezium",
                "logical_types": True,
                "descriptor_set_file": "orders.desc",
                "message_type": "shop.OrderPlaced",
                "key": "int64",
                "each": "@",
                "on_untyped": "dead_letter",
                "on_no_user": "dead_letter",
                "on_identify_rejected": "dead_letter",
                "event_type": "type",
                "user_id": "data.user",
                "occurred_at": "time",
                "event_id": "id",
                "when": "data.paid",
                "max_age": "1h",
                "on_unmapped": "drop",
                "on_expired": "drop",
                "stringify": False,
                "metadata_limit": "8KB",
                "never_send": ["data.phone"],
                "common_metadata": {"source": False},
            },
            "accounts": {"when": None},
        },
        "events": {
            "order.*": [
                {
                    "event_name": "type",
                    "user_id": "data.friend",
                    "when": "data.amount > `0`",
                    "max_age": "1d",
                    "sample": "12.5%",
                    "topics": ["orders"],
                    "metadata": {"amount": "data.amount", "event_id": False},
                    "metadata_from": "data",
                    "metadata_omit": ["email"],
                    "allowed_event_names": ["Order Completed"],
                }
            ],
            "user.created": [
                {
                    "identify": {
                        "user_id": "data.id",
                        "from": "data.traits",
                        "omit": ["email"],
                        "properties": {"plan": "data.plan"},
                        "clear": ["plan"],
                        "company": {
                            "id": "data.company.id",
                            "from": "data.company",
                            "omit": ["owner"],
                            "properties": {"name": "data.company.name"},
                            "clear": ["name"],
                        },
                    }
                },
                {
                    "company": {
                        "id": "data.company.id",
                        "from": "data.company",
                        "omit": ["owner"],
                        "properties": {"name": "data.company.name"},
                        "clear": ["name"],
                    }
                },
                {"forget": True, "when": "data.gone"},
            ],
            "audit": "drop",
        },
        "examples": [{"name": "an audit", "input": {"type": "audit"}, "expect": {"dropped": "rule"}}],
    },
    "console": {
        "listen": "[::1]:9466",
        "instances": ["dns+http://track-bridge-headless:9464"],
        "token_file": "key",
        "show_values": True,
    },
    "observability": {
        "listen": "[::1]:9465",
        "control_socket": "/run/bridge/control.sock",
        "tap": True,
        "log_level": "debug",
        "log_format": "console",
    },
    "reload": {"watch": True},
    "lint": {"ignore": [{"code": "TB201", "where": "mapping.events", "reason": "made up"}]},
}
"""Each key has another value than its default; a null that lifts a setting is there, too."""
BESIDE = {
    "track.api_key",
    "schema_registry.basic_auth.username",
    "schema_registry.basic_auth.password_file",
    "schema_registry.bearer_token_file",
}
"""Cannot be set beside another one."""
NO_OTHER_VALUE = {"dead_letter.redrive.after"}
"""Have one value only."""


def loaded(path: Path, document: Mapping[str, Any]) -> Config:
    path.write_text(yaml.safe_dump(dict(document)).replace("${", "$${"))
    found = load.read(path, {})
    assert found.config is not None, found.problems
    return found.config


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """A configuration in which everything was decided by its owner."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key").write_text("NX-the-users-own-key\n")
    (tmp_path / "shop.desc").write_bytes(b"")
    (tmp_path / "orders.desc").write_bytes(b"")
    (tmp_path / "ca.pem").write_text(issue("api.example").ca)
    return loaded(tmp_path / "given.yaml", EVERY_KEY)


def as_tested(config: Config, folder: Path) -> Config:
    """As the replicas load it."""
    site = Site("127.0.0.1:1", "", 3.0, "http://127.0.0.1:2", folder / "own-key", has_users=True)
    site.key_file.write_text("NX-selftest-key\n")
    return loaded(
        folder / "tested.yaml",
        overrides.document(Given(config, site, {topic: topic for topic in ("orders", "accounts")})),
    )


def sections_in(annotation: Any) -> Iterator[tuple[str, type[Section]]]:
    """The sections beneath a key, with what stands between in its path: values and examples are one thing each."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        if annotation is not ExampleConfig and annotation.__module__ != "bridge.config.keys.values":
            yield "", annotation
        return
    origin = getattr(annotation, "__origin__", None)
    is_collection = isinstance(origin, type) and issubclass(origin, (Mapping, tuple))
    for each in get_args(annotation):
        for path, section in sections_in(each):
            yield f"{'.*' if is_collection else ''}{path}", section


def keys(section: type[Section], before: str = "") -> Iterator[str]:
    """Every key by its path; ``*`` is every entry of a map or list."""
    for name, info in section.model_fields.items():
        beneath = dict(sections_in(info.rebuild_annotation()))
        if not beneath:
            yield f"{before}{name}"
        for path, each in beneath.items():
            yield from keys(each, f"{before}{name}{path}.")


def at(node: Any, path: str) -> list[Any]:
    """Every value at this path of a document."""
    key, _, rest = path.partition(".")
    if not path:
        return [node]
    if key == "*":
        entries = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        return [found for entry in entries for found in at(entry, rest)]
    return at(node[key], rest) if isinstance(node, dict) and key in node else []


def is_decided_here(key: str) -> bool:
    return any(f"{key}.".startswith(f"{override.key}.") for override in OVERRIDES)


def test_the_configuration_of_these_tests_sets_every_key_to_something_else_than_its_default(config: Config) -> None:
    for key in set(keys(Config)) - BESIDE - NO_OTHER_VALUE:
        assert at(EVERY_KEY, key), f"{key} is new: set it in EVERY_KEY"
        section, _, name = key.rpartition(".")
        assert any(found != _default(section, name) for found in at(config.as_written(), key)), key


def _default(section: str, name: str) -> Any:
    found: type[Section] = Config
    for part in section.replace(".*", "").split("."):
        (found,) = dict(sections_in(found.model_fields[part].rebuild_annotation())).values()
    info = found.model_fields[name]
    extra = info.json_schema_extra
    return extra.get("default", info.default) if isinstance(extra, dict) else info.default


@pytest.mark.parametrize("key", sorted(set(keys(Config)) - BESIDE))
def test_a_key_is_as_in_the_configuration_under_test_or_in_the_list_of_overrides(
    config: Config, tmp_path: Path, key: str
) -> None:
    if not is_decided_here(key):
        assert at(as_tested(config, tmp_path).as_written(), key) == at(config.as_written(), key) != []


def test_no_override_is_of_a_key_that_is_gone_and_each_has_a_reason() -> None:
    known = set(keys(Config))
    for override in OVERRIDES:
        assert any(f"{key}.".startswith(f"{override.key}.") for key in known), override.key
        assert override.reason
    assert len({override.key for override in OVERRIDES}) == len(OVERRIDES)


def test_what_was_left_out_is_left_to_the_defaults(tmp_path: Path) -> None:
    document = {
        "kafka": {"bootstrap_servers": "kafka.example:9092", "group_id": "mine", "topics": ["orders"]},
        "track": {"endpoint": "https://analytex.userpilot.io", "api_key": "NX-the-users-own-key"},
        "dead_letter": {"topic": "mine.dlq"},
        "mapping": {"events": {"order.completed": {"event_name": "Order Completed"}}},
    }
    given = loaded(tmp_path / "given.yaml", document)
    found = as_tested(given, tmp_path)
    rates = {"rate_limit": 10.0, "identify_rate_limit": 10.0}
    assert found.delivery.model_copy(update={**rates, "retry": given.delivery.retry}) == given.delivery
    assert found.kafka.refresh == given.kafka.refresh


@pytest.mark.usefixtures("config")
@pytest.mark.parametrize("named", [{"group_protocol": "consumer"}, {"properties": {"group.protocol": "consumer"}}])
def test_under_the_consumer_protocol_the_brokers_decide_about_sessions(
    tmp_path: Path, named: Mapping[str, Any]
) -> None:
    kafka = {**EVERY_KEY["kafka"], "group_protocol": "auto", **named}
    found = as_tested(loaded(tmp_path / "given.yaml", {**EVERY_KEY, "kafka": kafka}), tmp_path)
    assert "session.timeout.ms" not in found.kafka.properties


@pytest.mark.parametrize("has_users", [True, False])
def test_the_login_of_the_users_cluster_is_for_that_cluster_alone(tmp_path: Path, *, has_users: bool) -> None:
    track = {"endpoint": "https://analytex.userpilot.io", "api_key": "NX-the-users-own-key"}
    config = loaded(tmp_path / "given.yaml", {**EVERY_KEY, "track": track})
    site = Site("127.0.0.1:1", "", 3.0, "http://127.0.0.1:2", tmp_path / "own-key", has_users=has_users)
    site.key_file.write_text("NX-selftest-key\n")
    topics = {topic: topic for topic in ("orders", "accounts")}
    tested = loaded(tmp_path / "tested.yaml", overrides.document(Given(config, site, topics)))
    assert (tested.kafka.aws_iam is not None) == has_users


def test_a_configuration_as_written_is_the_configuration(config: Config, tmp_path: Path) -> None:
    again = loaded(tmp_path / "again.yaml", config.as_written())
    assert again == config
    assert again.as_written() == config.as_written()
