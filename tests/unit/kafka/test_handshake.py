"""What a broker's certificate is found to suffer from."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from bridge.kafka.handshake import certificate_out_of_time

AUTHORITY = trustme.CA()


@contextmanager
def broker(days: tuple[int, int], name: str = "127.0.0.1") -> Iterator[str]:
    """Shakes hands, with a certificate of these days counted from today, and does nothing else."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    begins, ends = (datetime.now(UTC) + timedelta(days=each) for each in days)
    AUTHORITY.issue_cert(name, not_before=begins, not_after=ends).configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with suppress(OSError), context.wrap_socket(connection, server_side=True) as shaken:
                        shaken.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.fixture
def authority(tmp_path: Path) -> dict[str, str]:
    path = tmp_path / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(str(path))
    return {"ssl.ca.location": str(path)}


@pytest.mark.parametrize(("days", "why"), [((-3, -1), "has expired"), ((1, 3), "is not valid yet")])
def test_a_certificate_out_of_its_time_is_told_with_the_broker_that_shows_it(
    authority: dict[str, str], days: tuple[int, int], why: str
) -> None:
    with ExitStack() as stack:
        well, ill = stack.enter_context(broker((-1, 1))), stack.enter_context(broker(days))
        told = certificate_out_of_time(f"{well}, {ill}", authority)
    assert told is not None
    assert told.startswith(f"the certificate of {ill} {why}")


def test_whoever_passes_the_authority_as_text_is_told_as_well() -> None:
    with broker((-3, -1)) as address:
        told = certificate_out_of_time(address, {"ssl.ca.pem": AUTHORITY.cert_pem.bytes().decode()})
    assert told is not None
    assert "has expired" in told


@pytest.mark.parametrize(
    ("days", "properties"),
    [((-1, 1), {}), ((-1, 1), {"ssl.ca.location": "/nowhere/ca.pem"}), ((-1, 1), {"ssl.ca.pem": "no certificate"})],
    ids=["an unknown authority", "no such file", "no certificate"],
)
def test_anything_else_is_left_to_the_clients_own_words(days: tuple[int, int], properties: dict[str, str]) -> None:
    with broker(days) as address:
        assert certificate_out_of_time(address, properties) is None


@pytest.mark.parametrize(
    "servers", ["127.0.0.1:1", "localhost:port", "[::1]:1", "nobody.invalid", "a..b:1", "h:99999999", ":", ""]
)
def test_brokers_that_cannot_be_reached_are_no_finding(authority: dict[str, str], servers: str) -> None:
    assert certificate_out_of_time(servers, authority) is None
