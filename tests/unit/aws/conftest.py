"""A process that has nothing of AWS but what a test gives it."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.support.aws import Aws


@pytest.fixture
def aws(nothing_of_aws: None) -> Iterator[Aws]:
    del nothing_of_aws
    served = Aws()
    yield served
    served.close()


@pytest.fixture
def nothing_of_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    """Whatever the machine of the test has."""
    import os  # noqa: PLC0415 - the names are the machine's

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", f"{tmp_path}/config")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", f"{tmp_path}/credentials")


@pytest.fixture
def hanging() -> Iterator[str]:
    """The URL of somebody who takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
