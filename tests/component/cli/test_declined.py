"""A person who is asked may say no: nothing is done, and a script that reads the output still reads its document."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.sandbox.emulator import Emulator
from tests.support.terminal import answered

Config = Callable[..., str]
ORDER = {"type": "order.completed", "id": "e-1", "data": {"user_id": "u-1", "amount": 3, "gift": False}}


@pytest.mark.parametrize(
    ("line", "nothing"),
    [
        ("send {file}", {"sent": False, "answers": []}),
        ("send --file {file}", {"records": 1, "accepted": 0, "left": 1}),
        ("topics create", {"topics": ["not_created", "not_created"]}),
    ],
    ids=["send", "send --file", "topics create"],
)
async def test_what_is_declined_is_not_done_and_its_document_says_so(
    config: Config, api: Emulator, tmp_path: Path, line: str, nothing: dict[str, object]
) -> None:
    file = tmp_path / "order.json"
    file.write_text(json.dumps(ORDER))
    path = config("topic: cli.dlq", "topic: other.dlq") if "topics" in line else config()
    words = [word.format(file=file) for word in line.split()]
    code, out = await answered(*words, "--json", "-c", path, answer="n")
    document = json.loads(out)
    if "topics" in document:
        document["topics"] = [each["result"] for each in document["topics"]]

    assert code == 0
    assert nothing.items() <= document.items()
    assert api.ledger.accepted == []

    code, out = await answered(*words, "-c", path, answer="n")
    assert (code, out.splitlines()[-1]) == (0, "Nothing was created." if "topics" in line else "Nothing was sent.")


async def test_what_is_agreed_to_is_done(config: Config, api: Emulator, tmp_path: Path) -> None:
    file = tmp_path / "order.json"
    file.write_text(json.dumps(ORDER))
    code, out = await answered("send", str(file), "--json", "-c", config(), answer="y")

    assert (code, json.loads(out)["sent"]) == (0, True)
    assert [event.user_id for event in api.ledger.accepted] == ["u-1"]
