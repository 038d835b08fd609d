"""`track-bridge backfill submit`, `watch`, `verify` and `status` as processes, against the emulated Import API."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import orjson
import pytest

from bridge.backfill.manifest import CheckResult, Manifest, RowKind, Stage
from bridge.backfill.run_directory import RunDirectory
from bridge.backfill.submit.uploads import Submission, UploadState, read_submission
from bridge.sandbox.emulator import DEFAULT_KEY, Emulator
from bridge.sandbox.emulator.faults import Fault, FaultKind
from bridge.sandbox.emulator.rows import export
from tests.component.cli.conftest import CONFIG, Cli, Ran
from tests.support.backfill.runs import ROWS, checked_run_of
from tests.support.prepared.client import program
from tests.support.waiting import patience

QUICK = ("--every", "20ms", "--settle", "200ms", "--yes")
TOTAL = sum(map(sum, ROWS.values()))


@dataclass(frozen=True)
class Bench:
    api: Emulator
    config: Path
    directory: RunDirectory
    cli: Cli

    async def submit(self, *options: str) -> Ran:
        return await self.cli("backfill", "submit", str(self.directory.path), "-c", str(self.config), *QUICK, *options)

    async def other(self, verb: str, *options: str) -> Ran:
        return await self.cli("backfill", verb, str(self.directory.path), "-c", str(self.config), *options)

    @property
    def manifest(self) -> Manifest:
        return self.directory.read()

    @property
    def submission(self) -> Submission:
        found = read_submission(self.manifest.submission)
        assert found is not None
        return found

    def each_row_once(self) -> None:
        lines = [
            line for file in self.manifest.files for line in self.directory.file(file.name).read_bytes().splitlines()
        ]
        assert len(self.api.imports.rows) == len(lines)
        assert self.api.imports.rows.distinct() == len(lines)
        assert all(self.api.imports.rows.times(orjson.loads(line)) == 1 for line in lines)


@pytest.fixture
async def bench(tmp_path: Path, cli: Cli) -> AsyncIterator[Bench]:
    async with Emulator() as api:
        key = tmp_path / "key"
        key.write_text(DEFAULT_KEY, encoding="utf-8")
        config = tmp_path / "bridge.yaml"
        text = CONFIG.format(bootstrap="127.0.0.1:1", endpoint=api.endpoint, key_file=key, properties="{}")
        config.write_text(text, encoding="utf-8")
        yield Bench(api, config, checked_run_of(config, tmp_path / "run"), cli)


def lost(*, taken: bool, count: int = 1, kind: FaultKind = FaultKind.DROP_AFTER_READING, **more: object) -> Fault:
    """The answer to an import never comes."""
    return Fault(kind=kind, accepts=taken, count=count, path="/v1/imports", **more)  # type: ignore[arg-type]  # of tests


@pytest.mark.slow(reason="imports a whole history, and verifies it", seconds=3)
async def test_everything_is_imported_once_in_order_and_agrees(bench: Bench) -> None:
    ran = await bench.submit("--no-canary")
    assert (ran.code, ran.err) == (0, "")
    bench.each_row_once()
    kinds = [job.filename.split("-")[3].removesuffix(".ndjson") for job in bench.api.imports.jobs]
    assert kinds == ["companies", "users", "users", "events", "events", "events"]
    assert {file.state for file in bench.manifest.files} == {"completed"}
    verified = await bench.other("verify")
    assert verified.code == 0
    assert f"{TOTAL} rows: the job of each says that it completed all of them." in verified.out
    assert "What nobody can tell from this" in verified.out
    again = await bench.submit()
    assert "All 6 uploads are through" in again.out
    bench.each_row_once()


async def test_a_canary_is_asked_for_and_goes_first_and_ends(bench: Bench) -> None:
    ran = await bench.submit()
    assert ran.code == 2
    assert "--canary 100" in ran.err
    assert not bench.api.imports.uploads
    ends: list[str] = []
    for options in (("--canary", "2"), (), (), ()):
        ran = await bench.submit("--json", *options)
        assert ran.code == 0
        ends.append(orjson.loads(ran.out)["end"])
    assert ends == ["look", "look", "look", "done"]
    assert [job.total_rows for job in bench.api.imports.jobs] == [2, 1, 2, 2, 2, 2, 5, 7, 1]
    bench.each_row_once()
    ran = await bench.submit("--canary", "3")
    assert (ran.code, "--canary 2" in ran.err) == (2, True)


@pytest.mark.parametrize(
    "fault",
    [
        lost(taken=True),
        lost(taken=False),
        lost(taken=True, kind=FaultKind.STATUS, status=503),
        lost(taken=False, kind=FaultKind.STATUS, status=500),
        lost(taken=True, kind=FaultKind.TRUNCATE, status=200, body="{"),
        lost(taken=True, kind=FaultKind.RESET_AFTER_HEADERS, status=200),
    ],
    ids=[
        "taken, reset",
        "not taken, reset",
        "taken, 503",
        "not taken, 500",
        "taken, cut short",
        "taken, half an answer",
    ],
)
async def test_an_answer_that_never_came_is_looked_up(bench: Bench, fault: Fault) -> None:
    bench.api.set_faults(replace(fault, skip=1))
    ran = await bench.submit("--no-canary")
    assert ran.code == 0
    bench.each_row_once()
    assert "No answer for number 2" in ran.out
    said = "Number 2 had arrived" if fault.accepts else "Number 2 has not arrived"
    assert said in ran.out
    assert bench.api.imports.uploads == 6


async def test_a_job_of_somebody_else_is_waited_for_and_costs_no_attempt(bench: Bench) -> None:
    bench.api.imports.set(polls=4)
    bench.api.imports.occupy()
    ran = await bench.submit("--no-canary")
    assert ran.code == 0
    assert "Waiting for job bulk:jobs:NX-emulated:" in ran.out
    assert bench.api.imports.conflicts == 0
    assert all(upload.lost == 0 for upload in bench.submission.uploads)
    bench.each_row_once()


@pytest.mark.slow(reason="waits as long as an import that is in the way", seconds=2)
async def test_409_is_waited_for_where_the_list_shows_no_job(bench: Bench) -> None:
    bench.api.set_faults(Fault(kind=FaultKind.STATUS, status=409, count=7, path="/v1/imports"))
    ran = await bench.submit("--no-canary")
    assert ran.code == 0
    assert ran.out.count("costs no attempt") == 1
    bench.each_row_once()


async def test_a_partial_job_stops_everything_until_somebody_decides(bench: Bench) -> None:
    bench.api.imports.set(missing_rows=1)
    ran = await bench.submit("--no-canary")
    assert ran.code == 1
    assert "is partial: 2 of 3 rows were completed" in ran.out
    assert bench.api.imports.uploads == 1
    again = await bench.submit()
    assert again.code == 1
    assert bench.api.imports.uploads == 1
    status = await bench.other("status")
    assert status.code == 1
    assert "--accept 1" in status.out
    bench.api.imports.set(missing_rows=0)
    accepted = await bench.submit("--accept", "1")
    assert accepted.code == 0
    assert len(bench.api.imports.rows) == TOTAL - 1
    verified = await bench.other("verify")
    assert verified.code == 1
    assert "2 of 3 rows were completed" in verified.out


@pytest.mark.slow(reason="asks again after the wait between two questions", seconds=3)
async def test_questions_of_verify_that_fail_once_are_asked_again_and_a_refusal_is_not(bench: Bench) -> None:
    await bench.submit("--no-canary")
    bench.api.set_faults(
        Fault(kind=FaultKind.STATUS, status=503, count=1, path="/v1/background_jobs"),
        Fault(kind=FaultKind.DROP_AFTER_READING, count=1, path="/v1/background_jobs"),
    )
    ran = await bench.other("verify")
    assert ran.code == 0
    assert "the job of each says that it completed all of them" in ran.out
    assert "No answer about the list of jobs: the API answered 503" in ran.err
    bench.api.set_faults(Fault(kind=FaultKind.STATUS, status=403, path="/v1/background_jobs"))
    refused = await bench.other("verify")
    assert refused.err == ""
    assert "The list of jobs could not be asked for copies of an upload: the API answered 403" in refused.out


async def test_a_failed_job_stops_and_is_sent_again_only_on_purpose(bench: Bench) -> None:
    bench.api.imports.set(fails=True)
    ran = await bench.submit("--no-canary")
    assert (ran.code, bench.api.imports.uploads) == (1, 1)
    assert "is failed" in ran.out
    bench.api.imports.set(fails=False)
    refused = await bench.submit("--resend", "2")
    assert refused.code == 2
    again = await bench.submit("--resend", "1")
    assert again.code == 0
    bench.each_row_once()


async def test_a_job_that_never_ends_is_told_with_since_when_and_left_at_the_timeout(bench: Bench) -> None:
    bench.api.imports.set(polls=None)
    ran = await bench.submit("--no-canary", "--timeout", "300ms")
    assert ran.code == 3
    assert "since 20" in ran.out
    assert "longer than --timeout allows" in ran.out
    watched = await bench.other("watch", "--every", "20ms", "--timeout", "100ms")
    assert watched.code == 3
    bench.api.imports.finish()
    watched = await bench.other("watch", "--every", "20ms")
    assert watched.code == 0
    assert "Number 1 of 6 is completed: all 3 rows." in watched.out
    assert bench.api.imports.uploads == 1
    bench.api.imports.set(polls=1)
    assert (await bench.submit()).code == 0
    bench.each_row_once()


async def test_a_refused_key_names_both_causes(bench: Bench) -> None:
    bench.api.imports.set(permitted=False)
    ran = await bench.submit("--no-canary")
    assert ran.code == 1
    assert "Either the API key is not that of the endpoint's environment" in ran.out
    assert "Enterprise" in ran.out
    assert not bench.api.imports.jobs


async def test_a_file_that_is_too_large_names_the_file_size(bench: Bench) -> None:
    bench.api.set_faults(Fault(kind=FaultKind.STATUS, status=413, path="/v1/imports"))
    ran = await bench.submit("--no-canary")
    assert ran.code == 1
    assert "--file-size" in ran.out


async def test_a_file_that_is_too_large_is_sent_in_pieces_and_each_row_once(bench: Bench, tmp_path: Path) -> None:
    many = replace(bench, directory=checked_run_of(bench.config, tmp_path / "many", {RowKind.EVENTS: [4000, 7]}))
    many.api.set_faults(Fault(kind=FaultKind.STATUS, status=413, count=2, path="/v1/imports"))
    ran = await many.submit("--no-canary")
    assert ran.code == 0
    assert "it is sent as two, numbers 3 and 4." in ran.out
    assert "it is sent as two, numbers 5 and 6." in ran.out
    assert [upload.number for upload in many.submission.uploads] == [5, 6, 4, 2]
    assert [job.total_rows for job in many.api.imports.jobs] == [upload.rows for upload in many.submission.uploads]
    many.each_row_once()
    assert (await many.other("verify")).code == 0


async def test_an_export_is_held_against_every_row(bench: Bench, tmp_path: Path) -> None:
    bench.api.imports.set(keeps_rows=True)
    assert (await bench.submit("--no-canary")).code == 0
    lines = export(bench.api.imports.kept).splitlines(keepends=True)
    whole, short = tmp_path / "whole.ndjson", tmp_path / "short.ndjson"
    whole.write_bytes(b"".join(lines))
    short.write_bytes(b"".join(lines[1:]))
    agrees = await bench.other("verify", "--export", str(whole))
    assert agrees.code == 0
    assert f"{TOTAL} rows are in the export, each once." in agrees.out
    lacks = await bench.other("verify", "--export", str(short))
    assert lacks.code == 1
    assert f"1 of {TOTAL} rows are not in the export" in lacks.out


async def test_interrupted_it_ends_as_commands_do_and_goes_on(bench: Bench) -> None:
    bench.api.imports.set(polls=None)
    await killed_while_it_works(bench, lambda: bool(bench.api.imports.jobs), "--no-canary", by=signal.SIGINT)
    bench.api.imports.finish()
    bench.api.imports.set(polls=1)
    assert (await bench.submit()).code == 0
    bench.each_row_once()


async def test_numbers_as_strings_are_read(bench: Bench) -> None:
    bench.api.imports.set(numbers_as_strings=True, polls=3)
    assert (await bench.submit("--no-canary")).code == 0
    assert (await bench.other("verify")).code == 0


Change = Callable[[Bench], None]


def _changed_file(bench: Bench) -> None:
    path = bench.directory.file("events-00002.ndjson")
    path.write_bytes(path.read_bytes().replace(b"Order", b"Ordre", 1))


def _lost_file(bench: Bench) -> None:
    bench.directory.file("users-00001.ndjson").unlink()


def _not_checked(bench: Bench) -> None:
    bench.directory.save(replace(bench.manifest, stage=Stage.WRITTEN, checked=None))


def _not_written(bench: Bench) -> None:
    bench.directory.save(replace(bench.manifest, stage=Stage.WRITING))


def _blocked(bench: Bench) -> None:
    bench.directory.save(replace(bench.manifest, checked=CheckResult("t", ("3 rows have a time in the future.",))))


def _other_mapping(bench: Bench) -> None:
    bench.config.write_text(bench.config.read_text().replace("data.amount", "data.total"), encoding="utf-8")


def _other_version(bench: Bench) -> None:
    bench.directory.save(replace(bench.manifest, engine=1))


def _other_form(bench: Bench) -> None:
    path = bench.directory.file("manifest.json")
    path.write_text(path.read_text().replace('"form": 1', '"form": 9'), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_changed_file, "events-00002.ndjson is not as it was written"),
        (_lost_file, "users-00001.ndjson cannot be read"),
        (_not_checked, "was not checked yet"),
        (_not_written, "is not written yet"),
        (_blocked, "3 rows have a time in the future."),
        (_other_mapping, "The mapping has changed since the plan was made"),
        (_other_version, "maps records in another way"),
        (_other_form, "has form 9"),
    ],
)
async def test_what_must_not_be_sent_is_refused_with_a_sentence(bench: Bench, change: Change, said: str) -> None:
    change(bench)
    ran = await bench.submit("--no-canary")
    assert ran.code == 2
    assert said in ran.err
    assert ran.err.count("\n") <= 4
    assert not bench.api.imports.uploads


async def test_findings_of_the_check_can_be_overruled(bench: Bench) -> None:
    _blocked(bench)
    assert (await bench.submit("--no-canary", "--despite-findings")).code == 0


async def test_what_was_begun_despite_findings_goes_on_without_saying_so_again(bench: Bench) -> None:
    _blocked(bench)
    option = "--canary 100 --despite-findings"
    assert option in (await bench.other("status")).out
    assert option in (await bench.submit("--despite-findings")).err
    began = await bench.submit("--canary", "2", "--despite-findings")
    assert "goes on with" in began.out
    assert (await bench.submit()).code == 0
    assert bench.api.imports.uploads > 1


async def test_watch_sends_nothing_and_does_not_say_that_it_does(bench: Bench) -> None:
    bench.api.set_faults(lost(taken=False))

    def lost_one() -> bool:
        uploads = bench.manifest.submission.get("uploads", [])
        return bool(uploads) and bool(uploads[0]["detail"])

    await killed_while_it_works(bench, lost_one, "--no-canary", "--settle", "60s")
    assert bench.submission.uploads[0].state is UploadState.SENDING
    watched = await bench.other("watch", "--every", "20ms", "--settle", "100ms")
    assert watched.code == 0
    assert "It is sent again" not in watched.out
    assert f"backfill submit {bench.directory.path} -c {bench.config}` sends it again." in watched.out
    assert not bench.api.imports.jobs


async def test_another_address_is_refused_once_something_was_sent(bench: Bench) -> None:
    await bench.submit("--canary", "2")
    bench.config.write_text(bench.config.read_text().replace("127.0.0.1", "localhost"), encoding="utf-8")
    ran = await bench.submit()
    assert ran.code == 2
    assert "its jobs are known only there" in ran.err


async def test_the_key_of_another_application_is_noticed_before_anything_is_sent_to_it(bench: Bench) -> None:
    assert (await bench.submit("--canary", "2")).code == 0
    there = list(bench.api.imports.jobs)
    bench.api.imports.jobs.clear()  # What another application's key sees at the same endpoint.
    ran = await bench.submit()
    assert (ran.code, bench.api.imports.uploads) == (1, 1)
    assert "track.api_key_file" in ran.out
    assert "another application or environment" in ran.out
    bench.api.imports.jobs.extend(there)
    assert (await bench.submit()).code == 0
    assert bench.api.imports.uploads > 1


async def test_a_job_that_the_list_leaves_out_and_the_api_knows_is_of_this_application(bench: Bench) -> None:
    assert (await bench.submit("--canary", "2")).code == 0
    page = Fault(kind=FaultKind.STATUS, status=200, body='{"jobs": []}', count=1, path="/v1/background_jobs")
    bench.api.set_faults(page)
    assert (await bench.submit()).code == 0
    assert bench.api.imports.uploads > 1


async def test_two_processes_on_one_run_directory_are_refused(bench: Bench) -> None:
    with bench.directory.locked():
        ran = await bench.submit("--no-canary")
    assert ran.code == 2
    assert "works on" in ran.err
    assert not bench.api.imports.uploads


async def test_a_copy_of_the_run_directory_imports_nothing_a_second_time(bench: Bench) -> None:
    before = bench.directory.file("manifest.json").read_bytes()
    assert (await bench.submit("--no-canary")).code == 0
    bench.directory.put("manifest.json", before)
    ran = await bench.submit("--no-canary")
    assert ran.code == 0
    assert "this run was submitted from elsewhere" in ran.out
    bench.each_row_once()


async def test_status_tells_what_is_next_and_asks_nobody(bench: Bench) -> None:
    first = await bench.other("status")
    assert (first.code, "submit" in first.out, "--canary 100" in first.out) == (0, True, True)
    await bench.submit("--canary", "2")
    second = await bench.other("status", "--json")
    document = orjson.loads(second.out)
    assert [upload["state"] for upload in document["uploads"]][:2] == ["completed", "pending"]
    assert document["uploads"][0]["completed_rows"] == 2
    assert document["files"][0]["state"] == "submitted"
    asked = bench.api.ledger.requests
    await bench.other("status")
    assert bench.api.ledger.requests == asked


async def killed_while_it_works(
    bench: Bench, after: Callable[[], bool], *options: str, by: signal.Signals = signal.SIGKILL
) -> None:
    """kill -9, or another signal, as soon as `after` holds."""
    process = await program(
        *("backfill", "submit", str(bench.directory.path), "-c", str(bench.config), *QUICK, *options),
        stdout=asyncio.subprocess.DEVNULL,
    )
    async with patience("it is where it shall be killed", within=60):
        while not after() and process.returncode is None:
            await asyncio.sleep(0)
    if process.returncode is None:
        process.send_signal(by)
    _, err = await process.communicate()
    assert err == b""
    assert process.returncode in {0, -by, 130}


@pytest.mark.parametrize("answers", ["as usual", "lost"])
async def test_killed_three_times_each_row_is_imported_once(bench: Bench, answers: str) -> None:
    if answers == "lost":
        bench.api.set_faults(lost(taken=True, probability=0.4, count=50), lost(taken=False, probability=0.3, count=50))
    seen = bench.api.imports
    await killed_while_it_works(bench, lambda: seen.uploads >= 1, "--no-canary")
    await killed_while_it_works(bench, lambda: seen.uploads >= 2)
    await killed_while_it_works(bench, lambda: len(seen.jobs) >= 4)
    ran = await bench.submit()
    assert ran.code == 0, ran
    bench.each_row_once()
    assert {upload.state for upload in bench.submission.uploads} == {UploadState.COMPLETED}


async def test_the_answer_being_slow_and_the_process_killed_meanwhile(bench: Bench) -> None:
    """The request is on its way, nothing of its outcome is recorded, and the API takes it after the process died."""
    bench.api.set_faults(Fault(kind=FaultKind.ORDINARY, delay=30.0, count=1, path="/v1/imports"))
    seen = bench.api.imports
    await killed_while_it_works(bench, lambda: bool(seen.jobs), "--no-canary")
    assert bench.submission.uploads[0].state is UploadState.SENDING
    ran = await bench.submit()
    assert ran.code == 0
    assert "Number 1 had arrived" in ran.out
    bench.each_row_once()


def test_rows_of_the_bench_have_every_kind() -> None:
    assert set(ROWS) == set(RowKind)
