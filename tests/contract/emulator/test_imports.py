"""The emulated Import API: rows of the documented tables only, one job at a time, and every way a job can go."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from array import array
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from bridge.sandbox.emulator import Emulator, Fault, FaultKind, content_hash

KEY = {"Authorization": "Token NX-emulator"}
AT = "2024-07-28 08:55:35.874555"
TRACK: dict[str, Any] = {
    "event_type": "track", "user_id": "u-1", "event_name": "Order Completed", "source": "backend-http-import",
    "inserted_at": AT, "metadata": {"amount": 12.5, "gift": True},
}  # fmt: skip
USER: dict[str, Any] = {
    "event_type": "identify_user", "user_id": "u-1", "source": "backend-http-import", "inserted_at": AT,
    "metadata": {"name": "Jane Doe"},
}  # fmt: skip
COMPANY: dict[str, Any] = {
    "event_type": "identify_company", "company_id": "c-1", "source": "backend-http-import", "inserted_at": AT,
    "metadata": {"name": "Acme", "seats": 3},
}  # fmt: skip


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[httpx.AsyncClient]:
    async with talking_to(emulator.endpoint) as made:
        yield made


def talking_to(endpoint: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=endpoint, trust_env=False, headers=KEY, timeout=60)


def ndjson(*rows: Mapping[str, object]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


async def send(client: httpx.AsyncClient, content: bytes, name: str = "rows.ndjson") -> httpx.Response:
    return await client.post("/v1/imports", files={"file": (name, content)})


async def job_of(client: httpx.AsyncClient, answer: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"/v1/background_jobs/{quote(answer.json()['job_id'], safe='')}")).json()
    return found


async def test_the_documented_form_makes_a_job_that_imports_its_rows(
    client: httpx.AsyncClient, emulator: Emulator
) -> None:
    boundary = "------------------------d74496d66958873e"
    content = ndjson(USER, COMPANY, TRACK)
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="rows.ndjson"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode() + content + f"\r\n--{boundary}--\r\n".encode()  # fmt: skip
    answer = await client.post(
        "/v1/imports", content=body, headers={"Content-Type": f"multipart/form-data; boundary={boundary}"}
    )
    assert answer.status_code == 200
    begun = answer.json()
    assert begun["job_id"].startswith("bulk:jobs:NX-")
    assert (begun["status"], begun["filename"]) == ("queued", "rows.ndjson")
    assert (begun["total_rows"], begun["file_size"]) == ("3", str(len(content))), "texts, as the OpenAPI shows them"
    job = await job_of(client, answer)
    assert (job["status"], job["total_rows"], job["completed_rows"]) == ("completed", 3, 3)
    assert emulator.imports.rows.by_type == {"track": 1, "identify_user": 1, "identify_company": 1}
    assert emulator.ledger.known == {"u-1"}


@pytest.mark.parametrize("row", [
    {**TRACK, "metadata": {}}, {key: value for key, value in TRACK.items() if key != "metadata"},
    {**TRACK, "source": "backend-segment"}, {**USER, "metadata": {}}, {**COMPANY, "metadata": {"a": 1}},
])  # fmt: skip
async def test_rows_of_the_documented_tables_are_imported(
    client: httpx.AsyncClient, emulator: Emulator, row: dict[str, Any]
) -> None:
    assert (await job_of(client, await send(client, ndjson(row))))["status"] == "completed"
    assert emulator.imports.rows.times(row) == 1


def without(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


@pytest.mark.parametrize(("row", "sentence"), [
    *(({**without(TRACK, name)}, name) for name in ("event_type", "user_id", "event_name", "source", "inserted_at")),
    *((without(USER, name), name) for name in ("event_type", "user_id", "source", "inserted_at", "metadata")),
    *((without(COMPANY, name), name) for name in ("event_type", "company_id", "source", "inserted_at", "metadata")),
    *(({**TRACK, name: ""}, name) for name in ("event_type", "user_id", "event_name", "source", "inserted_at")),
    ({**TRACK, "user_id": 7}, "user_id"), ({**TRACK, "event_type": "page_view"}, "event_type"),
    ({**TRACK, "company_id": "c"}, "no field company_id"), ({**TRACK, "event_id": "x"}, "no field event_id"),
    ({**USER, "event_name": ""}, "no field event_name"), ({**USER, "company_id": "c"}, "no field company_id"),
    ({**COMPANY, "user_id": "u"}, "no field user_id"), ({**TRACK, "source": "bridge"}, "source must be"),
    ({**TRACK, "inserted_at": "2024-07-28T08:55:35Z"}, "of the form example"),
    ({**TRACK, "inserted_at": "2024-07-28 08:55:35"}, "of the form example"),
    ({**TRACK, "inserted_at": "2024-02-30 08:55:35.874555"}, "of the form example"),
    ({**TRACK, "inserted_at": "2024-07-28 08:55:35.874555+00:00"}, "of the form example"),
    ({**TRACK, "metadata": None}, "metadata must be an object"), ({**TRACK, "metadata": {"a": None}}, "metadata.a"),
    ({**TRACK, "metadata": {"a": {}}}, "metadata.a"), ({**USER, "metadata": {"a": [1]}}, "metadata.a"),
    ({**USER, "metadata": {"a": None}}, "metadata.a"), ({**USER, "metadata": {"n": "v" * 65_536}}, "65535"),
])  # fmt: skip
async def test_a_row_outside_the_tables_fails_its_whole_job(
    client: httpx.AsyncClient, emulator: Emulator, row: dict[str, Any], sentence: str
) -> None:
    job = await job_of(client, await send(client, ndjson(COMPANY, row)))
    assert (job["status"], job["completed_rows"]) == ("failed", 0)
    (problem,) = emulator.imports.problems
    assert problem.startswith("row 2 ")
    assert sentence in problem
    assert len(emulator.imports.rows) == 0


async def test_a_bad_row_can_be_left_out_instead(client: httpx.AsyncClient, emulator: Emulator) -> None:
    emulator.imports.set(skips_bad_rows=True)
    job = await job_of(client, await send(client, ndjson(TRACK) + b"{\n[]\n\n" + ndjson(USER)))
    assert (job["status"], job["total_rows"], job["completed_rows"]) == ("completed", 5, 2)


async def test_the_other_form_of_times_and_companies_of_events_are_settings(
    client: httpx.AsyncClient, emulator: Emulator
) -> None:
    emulator.imports.set(times="iso_z", track_company_id=True)
    rows = [{**TRACK, "inserted_at": f"2024-07-28T08:55:35{part}Z", "company_id": "c"} for part in ("", ".874555")]
    assert (await job_of(client, await send(client, ndjson(*rows))))["completed_rows"] == 2
    assert (await job_of(client, await send(client, ndjson(TRACK))))["status"] == "failed"


async def test_a_row_of_csv_says_the_same_as_one_of_json(client: httpx.AsyncClient, emulator: Emulator) -> None:
    text = (
        "event_type,user_id,company_id,event_name,source,inserted_at,metadata\n"
        f'track,u-1,,Order Completed,backend-http-import,{AT},"{{""amount"": 12.5, ""gift"": true}}"\n'
        f'identify_company,,c-1,,backend-http-import,{AT},"{{""name"": ""Acme"", ""seats"": 3}}"\n'
    )
    assert (await job_of(client, await send(client, text.encode(), "rows.csv")))["completed_rows"] == 2
    assert (emulator.imports.rows.times(TRACK), emulator.imports.rows.times(COMPANY)) == (1, 1)
    for wrong in ("track,u-1\n", f"track,u-1,,e,backend-http-import,{AT},{{\n"):
        content = (text.splitlines()[0] + "\n" + wrong).encode()
        assert (await job_of(client, await send(client, content, "rows.csv")))["status"] == "failed"


async def test_rows_are_counted_by_their_content(client: httpx.AsyncClient, emulator: Emulator) -> None:
    other = {**TRACK, "inserted_at": "2024-07-28 08:55:35.874556"}
    for rows in ((TRACK, other), (dict(reversed(TRACK.items())),)):
        await job_of(client, await send(client, ndjson(*rows)))
    imported = emulator.imports.rows
    assert (len(imported), imported.distinct()) == (3, 2)
    assert (imported.times(TRACK), imported.times(other), imported.times(USER)) == (2, 1, 0)


@pytest.mark.parametrize(("content_type", "body"), [
    ("application/json", b"{}"), ("multipart/form-data", b"--x\r\n"), ("multipart/form-data; boundary=x", b""),
    ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n{}'),
    ("multipart/form-data; boundary=x",
     b'--x\r\nContent-Disposition: form-data; name="data"; filename="a"\r\n\r\n{}\r\n--x--\r\n'),
    ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n{}\r\n--x--\r\n'),
    ("multipart/form-data; boundary=x",
     b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n\r\n--x--\r\n'),
    ("multipart/form-data; boundary=x",
     (b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n{}\r\n'
     b'--x\r\nContent-Disposition: form-data; name="b"\r\n\r\n1\r\n--x--\r\n')),
])  # fmt: skip
async def test_any_other_form_is_a_400(
    client: httpx.AsyncClient, emulator: Emulator, content_type: str, body: bytes
) -> None:
    answer = await client.post("/v1/imports", content=body, headers={"Content-Type": content_type})
    assert (answer.status_code, emulator.imports.jobs) == (400, [])


async def test_a_file_of_the_size_of_a_backfills_is_taken_and_a_larger_one_is_a_413(
    client: httpx.AsyncClient, emulator: Emulator
) -> None:
    row = {**TRACK, "metadata": {"text": "x" * 60_000}}
    assert (await job_of(client, await send(client, ndjson(row) * 830)))["completed_rows"] == 830
    assert (await send(client, b"x" * 64_100_000)).status_code == 413
    assert emulator.imports.rows.distinct() == 1


async def test_one_job_runs_at_a_time_and_ends_when_it_was_looked_at_often_enough(
    client: httpx.AsyncClient, emulator: Emulator
) -> None:
    emulator.imports.set(polls=5)
    answer = await send(client, ndjson(TRACK, USER, COMPANY, {**TRACK, "user_id": "u-2"}))
    assert (await send(client, ndjson(TRACK))).status_code == 409
    seen = [await job_of(client, answer) for _ in range(5)]
    assert [job["status"] for job in seen] == ["validating", "processing", "pending_refresh", "completed", "completed"]
    assert [job["completed_rows"] for job in seen] == [0, 2, 2, 4, 4]
    assert len(emulator.imports.rows) == 4
    assert seen[4]["end_time"]
    assert (await send(client, ndjson(TRACK))).status_code == 200
    assert (emulator.imports.uploads, emulator.imports.conflicts) == (3, 1)


async def test_a_job_can_take_its_time() -> None:
    now = 0.0
    async with Emulator(monotonic=lambda: now) as emulator, talking_to(emulator.endpoint) as client:
        emulator.imports.set(seconds=30)
        answer = await send(client, ndjson(TRACK))
        statuses = []
        for moment in (10.0, 29.0, 30.0):
            now = moment
            job = await job_of(client, answer)
            statuses.append((job["status"], job["elapsed_time"]))
    assert statuses == [("pending_refresh", 10), ("pending_refresh", 29), ("completed", 30)]


async def test_a_job_can_go_on_for_ever_until_it_is_told_to_end(client: httpx.AsyncClient, emulator: Emulator) -> None:
    emulator.imports.set(polls=None)
    answer = await send(client, ndjson(TRACK, USER))
    seen = [(await job_of(client, answer))["status"] for _ in range(20)]
    assert set(seen[2:]) == {"processing"}
    emulator.imports.finish()
    assert (await job_of(client, answer))["status"] == "completed"


async def test_a_job_can_fail_or_leave_rows_out(client: httpx.AsyncClient, emulator: Emulator) -> None:
    emulator.imports.set(fails=True)
    failed = await job_of(client, await send(client, ndjson(TRACK, USER)))
    assert (failed["status"], failed["completed_rows"], len(emulator.imports.rows)) == ("failed", 0, 0)
    emulator.imports.set(fails=False, missing_rows=1)
    partial = await job_of(client, await send(client, ndjson(TRACK, USER)))
    assert (partial["status"], partial["total_rows"], partial["completed_rows"]) == ("completed", 2, 1)
    assert (emulator.imports.rows.times(TRACK), emulator.imports.rows.times(USER)) == (1, 0)
    assert emulator.ledger.known == set()


@pytest.mark.parametrize("accepts", [True, False])
async def test_an_answer_can_be_lost_with_the_job_begun_or_not(
    client: httpx.AsyncClient,
    emulator: Emulator,
    accepts: bool,  # noqa: FBT001 - a column of the table
) -> None:
    fault = Fault(kind=FaultKind.DROP_AFTER_READING, accepts=accepts, path="/v1/imports", count=1)
    emulator.set_faults(fault)
    with pytest.raises(httpx.TransportError):
        await send(client, ndjson(TRACK))
    jobs = (await client.get("/v1/background_jobs")).json()
    assert [(job["filename"], job["total_rows"]) for job in jobs] == ([("rows.ndjson", 1)] if accepts else [])
    assert len(emulator.imports.rows) == accepts
    assert (await send(client, ndjson(USER))).status_code == 200


async def test_faults_of_imports_are_not_those_of_jobs(client: httpx.AsyncClient, emulator: Emulator) -> None:
    emulator.set_faults(Fault(kind=FaultKind.STATUS, status=503, path="/v1/background_jobs"))
    answer = await send(client, ndjson(TRACK))
    assert answer.status_code == 200
    one = await client.get(f"/v1/background_jobs/{quote(answer.json()['job_id'], safe='')}")
    assert (one.status_code, (await client.get("/v1/background_jobs")).status_code) == (503, 503)


async def test_somebody_elses_job_stands_in_the_way(client: httpx.AsyncClient, emulator: Emulator) -> None:
    emulator.imports.set(polls=2)
    emulator.imports.occupy()
    answers = [(await send(client, ndjson(TRACK))).status_code for _ in range(3)]
    assert answers == [409, 409, 200], "to be refused is to look at it, too"
    jobs = (await client.get("/v1/background_jobs")).json()
    assert [job["type"] for job in jobs] == ["import", "bulk_identify"], "the newest first"
    assert all("completed_rows" not in job for job in jobs), "only a single job has them"


async def test_a_key_or_a_plan_is_refused_with_a_401(client: httpx.AsyncClient, emulator: Emulator) -> None:
    assert (await client.get("/v1/background_jobs", headers={"Authorization": "Token x"})).status_code == 401
    emulator.imports.set(permitted=False)
    answer = await send(client, ndjson(TRACK))
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (
        401, "invalid key or insufficient permissions",
    )  # fmt: skip
    assert emulator.imports.jobs == []


async def test_jobs_are_found_by_their_encoded_id_and_nothing_else_is(client: httpx.AsyncClient) -> None:
    job_id = (await send(client, ndjson(TRACK))).json()["job_id"]
    assert quote(job_id, safe="") != job_id
    for path, status in ((quote(job_id, safe=""), 200), (job_id, 200), ("bulk%3Ajobs%3ANX-emulated%3Anone", 404)):
        assert (await client.get(f"/v1/background_jobs/{path}")).status_code == status
    refused = await client.post("/v1/background_jobs")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET")
    assert (await client.get("/v1/imports")).status_code == 405


async def test_numbers_can_come_as_texts(client: httpx.AsyncClient, emulator: Emulator) -> None:
    emulator.imports.set(numbers_as_strings=True)
    job = await job_of(client, await send(client, ndjson(TRACK)))
    assert (job["total_rows"], job["completed_rows"], job["elapsed_time"]) == ("1", "1", "0")


async def test_imports_change_nothing_of_what_is_counted_of_events(
    client: httpx.AsyncClient, emulator: Emulator
) -> None:
    await job_of(client, await send(client, ndjson(TRACK)))
    ledger = emulator.ledger
    assert (ledger.requests, ledger.identify_requests, ledger.accepted, ledger.max_in_flight) == (0, 0, [], 0)
    assert ledger.answers_by_path == {"/v1/imports": {"200": 1}, "/v1/background_jobs": {"200": 1}}


async def test_another_process_can_see_and_steer_imports() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bridge.sandbox.emulator", "--import-polls", "3", stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        endpoint = (await process.stdout.readline()).decode().strip()
        async with talking_to(endpoint) as client:
            answer = await send(client, ndjson(TRACK, TRACK, USER))
            assert (await send(client, ndjson(TRACK))).status_code == 409
            assert (await client.post("/_emulator/imports/finish")).status_code == 200
            assert (await job_of(client, answer))["status"] == "completed"
            stats = (await client.get("/_emulator/imports")).json()
            assert (stats["rows"], stats["distinct"], stats["repeated"], stats["uploads"]) == (3, 2, 1, 2)
            hashes = array("Q", (await client.get("/_emulator/imports/hashes")).content)
            assert list(hashes) == [content_hash(TRACK), content_hash(TRACK), content_hash(USER)]
            assert (await client.post("/_emulator/imports", json={"polls": None})).status_code == 200
            assert (await client.post("/_emulator/imports/occupy")).status_code == 200
            assert [(await send(client, ndjson(TRACK))).status_code for _ in range(3)] == [409, 409, 409]
            for wrong in ({"times": "unix"}, {"poll": 1}):
                assert (await client.post("/_emulator/imports", json=wrong)).status_code == 400
            assert (await client.post("/_emulator/reset")).status_code == 200
            assert (await client.get("/_emulator/imports")).json()["jobs"] == []
    finally:
        assert process.returncode is None
        os.kill(process.pid, signal.SIGTERM)
        assert await process.wait() == 0
