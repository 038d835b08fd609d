"""``python -m bench``: all scenarios, or those named; prints a table, fails where a target is missed."""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bench import avro, backfill, delivery, filtering, letters, protobuf, registry, waiting
from bench.broker import broker
from bench.peers import Peer
from bench.runs import Bench, RunFailedError
from bench.session import Session
from bench.table import Row, printed

SCENARIOS: Mapping[str, Callable[[Session], Iterator[Row]]] = {
    "deliver": delivery.deliver,
    "tls": delivery.tls,
    "slow-api": delivery.slow_api,
    "filter": filtering.by_value,
    "filter-header": filtering.by_header,
    "mixed": filtering.one_in_twenty,
    "mapping": delivery.full_mapping,
    "latency": waiting.latency,
    "busy-user": waiting.one_busy_user,
    "backlog": waiting.backlog,
    "partitions": delivery.partitions,
    "start": waiting.start,
    "idle": waiting.idle,
    "dead-letters": letters.dead_letters,
    "backfill": backfill.write,
    "avro": avro.decoding,
    "protobuf": protobuf.decoding,
    "registry": registry.cost,
    "growth": delivery.growth,
}


def main() -> int:
    """The exit code: 0 when every target is met."""
    options = _parser().parse_args()
    unknown = [name for name in options.scenario if name not in SCENARIOS]
    if unknown:
        sys.stderr.write(f"there is no scenario {', '.join(unknown)}; there are {', '.join(SCENARIOS)}\n")
        return 2
    peers = [Peer(f"peer {number}", shlex.split(text)) for number, text in enumerate(options.peer_cmd, 1)]
    rows: list[Row] = []
    with broker() as kafka, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        sys.stderr.write(f"against {kafka.origin}\n")
        session = Session(
            Bench(kafka, Path(folder), kafka.empty(3)),
            repeat=options.repeat,
            scale=0.1 if options.quick else 1.0,
            peers=peers,
        )
        for name in options.scenario or SCENARIOS:
            session.say(f"-- {name}")
            try:
                rows += SCENARIOS[name](session)
            except RunFailedError as failed:
                session.say(f"{failed}")
                rows.append(Row(name, "THE RUN FAILED, see above", "nothing lost, repeated or reordered", met=False))
        where = f"{kafka.origin}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{time.strftime('%Y-%m-%d')}, {where}, {options.repeat} rounds{', --quick' if options.quick else ''}\n")
    print(printed(rows))
    return 0 if all(row.met for row in rows) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("scenario", nargs="*", help=f"of {', '.join(SCENARIOS)}; all without")
    parser.add_argument("--quick", action="store_true", help="a tenth of the sizes: to see that it works, not to judge")
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="rounds, of which the median counts")
    parser.add_argument(
        "--peer-cmd",
        action="append",
        default=[],
        metavar="COMMAND",
        help="another program for the deliver scenario; may be repeated. Its environment: see bench/peers.py",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
