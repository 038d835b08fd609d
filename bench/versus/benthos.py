"""Benthos, which is Redpanda Connect today: its last release under the MIT licence, built from its Go modules."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.support.kafka.jars import cache_folder

VERSION = "4.27.0"
MODULE = "github.com/benthosdev/benthos/v4"
BUILD_TIMEOUT = 3600.0
MAIN = f"""\
package main

import (
	"context"

	"{MODULE}/public/service"

	_ "{MODULE}/public/components/io"
	_ "{MODULE}/public/components/kafka"
	_ "{MODULE}/public/components/pure"
)

func main() {{ service.RunCLI(context.Background()) }}
"""
"""A program with the components that are compared, as its documentation has users build their own."""

AS_IT_COMES: Mapping[str, Any] = {}
"""Three more tries, 64 requests in flight, and what fails them all is sent again from the start."""
CAREFUL: Mapping[str, Any] = {"max_in_flight": 1, "retries": 10, "retry_period": "500ms", "drop_on": [400]}
"""One request at a time, because only that keeps the order; ten more tries; and a topic of dead letters."""


class BenthosUnavailableError(Exception):
    """One sentence: why it cannot be built here."""


def program() -> Path:
    """The program, built once into the user's cache. Raises `BenthosUnavailableError`."""
    built = cache_folder().parent / f"benthos-{VERSION}"
    if built.exists():
        return built
    if shutil.which("go") is None:
        raise BenthosUnavailableError("there is no go, which builds it")
    built.parent.mkdir(parents=True, exist_ok=True)
    with built.with_suffix(".lock").open("w") as lock, tempfile.TemporaryDirectory(dir=built.parent) as folder:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if built.exists():
            return built
        Path(folder, "go.mod").write_text("module versus\n\ngo 1.21\n")
        Path(folder, "main.go").write_text(MAIN)
        for step in (["get", f"{MODULE}@v{VERSION}"], ["mod", "tidy"], ["build", "-o", "benthos", "."]):
            _go(step, Path(folder))
        Path(folder, "benthos").rename(built)
    return built


def _go(step: list[str], folder: Path) -> None:
    answer = subprocess.run(
        ["go", *step], cwd=folder, capture_output=True, text=True, check=False, timeout=BUILD_TIMEOUT
    )
    if answer.returncode != 0:
        said = answer.stderr.strip().splitlines()
        raise BenthosUnavailableError(f"go {step[0]} failed: {said[-1] if said else 'it said nothing'}")


def command(scratch: Path, more: Mapping[str, Any], *, bootstrap: str, topic: str, letters: str, url: str) -> list[str]:
    """Write its configuration into `scratch`; the command line that starts it."""
    sent: dict[str, Any] = {
        "http_client": {
            "url": f"{url}/v1/track",
            "headers": {
                "Authorization": "Token NX-versus",
                "Content-Type": "application/json",
                "X-API-Version": "2020-09-22",
            },
            "timeout": "2s",
            **more,
        }
    }
    dead_letters = {"kafka_franz": {"seed_brokers": [bootstrap], "topic": letters}}
    config = {
        "http": {"enabled": False},
        "input": {
            "kafka_franz": {
                "seed_brokers": [bootstrap],
                "topics": [topic],
                "consumer_group": topic,
                "commit_period": "1s",
            }
        },
        "output": {"fallback": [sent, dead_letters]} if more else sent,
    }
    path = scratch / f"{topic}.benthos.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return [str(program()), "-c", str(path)]
