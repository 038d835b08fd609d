"""librdkafka itself is asked for its properties: nothing is connected to, and nothing is left to a first client."""

import threading

import pytest

from bridge.config.kafka_properties import REFUSED
from bridge.kafka import client_properties
from bridge.kafka.client_properties import ClientProperty, parse, sentence


def _problems(**properties: str) -> dict[str, str]:
    return dict(client_properties.problems({name.replace("_", "."): value for name, value in properties.items()}))


def _warnings(**properties: str) -> dict[str, str]:
    return dict(client_properties.warnings({name.replace("_", "."): value for name, value in properties.items()}))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("fetch.mni.bytes", "1", "no property of this name; did you mean fetch.min.bytes?"),
        ("compresion.type", "gzip", "did you mean compression.type?"),
        ("sasl.user", "u", "did you mean sasl.username?"),
        ("zzzzz", "1", "no property of this name; remove it"),
        ("bootstrap.server", "b:1", "for bootstrap.servers: set kafka.bootstrap_servers instead"),
        ("fetch.min.bytes", "many", "must be a whole number from 0 to 2147483647, not 'many'"),
        ("fetch.min.bytes", "-5", "must be a whole number from 0 to 2147483647, not '-5'"),
        ("linger.ms", "-1", "must be a number from 0 to 900000, not '-1'"),
        ("statistics.interval.ms", "", "must be a whole number from 0 to 86400000, not ''"),
        ("security.protocol", "sasl_sll", "must be plaintext, ssl, sasl_plaintext or sasl_ssl, not 'sasl_sll'"),
        ("compression.type", "gzipp", "did you mean gzip?"),
        ("socket.keepalive.enable", "maybe", "must be true or false, not 'maybe'"),
        ("topic.blacklist", "x[", 'Failed to parse pattern "x["'),
    ],
)
def test_a_name_or_value_that_librdkafka_does_not_take_is_refused_with_what_it_takes(
    name: str, value: str, said: str
) -> None:
    assert said in dict(client_properties.problems({name: value}))[name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("client.id", "x"),
        ("security.protocol", "SASL_SSL"),
        ("linger.ms", "0.5"),
        ("fetch.min.bytes", "0x10"),
        ("debug", "broker,topic"),
        ("ssl.ca.location", "/nowhere"),
        ("delivery.timeout.ms", "3000"),
        ("sasl.mechanism", "anything"),
    ],
)
def test_what_librdkafka_takes_is_passed_on(name: str, value: str) -> None:
    assert dict(client_properties.problems({name: value})) == {}
    assert dict(client_properties.warnings({name: value})) == {}


@pytest.mark.parametrize("value", ["10s", "4294977296", "1.5", "20 ms"])
def test_a_number_that_librdkafka_would_read_as_another_one_is_a_warning(value: str) -> None:
    """It takes 10s for 10 and counts on from zero beyond 32 bits; such files load today."""
    assert _problems(socket_timeout_ms="100") == {}
    said = _warnings(socket_timeout_ms=value) | _problems(socket_timeout_ms=value)
    assert "must be a whole number from 10 to 300000" in said["socket.timeout.ms"]


@pytest.mark.parametrize("value", ["9" * 25, "9" * 5000, "0x" + "f" * 5000])
def test_a_number_of_any_length_is_answered_in_a_sentence(value: str) -> None:
    said = _warnings(socket_timeout_ms=value) | _problems(socket_timeout_ms=value)
    assert "must be a whole number from 10 to 300000" in said["socket.timeout.ms"]


PLUGIN = {"plugin.library.paths": "/nowhere/acme.so", "acme.topic": "t", "linger.ms": "1"}


def test_names_that_may_be_a_plugins_are_not_refused_and_values_of_others_still_are() -> None:
    assert dict(client_properties.problems(PLUGIN)) == {}
    assert list(dict(client_properties.problems(PLUGIN | {"linger.ms": "-1"}))) == ["linger.ms"]


def test_without_a_plugin_that_cannot_be_loaded_here_its_properties_are_left_out_too() -> None:
    left, absent = client_properties.without_files(PLUGIN)
    assert left == {"linger.ms": "1"}
    assert list(absent) == ["plugin.library.paths"]
    assert absent["plugin.library.paths"].startswith("/nowhere/acme.so cannot be loaded: ")


@pytest.mark.parametrize("protocol", ["plaintext", "PLAINTEXT", "sasl_plaintext", None])
def test_files_of_tls_are_asked_for_only_where_there_is_tls(protocol: str | None) -> None:
    files = {"ssl.ca.location": "/nowhere/ca.pem"}
    own = files if protocol is None else files | {"security.protocol": protocol}
    assert client_properties.without_files(own) == (own, {})
    for tls in ("ssl", "SASL_SSL"):
        left, absent = client_properties.without_files(own | {"security.protocol": tls})
        assert (left, list(absent)) == ({"security.protocol": tls}, ["ssl.ca.location"])


def test_the_authority_of_the_token_server_is_asked_for_under_every_protocol() -> None:
    assert list(client_properties.without_files({"https.ca.location": "/nowhere/ca.pem"})[1]) == ["https.ca.location"]


def test_a_mechanism_nobody_has_is_refused_where_a_login_is_asked_for() -> None:
    said = _problems(security_protocol="sasl_ssl", sasl_mechanism="SCRAM-SHA256")
    assert said["sasl.mechanism"].endswith("not 'SCRAM-SHA256'; did you mean SCRAM-SHA-256?")
    assert _problems(security_protocol="sasl_ssl", sasl_mechanism="plain") == {}
    said = _problems(security_protocol="sasl_ssl", sasl_mechanism="AWS_MSK_IAM")
    assert "set kafka.aws_iam: {region: …}" in said["sasl.mechanism"]


def test_no_value_of_a_secret_is_repeated() -> None:
    said = sentence("sasl.password", "hush", 'Invalid value "hush" for configuration property', {})
    assert "hush" not in said


def test_asking_makes_no_client() -> None:
    before = threading.active_count()
    assert _problems(fetch_min_bytes="many", client_id="x")
    assert threading.active_count() == before


def test_the_librdkafka_in_use_prints_its_table() -> None:
    table = client_properties.table()
    assert table["fetch.min.bytes"] == ClientProperty((), ("0", "2147483647"), is_integer=True)
    assert table["security.protocol"].values == ("plaintext", "ssl", "sasl_plaintext", "sasl_ssl")
    assert {"sasl.username", "ssl.ca.location", "linger.ms"} <= table.keys()
    assert {name for name in REFUSED if "." in name and not name.endswith("_cb")} - table.keys() <= {
        "default.topic.config",
        "offset.store.path",
    }


def test_without_the_table_only_the_advice_is_missing() -> None:
    assert parse("something else") == {}
    assert sentence("fetch.mni.bytes", "1", 'No such configuration property: "x"', {}) == (
        "librdkafka has no property of this name; remove it"
    )
    assert "does not take this value: out of range" in sentence("fetch.min.bytes", "-5", "out of range\n", {})
