"""Run directories as `write` and `check` leave them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import orjson

from bridge.backfill.manifest import CheckResult, ImportFile, Manifest, RowKind, Stage
from bridge.backfill.planning.plan import mapping_hash
from bridge.backfill.run_directory import RunDirectory
from bridge.backfill.submit import policy
from bridge.backfill.submit.book import begin_book
from bridge.cli.frame import startup
from bridge.config.fingerprint import ENGINE_VERSION

ROWS: Mapping[RowKind, Sequence[int]] = {RowKind.COMPANIES: [3], RowKind.USERS: [4, 2], RowKind.EVENTS: [7, 7, 1]}
"""Rows of each file."""
AT = "2026-11-29T00:00:00Z"


def row(kind: RowKind, file: int, number: int) -> bytes:
    """One line; each is another."""
    at = f"2026-01-{file:02d} 00:{number // 1_000_000:02d}:00.{number % 1_000_000:06d}"
    common = {"source": "backend-http-import", "inserted_at": at, "metadata": {}}
    one = f"{file}-{number}"
    own = {
        RowKind.COMPANIES: {"event_type": "identify_company", "company_id": f"c-{one}"},
        RowKind.USERS: {"event_type": "identify_user", "user_id": f"u-{one}"},
        RowKind.EVENTS: {"event_type": "track", "user_id": f"u-{one}", "event_name": "Order Completed"},
    }[kind]
    return orjson.dumps({**own, **common}, option=orjson.OPT_APPEND_NEWLINE)


class UnsyncedDirectory(RunDirectory):
    """For tests of what is decided: thousands of manifests, and none of them has to outlive the machine."""

    def put(self, name: str, content: bytes) -> None:
        self.file(name).write_bytes(content)
        self.file(name).chmod(0o600)


def checked_run(
    folder: Path,
    rows: Mapping[RowKind, Sequence[int]] = ROWS,
    *,
    mapping: str = "0123456789abcdef",
    engine: int = 1,
    stage: Stage = Stage.CHECKED,
    of: type[RunDirectory] = UnsyncedDirectory,
) -> tuple[RunDirectory, Manifest]:
    """Its files are on the disk, and its manifest says so."""
    directory = of(folder)
    files: list[ImportFile] = []
    with directory.created():
        for kind, counts in rows.items():
            for number, count in enumerate(counts, 1):
                body = b"".join(row(kind, number, index) for index in range(count))
                name = f"{kind}-{number:05d}.ndjson"
                directory.put(name, body)
                files.append(ImportFile(name, kind, number, count, len(body), hashlib.sha256(body).hexdigest()))
        manifest = Manifest(
            bridge="1.0",
            created=AT,
            mapping_hash=mapping,
            engine=engine,
            cluster_id="cluster-1",
            group="test",
            topics={},
            ranges=(),
            stage=stage,
            files=tuple(files),
            checked=CheckResult(AT) if stage is Stage.CHECKED else None,
        )
        directory.save(manifest)
    return directory, manifest


def checked_run_of(config: Path, folder: Path, rows: Mapping[RowKind, Sequence[int]] = ROWS) -> RunDirectory:
    """One whose rows were made by the mapping of this configuration."""
    start = startup.load(config)
    mapping = mapping_hash(start.config, start.mapping)
    directory, manifest = checked_run(folder, rows, mapping=mapping, engine=ENGINE_VERSION)
    directory.save(replace(manifest, group=start.config.kafka.group_id))
    return directory


def begun_run_of(config: Path, folder: Path) -> RunDirectory:
    """One whose first request was begun, and nothing is known of what came of it."""
    directory = checked_run_of(config, folder)
    book = begin_book(directory, directory.read(), startup.load(config).config.track.endpoint, 0)
    book.change(policy.begun(book.submission.uploads[0], (), time.time()))
    return directory
