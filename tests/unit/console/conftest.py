from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.support.console.running import (
    LOCAL,
    TOKEN,
    ConsoleSetting,
    Opened,
    Visitor,
    configuration,
    console_of,
    logging_to,
)
from tests.support.log_output import LogOutput


@pytest.fixture
def setting(tmp_path: Path) -> ConsoleSetting:
    """On loopback, without a token."""
    return ConsoleSetting(configuration(tmp_path))


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    return path


@pytest.fixture
def with_token(setting: ConsoleSetting, token_file: Path) -> ConsoleSetting:
    setting.token = token_file
    return setting


@pytest.fixture
def logged() -> LogOutput:
    return LogOutput()


@pytest.fixture
def opened(logged: LogOutput) -> Opened:
    """A visitor of the console that a setting says."""

    @contextlib.contextmanager
    def open_(setting: ConsoleSetting, origin: str = LOCAL) -> Iterator[Visitor]:
        log = logging_to(logged)
        console = console_of(setting, log.logger)
        try:
            yield Visitor(TestClient(console.application, base_url=origin), origin)
        finally:
            console.close()
            logged.close(log)

    return open_


@pytest.fixture
def visitor(setting: ConsoleSetting, opened: Opened) -> Iterator[Visitor]:
    """Of a console on loopback without a token."""
    with opened(setting) as found:
        yield found


@pytest.fixture
def trusted(with_token: ConsoleSetting, opened: Opened) -> Iterator[Visitor]:
    """Of a console on loopback with one, which this visitor has shown."""
    with opened(with_token) as found:
        assert found.log_in().status_code == 303
        yield found
