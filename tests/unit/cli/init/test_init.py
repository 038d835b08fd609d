"""``init`` from files: what it writes, what it never does, and everything that is wrong said at once."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
import yaml

from bridge.cli import entry
from bridge.exits import ExitCode
from tests.support.proposal.topics import TOPICS
from tests.support.registry.server import FakeRegistry


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    lines = [record.value or b"" for record in TOPICS["plain"]().records]
    (tmp_path / "shop.orders.ndjson").write_bytes(b"\n".join(lines))
    return tmp_path


def test_samples_of_a_file_become_a_configuration_that_is_checked_and_tried(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert entry.run(["init", "--samples", "shop.orders.ndjson"]) == 0
    out = capsys.readouterr().out
    assert "user      data.customer.id (in 100 % of 80, 16 different)" in out
    assert "No problems." in out
    assert "80 records would make 80 requests." in out
    assert "set USERPILOT_API_KEY" in out
    written = yaml.safe_load((here / "bridge.yaml").read_text(encoding="utf-8"))
    assert written["kafka"]["topics"] == ["shop.orders"]
    assert set(written["mapping"]["events"]) == {
        "order.completed", "order.cancelled", "account.created", "cart.item_added",
    }  # fmt: skip


def test_a_file_that_exists_is_left_alone_unless_yes_is_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "bridge.yaml").write_text("mine", encoding="utf-8")
    assert entry.run(["init", "--samples", "shop.orders.ndjson"]) == 2
    assert "bridge.yaml exists, and is not overwritten" in capsys.readouterr().err
    assert (here / "bridge.yaml").read_text(encoding="utf-8") == "mine"
    assert entry.run(["init", "--samples", "shop.orders.ndjson", "--yes"]) == 0
    assert (here / "bridge.yaml").read_text(encoding="utf-8") != "mine"
    assert list(here.glob(".*")) == []


def test_without_a_terminal_nothing_is_asked_and_what_is_missing_is_named(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert entry.run(["init"]) == 2
    assert "--brokers HOST:PORT and --topics NAME, or --samples FILE" in capsys.readouterr().err
    assert entry.run(["init", "--brokers", "127.0.0.1:1"]) == 2
    assert "give --topics NAME" in capsys.readouterr().err
    assert not (here / "bridge.yaml").exists()


@pytest.mark.usefixtures("here")
def test_all_that_is_wrong_is_said_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    line = "init --samples none.json -t ^shop -p sasl.username --registry x:/y --endpoint ftp://x -o gone/bridge.yaml"
    assert entry.run([*line.split(), "--message-type", "M"]) == 2
    said = capsys.readouterr().err
    for option in ("--samples", "--topics", "--property", "--registry", "--endpoint", "--output", "--message-type"):
        assert option in said
    assert len(said.splitlines()) == 7


def test_secrets_stay_out_of_the_file_and_out_of_what_is_printed(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    login = ["-p", "security.protocol=sasl_ssl", "-p", "sasl.mechanism=PLAIN", "-p", "sasl.username=bridge"]
    line = ["init", "--samples", "shop.orders.ndjson", *login, "-p", "sasl.password=hunter2-of-the-test"]
    assert entry.run(line) == 0
    captured = capsys.readouterr()
    text = (here / "bridge.yaml").read_text(encoding="utf-8")
    assert "hunter2" not in text + captured.out + captured.err
    assert "sasl.password: ${KAFKA_SASL_PASSWORD}" in text
    assert "sasl.username: bridge" in text
    assert "set KAFKA_SASL_PASSWORD" in captured.out


def test_an_api_key_in_place_of_its_file_is_refused_and_not_repeated(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert entry.run(["init", "--samples", "shop.orders.ndjson", "--api-key-file", "NX-secret-of-the-test"]) == 2
    said = capsys.readouterr().err
    assert "looks like the API key itself" in said
    assert "NX-secret" not in said
    assert not (here / "bridge.yaml").exists()


def test_a_key_file_is_named_as_the_configuration_sees_it(here: Path) -> None:
    (here / "etc").mkdir()
    line = "init --samples shop.orders.ndjson --api-key-file key -o etc/bridge.yaml --start-from 24h"
    assert entry.run(line.split()) == 0
    written = yaml.safe_load((here / "etc" / "bridge.yaml").read_text(encoding="utf-8"))
    assert written["track"]["api_key_file"] == str(here / "key")
    assert written["kafka"]["start_from"] == "24h"


def test_lines_of_kcat_say_their_topics_and_a_script_gets_one_document(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        json.dumps(
            {
                "topic": record.topic, "partition": record.partition, "offset": record.offset, "tstype": "create",
                "ts": record.timestamp_ms, "broker": 1, "headers": [], "key": None,
                "payload": (record.value or b"").decode(),
            }
        )
        for name in ("7 stripe", "9 eventbridge")
        for record in TOPICS[name]().records
    ]  # fmt: skip
    (here / "dump.ndjson").write_text("\n".join(lines), encoding="utf-8")
    assert entry.run(["init", "--samples", "dump.ndjson", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [each["topic"] for each in document["topics"]] == ["aws.events", "stripe.events"]
    assert document["map"]["dead_letters"] == 0
    assert document["traffic"]["per_minute"] > 0
    written = yaml.safe_load((here / "bridge.yaml").read_text(encoding="utf-8"))
    assert list(written["mapping"]["per_topic"]) == ["aws.events"]


def test_samples_that_would_be_dead_letters_end_with_1(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (here / "shop.orders.ndjson").read_text(encoding="utf-8")
    (here / "shop.orders.ndjson").write_text(f"{text}\nno json at all\n", encoding="utf-8")
    assert entry.run(["init", "--samples", "shop.orders.ndjson"]) == 1
    assert "dead letter" in capsys.readouterr().out


def test_of_each_topic_no_more_records_are_taken_than_the_limit(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.run(["init", "--samples", "shop.orders.ndjson", "--limit", "30", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["map"]["records"] == 30
    assert "from 30 records of 1 topic" in " ".join((here / "bridge.yaml").read_text(encoding="utf-8").split())


def test_an_empty_file_teaches_nothing(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "empty.ndjson").write_bytes(b"")
    assert entry.run(["init", "--samples", "empty.ndjson"]) == 2
    assert "no record in empty.ndjson" in capsys.readouterr().err
    assert not (here / "bridge.yaml").exists()


@pytest.mark.parametrize(
    "content", [b"Dear all,\nno record is in here.\n", bytes(range(128, 256)) * 9], ids=["text", "binary"]
)
def test_where_nothing_can_be_read_nothing_is_written_and_why_is_said(
    here: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    (here / "letter.txt").write_bytes(content)
    assert entry.run(["init", "--samples", "letter.txt", "--yes"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "No record of letter can be read" in captured.err
    assert "which the bridge cannot read as it is" in captured.err
    assert "Nothing is written." in captured.err
    assert not (here / "bridge.yaml").exists()


def test_a_topic_s_name_that_none_can_have_is_refused_before_anything_is_read(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        entry.run(
            ["init", "--samples", "shop.orders.ndjson", "--topics", "a b/\N{LATIN SMALL LETTER U WITH DIAERESIS}"]
        )
        == 2
    )
    assert "is no name of a topic: letters, digits" in capsys.readouterr().err
    assert not (here / "bridge.yaml").exists()


def _dump(path: Path, *topics: str) -> None:
    """As `kcat -J` prints it: each line says its topic."""
    values = [{"type": "order.paid", "user_id": f"u-{number % 3}", "id": f"e-{number}"} for number in range(6)]
    lines = [
        json.dumps({"topic": topic, "partition": 0, "offset": number, "payload": json.dumps(value)})
        for number, value in enumerate(values)
        for topic in topics
    ]
    path.write_text("\n".join(lines), encoding="utf-8")


def test_a_topic_that_no_sample_is_of_is_refused_with_those_that_there_are(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _dump(here / "dump.ndjson", "orders", "users")
    assert entry.run(["init", "--samples", "dump.ndjson", "--topics", "other"]) == 2
    assert "--topics other: no record in dump.ndjson is of it. They are of orders, users" in capsys.readouterr().err
    assert not (here / "bridge.yaml").exists()


def test_topics_choose_among_samples_that_name_theirs_and_the_others_are_counted(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _dump(here / "dump.ndjson", "orders", "users")
    assert entry.run(["init", "--samples", "dump.ndjson", "--topics", "users"]) == 0
    assert "Left out: 6 records of orders. --topics names users." in " ".join(capsys.readouterr().err.split())
    written = yaml.safe_load((here / "bridge.yaml").read_text(encoding="utf-8"))
    assert written["kafka"]["topics"] == ["users"]


def test_the_file_is_there_even_where_nobody_reads_what_is_printed(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)  # as `head` has done after its lines
    with monkeypatch.context() as patch, os.fdopen(writing, "w", buffering=1, encoding="utf-8") as closed:
        patch.setattr(sys, "stdout", closed)
        assert entry.run(["init", "--samples", "shop.orders.ndjson", "--yes"]) == ExitCode.PIPE_CLOSED
    assert yaml.safe_load((here / "bridge.yaml").read_text(encoding="utf-8"))["kafka"]["topics"] == ["shop.orders"]


@pytest.mark.usefixtures("here")
def test_what_comes_next_names_how_to_try_the_file_without_kafka_and_userpilot(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert entry.run(["init", "--samples", "shop.orders.ndjson"]) == 0
    told = " ".join(capsys.readouterr().out.partition("Next:")[2].split())
    assert "playground --samples shop.orders.ndjson -c bridge.yaml: play with it" in told
    assert "emulator: an API to send to" in told


@pytest.mark.usefixtures("here")
def test_what_needs_no_variable_comes_before_what_sets_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.run(["init", "--samples", "shop.orders.ndjson"]) == 0
    told = " ".join(capsys.readouterr().out.partition("Next:")[2].split())
    order = [" test -c", " emulator: an API", "it says what to set", "set USERPILOT_ENDPOINT", " run -c"]
    assert sorted(order, key=told.index) == order


@pytest.mark.usefixtures("here")
def test_one_record_of_an_unknown_schema_asks_for_no_other_registry(capsys: pytest.CaptureFixture[str]) -> None:
    schema = {"type": "record", "name": "Paid", "fields": [{"name": n, "type": "string"} for n in ("type", "userId")]}
    with FakeRegistry() as registry:
        number = registry.register("shop.orders-value", schema)
        values = [b"\0" + (number if n else 999).to_bytes(4) + b"\x06a.b" + b"\x06u-%d" % (n % 3) for n in range(20)]
        files = []
        for n, value in enumerate(values):
            Path(f"{n}.avro").write_bytes(value)
            files += ["--samples", f"{n}.avro"]
        assert entry.run(["init", *files, "--raw", "--topics", "shop.orders", "--registry", registry.url]) == 1
    told = " ".join(capsys.readouterr().out.split())
    assert "the registry does not know schema id 999" in told
    assert "set schema_registry" not in told
    assert "do the examples hold?" not in told, "of Avro there are none"


def test_what_is_dropped_on_purpose_is_no_finding_of_lint(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        json.dumps(
            {"type": "a.b", "id": f"e-{n}", "at": f"2026-01-02T03:04:{n:02}Z", **({"userId": n % 7} if n % 3 else {})}
        )
        for n in range(60)
    ]
    (here / "events.ndjson").write_text("\n".join(lines), encoding="utf-8")
    assert entry.run(["init", "--samples", "events.ndjson"]) == 0
    assert "33 % of the sampled events have no user" in (here / "bridge.yaml").read_text(encoding="utf-8")
    capsys.readouterr()
    assert entry.run(["test", "--strict"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("name", ["outbox rows", "log shipper"])
def test_what_is_read_of_texts_with_json_is_no_finding_of_any_command(
    name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        json.dumps(
            {
                "topic": record.topic, "partition": record.partition, "offset": record.offset, "tstype": "create",
                "ts": record.timestamp_ms, "broker": 1, "headers": [], "key": record.key and record.key.decode(),
                "payload": (record.value or b"").decode(),
            }
        )
        for record in TOPICS[name]().records
    ]  # fmt: skip
    (here / "dump.ndjson").write_text("\n".join(lines), encoding="utf-8")
    assert entry.run(["init", "--samples", "dump.ndjson"]) == 0
    assert "No problems." in capsys.readouterr().out
    for command in (["test", "--strict"], ["fmt", "--check", "bridge.yaml"]):
        assert entry.run(command) == 0, capsys.readouterr().out


@pytest.mark.usefixtures("here")
def test_a_word_is_no_endpoint(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.run(["init", "--samples", "shop.orders.ndjson", "--endpoint", "24h"]) == 2
    assert "--endpoint names no host of Userpilot" in capsys.readouterr().err


def test_a_descriptor_set_that_cannot_be_used_is_named_before_anything_is_read(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["init", "--samples", "shop.orders.ndjson", "--descriptor-set"]
    assert entry.run([*command, "gone.desc", "--message-type", "a.B"]) == 2
    assert "--descriptor-set gone.desc cannot be read: No such file or directory." in capsys.readouterr().err
    (here / "wrong.desc").write_bytes(b"nothing of the kind")
    assert entry.run([*command, "wrong.desc", "--message-type", "a.B"]) == 2
    assert "--descriptor-set wrong.desc: " in capsys.readouterr().err
    assert not (here / "bridge.yaml").exists()
