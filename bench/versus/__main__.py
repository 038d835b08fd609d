"""``python -m bench.versus --connector aiven-http.jar --benthos``: the bridge beside two others that send by HTTP.

All read the same topics of a real Kafka, whose values are bodies of Track requests, and send to the same emulated API,
which answers after 20 ms. The jar is the connector's: from its release, or built from its sources; Kafka Connect itself
is fetched through Maven. Benthos is built from its Go modules, which takes minutes. Without them the bridge runs
alone.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from bench.broker import Broker, broker
from bench.versus import benthos, connect
from bench.versus.benthos import BenthosUnavailableError
from bench.versus.mishaps import MISHAPS
from bench.versus.runs import Outcome, Start, bridge_config, run
from tests.support.kafka.jars import JarsUnavailableError


def main() -> int:
    """0 when the table is printed; 2 where it cannot be."""
    parser = argparse.ArgumentParser(prog="python -m bench.versus", description=__doc__)
    parser.add_argument("--connector", type=Path, metavar="JAR", help="of Aiven's HTTP sink")
    parser.add_argument("--benthos", action="store_true", help="which is Redpanda Connect today; built with go")
    parser.add_argument("--events", type=int, default=3000, metavar="N")
    parser.add_argument("--only", type=int, nargs="+", metavar="N", help="these mishaps, counted from 0")
    given = parser.parse_args()
    if problem := _problem(given.connector, wants_benthos=given.benthos):
        sys.stderr.write(f"{problem}\n")
        return 2
    mishaps = [MISHAPS[number] for number in given.only] if given.only else MISHAPS
    outcomes: list[Outcome] = []
    with broker() as kafka, tempfile.TemporaryDirectory(prefix="versus-") as scratch:
        if not kafka.real:
            sys.stderr.write("there is no real Kafka here, which Kafka Connect needs\n")
            return 2
        programs: dict[str, Start] = {"track-bridge": partial(_bridge, kafka)}
        if given.connector:
            connector = given.connector.resolve()
            programs["Connect, as it comes"] = partial(_connect, kafka, connector, connect.DEFAULTS)
            programs["Connect, careful"] = partial(_connect, kafka, connector, connect.CAREFUL)
        if given.benthos:
            programs["Benthos, as it comes"] = partial(_benthos, kafka, benthos.AS_IT_COMES)
            programs["Benthos, careful"] = partial(_benthos, kafka, benthos.CAREFUL)
        for mishap in mishaps:
            for name, start in programs.items():
                outcomes.append(run(kafka, name, start, mishap, given.events, Path(scratch)))
                sys.stderr.write(f"{_line(outcomes[-1])}\n")
        print(f"{time.strftime('%Y-%m-%d')}, {kafka.origin}, {given.events:,} events of 200 users, 12 partitions\n")
    print("\n".join(map(_row, table(outcomes))))
    return 0


def _problem(connector: Path | None, *, wants_benthos: bool) -> str | None:
    """Why one of them cannot run here."""
    if connector and not connector.is_file():
        return f"--connector {connector}: there is no such file; name the jar of Aiven's HTTP sink"
    try:
        if connector:
            connect.jars()
        if wants_benthos:
            benthos.program()
    except JarsUnavailableError as error:
        return f"Kafka Connect cannot run here: {error}"
    except BenthosUnavailableError as error:
        return f"Benthos cannot be built here: {error}"
    return None


def _bridge(kafka: Broker, scratch: Path, topic: str, letters: str, url: str) -> list[str]:
    path = scratch / f"{topic}.yaml"
    bridge_config(path, kafka.bootstrap, topic, letters, url)
    return [sys.executable, "-m", "bridge", "run", "--config", str(path)]


def _connect(
    kafka: Broker, connector: Path, more: Mapping[str, str], scratch: Path, topic: str, letters: str, url: str
) -> list[str]:
    return connect.command(connector, scratch, more, bootstrap=kafka.bootstrap, topic=topic, letters=letters, url=url)


def _benthos(kafka: Broker, more: Mapping[str, object], scratch: Path, topic: str, letters: str, url: str) -> list[str]:
    return benthos.command(scratch, more, bootstrap=kafka.bootstrap, topic=topic, letters=letters, url=url)


def table(outcomes: Sequence[Outcome]) -> list[list[str]]:
    """A row for each mishap and a column for each program; below, what an event cost where nothing went wrong."""
    programs = list(dict.fromkeys(each.program for each in outcomes))
    found = {(each.mishap, each.program): each for each in outcomes}
    mishaps = list(dict.fromkeys(each.mishap for each in outcomes))
    rows = [["at the API", *programs], ["---" for _ in ("", *programs)]]
    rows += [[mishap, *(found[mishap, program].told() for program in programs)] for mishap in mishaps]
    if (calm := MISHAPS[0].name) in mishaps:
        usual = [found[calm, program] for program in programs]
        rows.append(["events in a second", *(f"{each.pace:,.0f}" for each in usual)])
        rows.append(["processor for an event", *(f"{each.micros:,.0f} µs" for each in usual)])
    return rows


def _line(outcome: Outcome) -> str:
    cost = f"{outcome.seconds:.1f} s, {outcome.micros:.0f} µs each"
    return f"{outcome.mishap}: {outcome.program}: {outcome.told()} in {cost}"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
