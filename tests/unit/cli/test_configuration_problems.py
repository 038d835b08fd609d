"""Whatever is wrong with a configuration is one sentence on standard error, exit code 2, and never a traceback."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.conftest import CONFIG, Cli

Write = Callable[..., str]

BROKEN = {
    "bad YAML": ("kafka:\n", "kafka: [\n", "is not valid YAML"),
    "unknown key": ("group_id: test", "groupid: test", "did you mean kafka.group_id?"),
    "bad duration": (
        "  group_id: test",
        "  group_id: test\n  drain_timeout: 20",
        "kafka.drain_timeout: must be a duration",
    ),
    "bad regular expression": ("[shop.orders]", "['^shop(']", "kafka.topics[0]: is not a regular expression"),
    "bad JMESPath": ("amount: data.amount", "amount: 'data.['", "mapping.events.order.completed.metadata.amount: "),
    "a tie between routes": (
        "    audit.*: drop",
        "    audit.*: drop\n    audit.*.read: drop",
        "ties with 'audit.*'",
    ),
    "both keys": ("  api_key:", "  api_key_file: /nowhere\n  api_key:", "track.api_key: must not be set beside"),
    "no key": ("  api_key: NX-secret-of-the-test\n", "", "track.api_key_file: is required"),
    "unknown property": (
        "  group_id: test",
        "  group_id: test\n  properties: {fetch.mni.bytes: 1}",
        "kafka.properties.fetch.mni.bytes: librdkafka has no property of this name; did you mean fetch.min.bytes?",
    ),
    "bad value of a property": (
        "  topic: test.dlq",
        "  topic: test.dlq\n  properties: {compression.type: zip}",
        "dead_letter.properties.compression.type: must be none, gzip, snappy, lz4 or zstd, not 'zip'",
    ),
    "no endpoint": ("endpoint: https://analytex.userpilot.io", "timeout: 5s", "track.endpoint: is required"),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize(
    "command", [("run",), ("check",), ("check", "--offline"), ("test",), ("map", "-"), ("send", "-", "-y")]
)
def test_every_command_names_the_place_and_ends_with_2(
    cli: Cli, config: Write, name: str, command: tuple[str, ...]
) -> None:
    old, new, expected = BROKEN[name]
    ran = cli(*command, "--config", config(old, new))
    assert (ran.code, ran.out) == (2, "")
    assert expected in ran.err
    assert "Traceback" not in ran.err
    assert "NX-secret" not in ran.err


def test_all_problems_are_told_at_once_under_the_name_of_the_file(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "bridge.yaml"
    text = CONFIG.replace("group_id: test", "group_id: 7").replace("data.amount", "'data.['")
    path.write_text(text.replace("https://", "gopher://"))
    lines = cli("run", "-c", str(path)).err.splitlines()
    assert lines[0] == f"{path}: 3 problems"
    assert [line.strip().split(": ")[0] for line in lines[1:]] == [
        "kafka.group_id",
        "track.endpoint",
        "mapping.events.order.completed.metadata.amount",
    ]


def test_properties_are_asked_of_librdkafka_beside_every_other_problem_and_with_their_lines(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bridge.yaml"
    properties = "group_id: 7\n  properties:\n    fetch.mni.bytes: 1\n    socket.timeout.ms: soon"
    path.write_text(CONFIG.replace("group_id: test", properties).replace("data.amount", "'data.['"))
    monkeypatch.setenv("BRIDGE_DEAD_LETTER__PROPERTIES", "{linger.ms: -1}")
    told = cli("check", "--offline", "-c", str(path)).err
    assert "5 problems" in told
    assert "kafka.properties.fetch.mni.bytes: librdkafka has no property" in told
    assert "from 10 to 300000, not 'soon' (line 6)" in told
    assert "dead_letter.properties.linger.ms: must be a number" in told
    assert "(environment variable BRIDGE_DEAD_LETTER__PROPERTIES)" in told


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ("{max.poll.interval.ms: 30000, session.timeout.ms: 60000}", "must be >= `session.timeout.ms`"),
        ("{security.protocol: ssl, ssl.ca.location: /dev/null}", "ssl.ca.location failed"),
        ("{security.protocol: sasl_ssl, sasl.mechanism: PLAIN}", "sasl.username and sasl.password must be set"),
    ],
)
def test_properties_that_no_client_can_be_made_of_together_are_found_offline(
    cli: Cli, config: Write, properties: str, said: str
) -> None:
    path = config("  group_id: test", f"  group_id: test\n  properties: {properties}")
    ran = cli("check", "--offline", "-c", path)
    assert (ran.code, ran.err) == (2, "")
    assert said in ran.out


@pytest.mark.parametrize(
    ("of_kafka", "of_letters", "where"),
    [
        ("{}", "{security.protocol: ssl, ssl.ca.location: /nowhere/ca.pem}", "dead_letter.properties.ssl.ca.location"),
        ("{ssl.ca.location: /nowhere/ca.pem}", "{security.protocol: ssl}", "kafka.properties.ssl.ca.location"),
        (
            "{security.protocol: ssl, ssl.ca.location: /nowhere/ca.pem}",
            "{ssl.key.location: /nowhere/key.pem}",
            "dead_letter.properties.ssl.key.location",
        ),
        ("{plugin.library.paths: /nowhere/acme.so, acme.topic: t}", "{}", "kafka.properties.plugin.library.paths"),
    ],
)
def test_what_only_the_bridges_machine_has_is_a_warning_offline_in_whichever_map_it_is(
    cli: Cli, tmp_path: Path, of_kafka: str, of_letters: str, where: str
) -> None:
    path = tmp_path / "bridge.yaml"
    text = CONFIG.replace("  group_id: test", f"  group_id: test\n  properties: {of_kafka}")
    path.write_text(text.replace("  topic: test.dlq", f"  topic: test.dlq\n  properties: {of_letters}"))
    ran = cli("check", "--offline", "-c", str(path))
    assert (ran.code, ran.err) == (0, ""), ran.out
    assert ran.out.count(f"warning  {where}: /nowhere/") == 1


def test_a_file_that_is_not_on_this_machine_is_a_warning_offline_and_hides_nothing(cli: Cli, config: Write) -> None:
    properties = "{security.protocol: ssl, ssl.ca.location: /nowhere/ca.pem, ssl.key.location: /nowhere/key.pem}"
    path = config("  group_id: test", f"  group_id: test\n  properties: {properties}")
    ran = cli("check", "--offline", "-c", path)
    assert ran.code == 0
    assert "warning  kafka.properties.ssl.ca.location: /nowhere/ca.pem cannot be read: No such file" in ran.out
    assert "warning  kafka.properties.ssl.key.location: " in ran.out
    wrong = properties.replace("}", ", max.poll.interval.ms: 30000, session.timeout.ms: 60000}")
    ran = cli("check", "--offline", "-c", config("  group_id: test", f"  group_id: test\n  properties: {wrong}"))
    assert (ran.code, "must be >= `session.timeout.ms`" in ran.out) == (2, True)


def test_a_number_that_is_read_as_another_one_is_a_warning(cli: Cli, config: Write) -> None:
    path = config("  group_id: test", "  group_id: test\n  properties: {socket.timeout.ms: 10s}")
    ran = cli("check", "--offline", "-c", path)
    assert ran.code == 0
    assert "warning  kafka.properties.socket.timeout.ms: librdkafka does not read '10s' as it is written" in ran.out


def test_a_missing_file_is_named(cli: Cli, tmp_path: Path) -> None:
    missing = tmp_path / "none.yaml"
    ran = cli("run", "-c", str(missing))
    assert ran.code == 2
    assert ran.err.startswith(f"{missing}: does not exist")
    assert ran.err.count("\n") == 1


def test_without_a_name_the_present_directory_is_looked_in(
    cli: Cli, config: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BRIDGE_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    ran = cli("check", "--offline")
    assert ran.code == 2
    assert "--config, or in BRIDGE_CONFIG" in ran.err
    config()
    assert cli("check", "--offline").code == 0


def test_bridge_config_names_the_file(cli: Cli, config: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_CONFIG", config())
    assert cli("check", "--offline").code == 0


def _as_key_file(config: Write, path: Path) -> str:
    return config("  api_key: NX-secret-of-the-test", f"  api_key_file: {path}")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "the API key is empty"),
        (b"  \n\n", "the API key is empty"),
        (b"NX-one\nNX-two\n", "spans several lines"),
        (b"Token NX-one", "white space inside"),
        (b"\xff\xfe\x00", "is not text"),
    ],
)
@pytest.mark.parametrize("command", [("run",), ("check", "--offline"), ("check",), ("send", "-", "-y")])
def test_a_key_file_without_a_usable_key_is_one_sentence(
    cli: Cli, config: Write, tmp_path: Path, command: tuple[str, ...], content: bytes, expected: str
) -> None:
    key = tmp_path / "key"
    key.write_bytes(content)
    ran = cli(*command, "-c", _as_key_file(config, key))
    assert ran.code == 2
    assert f"track.api_key_file: the key file {key}" in ran.err
    assert expected in ran.err
    assert "NX-" not in ran.err


def test_a_key_file_that_is_not_there_is_one_sentence(cli: Cli, config: Write, tmp_path: Path) -> None:
    ran = cli("run", "-c", _as_key_file(config, tmp_path / "none"))
    assert (ran.code, ran.err.count("\n")) == (2, 2)
    assert "cannot be read: No such file or directory" in ran.err


def test_a_directory_for_a_key_file_is_one_sentence(cli: Cli, config: Write, tmp_path: Path) -> None:
    ran = cli("check", "--offline", "-c", _as_key_file(config, tmp_path))
    assert (ran.code, "cannot be read: Is a directory" in ran.err) == (2, True)


@pytest.fixture
def bound_by_modes() -> list[str]:
    """What goes before a command so that a file's mode binds it, root's commands included."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root reads every file, and nothing here takes that right from a command (util-linux has setpriv)")
    rights = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}"]


def test_an_unreadable_key_file_is_one_sentence(bound_by_modes: list[str], config: Write, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("NX-1")
    key.chmod(0)
    command = [*bound_by_modes, sys.executable, "-m", "bridge", "run", "-c", _as_key_file(config, key)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 2)
    assert f"the key file {key}" in ran.stderr
    assert "Permission denied" in ran.stderr


def test_a_key_with_an_inner_newline_is_refused_without_being_shown(cli: Cli, config: Write) -> None:
    ran = cli("check", "--offline", "-c", config("NX-secret-of-the-test", '"NX-secret\\nof-the-test"'))
    assert ran.code == 2
    assert "track.api_key: " in ran.err
    assert "of-the-test" not in ran.err


def test_check_tells_problems_to_scripts_as_json(cli: Cli, config: Write) -> None:
    ran = cli("check", "--offline", "--json", "-c", config("group_id: test", "groupid: test"))
    document = json.loads(ran.out)
    assert (ran.code, ran.err, document["exit_code"], document["problems"]) == (2, "", 2, 1)
    assert document["findings"][0]["what"].startswith("kafka.groupid: ")
