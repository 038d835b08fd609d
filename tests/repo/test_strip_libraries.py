"""The image's shared libraries lose what only a debugger reads, and nothing else."""

from __future__ import annotations

import importlib.util
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.strip_libraries import main, stripped

RUNS = """
import asyncio, sys, uvloop

async def echo(reader, writer):
    writer.write(await reader.read(100))
    await writer.drain()
    writer.close()

async def talk():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"hello")
    writer.write_eof()
    return await reader.read()

print(uvloop.run(talk()).decode(), uvloop.loop.__file__)
"""
_LOADED_SEGMENT = 1
_MACHINE_AT = 18


def native(module: str) -> Path:
    """The shared library of a module that is installed here."""
    found = importlib.util.find_spec(module)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin)


def loaded(library: bytes) -> list[bytes]:
    """What the loader maps of it, in the order of its segments."""
    (at,), (each, number) = struct.unpack_from("<Q", library, 32), struct.unpack_from("<HH", library, 54)
    rows = [struct.unpack_from("<IIQQQQQQ", library, at + row * each) for row in range(number)]
    return [library[row[2] : row[2] + row[5]] for row in rows if row[0] == _LOADED_SEGMENT]


@pytest.mark.parametrize("module", ["uvloop.loop", "httptools.parser.parser", "yaml._yaml"])
def test_what_a_program_runs_stays_byte_for_byte_and_the_rest_goes(module: str) -> None:
    whole = native(module).read_bytes()
    less = stripped(whole)
    assert less is not None
    assert len(less) < len(whole) / 4
    assert b".debug_info" in whole
    (header, *rest), (header_before, *rest_before) = loaded(less), loaded(whole)
    assert rest == rest_before
    # The first segment holds the file's header, which says where the table of sections is.
    assert (header[:40], header[48:]) == (header_before[:40], header_before[48:])


def test_the_event_loop_runs_on_its_stripped_library(tmp_path: Path) -> None:
    shutil.copytree(native("uvloop.loop").parent, tmp_path / "uvloop")
    assert main([str(tmp_path)]) == 0
    library = tmp_path / "uvloop" / native("uvloop.loop").name
    assert library.stat().st_size < 2_500_000
    assert library.stat().st_mode == native("uvloop.loop").stat().st_mode
    assert not list(tmp_path.rglob("*.stripped"))
    ran = subprocess.run(
        [sys.executable, "-c", RUNS], env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["hello", str(library)]


def test_a_second_time_finds_nothing_to_take_out() -> None:
    less = stripped(native("uvloop.loop").read_bytes())
    assert less is not None
    assert stripped(less) is None


@pytest.mark.parametrize(
    "what", ["no library", "an object to be linked", "data behind it", "its end is missing", "32 bits"]
)
def test_what_is_built_otherwise_is_left_alone(what: str) -> None:
    whole = native("yaml._yaml").read_bytes()
    changed = {
        "no library": b"GROUP ( libc.so.6 )\n",
        "an object to be linked": whole[:16] + struct.pack("<H", 1) + whole[18:],
        "data behind it": whole + b"an archive that it reads itself",
        "its end is missing": whole[: len(whole) // 2],
        "32 bits": whole[:4] + b"\x01" + whole[5:],
    }[what]
    assert stripped(changed) is None


def test_a_library_that_cannot_be_loaded_afterwards_is_left_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = native("yaml._yaml").read_bytes()
    library = tmp_path / "of_another_machine.so"
    library.write_bytes(whole[:_MACHINE_AT] + struct.pack("<H", 8) + whole[_MACHINE_AT + 2 :])
    before = library.read_bytes()
    assert main([str(tmp_path)]) == 0
    assert library.read_bytes() == before
    assert list(tmp_path.iterdir()) == [library]
    assert f"{library} is left as it is" in capsys.readouterr().err
