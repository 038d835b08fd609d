"""confluent-kafka and aiohttp, as most would write it. aiohttp is no dependency: install it to have this baseline."""

from __future__ import annotations

import ssl

import aiohttp  # type: ignore[import-not-found,unused-ignore]  # optional
import uvloop

from bench.programs.lanes import Lanes
from bench.programs.settings import Settings


async def main(settings: Settings) -> None:
    """Deliver until killed."""
    tls = ssl.create_default_context(cafile=settings.ca_file)
    headers = {"Authorization": f"Token {settings.api_key}", "Content-Type": "application/json"}
    connector = aiohttp.TCPConnector(limit=settings.in_flight, ssl=tls)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def send(body: bytes) -> int:
            async with session.post(f"{settings.api_url}/v1/track", data=body) as answer:
                await answer.read()
                return int(answer.status)

        await Lanes(settings, send).run()


if __name__ == "__main__":
    uvloop.run(main(Settings.read()))
