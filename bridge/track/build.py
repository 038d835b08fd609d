"""Choosing and building the sink and its key from the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.config.sections import Track
from bridge.pipeline.ports import AttemptT
from bridge.track.credentials import ApiKey, FixedKey, KeyFile
from bridge.track.direct import DirectSink
from bridge.track.request import Endpoint
from bridge.track.tls import client_context

if TYPE_CHECKING:
    from bridge.track.httpx_sink import HttpxSink


def build_credentials(track: Track) -> ApiKey:
    """The key file if set, else the fixed key. Raises `KeyFileError`, and `ValueError` for a key that is none."""
    if track.api_key_file is not None:
        return KeyFile(track.api_key_file)
    if track.api_key is None:
        raise ValueError("neither track.api_key_file nor track.api_key is set")
    return FixedKey(track.api_key.get_secret_value())


def build_sink(
    track: Track, *, max_in_flight: int, credentials: ApiKey, proxy: str | None = None
) -> DirectSink[AttemptT] | HttpxSink[AttemptT]:
    """The sink `track.client` asks for, of whatever carries a request; `start` it with the answers' receiver.

    `proxy` is the URL of the proxy that the environment sets for this endpoint, if any; ``auto`` takes httpx then, and
    ``direct`` goes past it. Raises `CaFileError`, and `ProxyError`.
    """
    endpoint = Endpoint.parse(track.endpoint)
    tls, max_age = client_context(track.ca_file), track.connection_max_age
    if track.client == "httpx" or (track.client == "auto" and proxy):
        from bridge.track.httpx_sink import HttpxSink  # noqa: PLC0415 - a tenth of the start, and few need it

        return HttpxSink(endpoint, credentials, timeout=track.timeout, tls=tls, proxy=proxy, max_age=max_age)
    return DirectSink(
        endpoint, credentials, timeout=track.timeout, max_in_flight=max_in_flight, tls=tls, max_age=max_age
    )
