"""What ends a command that goes on until it is told to stop."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from bridge import terminal


@pytest.fixture
def ignored() -> Iterator[None]:
    """As ``nohup`` leaves it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def usual() -> Iterator[None]:
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("usual")
def test_the_end_of_its_terminal_ends_a_command_as_ctrl_c_does() -> None:
    assert set(terminal.ends()) == {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


@pytest.mark.usefixtures("ignored")
def test_under_nohup_it_does_not() -> None:
    assert set(terminal.ends()) == {signal.SIGINT, signal.SIGTERM}
