"""The records of a file: what is one, which line it stands in, and that no digit of it changes."""

from __future__ import annotations

import json
import os
import threading
from codecs import BOM_UTF8
from pathlib import Path

import pytest

from bridge.errors import Misuse
from bridge.inputs import records
from bridge.inputs.records import Form
from bridge.model import Record

LINE = {"topic": "shop.orders", "partition": 3, "offset": 17, "tstype": "create", "ts": 1767323045000, "broker": 1}


def read(path: Path, content: bytes, topic: str | None = None) -> list[tuple[int, bytes | None]]:
    path.write_bytes(content)
    return [(number, found.value) for number, _, found in records.numbered(str(path), Form.VALUES, topic)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "records"


@pytest.mark.parametrize("mark", [b"", BOM_UTF8])
def test_a_byte_order_mark_is_no_part_of_the_first_value(file: Path, mark: bytes) -> None:
    assert read(file, mark + b'{"a":1}\r\n\n{"a":2}\n') == [(1, b'{"a":1}'), (3, b'{"a":2}')]
    assert read(file, mark + b'{"a":\n1}') == [(1, b'{"a":\n1}')]


def test_an_array_is_one_value_per_element_with_all_digits(file: Path) -> None:
    content = b'[\n {"a": 12345678901234567890123.5},\n {"a": "x"}, 3]'

    assert read(file, content) == [(1, b'{"a":12345678901234567890123.5}'), (2, b'{"a":"x"}'), (3, b"3")]


def test_an_array_in_a_line_among_others_is_a_value(file: Path) -> None:
    assert read(file, b"[1,2]\n[3]\n") == [(1, b"[1,2]"), (2, b"[3]")]


def test_a_line_of_kcat_is_the_record_it_was(file: Path) -> None:
    line = {**LINE, "headers": ["a", "b", "none", None], "key": "k", "payload": '{"n": 1.10}'}
    file.write_text(f"{json.dumps(line)}\n{json.dumps({**line, 'offset': 18, 'payload': None})}\n")

    first, second = records.read(str(file), Form.VALUES, None)

    headers = (("a", b"b"), ("none", None))
    assert first == Record("shop.orders", 3, 17, 1767323045000, b"k", b'{"n": 1.10}', headers)
    assert (second.offset, second.value) == (18, None)
    assert [each.topic for each in records.read(str(file), Form.VALUES, "other")] == ["other", "other"]


def test_a_payload_that_kcat_decoded_keeps_its_digits() -> None:
    text = b'{"topic":"t","partition":0,"offset":1,"payload":{"n":12345678901234567890123.5}}'

    found = records.kcat_record(text, None)

    assert found is not None
    assert found.value == b'{"n":12345678901234567890123.5}'


@pytest.mark.parametrize(
    "line",
    [
        {**LINE, "payload": "{}", "type": "order.completed"},
        {"topic": "t", "payload": "{}", "offset": 1},
        {"topic": "t", "partition": "0", "offset": 1, "payload": "{}"},
        {"topic": "t", "partition": 0, "offset": True, "payload": "{}"},
        ["payload", "offset"],
    ],
)
def test_an_event_that_only_resembles_one_stays_what_it_is(line: object) -> None:
    assert records.kcat_record(json.dumps(line).encode(), None) is None


@pytest.mark.parametrize("headers", [None, "ab", 3, ["odd"]])
def test_headers_of_another_shape_cost_only_themselves(headers: object) -> None:
    found = records.kcat_record(json.dumps({**LINE, "payload": "{}", "headers": headers}).encode(), None)

    assert found is not None
    assert found.headers == ()


@pytest.mark.parametrize(
    ("line", "sentences"),
    [
        (
            {"topic": "t", "partition": "x", "headers": [["a", "b"]], "valu": 1},
            [
                "partition: must be a whole number",
                "headers: must be a map",
                "valu: is no part of a record, which has topic,",
            ],
        ),
        ({"value": 1}, ["topic: is required"]),
        ([1], ["the record: must be a map"]),
    ],
)
def test_everything_wrong_with_a_whole_record_is_said_in_plain_words(
    line: object, sentences: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "records.ndjson"
    file.write_text(json.dumps(line))

    with pytest.raises(Misuse) as refused:
        list(records.read(str(file), Form.RECORDS, None))

    said = str(refused.value).splitlines()
    assert len(said) == len(sentences)
    for got, sentence in zip(said, sentences, strict=True):
        assert got.startswith(f"{file}, line 1: {sentence}")


def identities(path: Path, content: bytes, form: Form = Form.VALUES) -> list[str]:
    path.write_bytes(content)
    return [record.identity for record in records.read(str(path), form, "shop.orders")]


def test_a_value_of_a_file_has_an_id_that_no_record_has_and_has_it_again_with_the_same_file(tmp_path: Path) -> None:
    content = b'{"a": 1}\n\n{"a": 1}\n' + json.dumps({**LINE, "payload": "{}"}).encode()
    found = identities(tmp_path / "one", content)
    assert [each.rpartition("/")[2] for each in found] == ["1", "3", "17"]
    assert all(each.startswith("file:") for each in found[:2])
    assert found[2] == "shop.orders/3/17"
    assert identities(tmp_path / "a copy", content) == found
    assert not {*found[:2]} & {*identities(tmp_path / "another", b'{"a": 1}\n')}


@pytest.mark.parametrize("content", [b'[{"a": 1}, {"a": 1}]', b'{"a": 1}', b'{\n"a": 1\n}', b"broken\nbroken"])
def test_each_value_of_an_input_has_an_id_of_its_own(tmp_path: Path, content: bytes) -> None:
    found = identities(tmp_path / "one", content)
    assert len({*found}) == len(found) >= 1
    assert {*found}.isdisjoint(identities(tmp_path / "another", content + b" "))
    assert identities(tmp_path / "raw", content, Form.RAW)[0].startswith("file:")


def test_a_pipe_is_read_once_and_its_values_have_ids_as_well(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    content = b'{"a": 1}\n{"a": 1}\n'
    writer = threading.Thread(target=path.write_bytes, args=(content,))
    writer.start()
    found = [record.identity for record in records.read(str(path), Form.VALUES, "shop.orders")]
    writer.join()
    assert len({*found}) == 2
    assert all(each.startswith("file:") for each in found)
