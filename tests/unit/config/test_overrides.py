from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.config.load import Loaded

Load = Callable[..., Loaded]
Problem = Callable[..., tuple[str, str]]


def value_of(loaded: Loaded, path: str) -> Any:
    assert loaded.problems == ()
    found: Any = loaded.config
    for part in path.split("."):
        found = getattr(found, part)
    return found


@pytest.mark.parametrize(
    ("variable", "text", "path", "value"),
    [
        ("BRIDGE_KAFKA__GROUP_ID", "123", "kafka.group_id", "123"),
        ("BRIDGE_KAFKA__TOPICS", "[a, '^shop.*']", "kafka.topics", ("a", "^shop.*")),
        ("BRIDGE_KAFKA__COMMIT_INTERVAL", "1s", "kafka.commit_interval", 1.0),
        ("BRIDGE_DELIVERY__RETRY__MAX_ATTEMPTS", "3", "delivery.retry.max_attempts", 3),
        ("BRIDGE_DELIVERY__RATE_LIMIT", "unlimited", "delivery.rate_limit", None),
        ("BRIDGE_TRACK__AUTH__HOLD_AFTER", "0", "track.auth.hold_after", 0),
        ("BRIDGE_TRACK__CA_FILE", "/ca.pem", "track.ca_file", Path("/ca.pem")),
        ("BRIDGE_DEAD_LETTER__CREATE", "true", "dead_letter.create", True),
        ("BRIDGE_MAPPING__MAX_AGE", "", "mapping.max_age", None),
        ("BRIDGE_MAPPING__NEVER_SEND", "[data.email]", "mapping.never_send", ("data.email",)),
        ("BRIDGE_MAPPING__EVENTS", "{a: drop}", "mapping.events", {"a": "drop"}),
        ("BRIDGE_KAFKA__PROPERTIES", "{client.id: x}", "kafka.properties", {"client.id": "x"}),
        ("BRIDGE_KAFKA__PROPERTIES__SASL_PASSWORD", "pw: [", "kafka.properties", {"sasl.password": "pw: ["}),
        ("BRIDGE_DEAD_LETTER__PROPERTIES__LINGER_MS", "9", "dead_letter.properties", {"linger.ms": "9"}),
    ],
)
def test_the_environment_goes_over_the_file(changed: Load, variable: str, text: str, path: str, value: Any) -> None:
    assert value_of(changed(**{variable: text}), path) == value


def test_a_single_property_joins_those_of_the_file(changed: Load) -> None:
    loaded = changed(
        "group_id: bridge",
        "group_id: bridge\n  properties: {client.id: x}",
        BRIDGE_KAFKA__PROPERTIES__SECURITY_PROTOCOL="ssl",
    )
    assert value_of(loaded, "kafka.properties") == {"client.id": "x", "security.protocol": "ssl"}


def test_a_section_the_file_does_not_have_can_be_overridden(changed: Load) -> None:
    assert value_of(changed(BRIDGE_OBSERVABILITY__LOG_LEVEL="debug"), "observability.log_level") == "debug"


def test_a_key_file_in_the_environment_is_the_field_of_that_name(changed: Load) -> None:
    loaded = changed("  api_key: key-1\n", "", BRIDGE_TRACK__API_KEY_FILE="/run/key")
    assert value_of(loaded, "track.api_key_file") == Path("/run/key")


def test_the_text_of_an_override_is_not_searched_for_references(changed: Load) -> None:
    assert value_of(changed(BRIDGE_KAFKA__GROUP_ID="${HOME}"), "kafka.group_id") == "${HOME}"


@pytest.mark.parametrize(
    "variable",
    ["BRIDGE_PORT", "BRIDGE_SERVICE_HOST", "BRIDGE_PORT_9464_TCP", "BRIDGE_PORT_9464_TCP_ADDR", "BRIDGE_CONFIG",
     "BRIDGE_KAFKA_PORT", "BRIDGE_SERVICE_PORT_HTTP", "TRACK_BRIDGE__X", "bridge_kafka__group"],
)  # fmt: skip
def test_service_links_and_other_peoples_variables_are_left_alone(changed: Load, variable: str) -> None:
    assert changed(**{variable: "tcp://10.0.0.1:9464"}).problems == ()


@pytest.mark.parametrize(
    ("variable", "says"),
    [
        ("BRIDGE_KAFKA__GROUPID", "did you mean BRIDGE_KAFKA__GROUP_ID?"),
        ("BRIDGE_KAFKA__BROKERS", "did you mean BRIDGE_KAFKA__BOOTSTRAP_SERVERS?"),
        ("BRIDGE_KAFKA__AUTO_OFFSET_RESET", "did you mean BRIDGE_KAFKA__START_FROM?"),
        ("BRIDGE_DLQ__TOPIC", "did you mean BRIDGE_DEAD_LETTER__TOPIC?"),
        ("BRIDGE_DELIVERY__MAX_ATTEMPTS", "did you mean BRIDGE_DELIVERY__RETRY__MAX_ATTEMPTS?"),
        ("BRIDGE_TRACK__TOKEN", "did you mean BRIDGE_TRACK__API_KEY?"),
        ("BRIDGE_TRACK__", "overrides no known key"),
        ("BRIDGE___", "overrides no known key"),
        ("BRIDGE_MAPPING__EVENTS__ORDER", "only whole keys can be overridden"),
        ("BRIDGE_KAFKA_GROUP_ID", "write BRIDGE_KAFKA__GROUP_ID, with two underscores between"),
    ],
)
def test_an_override_of_nothing_is_a_problem_with_the_nearest_name(
    problem_of: Problem, variable: str, says: str
) -> None:
    where, message = problem_of(**{variable: "x"})
    assert where == variable
    assert says in message


def test_a_list_that_is_no_yaml_is_a_problem_of_its_variable(problem_of: Problem) -> None:
    where, message = problem_of(BRIDGE_KAFKA__TOPICS="[a")
    assert where == "BRIDGE_KAFKA__TOPICS"
    assert "is not valid YAML" in message


def test_a_problem_of_an_override_names_its_variable(changed: Load) -> None:
    problems = changed(BRIDGE_KAFKA__DRAIN_TIMEOUT="20").problems
    assert [str(each) for each in problems] == [
        (
            "kafka.drain_timeout: must be a duration with its unit (ms, s, m, h or d), such as 20s; the text given has "
            "none (environment variable BRIDGE_KAFKA__DRAIN_TIMEOUT)"
        )
    ]


def test_an_override_below_something_that_is_no_map_leaves_that_problem_alone(changed: Load, right: str) -> None:
    problems = changed(right[right.index("  bootstrap") : right.index("track:")], "  x\n", BRIDGE_KAFKA__GROUP_ID="a")
    assert [(each.where, each.message) for each in problems.problems] == [
        ("kafka", "must be a map of keys and values, not 'x'")
    ]


# --- properties from files ---------------------------------------------------------------------------


def test_a_property_is_read_from_its_file(changed: Load, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("p w\n")
    written = f"group_id: bridge\n  properties: {{sasl.password_file: '{tmp_path}/password'}}"
    assert value_of(changed("group_id: bridge", written), "kafka.properties") == {"sasl.password": "p w"}


def test_a_property_file_can_be_named_in_the_environment(changed: Load, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("pw\n")
    loaded = changed(BRIDGE_KAFKA__PROPERTIES__SASL_PASSWORD_FILE=f"{tmp_path}/password")
    assert value_of(loaded, "kafka.properties") == {"sasl.password": "pw"}


def test_a_property_whose_own_name_ends_in_file_is_not_read(changed: Load) -> None:
    loaded = changed(BRIDGE_KAFKA__PROPERTIES__SASL_OAUTHBEARER_ASSERTION_FILE="/jwt")
    assert value_of(loaded, "kafka.properties") == {"sasl.oauthbearer.assertion.file": "/jwt"}


@pytest.mark.parametrize(
    ("written", "where", "says"),
    [
        ("{sasl.password_file: /nope}", "sasl.password_file", "the file /nope cannot be read (No such file"),
        ("{sasl.password_file: /, sasl.password: x}", "sasl.password_file", "must not be set beside sasl.password"),
        ("{sasl.password_file: [x]}", "sasl.password_file", "must be the path of a file"),
    ],
)
def test_a_property_file_that_cannot_be_used_is_a_problem(
    problem_of: Problem, written: str, where: str, says: str
) -> None:
    found, message = problem_of("group_id: bridge", f"group_id: bridge\n  properties: {written}")
    assert found == f"kafka.properties.{where}"
    assert says in message


def test_a_structure_from_the_environment_is_not_repeated_either(problem_of: Problem) -> None:
    where, message = problem_of(BRIDGE_MAPPING__EVENTS="{order.completed: s3cr3t}")
    assert where == "mapping.events.order.completed"
    assert message == "must be drop, a route or a list of routes, not the text given"
