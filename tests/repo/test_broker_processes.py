"""The test broker's launcher ends what a killed run left behind, and never anything else."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.kafka.launcher import sweep
from tests.support.kafka.processes import ProcessId, end


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """Something that runs for as long as nobody ends it."""
    with subprocess.Popen(["sleep", "600"]) as started:
        yield started
        started.kill()


def left_behind(runs: Path, owner: ProcessId, broker: ProcessId) -> Path:
    """What a run leaves on disk."""
    folder = runs / "run"
    (folder / "node-1").mkdir(parents=True)
    owner.save(folder / "owner")
    broker.save(folder / "node-1" / "pid")
    return folder


def test_the_broker_of_a_dead_run_is_ended_and_its_data_deleted(
    tmp_path: Path, process: subprocess.Popen[bytes]
) -> None:
    folder = left_behind(tmp_path, ProcessId(process.pid, "another time"), ProcessId.of(process.pid))
    sweep(tmp_path)
    assert process.wait(10) == -9
    assert not folder.exists()


def test_the_broker_of_a_living_run_is_left_alone(tmp_path: Path, process: subprocess.Popen[bytes]) -> None:
    folder = left_behind(tmp_path, ProcessId.of(process.pid), ProcessId.of(process.pid))
    sweep(tmp_path)
    assert process.poll() is None
    assert folder.exists()


def test_a_process_that_only_has_the_brokers_old_pid_is_never_signalled(
    tmp_path: Path, process: subprocess.Popen[bytes]
) -> None:
    gone = ProcessId(process.pid, "another time")
    left_behind(tmp_path, gone, gone)
    sweep(tmp_path)
    end(gone, grace=0.0)
    assert process.poll() is None


def test_a_finished_process_is_not_alive_even_before_it_was_waited_for(process: subprocess.Popen[bytes]) -> None:
    identity = ProcessId.of(process.pid)
    assert identity.alive()
    end(identity, grace=10.0)
    assert not identity.alive()
