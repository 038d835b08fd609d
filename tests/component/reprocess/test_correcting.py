"""``track-bridge dlq export`` and ``import`` against a broker."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.model import LetterReason
from bridge.sandbox.emulator import Emulator
from tests.component.reprocess.conftest import Dlq
from tests.component.reprocess.test_replay import route
from tests.support.reprocess.letters import letter, value_of

pytestmark = pytest.mark.slow(reason="replays twice, and a group that was left opens after a session", seconds=4)

Put = Callable[..., None]


async def test_an_export_holds_the_raw_bytes(dlq: Dlq, put: Put) -> None:
    put(letter(1, value=b"\x00\xff", key=b"\xfe", reason=LetterReason.UNDECODABLE, headers=[("h", b"\x01")]))
    (line,) = (await dlq("export")).documents
    assert (base64.b64decode(line["value"]), base64.b64decode(line["key"])) == (b"\x00\xff", b"\xfe")
    assert line["headers"] == [["h", base64.b64encode(b"\x01").decode()]]


async def test_a_correction_by_hand_is_recorded_and_sent_in_place_of_the_original(
    dlq: Dlq, put: Put, api: Emulator, tmp_path: Path, configure: Callable[..., Path]
) -> None:
    now = route(configure())
    put(letter(1, route=now, value=value_of("wrong", 1)), letter(2, route=now))
    file = tmp_path / "letters.ndjson"
    await dlq("export", "--output", str(file))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    lines[0]["json"]["data"]["user"] = "right"
    file.write_text("\n".join(json.dumps(line) for line in lines))
    ran = await dlq("import", str(file), "--note", "the shop renamed its users", "--yes", "--json")
    assert ran.documents == [{"changed": 1, "unchanged": 1, "note": "the shop renamed its users"}]
    shown = await dlq("show", "0:0")
    assert "the shop renamed its users" in shown.out
    sent = await dlq("replay", "--yes", "--json")
    assert (sent.documents[0]["replayed"], sent.documents[0]["not_sent"]) == (1, {"unchanged": 1})
    assert [event.user_id for event in api.ledger.accepted] == ["right"]
    (ended,) = [each for each in (await dlq("list", "--all", "--json")).documents if each["id"] == "0:0"]
    assert (ended["state"], ended["change"]) == ("replayed", None), "a correction that did its work is not kept"


async def test_a_correction_by_hand_leaves_the_digits_of_all_other_numbers(
    dlq: Dlq, put: Put, tmp_path: Path, configure: Callable[..., Path]
) -> None:
    value = b'{"type":"t","id":"i","data":{"user":"wrong","n":99999999999999999.99,"m":12345678901234567890123}}'
    put(letter(1, route=route(configure()), value=value))
    file = tmp_path / "letters.ndjson"
    await dlq("export", "--output", str(file))
    assert b"99999999999999999.99" in file.read_bytes()
    file.write_bytes(file.read_bytes().replace(b'"user":"wrong"', b'"user":"right"'))
    assert (await dlq("import", str(file), "--note", "by hand", "--yes", "--json")).documents[0]["changed"] == 1
    again = (await dlq("export")).out
    (line,) = again.splitlines()
    assert base64.b64decode(json.loads(line)["value"]) == value.replace(b"wrong", b"right")
    for shown in (again, (await dlq("show", "0:0")).out, (await dlq("show", "0:0", "--json")).out):
        assert "99999999999999999.99" in shown
        assert "12345678901234567890123" in shown


async def test_no_terminal_obeys_what_is_exported(dlq: Dlq, put: Put) -> None:
    text = "\x9b\u202e\u2028\x85\x7f"
    put(letter(1, value=json.dumps({"type": text, text: [text]}, ensure_ascii=False).encode(), headers=[(text, b"1")]))
    for command in (("export",), ("show", "0:0", "--json"), ("show", "0:0"), ("list", "--json"), ("stats", "--json")):
        ran = await dlq(*command)
        assert ran.out
        assert not set(text) & set(ran.out)
    (line,) = (await dlq("export")).documents
    assert line["json"] == {"type": text, text: [text]}


async def test_lines_that_cannot_be_taken_are_named_and_nothing_is_recorded(dlq: Dlq, put: Put, tmp_path: Path) -> None:
    put(letter(1), letter(2))
    file = tmp_path / "letters.ndjson"
    exported = (await dlq("export")).out.splitlines()
    redacted = (await dlq("export", "--redact")).out.splitlines()[0]
    moved = json.dumps(json.loads(exported[0]) | {"id": "0:1"})
    gone = json.dumps(json.loads(exported[0]) | {"id": "3:9"})
    changed = json.dumps(json.loads(exported[0]) | {"json": {"other": 1}})
    for line, sentence in (
        ("{", "is not JSON"),
        ("{}", "is not a line of an export"),
        (redacted, "was exported with values hidden"),
        (moved, "is not of the dead letter at 0:1"),
        (gone, "has no dead letter 3:9 any more"),
    ):
        file.write_text(f"{changed if line != moved else exported[0]}\n{line}\n")
        ran = await dlq("import", str(file), "--note", "x", "--yes")
        assert ran.code == 2
        assert ", line 2: " in ran.err
        assert sentence in ran.err
    assert all(each["change"] is None for each in (await dlq("list", "--json")).documents)


async def test_an_export_overwrites_no_file(dlq: Dlq, put: Put, tmp_path: Path) -> None:
    put(letter(1))
    file = tmp_path / "letters.ndjson"
    file.write_text("mine")
    ran = await dlq("export", "-o", str(file))
    assert (ran.code, file.read_text()) == (2, "mine")
