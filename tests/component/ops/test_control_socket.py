"""The control socket: who may use it, what it does with input that is none, and what it leaves behind."""

# ruff: noqa: ASYNC240  # a few files in a directory of its own, which no loop waits for
from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bridge.config.keys.control_socket import LONGEST
from bridge.ops.control import control_client, control_protocol
from bridge.ops.control.control_server import CannotServeError, ControlLimits, ControlServer
from tests.support.waiting import patience, until

QUICK = ControlLimits(connections=3, request_timeout=0.5)


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="control-", ignore_cleanup_errors=True) as name:
        yield Path(name)


class Handled:
    """Answers with what it was asked, and who asked."""

    def __init__(self) -> None:
        self.requests: list[Mapping[str, Any]] = []
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def answer(self, request: Mapping[str, Any], uid: int | None) -> Mapping[str, Any]:
        self.requests.append(request)
        await self.may_end.wait()
        return {"heard": request.get("word"), "uid": uid}


@pytest.fixture
def handled() -> Handled:
    return Handled()


@pytest.fixture
async def path(folder: Path, handled: Handled) -> AsyncIterator[Path]:
    server = ControlServer(folder / "s" / "c.sock", handled.answer, QUICK)
    await server.start()
    yield folder / "s" / "c.sock"
    await server.close()


async def ask(path: Path, within: float = 10.0, **request: Any) -> dict[str, Any]:
    return await asyncio.to_thread(control_client.ask, [path], request, within)


async def raw(path: Path, data: bytes, *, end: bool = False) -> bytes:
    """What comes back for these bytes until the server closes the connection."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(data)
    if end:
        writer.write_eof()
    async with patience(f"the answer to {data[:100]!r} ends", within=10):
        answer = await reader.read()
    writer.close()
    return answer


async def test_only_its_owner_can_enter_the_directory_and_the_kernel_says_who_asks(path: Path) -> None:
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    answer = await ask(path, word="hello")
    assert answer["heard"] == "hello"
    assert answer["uid"] == (os.getuid() if hasattr(socket, "SO_PEERCRED") else None)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user to try")
async def test_another_user_is_refused_even_where_the_directory_let_them_in(path: Path, handled: Handled) -> None:
    path.parent.chmod(0o755)
    path.parent.parent.chmod(0o755)
    path.chmod(0o666)
    script = (
        "import os, socket, sys; os.setuid(65534); s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
        " sys.stdout.buffer.write(s.recv(65536))"
    )
    process = await asyncio.create_subprocess_exec(
        "python3", "-c", script, str(path), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert b'"denied"' in out, err
    assert handled.requests == []


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root looks at the sockets of others, and can make them")


def listening(path: Path, *, folder: int, file: int, process: int) -> socket.socket:
    """A socket whose directory, file and process are of these users."""
    path.parent.mkdir(mode=0o700)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    os.chown(path, file, -1)
    os.chown(path.parent, folder, -1)
    os.seteuid(process)
    listener.listen(5)
    os.seteuid(0)
    return listener


NOBODY, SOMEBODY = 65534, 65533


@needs_root
@pytest.mark.parametrize(
    ("name", "owners"),
    [
        ("any", {"folder": NOBODY, "file": 0, "process": 0}),
        ("any", {"folder": 0, "file": NOBODY, "process": NOBODY}),
        ("any", {"folder": 0, "file": 0, "process": NOBODY}),
        ("track-bridge-0", {"folder": NOBODY, "file": NOBODY, "process": NOBODY}),
    ],
)
def test_root_asks_only_where_directory_socket_and_process_are_of_one_user(
    folder: Path, name: str, owners: dict[str, int]
) -> None:
    path = folder / name / "c.sock"
    with listening(path, **owners) as listener:
        listener.setblocking(False)
        with pytest.raises(control_client.NobodyThereError, match="uid"):
            control_client.ask([path], {"word": "hold"}, 0.2)


def test_a_socket_in_a_directory_that_others_may_write_is_not_asked(folder: Path) -> None:
    path = folder / "any" / "c.sock"
    uid = os.geteuid()
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(5)
        path.parent.chmod(0o777)
        assert path.lstat().st_uid == uid
        with pytest.raises(control_client.NobodyThereError, match="others may write"):
            control_client.ask([path], {"word": "hold"}, 0.2)


@needs_root
def test_root_is_told_of_several_bridges_of_others_and_none_of_them_is_asked(folder: Path) -> None:
    folder.chmod(0o755)
    paths = [folder / f"track-bridge-{uid}" / "c.sock" for uid in (NOBODY, SOMEBODY)]
    with (
        listening(paths[0], folder=NOBODY, file=NOBODY, process=NOBODY) as first,
        listening(paths[1], folder=SOMEBODY, file=SOMEBODY, process=SOMEBODY) as second,
    ):
        with pytest.raises(control_client.RefusedError) as refused:
            control_client.ask(paths, {"word": "hold"}, 0.2)
        assert all(str(path) in str(refused.value) for path in paths)
        for listener in (first, second):
            connection, _ = listener.accept()
            assert connection.recv(1) == b""
            connection.close()
        with pytest.raises(control_client.NoAnswerError):  # One of them alone is asked.
            control_client.ask([paths[0], folder / "gone"], {"word": "hold"}, 0.2)


@needs_root
async def test_roots_own_bridge_is_asked_whatever_others_have_made(folder: Path, path: Path, handled: Handled) -> None:
    strange = folder / "track-bridge-65534" / "c.sock"
    with listening(strange, folder=NOBODY, file=NOBODY, process=NOBODY):
        answer = await asyncio.to_thread(control_client.ask, [path, strange], {"word": "mine"}, 10.0)
    assert answer["heard"] == "mine"
    assert handled.requests[-1]["word"] == "mine"


async def test_offsets_of_300_partitions_with_long_maps_are_one_request(path: Path, handled: Handled) -> None:
    text = "m" * 3072
    moves = [
        {"partition": number, "expected": 2**40, "expected_map": text, "offset": 2**40 + 1, "map": text}
        for number in range(300)
    ]
    await ask(path, command="set", topic="t" * 249, moves=moves)
    assert handled.requests[-1]["moves"] == moves


async def test_more_than_a_bridge_takes_at_once_is_said_before_it_is_asked(path: Path, handled: Handled) -> None:
    with pytest.raises(control_client.RefusedError, match="name single partitions") as refused:
        await ask(path, moves=["x" * control_protocol.REQUEST_LIMIT])
    assert refused.value.kind == "usage"
    assert handled.requests == []


HOSTILE = {
    "an HTTP request": b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a length beyond the limit": control_protocol.HEAD.pack(control_protocol.REQUEST_LIMIT + 1),
    "the largest length": b"\xff\xff\xff\xff" + b"x" * 100,
    "nothing": control_protocol.HEAD.pack(0),
    "no JSON": control_protocol.HEAD.pack(4) + b'{"a"',
    "no UTF-8": control_protocol.HEAD.pack(4) + b"\xff\xfe\xfd\xfc",
    "a list": control_protocol.HEAD.pack(2) + b"[]",
    "brackets without end": control_protocol.HEAD.pack(100_000) + b"[" * 100_000,
    "another version": control_protocol.HEAD.pack(14) + b'{"version": 2}',
    "no version": control_protocol.HEAD.pack(2) + b"{}",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=list(HOSTILE))
async def test_what_is_no_request_is_refused_with_a_sentence_and_reaches_nobody(
    path: Path, handled: Handled, data: bytes
) -> None:
    answer = await raw(path, data)
    [size] = control_protocol.HEAD.unpack(answer[:4])
    assert size == len(answer) - 4
    assert json.loads(answer[4:])["error"] == "protocol"
    assert handled.requests == []
    assert (await ask(path, word="still there"))["heard"] == "still there"


@pytest.mark.parametrize("data", [b"", b"\0\0", control_protocol.HEAD.pack(50) + b"{"])
@pytest.mark.parametrize("end", [True, False])
async def test_half_a_request_is_given_up_in_time(path: Path, handled: Handled, data: bytes, end: bool) -> None:  # noqa: FBT001 - a case
    assert await raw(path, data, end=end) == b""
    assert handled.requests == []


async def test_strangers_that_hold_connections_are_bounded_and_go_by_themselves(path: Path) -> None:
    idle = [await asyncio.open_unix_connection(str(path)) for _ in range(QUICK.connections)]
    await asyncio.sleep(0.05)
    with pytest.raises(control_client.RefusedError, match="Too many connections") as refused:
        await ask(path, word="one more")
    assert refused.value.kind == "busy"
    for reader, _ in idle:
        assert await reader.read() == b""
    assert (await ask(path, word="now"))["heard"] == "now"
    for _, writer in idle:
        writer.close()


async def test_whoever_hangs_up_before_the_answer_harms_nobody(path: Path, handled: Handled) -> None:
    handled.may_end.clear()
    _, writer = await asyncio.open_unix_connection(str(path))
    writer.write(control_protocol.framed({"word": "bye"}))
    await until("the request is heard", lambda: bool(handled.requests), within=10)
    writer.close()
    handled.may_end.set()
    assert (await ask(path, word="next"))["heard"] == "next"


async def test_a_client_says_so_when_no_answer_comes_in_time(path: Path, handled: Handled) -> None:
    handled.may_end.clear()
    with pytest.raises(control_client.NoAnswerError, match="did not answer"):
        await ask(path, within=0.2, word="slow")


async def test_a_socket_that_a_killed_process_left_is_replaced(folder: Path, handled: Handled) -> None:
    folder.chmod(0o700)
    left = folder / "c.sock"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(left))
    dead.close()
    with pytest.raises(control_client.NobodyThereError):
        await ask(left, word="nobody")
    server = ControlServer(left, handled.answer)
    await server.start()
    assert (await ask(left, word="anew"))["heard"] == "anew"
    await server.close()
    assert list(folder.iterdir()) == []


async def test_the_socket_of_a_bridge_that_lives_is_left_alone(path: Path, handled: Handled) -> None:
    second = ControlServer(path, handled.answer)
    with pytest.raises(CannotServeError, match="another bridge answers"):
        await second.start()
    await second.close()
    assert (await ask(path, word="first"))["heard"] == "first"
    assert [each.name for each in path.parent.iterdir()] == ["c.sock"]


async def test_what_is_no_socket_or_no_directory_of_its_own_is_left_alone(folder: Path, handled: Handled) -> None:
    file = folder / "file"
    file.write_text("precious")
    folder.chmod(0o700)
    with pytest.raises(CannotServeError, match="is no socket"):
        await ControlServer(file, handled.answer).start()
    assert file.read_text() == "precious"
    with pytest.raises(CannotServeError, match="is no directory"):
        await ControlServer(file / "c.sock", handled.answer).start()
    (folder / "link").symlink_to(folder)
    with pytest.raises(CannotServeError, match="is no directory"):
        await ControlServer(folder / "link" / "c.sock", handled.answer).start()
    folder.chmod(0o750)
    with pytest.raises(CannotServeError, match="mode 0750"):
        await ControlServer(folder / "c.sock", handled.answer).start()
    with pytest.raises(CannotServeError, match="cannot be made"):
        await ControlServer(folder / "no" / "such" / "c.sock", handled.answer).start()


async def test_the_longest_path_that_the_configuration_allows_can_be_made(folder: Path, handled: Handled) -> None:
    folder.chmod(0o700)
    path = folder / ("x" * (LONGEST - len(str(folder)) - 1))
    assert len(str(path)) == LONGEST
    server = ControlServer(path, handled.answer)
    await server.start()
    assert (await ask(path, word="long"))["heard"] == "long"
    await server.close()


async def test_a_path_that_is_too_long_is_a_sentence(folder: Path, handled: Handled) -> None:
    folder.chmod(0o700)
    with pytest.raises(CannotServeError, match="bytes long"):
        await ControlServer(folder / ("x" * 110), handled.answer).start()
