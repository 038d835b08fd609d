"""The programs that are compared."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Peer:
    """A program that delivers a topic to the API.

    All but the bridge are told by environment variables: ``BOOTSTRAP``, ``TOPIC``, ``GROUP``, ``API_URL``, ``API_KEY``,
    ``IN_FLIGHT``, ``MAPPED_TYPE``, and where it matters ``CA_FILE`` and ``TYPE_HEADER``. Each event must become a
    request with its ``user_id`` and, in the metadata, its id as ``event_id``: the stub checks by these.
    """

    name: str
    command: Sequence[str]
    share: float = 1.0
    """The part of a load it gets, so that a slow one does not take an hour."""


def _module(name: str) -> tuple[str, ...]:
    return (sys.executable, "-m", name)


BRIDGE = Peer("bridge", (*_module("bridge"), "run"))
FLOOR = Peer("floor", _module("bench.programs.floor"))
BARE = Peer("bare poll and write", _module("bench.programs.bare"))
"""For latencies: the floor polls in batches, and waits for them."""
LOOP = Peer("bare consume and decode", _module("bench.programs.loop"))
"""For what is filtered: one thread, and nothing but what every program must do that reads a type in a value."""
HTTPX = Peer("confluent-kafka + httpx", _module("bench.programs.with_httpx"), 0.02)
AIOHTTP = Peer("confluent-kafka + aiohttp", _module("bench.programs.with_aiohttp"), 0.2)


def libraries() -> list[Peer]:
    """The client-library baselines that can run here."""
    return [HTTPX, *([AIOHTTP] if importlib.util.find_spec("aiohttp") else [])]
