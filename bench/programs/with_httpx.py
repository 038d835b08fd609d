"""confluent-kafka and httpx.AsyncClient, as most would write it."""

from __future__ import annotations

import httpx
import uvloop

from bench.programs.lanes import Lanes
from bench.programs.settings import Settings


async def main(settings: Settings) -> None:
    """Deliver until killed."""
    limits = httpx.Limits(max_connections=settings.in_flight, max_keepalive_connections=settings.in_flight)
    headers = {"Authorization": f"Token {settings.api_key}", "Content-Type": "application/json"}
    verify = httpx.create_ssl_context(verify=settings.ca_file or True)
    async with httpx.AsyncClient(limits=limits, headers=headers, verify=verify, timeout=30, trust_env=False) as client:

        async def send(body: bytes) -> int:
            return (await client.post(f"{settings.api_url}/v1/track", content=body)).status_code

        await Lanes(settings, send).run()


if __name__ == "__main__":
    uvloop.run(main(Settings.read()))
