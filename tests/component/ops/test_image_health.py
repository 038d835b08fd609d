"""The image's HEALTHCHECK, as it stands in the Dockerfile, against the server it asks."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from http import HTTPStatus
from pathlib import Path

import pytest

from bridge.ops.admin.server import AdminServer, PageResponse

DOCKERFILE = Path(__file__).parents[3] / "Dockerfile"


def command(port: int) -> list[str]:
    """What the engine would run, by this interpreter and with this port in place of the default."""
    text = DOCKERFILE.read_text().replace("\\\n", "")
    (line,) = re.findall(r"^HEALTHCHECK .*?CMD (\[.+\])$", text, re.MULTILINE)
    assert "9464" in line
    return [sys.executable, *json.loads(line.replace("9464", str(port)))[1:]]


async def verdict(port: int) -> int:
    check = await asyncio.create_subprocess_exec(*command(port), stderr=asyncio.subprocess.DEVNULL)
    return await check.wait()


@pytest.mark.parametrize(
    ("status", "expected"), [(HTTPStatus.OK, 0), (HTTPStatus.SERVICE_UNAVAILABLE, 1), (HTTPStatus.NOT_FOUND, 1)]
)
async def test_the_container_is_healthy_exactly_while_livez_says_so(status: HTTPStatus, expected: int) -> None:
    server = AdminServer({"/livez": lambda _accept: PageResponse(b"", status=status)})
    _, port = await server.start("127.0.0.1", 0)
    try:
        assert await verdict(port) == expected
    finally:
        await server.close()


async def test_the_container_is_unhealthy_while_nobody_listens() -> None:
    server = AdminServer({})
    _, port = await server.start("127.0.0.1", 0)
    await server.close()
    assert await verdict(port) == 1
