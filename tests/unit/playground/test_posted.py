"""A record that is posted keeps its key and headers, and nothing becomes a tombstone by accident."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from bridge.config.keys.scalars import Listen
from bridge.emulator.seen import RequestBook
from bridge.emulator.served import EmulatorSurroundings
from bridge.errors import InvalidError
from bridge.playground import posted, things
from bridge.playground.api import PlaygroundApi
from bridge.playground.folder import Folder
from bridge.playground.things import Announced
from bridge.sandbox.sample import SampleRecord
from tests.unit.playground.test_places import HERE

KCAT = (
    b'{"topic":"prod","partition":0,"offset":7,"tstype":"create","ts":1,"broker":0,'
    b'"headers":["ce_type","a"],"key":"u","payload":"{\\"kind\\":\\"signup\\"}"}\n'
)
WHOLE = b'{"topic":"prod","key":"u","value":{"kind":"signup"},"headers":{"ce_type":"a"}}'
ASKED = SampleRecord("mine", b"u", b'{"kind":"signup"}', (("ce_type", b"a"),))


@pytest.mark.parametrize("body", [KCAT, WHOLE], ids=["kcat -J", "a whole record"])
def test_a_record_is_read_with_its_key_and_headers_into_the_topic_of_the_address(body: bytes) -> None:
    assert posted.record("mine", body) == ASKED
    assert posted.record("mine", body, b"other").key == b"other"


@pytest.mark.parametrize("body", [b'{"topic":"t","kind":"x","value":1}', b'{"topic":"t"}', b"[1,2]", b"\xff", b"{"])
def test_anything_else_is_a_value_byte_for_byte(body: bytes) -> None:
    assert posted.record("mine", body, b"k") == SampleRecord("mine", b"k", body)


@pytest.mark.parametrize("body", [b"", b"\n"])
def test_an_empty_body_is_refused_and_a_tombstone_has_to_be_said(body: bytes) -> None:
    with pytest.raises(InvalidError, match="The body is empty: POST a record's value"):
        posted.record("mine", body)
    assert posted.record("mine", b'{"topic":"mine","key":"u","value":null}') == SampleRecord("mine", b"u", None)


def test_a_mistake_in_a_whole_record_is_told() -> None:
    with pytest.raises(InvalidError, match=r"This is no whole record: .*both value and value_base64"):
        posted.record("mine", b'{"topic":"mine","value":1,"value_base64":"AA=="}')


@pytest.mark.parametrize(
    "record",
    [
        ASKED,
        SampleRecord("mine", None, b'{"price": 12.50}'),
        SampleRecord("mine", b"\xff", b"\x00\x00\xff"),
        SampleRecord("mine", b"u", None),
        SampleRecord("mine", None, WHOLE),
        SampleRecord("mine", None, b""),
    ],
    ids=["all of it", "a value", "bytes", "a tombstone", "a value like a record", "an empty value"],
)
def test_what_is_written_becomes_the_same_record(record: SampleRecord) -> None:
    assert posted.record("mine", posted.written(record)) == record


def test_a_record_that_is_too_long_for_a_command_is_in_a_file(tmp_path: Path) -> None:
    def shown(record: SampleRecord | None) -> str:
        return things.posting(Announced(HERE, Folder(tmp_path / "a folder"), Path("b"), ["mine"], [], record, 1.0))

    assert shown(SampleRecord("mine", None, b'{"kind":"signup"}')) == """-d '{"kind":"signup"}'"""
    long = SampleRecord("mine", None, b'"%s"' % (b"x" * 300))
    assert shown(long) == f"--data-binary '@{tmp_path}/a folder/record.json'"
    assert shown(None) == "-d '{}'"


async def test_the_address_answers_an_empty_body_with_the_sentence() -> None:
    book = RequestBook(5, 0.0)
    around = EmulatorSurroundings(
        listen=Listen("127.0.0.1", 0), book=book, wall=time.time, tell=lambda _: None, switched=lambda _: None
    )
    async with (
        PlaygroundApi(around, (), bootstrap="127.0.0.1:1", topics=["mine"]) as api,
        httpx.AsyncClient(trust_env=False, timeout=60) as client,
    ):
        answer = await client.post(f"http://127.0.0.1:{api.port}/_records/mine")
    assert (answer.status_code, answer.text.strip()) == (400, posted.EMPTY)
