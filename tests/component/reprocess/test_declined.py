"""A person who is asked may say no: no dead letter changes, and a script still reads its document."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.model import Route
from bridge.sandbox.emulator import Emulator
from tests.component.reprocess.conftest import Dlq
from tests.support.reprocess.letters import letter
from tests.support.terminal import answered

Put = Callable[..., None]
OLD = Route("order.completed", "0123456789ab", "Order Completed")


@pytest.mark.parametrize(
    ("verb", "nothing"),
    [
        (("replay",), {"selected": 2, "replayed": 0, "left": 2}),
        (("discard", "--because", "x", "--everything"), {"discarded": 0}),
    ],
    ids=["replay", "discard"],
)
async def test_what_is_declined_is_not_done_and_its_document_says_so(
    dlq: Dlq,
    put: Put,
    api: Emulator,
    configure: Callable[..., Path],
    verb: tuple[str, ...],
    nothing: dict[str, int],
) -> None:
    put(letter(1, route=OLD), letter(2, route=OLD))
    code, out = await answered("dlq", *verb, "--json", "-c", str(configure()), answer="n")

    assert code == 0
    assert nothing.items() <= json.loads(out).items()
    assert api.ledger.accepted == []
    assert json.loads((await dlq("stats", "--json")).out)["open"] == 2
