"""Changes are told apart, timed, and cleared of what the database did not tell; what is no change is filtered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.decode import connect, debezium
from bridge.decode.failures import QueryTypeError, Unusable
from bridge.model import Filtered, FilterReason, Record

POSTGRES = {
    "connector": "postgresql", "name": "shop", "db": "shop", "schema": "public", "table": "orders",
    "ts_ms": 1_767_323_045_123, "txId": 571, "lsn": 33, "snapshot": "false",
}  # fmt: skip


def change(value: dict[str, Any], key: bytes | None = b'{"id":7}') -> Any:
    return debezium.change(value, Record("shop.public.orders", 1, 5, 0, key, b"", ()), exact=False)


def update(**changes: Any) -> dict[str, Any]:
    return {
        "before": None,
        "after": {"id": 7, "customer": "u-1"},
        "source": POSTGRES,
        "op": "u",
        "ts_ms": 1_767_323_045_999,
    } | changes


def test_the_envelope_stays_and_says_which_change_it_is_when_it_was_made_and_what_it_does() -> None:
    value = change(update())

    assert value["after"] == {"id": 7, "customer": "u-1"}
    assert value["operation"] == "update"
    assert value["time"] == "2026-01-02T03:04:05.123Z"
    assert value["id"].startswith("shop.shop.public.orders:33/571:u:")


def test_two_changes_of_one_row_two_rows_of_one_commit_and_the_halves_of_a_changed_key_have_ids_of_their_own() -> None:
    ids = [
        change(update())["id"],
        change(update(source=POSTGRES | {"lsn": 34}))["id"],
        change(update(), key=b'{"id":8}')["id"],
        change(update(op="d"))["id"],
        change(update(op="c"))["id"],
    ]

    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("connector", ["mysql", "mariadb"])
def test_rows_with_one_key_in_two_databases_have_ids_of_their_own_though_a_snapshot_has_one_position(
    connector: str,
) -> None:
    snapshot = {
        "connector": connector, "name": "shop", "table": "users", "server_id": 0, "file": "bin.000001", "pos": 157,
        "row": 0, "snapshot": "true", "ts_ms": 1,
    }  # fmt: skip
    first = change(update(op="r", source=snapshot | {"db": "tenant_a"}))["id"]
    second = change(update(op="r", source=snapshot | {"db": "tenant_b"}))["id"]

    assert first != second


def test_a_change_that_a_connector_repeats_has_its_id_again() -> None:
    assert change(update())["id"] == change(update(ts_ms=1_767_323_099_000))["id"]


@pytest.mark.parametrize(
    ("source", "key"),
    [
        (POSTGRES | {"lsn": None}, b"7"),
        (POSTGRES, None),
        ({"connector": "mongodb", "ord": 1, "ts_ms": 5}, b"7"),
        ({"connector": "oracle", "scn": "4"}, b"7"),
        ({}, b"7"),
    ],
    ids=[
        "no position",
        "no key",
        "MongoDB, whose position several changes share",
        "Oracle without a rs_id",
        "no source",
    ],
)
def test_where_nothing_tells_changes_apart_for_sure_the_records_own_place_does(
    source: dict[str, Any], key: bytes | None
) -> None:
    assert "id" not in change(update(source=source), key)


@pytest.mark.parametrize(
    "source",
    [
        {"connector": "mysql", "name": "shop", "table": "o", "server_id": 2, "file": "bin.3", "pos": 154, "row": 0},
        {"connector": "mariadb", "name": "shop", "table": "o", "file": "bin.3", "pos": 154, "row": 0},
        {"connector": "sqlserver", "name": "shop", "change_lsn": "27:0", "commit_lsn": "27:1", "event_serial_no": 1},
        {"connector": "oracle", "name": "shop", "rs_id": "0x1", "ssn": 0, "scn": "4"},
        {"connector": "db2", "name": "shop", "change_lsn": "1", "commit_lsn": "2"},
    ],
    ids=lambda source: str(source["connector"]),
)
def test_every_database_has_positions_of_its_own(source: dict[str, Any]) -> None:
    last = [name for name in source if name not in ("connector", "name", "table", "server_id")][-1]

    assert change(update(source=source))["id"] != change(update(source=source | {last: 99}))["id"]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"ts_ms": 1_767_323_045_123}, FilterReason.HEARTBEAT),
        ({"ts_ms": 1, "ts_us": 1000, "ts_ns": 1_000_000}, FilterReason.HEARTBEAT),
        (
            {"status": "BEGIN", "id": "571:53", "event_count": None, "data_collections": None, "ts_ms": 1},
            FilterReason.TRANSACTION,
        ),
        ({"status": "END", "id": "571:53", "event_count": 2, "data_collections": []}, FilterReason.TRANSACTION),
        (
            {"source": {}, "databaseName": "shop", "ddl": "ALTER TABLE …", "tableChanges": []},
            FilterReason.SCHEMA_CHANGE,
        ),
        (update(op="t", before=None, after=None), FilterReason.TRUNCATE),
    ],
)
def test_what_is_no_change_of_a_row_is_filtered_and_named(value: dict[str, Any], reason: FilterReason) -> None:
    filtered = change(value)

    assert isinstance(filtered, Filtered)
    assert filtered.reason is reason


@pytest.mark.parametrize(
    "placeholder",
    [
        "__debezium_unavailable_value",
        "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==",
        ["__debezium_unavailable_value"],
        list(b"__debezium_unavailable_value"),
        {"__debezium_unavailable_value": "__debezium_unavailable_value"},
        '{"__debezium_unavailable_value":"__debezium_unavailable_value"}',
    ],
    ids=["text", "bytes", "array of texts", "array of numbers", "hstore", "hstore as JSON"],
)
def test_a_value_that_the_database_did_not_tell_is_unusable_wherever_it_is(placeholder: object) -> None:
    value = change(update(after={"id": 7, "note": placeholder, "deep": {"note": placeholder}}))

    assert isinstance(value["after"]["note"], Unusable)
    assert isinstance(value["after"]["deep"]["note"], Unusable)
    assert "REPLICA IDENTITY FULL" in value["after"]["note"].why().message
    with pytest.raises(QueryTypeError):
        assert value["after"]["note"] == "x"


def test_documents_of_mongodb_are_read_and_their_long_numbers_kept() -> None:
    document = {"_id": {"$oid": "6592008029c8c3e4dc76256c"}, "total": 12.5}
    value = change(
        update(
            after=json.dumps(document),
            updateDescription={"removedFields": None, "updatedFields": '{"total": 12.5}'},
            source={"connector": "mongodb"},
        )
    )

    assert value["after"] == document
    assert value["updateDescription"]["updatedFields"] == {"total": 12.5}


def test_a_text_that_is_no_document_and_a_value_that_is_no_change_stay_as_they_are() -> None:
    assert change(update(after="gone"))["after"] == "gone"
    assert change({"orderId": 7, "op": 1}) == {"orderId": 7, "op": 1}
    assert change({"id": 7, "ts_ms": 5}) == {"id": 7, "ts_ms": 5}


@pytest.mark.parametrize(
    "row", [{"op": "x", "source": "web", "user": "u"}, {"op": "t", "source": "web", "after": "5pm"}, {"op": "t"}]
)
def test_a_flattened_row_with_columns_named_as_the_envelopes_members_is_no_change(row: dict[str, Any]) -> None:
    assert change(dict(row)) == row


def test_a_change_without_its_source_is_one() -> None:
    assert change({"op": "c", "before": None, "after": {"id": 7}})["operation"] == "create"


def test_what_the_envelope_has_already_is_not_overwritten() -> None:
    assert change(update(id="own", time="own", operation="own"))["id"] == "own"


def test_the_time_is_that_of_the_commit_else_of_the_connector_and_never_1970() -> None:
    assert change(update(source=POSTGRES | {"ts_ms": 0}))["time"] == "2026-01-02T03:04:05.999Z"
    assert "time" not in change(update(source={}, ts_ms=10**18))


def test_the_envelope_of_kafka_connect_comes_off_and_a_text_in_it_is_read() -> None:
    assert connect.document({"schema": None, "payload": {"a": 1}}, exact=False) == {"a": 1}
    assert connect.document({"schema": {"type": "string"}, "payload": '{"a": 1}'}, exact=False) == {"a": 1}
    assert connect.document('{"a": 1.2345678901234567890}', exact=False)["a"] != 1.2345678901234567
    assert connect.document({"schema": 1, "payload": 2, "more": 3}, exact=False) == {
        "schema": 1,
        "payload": 2,
        "more": 3,
    }


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b'"OrderPlaced"', b"OrderPlaced"),
        (b'{"schema":{"type":"string","optional":false},"payload":"OrderPlaced"}', b"OrderPlaced"),
        (b"OrderPlaced", b"OrderPlaced"),
        (b'{"payload": 1}', b'{"payload": 1}'),
        (b'"half', b'"half'),
        (b'"na\\u00efve"', "naïve".encode()),
    ],
)
def test_a_header_of_the_json_converter_is_its_text(content: bytes, text: bytes) -> None:
    assert connect.plain_text(content) == text
