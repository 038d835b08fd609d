from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from bridge.config.sections import SchemaRegistry
from bridge.decode.protocol import Schema
from bridge.registry.build import build_lookups
from bridge.registry.folder import FolderOfSchemas
from tests.support.registry.server import FakeRegistry, Reply

SCHEMA: Final = Schema("avro", '"string"', (("shop.Money", "ö"),))
URL: Final = "http://registry:8081"


def folder(path: Path, *urls: str, kind: str = "confluent", said: list[str] | None = None) -> FolderOfSchemas:
    return FolderOfSchemas(path, kind, urls or (URL,), (said if said is not None else []).append)


def files(path: Path) -> list[Path]:
    return [each for each in path.rglob("*") if each.is_file()]


def test_what_is_kept_is_found_again_and_only_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "new" / "schemas"
    folder(path).write("id:42", SCHEMA, URL)
    assert folder(path).read("id:42") == SCHEMA
    assert folder(path).read("id:4") is None
    (file,) = files(path)
    assert file.stat().st_mode & 0o777 == 0o600
    assert {each.stat().st_mode & 0o777 for each in (path, file.parent)} == {0o700}


def test_two_registries_with_one_folder_never_mix(tmp_path: Path) -> None:
    folder(tmp_path).write("id:42", SCHEMA, URL)
    assert folder(tmp_path, "http://other:8081").read("id:42") is None
    assert folder(tmp_path, kind="apicurio").read("id:42") is None
    (file,) = files(tmp_path)
    other = Schema("avro", '"int"')
    folder(tmp_path, "http://other:8081").write("id:42", other, "http://other:8081")
    (second,) = set(files(tmp_path)) - {file}
    second.write_bytes(file.read_bytes())
    assert folder(tmp_path, "http://other:8081").read("id:42") is None, "a file says itself which registry it is of"


def test_an_address_more_or_less_keeps_what_is_there(tmp_path: Path) -> None:
    folder(tmp_path, URL).write("id:42", SCHEMA, URL)
    assert folder(tmp_path, "http://replica:8081", URL).read("id:42") == SCHEMA


@pytest.mark.parametrize(
    "damage",
    [
        lambda _content: b"",
        lambda content: content[:-20],
        lambda content: content.replace(b"string", b"strung"),
        lambda _content: b"[]",
        lambda content: content.replace(b'"version":1', b'"version":2'),
        lambda content: bytes(len(content)),
    ],
)
def test_a_damaged_file_is_passed_over_with_a_warning_and_written_again(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    said: list[str] = []
    kept = folder(tmp_path, said=said)
    kept.write("id:42", SCHEMA, URL)
    (file,) = files(tmp_path)
    file.write_bytes(damage(file.read_bytes()))
    assert kept.read("id:42") is None
    assert [f"{file} is damaged" in sentence for sentence in said] == [True]
    kept.write("id:42", SCHEMA, URL)
    assert kept.read("id:42") == SCHEMA


def test_a_folder_that_cannot_be_written_is_said_once_and_stops_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "file").write_text("")
    kept = folder(tmp_path / "file", said=said)
    for number in range(3):
        kept.write(f"id:{number}", SCHEMA, URL)
        assert kept.read(f"id:{number}") is None
    assert len(said) == 1
    assert "schemas cannot be kept in" in said[0] or "cannot be read" in said[0]


def _write_often(path: Path, text: str) -> None:
    kept = folder(path)
    for _ in range(200):
        kept.write("id:42", Schema("avro", text), URL)


@pytest.mark.slow
def test_several_processes_may_write_one_schema_and_nobody_sees_half_of_it(tmp_path: Path) -> None:
    text = "x" * 50_000
    folder(tmp_path).write("id:42", Schema("avro", text), URL)
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_often, args=(tmp_path, text)) for _ in range(2)]
    for writer in writers:
        writer.start()
    said: list[str] = []
    kept = folder(tmp_path, said=said)
    while any(writer.is_alive() for writer in writers):
        assert kept.read("id:42") == Schema("avro", text)
    for writer in writers:
        writer.join()
    assert said == []
    assert len(files(tmp_path)) == 1


async def test_schemas_outlive_a_restart_of_the_bridge_beside_a_dead_registry(
    registry: FakeRegistry, tmp_path: Path
) -> None:
    registry.register("a", '"string"')
    section = SchemaRegistry.model_validate({"urls": [registry.url], "cache_dir": str(tmp_path)})

    async def known() -> object:
        lookups = build_lookups(section, {})
        event = asyncio.Event()
        lookups.want("id:1", event.set)
        await event.wait()
        shown = lookups.snapshot()
        await lookups.aclose()
        return lookups.schemas["id:1"], shown.from_folder, shown.requests, shown.state

    assert await known() == (Schema("avro", '"string"'), 0, 1, "ok")
    registry.down()
    assert await known() == (Schema("avro", '"string"'), 1, 0, "idle")


async def test_an_answer_that_decides_against_a_schema_is_not_kept(registry: FakeRegistry, tmp_path: Path) -> None:
    registry.always(Reply.of(404, {"error_code": 40403, "message": "Schema not found"}))
    section = SchemaRegistry.model_validate(
        {"urls": [registry.url], "cache_dir": str(tmp_path), "unknown_id_after": "1ms"}
    )
    lookups = build_lookups(section, {})
    event = asyncio.Event()
    lookups.want("id:1", event.set)
    await event.wait()
    await lookups.aclose()
    assert files(tmp_path) == []
