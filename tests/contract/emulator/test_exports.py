"""What the emulated API exports of imported rows is what a backfill's verification reads."""

from __future__ import annotations

from pathlib import Path

import httpx
import orjson
import pytest

from bridge.backfill.submit.exported import ExportComparison, compare
from bridge.sandbox.emulator import Emulator, ImportBehaviour
from tests.contract.emulator.test_imports import COMPANY, TRACK, USER, ndjson, send, talking_to

WRITTEN = [TRACK, {**TRACK, "user_id": "u-2"}, USER, COMPANY]


@pytest.mark.parametrize(("missing", "again", "comparison"), [
    (0, 0, ExportComparison(written=4, found=4, missing=0, again=0, foreign=0)),
    (1, 0, ExportComparison(written=4, found=3, missing=1, again=0, foreign=0)),
    (0, 1, ExportComparison(written=4, found=5, missing=0, again=1, foreign=0)),
])  # fmt: skip
async def test_an_export_of_what_was_imported_tells_missing_and_repeated_rows(
    tmp_path: Path, missing: int, again: int, comparison: ExportComparison
) -> None:
    behaviour = ImportBehaviour(polls=0, keeps_rows=True, missing_rows=missing)
    async with Emulator(imports=behaviour) as emulator, talking_to(emulator.endpoint) as client:
        await send(client, ndjson(*WRITTEN))
        for _ in range(again):
            await send(client, ndjson(TRACK))
        exported = await client.get("/_emulator/imports/export")
    file = tmp_path / "export.ndjson"
    file.write_bytes(exported.content)
    assert compare((ndjson(row) for row in WRITTEN), [file]) == comparison
    fields = {"app_token", "event_type", "event_name", "user_id", "company_id", "source", "inserted_at", "metadata"}
    assert all(set(orjson.loads(line)) == fields for line in exported.content.splitlines())


async def test_rows_are_kept_only_where_that_is_asked_for() -> None:
    async with Emulator(imports=ImportBehaviour(polls=0)) as emulator, talking_to(emulator.endpoint) as client:
        answer: httpx.Response = await send(client, ndjson(*WRITTEN))
        assert (answer.status_code, len(emulator.imports.rows), emulator.imports.kept) == (200, 4, [])
