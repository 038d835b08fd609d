"""A small shop whose domain events keep coming, for trying the bridge out on a Kafka of its own::

    python -m bridge.sandbox.shop topics kafka:9092             creates its topics where they are missing
    python -m bridge.sandbox.shop events kafka:9092 --rate 5    writes events into them until SIGINT or SIGTERM

Exit codes: 0 done, 3 the brokers do not answer or refuse.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from bridge.errors import Unreachable
from bridge.sandbox.feed import Feed
from bridge.sandbox.sample import TOPICS, endless
from bridge.text.amounts import thousands

_CONNECTING: Final = 5.0
_PATIENCE: Final = 30.0
"""Seconds the brokers may take to create a topic."""
_LOOK: Final = 0.5
"""Seconds between two looks at whether writing still works."""


class ShopError(Unreachable):
    """The brokers do not let it do what it is for; the message is one sentence."""


def create_topics(bootstrap: str) -> list[str]:
    """Create what is missing; the names of those created. Raises `ShopError`."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    try:
        admin.list_topics(timeout=_CONNECTING)
    except KafkaException as error:
        raise ShopError(f"no broker of {bootstrap} answers: {error.args[0].str()}") from error
    wanted = [NewTopic(name, partitions, -1) for name, partitions in TOPICS.items()]
    created = []
    for name, answer in admin.create_topics(wanted, request_timeout=_PATIENCE).items():
        try:
            answer.result(_PATIENCE)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise ShopError(f"topic {name} could not be created at {bootstrap}: {error.args[0].str()}") from error
        else:
            created.append(name)
    return created


def write_events(bootstrap: str, rate: float, stop: threading.Event) -> int:
    """Write `rate` events a second until told to stop; how many the brokers have. Raises `ShopError`."""
    with Feed({"bootstrap.servers": bootstrap}, endless(), rate, may_go=lambda: True) as feed:
        while not stop.wait(_LOOK):
            if feed.failure:
                raise ShopError(f"{feed.failure} (brokers: {bootstrap})")
        return feed.sent


def main(arguments: Sequence[str]) -> int:
    """Carry out one of the two; the exit code."""
    given = _parser().parse_args(arguments)
    try:
        if given.action == "topics":
            created = create_topics(given.bootstrap)
            _say(f"created: {', '.join(created)}" if created else "every topic is there")
        else:
            stop = threading.Event()
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: stop.set())
            _say(f"{given.rate:g} events a second into {', '.join(TOPICS)}")
            _say(f"{thousands(write_events(given.bootstrap, given.rate, stop))} events were written")
    except ShopError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bridge.sandbox.shop", description="A small shop's domain events.")
    actions = parser.add_subparsers(dest="action", required=True)
    for name, what in (("topics", "create its topics where they are missing"), ("events", "write until told to stop")):
        action = actions.add_parser(name, help=what)
        action.add_argument("bootstrap", metavar="HOST:PORT", help="a broker")
        if name == "events":
            action.add_argument("--rate", type=float, default=5.0, help="events a second (default 5)")
    return parser


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
