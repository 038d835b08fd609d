"""What the image weighs and how long it takes to start, measured inside it."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.image.containers import script
from tests.image.engine import Engine

CONFIGURATION = """\
kafka: {bootstrap_servers: "127.0.0.1:1", group_id: g, topics: [orders], start_from: earliest}
track: {endpoint: "http://127.0.0.1:1", api_key: NX-none}
dead_letter: {topic: g.dlq}
mapping: {user_id: data.user, events: {order.completed: {event_name: Order Completed}}}
"""
"""Enough for a start; nothing listens there."""
STARTS = {
    "track-bridge --version": ("--version",),
    "track-bridge check --offline": ("check", "--offline"),
    "track-bridge run, to its first log line": ("run",),
}
_PROBE = """
import json, os, resource, subprocess, time

def started(arguments):
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen(["track-bridge", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout.readline(), arguments
    if arguments != ["run"]:
        process.stdout.read()
        assert process.wait() == 0, arguments
    seconds = time.monotonic() - began
    process.kill()
    process.communicate()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

print(json.dumps([[started(arguments) for _ in range(%d)] for arguments in %s]))
"""


@dataclass(frozen=True, slots=True)
class Start:
    """How long one command takes, in seconds: the best of a few, so that a busy machine counts least."""

    command: str
    wall: float
    cpu: float


def starts(engine: Engine, image: str, folder: Path, times: int = 5) -> list[Start]:
    """Every kind of start. `folder` takes the configuration that the container is shown."""
    (folder / "bridge.yaml").write_text(CONFIGURATION)
    source = _PROBE % (times, json.dumps([list(arguments) for arguments in STARTS.values()]))
    printed = script(engine, image, source, "--volume", f"{folder}:/etc/track-bridge:ro")
    return [
        Start(command, *(min(column) for column in zip(*measured, strict=True)))
        for command, measured in zip(STARTS, json.loads(printed), strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Weight:
    """Bytes of some layers."""

    unpacked: int
    """Of their archives, as an engine unpacks them."""
    compressed: int
    """As a registry keeps them and a node fetches them (gzip)."""


def weight(layers: Sequence[bytes]) -> Weight:
    """Of these archives together."""
    return Weight(sum(map(len, layers)), sum(len(gzip.compress(layer, compresslevel=6, mtime=0)) for layer in layers))


def layers_below(engine: Engine, image: str) -> int:
    """How many layers an image has that another one stands on."""
    return len(json.loads(engine.run("image", "inspect", "--format", "{{json .RootFS.Layers}}", image)))


def saved_layers(engine: Engine, image: str, folder: Path) -> list[bytes]:
    """The archive of every layer, from the bottom up."""
    archive = folder / "image.tar"
    engine.run("save", "--output", str(archive), image)
    with tarfile.open(archive) as saved:
        (manifest,) = json.load(_member(saved, "manifest.json"))
        layers = [_member(saved, name).read() for name in manifest["Layers"]]
    archive.unlink()
    return layers


def _member(saved: tarfile.TarFile, name: str) -> io.BufferedReader:
    found = saved.extractfile(name)
    assert isinstance(found, io.BufferedReader), name
    return found
