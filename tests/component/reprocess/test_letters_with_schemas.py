"""Dead letters of Avro: kept byte for byte, shown decoded, found by what is in them, sent again."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.sandbox.emulator import Emulator
from tests.component.reprocess.conftest import Dlq
from tests.support.registry.orders import SCHEMA, order
from tests.support.registry.server import FakeRegistry
from tests.support.reprocess.letters import letter

pytestmark = pytest.mark.slow(reason="starts a command for each look at letters", seconds=2)

Put = Callable[..., None]
AVRO: dict[str, Any] = {"mapping": {"decode": "avro"}}


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with FakeRegistry() as running:
        running.register("orders-value", SCHEMA, id=42)
        yield running


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "orders.avsc"
    path.write_text(SCHEMA)
    return f"42={path}"


async def test_a_letter_is_shown_decoded_and_redacted_and_said_why_where_it_cannot_be(
    dlq: Dlq, put: Put, file: str
) -> None:
    put(letter(1, value=order(42, "u-eve"), message="no user u-eve"), letter(2, value=order(43)))
    shown = await dlq("show", "orders/0/1", "--schema", file, **AVRO)
    assert '"user": "u-eve"' in shown.out
    assert "decoded; its bytes, 36, are what an export has" in shown.out
    hidden = {**AVRO, "dead_letter": {"redact": ["data.user", "data.user_id"]}}
    (found,) = (await dlq("show", "orders/0/1", "--json", "--schema", file, **hidden)).documents
    assert found["value"]["data"] == {"user": "***", "user_id": "***", "n": 12, "amount": 12, "gift": False}
    assert found["message"] == "***"
    assert "u-eve" not in json.dumps(found)
    (other,) = (await dlq("show", "orders/0/2", "--json", "--schema", file, **AVRO)).documents
    assert not other["value_decoded"]
    assert "--schema 43=FILE" in other["value_problem"]


async def test_a_letter_is_selected_by_what_is_in_it_and_sent_again(
    dlq: Dlq, put: Put, api: Emulator, registry: FakeRegistry
) -> None:
    put(letter(1, value=order(42, "ada")), letter(2, value=order(42, "bob")))
    sections = {**AVRO, "schema_registry": {"urls": [registry.url]}}
    listed = (await dlq("list", "--json", "--match", "data.user == 'bob'", **sections)).documents
    assert [each["user"] for each in listed] == ["bob"]
    replayed = await dlq("replay", "--user", "bob", "--yes", "--rate", "100%", "--json", **sections)
    assert replayed.documents[0]["replayed"] == 1
    assert [event.user_id for event in api.ledger.accepted] == ["bob"]
    assert set(registry.paths) == {"/schemas/ids/42"}


async def test_an_export_has_the_bytes_and_what_they_are_and_comes_back_as_it_was(
    dlq: Dlq, put: Put, tmp_path: Path, file: str
) -> None:
    put(letter(1, value=order(42, "ada")))
    (line,) = (await dlq("export", "--unredacted", "--schema", file, **AVRO)).documents
    assert base64.b64decode(line["value"]) == order(42, "ada")
    assert line["json"] is None
    assert line["decoded"]["data"]["user"] == "ada"
    exported = tmp_path / "letters.ndjson"
    exported.write_text(json.dumps(line))
    again = await dlq("import", str(exported), "--note", "nothing", "--yes", "--json", **AVRO)
    assert again.documents == [{"changed": 0, "unchanged": 1, "note": "nothing"}]


async def test_a_registry_that_is_away_ends_a_replay_before_anything_is_sent(
    dlq: Dlq, put: Put, api: Emulator, registry: FakeRegistry
) -> None:
    put(letter(1, value=order(42, "ada")))
    sections = {**AVRO, "schema_registry": {"urls": [registry.url], "timeout": "1s"}}
    registry.down()
    replayed = await dlq("replay", "--yes", "--rate", "100%", **sections)
    assert replayed.code == 3
    assert "--schema 42=FILE" in replayed.err
    assert not api.ledger.accepted
